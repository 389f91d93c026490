//! Fuzzes `pxelator_fuzz::conf_value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::conf_value(data));
