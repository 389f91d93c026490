//! Alerts: raised by what happens on a real segment, told to real receivers, once, whatever breaks meanwhile.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod bell;
mod deliveries;
mod desktop;
mod everywhere;
mod mails;
mod manager;
mod orders;
mod receivers;
mod stories;
