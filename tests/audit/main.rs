//! The audit in CouchDB: the real program beside real databases.
//! One program, so that its tests run beside each other.

#[path = "../support/mod.rs"]
mod support;

mod backlog;
mod fleet;
mod outages;
mod stream;
