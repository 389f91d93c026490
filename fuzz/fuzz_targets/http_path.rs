//! Fuzzes `pxelator_fuzz::http_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::http_path(data));
