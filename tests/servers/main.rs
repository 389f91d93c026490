//! The servers of a segment against real clients, each protocol in a file of its own.

mod bad_packets;
mod dhcp_clients;
mod dhcp_packets;
mod dhcp_pool;
mod dns;
mod fetch;
mod http;
mod nfs;
mod radv;
#[path = "../support/mod.rs"]
mod support;
mod syslog;
mod tftp;
