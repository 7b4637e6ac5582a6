//! See `counterfoil_fuzz::distinguished_name`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::distinguished_name::run(data));
