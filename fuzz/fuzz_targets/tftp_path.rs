//! Fuzzes `pxelator_fuzz::tftp_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::tftp_path(data));
