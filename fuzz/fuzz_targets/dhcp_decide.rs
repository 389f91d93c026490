//! Fuzzes `pxelator_fuzz::dhcp_decide`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::dhcp_decide(data));
