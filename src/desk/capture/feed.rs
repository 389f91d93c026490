//! Packets on their way into a pipe whose reader may be slow, or stop: it holds nothing up, and what has no room is counted.

use crate::packet::{Frame, pcapng::Writer};
use std::io::{self, ErrorKind, Write};

/// Bytes that may wait for the reader.
const ROOM: usize = 8 << 20;

/// A pipe that does not block.
pub struct Feed<W> {
    to: W,
    pending: Writer<Vec<u8>>,
    /// Packets that went in.
    pub passed: u64,
    /// Packets that had no room.
    pub dropped: u64,
}

impl<W: Write> Feed<W> {
    /// Begins a pcapng stream about an interface's packets.
    pub fn new(to: W, interface: &str, comment: &str) -> io::Result<Feed<W>> {
        let mut pending = Writer::begin(Vec::new(), interface, comment)?;
        pending.flush()?;
        Ok(Feed { to, pending, passed: 0, dropped: 0 })
    }

    /// Takes a packet, or drops it where the reader is too far behind.
    pub fn add(&mut self, frame: &Frame) {
        let has_room = self.waiting() + frame.data.len() <= ROOM;
        match has_room && self.pending.packet(frame).is_ok() && self.pending.flush().is_ok() {
            true => self.passed += 1,
            false => self.dropped += 1,
        }
    }

    /// Bytes that wait.
    pub fn waiting(&mut self) -> usize {
        self.pending.get_mut().len()
    }

    /// Writes what the reader takes now. An error is the end of it.
    pub fn flush(&mut self) -> io::Result<()> {
        let (mut written, pending) = (0, self.pending.get_mut());
        let outcome = loop {
            let Some(rest) = pending.get(written..).filter(|rest| !rest.is_empty()) else { break Ok(()) };
            match self.to.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        pending.drain(..written);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// A pipe that takes so many bytes.
    struct Pipe {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for &mut Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.room -= count;
            self.taken.extend(&bytes[..count]);
            Ok(count)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stops_costs_packets_and_nothing_else() {
        let data = Bytes::from(vec![1; 60_000]);
        let frame = Frame { time: jiff::Timestamp::UNIX_EPOCH, length: 60_000, data, comments: Vec::new() };
        let mut pipe = Pipe { room: 100_000, taken: Vec::new() };
        let mut feed = Feed::new(&mut pipe, "br0", "web1").unwrap();
        for _ in 0..1000 {
            feed.add(&frame);
            feed.flush().unwrap();
        }
        assert!(feed.waiting() <= ROOM && feed.dropped > 800, "{} {}", feed.waiting(), feed.dropped);
        assert_eq!(feed.passed + feed.dropped, 1000);
        let passed = feed.passed;
        feed.to.room = usize::MAX;
        feed.flush().unwrap();
        assert_eq!(feed.waiting(), 0);
        let read = crate::packet::pcapng::parse(&pipe.taken.into()).unwrap().frames;
        assert!(read.iter().all(|frame| frame.data.len() == 60_000), "every packet is whole");
        assert_eq!(read.len() as u64, passed);
    }
}
