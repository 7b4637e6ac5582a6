//! See `counterfoil_fuzz::client_cert`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::client_cert::run(data));
