//! See `counterfoil_fuzz::jwk_set`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::jwk_set::run(data));
