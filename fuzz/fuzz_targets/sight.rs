//! Fuzzes `pxelator_fuzz::sight`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::sight(data));
