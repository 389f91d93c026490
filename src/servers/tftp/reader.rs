//! What async-tftp reads a transfer from; it tells the meter how far it is and how it ended.

use crate::servers::meter::Meter;
use futures_util::io::AsyncRead;
use std::{
    fs::File,
    io::{self, Cursor, Read},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// A transfer whose last block was read and that lives on this long has a client that no longer acknowledges.
const SILENT: Duration = Duration::from_secs(5);

/// The bytes of a transfer.
pub enum Source {
    File(File),
    Text(Box<[u8]>),
}

/// Reads a source; dropped by async-tftp when the transfer is over, however it ended.
pub struct Reader {
    source: Box<dyn Read + Send>,
    meter: Meter,
    size: u64,
    reads: u64,
    last_read: Instant,
}

impl Reader {
    pub fn new(source: Source, meter: Meter, size: u64) -> Reader {
        let source: Box<dyn Read + Send> = match source {
            Source::File(file) => Box::new(io::BufReader::with_capacity(128 << 10, file)),
            Source::Text(text) => Box::new(Cursor::new(text)),
        };
        Reader { source, meter, size, reads: 0, last_read: Instant::now() }
    }
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = self.source.read(buffer);
        (self.reads, self.last_read) = (self.reads + 1, Instant::now());
        match &read {
            Ok(bytes) => self.meter.sent(*bytes as u64),
            Err(error) => self.meter.abandon(&format!("the file cannot be read on: {error}")),
        }
        Poll::Ready(read)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let bytes = self.meter.bytes();
        if bytes >= self.size && self.last_read.elapsed() < SILENT {
            self.meter.complete();
        } else if self.reads <= 1 {
            // Firmware opens a transfer for its size alone, and ends it with an ERROR (RFC 2349, section 4). async-tftp
            // reads the first block before it tells the size, and the next when the client acknowledges.
            self.meter.probed();
        } else {
            self.meter.abandon("the client stopped acknowledging");
        }
    }
}
