//! See `counterfoil_fuzz::jws`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::jws::run(data));
