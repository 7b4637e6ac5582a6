//! See `counterfoil_fuzz::handle`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::handle::run(data));
