//! Fuzzes `pxelator_fuzz::mdns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::mdns(data));
