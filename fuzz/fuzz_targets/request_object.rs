//! See `counterfoil_fuzz::request_object`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::request_object::run(data));
