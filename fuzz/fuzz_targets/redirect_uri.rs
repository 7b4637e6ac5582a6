//! See `counterfoil_fuzz::redirect_uri`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::redirect_uri::run(data));
