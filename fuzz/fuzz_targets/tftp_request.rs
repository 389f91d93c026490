//! Fuzzes `pxelator_fuzz::tftp_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::tftp_request(data));
