//! Packets as they were on the wire: what one is, in words, and as files of them. Pure: knows no socket.

mod conversations;
mod decode;
mod dhcp;
mod dns;
mod hex;
mod http;
mod icmp;
mod layer;
mod options;
pub mod pcapng;
mod syslog;
#[cfg(test)]
mod tests;
mod tftp;
mod transport;

pub use conversations::Conversations;
pub use decode::{Line, decode, line, line_of};
pub use hex::dump;
pub use layer::Layer;
pub use options::{Options, options};

use bytes::Bytes;
use jiff::Timestamp;

/// An Ethernet frame that was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When.
    pub time: Timestamp,
    /// Bytes that it had on the wire; `data` may be its beginning only.
    pub length: u32,
    /// The frame from its first byte, without check sequence.
    pub data: Bytes,
    /// What happened then, of an annotated file.
    pub comments: Vec<String>,
}
