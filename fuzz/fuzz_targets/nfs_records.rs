//! Fuzzes `pxelator_fuzz::nfs_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pxelator_fuzz::nfs_records(data));
