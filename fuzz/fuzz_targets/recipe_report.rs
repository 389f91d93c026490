//! Fuzzes `pxelator_fuzz::recipe_report`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::recipe_report(data));
