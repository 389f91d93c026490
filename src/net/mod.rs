//! Sockets bound to an interface, raw sends, addresses. Knows no protocol above UDP.

mod counters;
mod interface;
mod link;
mod mac;
mod namespace;
mod neighbours;
mod passage;
mod socket;
mod tap;
mod tls;

pub use counters::{Meter, Rate, Traffic};
pub use interface::Interface;
pub use link::{Arp, Link, Overheard, arp_probe, arp_sender, udp_frame};
pub use mac::{Mac, NotAMac};
pub use namespace::{Namespace, NamespaceError};
pub use neighbours::Neighbours;
pub use passage::Passage;
pub use socket::{tcp, udp};
pub use tap::Tap;
pub use tls::{NotPinned, Trust, client as tls_client, provider as tls_provider};
