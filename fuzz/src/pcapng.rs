//! Files of packets, which may come from anywhere.

use bytes::Bytes;
use pxelator::packet::pcapng;

/// A whole file. What is read of it, written anew, is read as the same.
pub fn pcapng(data: &[u8]) {
    let Ok(contents) = pcapng::parse(&Bytes::copy_from_slice(data)) else { return };
    assert!(contents.whole <= data.len());
    let before_epoch = contents.frames.iter().any(|frame| frame.time.as_nanosecond() < 0);
    let beyond = contents.frames.iter().any(|frame| u64::try_from(frame.time.as_nanosecond()).is_err());
    let long = contents.frames.iter().flat_map(|frame| &frame.comments).any(|comment| comment.len() > 4_000);
    if before_epoch || beyond || long {
        return;
    }
    let mut file = Vec::new();
    let mut writer = pcapng::Writer::begin(&mut file, "fuzz", "again").expect("memory takes all");
    contents.frames.iter().for_each(|frame| writer.packet(frame).expect("memory takes all"));
    writer.flush().expect("memory takes all");
    let again = pcapng::parse(&file.into()).expect("what is written can be read");
    assert_eq!(again.frames, contents.frames);
}
