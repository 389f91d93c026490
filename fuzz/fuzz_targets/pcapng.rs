//! Fuzzes `pxelator_fuzz::pcapng`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::pcapng(data));
