//! Packets on their way into a pipe whose reader may be slow, or stop: it holds nothing up, and what has no room is counted.

use crate::packet::{Frame, pcap};
use std::io::{self, ErrorKind, Write};

/// Bytes that may wait for the reader.
const ROOM: usize = 8 << 20;

/// A pipe that does not block.
pub struct Feed<W> {
    to: W,
    pending: Vec<u8>,
    /// Packets that went in.
    pub passed: u64,
    /// Packets that had no room.
    pub dropped: u64,
}

impl<W: Write> Feed<W> {
    /// Begins a pcap stream.
    pub fn new(to: W) -> Feed<W> {
        Feed { to, pending: pcap::head(), passed: 0, dropped: 0 }
    }

    /// Takes a packet, or drops it where the reader is too far behind.
    pub fn add(&mut self, frame: &Frame) {
        if self.pending.len() + frame.data.len() > ROOM {
            self.dropped += 1;
            return;
        }
        pcap::write(frame, &mut self.pending);
        self.passed += 1;
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Writes what the reader takes now. An error is the end of it.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        let outcome = loop {
            let Some(rest) = self.pending.get(written..).filter(|rest| !rest.is_empty()) else { break Ok(()) };
            match self.to.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.pending.drain(..written);
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
        let mut feed = Feed::new(&mut pipe);
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
        let mut reader = pcap_file::pcap::PcapReader::new(&pipe.taken[..]).unwrap();
        let mut read = 0;
        while let Some(packet) = reader.next_packet() {
            assert_eq!(packet.unwrap().data.len(), 60_000, "every packet is whole");
            read += 1;
        }
        assert_eq!(read, passed);
    }
}
