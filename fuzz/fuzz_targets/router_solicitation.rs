//! Fuzzes `pxelator_fuzz::router_solicitation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::router_solicitation(data));
