//! Cuts a TCP stream into syslog messages: octet counting and newlines (RFC 6587, section 3.4).

use bytes::{Buf, Bytes, BytesMut};
use std::io;
use tokio_util::codec::Decoder;

/// The longest message in bytes; a longer line is cut there, a longer count ends the connection.
const LONGEST: usize = 64 << 10;

/// The cutter; one stream may use both ways.
#[derive(Default)]
pub struct Frames {
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
}

impl Decoder for Frames {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, stream: &mut BytesMut) -> io::Result<Option<Bytes>> {
        if self.skipping {
            match stream.iter().position(|byte| *byte == b'\n') {
                Some(end) => stream.advance(end + 1),
                None => {
                    stream.clear();
                    return Ok(None);
                }
            }
            self.skipping = false;
        }
        while stream.first().is_some_and(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            stream.advance(1);
        }
        match stream.first() {
            None => Ok(None),
            Some(b'1'..=b'9') => self.counted(stream),
            Some(_) => Ok(self.line(stream)),
        }
    }

    fn decode_eof(&mut self, stream: &mut BytesMut) -> io::Result<Option<Bytes>> {
        match self.decode(stream)? {
            // A last line needs no newline.
            None if !stream.is_empty() && !self.skipping => Ok(Some(stream.split().freeze())),
            other => Ok(other),
        }
    }
}

impl Frames {
    fn counted(&mut self, stream: &mut BytesMut) -> io::Result<Option<Bytes>> {
        let digits = stream.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if digits > 6 {
            return wrong(format!("a length of more than six digits; expected at most {LONGEST}"));
        }
        match stream.get(digits) {
            None => return Ok(None),
            Some(b' ') => {}
            // A line that begins with a digit.
            Some(_) => return Ok(self.line(stream)),
        }
        let length: usize =
            std::str::from_utf8(&stream[..digits]).ok().and_then(|d| d.parse().ok()).unwrap_or(usize::MAX);
        if length > LONGEST {
            return wrong(format!("a message of {length} bytes; expected at most {LONGEST}"));
        }
        if stream.len() < digits + 1 + length {
            return Ok(None);
        }
        stream.advance(digits + 1);
        Ok(Some(stream.split_to(length).freeze()))
    }

    fn line(&mut self, stream: &mut BytesMut) -> Option<Bytes> {
        match stream.iter().take(LONGEST).position(|byte| *byte == b'\n') {
            Some(end) => Some(stream.split_to(end + 1).freeze()),
            None if stream.len() >= LONGEST => {
                self.skipping = true;
                Some(stream.split_to(LONGEST).freeze())
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(bytes: &[u8]) -> Vec<Result<String, String>> {
        let (mut frames, mut stream, mut found) = (Frames::default(), BytesMut::from(bytes), Vec::new());
        loop {
            match frames.decode_eof(&mut stream) {
                Ok(Some(frame)) => found.push(Ok(String::from_utf8_lossy(&frame).trim_end().to_owned())),
                Ok(None) => return found,
                Err(error) => {
                    found.push(Err(error.to_string()));
                    return found;
                }
            }
        }
    }

    #[test]
    fn both_ways_in_one_stream() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(cut(b"<1>a\n<2>b\r\n6 <3>c\ndd<4>e"), [ok("<1>a"), ok("<2>b"), ok("<3>c\nd"), ok("d<4>e")]);
        assert!(cut(b"9999999 x")[0].as_ref().unwrap_err().contains("six digits"));
        assert!(cut(b"99999 x")[0].as_ref().unwrap_err().contains("99999 bytes"));
        let long = vec![b'x'; LONGEST + 10];
        let cut_line = cut(&[&long[..], b"\n<1>next\n"].concat());
        assert_eq!((cut_line[0].as_ref().unwrap().len(), &cut_line[1]), (LONGEST, &ok("<1>next")));
    }
}
