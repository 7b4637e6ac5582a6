//! See `counterfoil_fuzz::record`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::record::run(data));
