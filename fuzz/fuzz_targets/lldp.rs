//! Fuzzes `pxelator_fuzz::lldp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::lldp(data));
