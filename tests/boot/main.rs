//! Machines that boot from the network: QEMU machines on a segment of their own, one file a way to boot.
//! One program, so that its tests run beside each other.

#[path = "../support/mod.rs"]
mod support;

mod bios;
mod clone;
mod installer;
mod ladder;
mod live;
mod nfsroot;
mod program;
mod proxy;
mod pxelinux;
mod secure;
mod uefi;
