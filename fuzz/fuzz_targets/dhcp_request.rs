//! Fuzzes `pxelator_fuzz::dhcp_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::dhcp_request(data));
