//! Whole systems that boot from the network, beside each other: a live system as a kiosk, and Debian's installer.

#[path = "../support/mod.rs"]
mod support;

mod installer;
mod live;
