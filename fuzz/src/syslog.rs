//! Syslog messages and the cutting of a stream into them.

use super::is_printable;
use bytes::BytesMut;
use pxelator::{
    event::{Event, Fact},
    servers::syslog::{Frames, read},
};
use tokio_util::codec::Decoder;

/// One message.
pub fn syslog_message(data: &[u8]) {
    match read(data) {
        Ok(fact) => {
            let Fact::SyslogReceived { tag, host, text, .. } = &fact else { panic!("{fact:?}") };
            assert!([tag, host].into_iter().flatten().chain([text]).all(|text| is_printable(text)), "{fact:?}");
            let event = Event::new(None, fact);
            let json = serde_json::to_string(&event).expect("an event is JSON");
            assert_eq!(serde_json::from_str::<Event>(&json).expect("and back"), event);
        }
        Err(error) => assert!(is_printable(&error)),
    }
}

/// A stream: how many bytes come at once, then the bytes. Cut or whole it is the same messages.
pub fn syslog_frames(data: &[u8]) {
    let Some((&size, stream)) = data.split_first() else { return };
    let whole = cut(stream, stream.len().max(1));
    assert_eq!(cut(stream, usize::from(size).max(1)), whole);
    let bytes: usize = whole.0.iter().map(Vec::len).sum();
    assert!(bytes <= stream.len());
}

/// The messages, and the error that ended them.
fn cut(stream: &[u8], at_once: usize) -> (Vec<Vec<u8>>, Option<String>) {
    let (mut frames, mut buffer, mut found) = (Frames::default(), BytesMut::new(), Vec::new());
    for part in stream.chunks(at_once) {
        buffer.extend_from_slice(part);
        loop {
            match frames.decode(&mut buffer) {
                Ok(Some(frame)) => found.push(frame.to_vec()),
                Ok(None) => break,
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }
    loop {
        match frames.decode_eof(&mut buffer) {
            Ok(Some(frame)) => found.push(frame.to_vec()),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error.to_string())),
        }
    }
}
