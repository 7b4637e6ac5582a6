//! See `counterfoil_fuzz::logo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::logo::run(data));
