//! Sockets bound to an interface, raw sends, addresses. Knows no protocol above IP.

mod interface;
mod mac;
mod socket;

pub use interface::Interface;
pub use mac::{Mac, NotAMac};
pub use socket::{tcp, udp};
