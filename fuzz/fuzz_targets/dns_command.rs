//! Fuzzes `pxelator_fuzz::dns_command`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::dns_command(data));
