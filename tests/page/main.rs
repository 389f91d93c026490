//! The page in a real browser, beside the real program.
//! One program, so that its tests run beside each other.

#[path = "../support/mod.rs"]
mod support;

mod boots;
mod filled;
mod look;
mod streams;
mod views;
