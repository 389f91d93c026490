//! Checks of machines and of the segment's own services, and who is seen on the segment: the real program, real hosts.

#[path = "../support/mod.rs"]
mod support;

mod checks;
mod cost;
mod hosts;
mod services;
