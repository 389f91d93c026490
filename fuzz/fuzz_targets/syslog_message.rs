//! Fuzzes `pxelator_fuzz::syslog_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::syslog_message(data));
