//! Alerts: raised by what happens on a real segment, told to real receivers, once, whatever breaks meanwhile.

#[path = "../support/mod.rs"]
mod support;

mod deliveries;
mod everywhere;
mod orders;
mod receivers;
mod stories;
