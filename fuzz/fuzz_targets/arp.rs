//! Fuzzes `pxelator_fuzz::arp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::arp(data));
