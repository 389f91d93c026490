//! Fuzzes `pxelator_fuzz::filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::filter(data));
