//! DHCP and proxyDHCP of a segment: receives, asks `decide`, answers, tells. Knows nothing of what is booted.

mod addresses;
mod decide;
mod post;
mod prober;
mod reply;
mod request;
mod shell;
mod stock;
#[cfg(test)]
mod tests;

pub use addresses::Addresses;
pub use decide::{Answer, Decision, Port, View, decide};
pub use reply::encode;
pub use request::{Kind, Malformed, Request};
pub use shell::serve;
