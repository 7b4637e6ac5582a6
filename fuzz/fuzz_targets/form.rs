//! See `counterfoil_fuzz::form`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::form::run(data));
