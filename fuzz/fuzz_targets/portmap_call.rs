//! Fuzzes `pxelator_fuzz::portmap_call`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::portmap_call(data));
