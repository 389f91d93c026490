//! Switching machines, and when: each way with what it really speaks to.
//! One program, so that its tests run beside each other.

#[path = "../support/mod.rs"]
mod support;

mod amt;
mod cli;
mod ipmi;
mod ladder;
mod redfish;
mod schedule;
mod wake;
