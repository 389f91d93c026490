//! The replica of the journal in CouchDB: a document a second, machine and service. Knows no server and no screen.
//!
//! What a document holds follows from the journal alone, and its revision from what it holds: to send it again changes
//! nothing, and two that send the same agree.

mod chain;
mod changes;
mod client;
mod design;
mod document;
mod find;
mod lane;
mod ship;
mod verify;

pub use changes::Changes;
pub use client::{Client, CouchError};
pub use find::Finder;
pub use lane::Behind;
pub use ship::{Shipper, Step};
pub use verify::{Finding, Verifier};
