//! The boot recorder: each boot of each machine is kept as one file of packets, with the events beside them. Knows no
//! server: it sees the interface, the events and the state.
//!
//! `log/<hostname or MAC>/boot-20261125T140300Z.pcapng`, of which the newest `record` are kept.

mod files;
mod fold;
mod tap;
#[cfg(test)]
mod tests;
mod track;
mod traffic;

pub use files::{Kept, folder_of, kept, machines};
pub use tap::{Place, serve};
