//! What each fuzz target does with its bytes. `tests/fuzz_corpus.rs` includes this file and replays the corpus through it.

mod conf;
mod dhcp;
mod filter;
mod machines;
mod names;
mod nfs;
mod packets;
mod paths;
mod pcapng;
mod segment;
mod sights;
mod syslog;

pub use conf::conf_value;
pub use dhcp::{dhcp_decide, dhcp_request};
pub use filter::filter;
pub use machines::{inventory, recipe_report};
pub use names::{dns_command, dns_name};
pub use nfs::{nfs_records, portmap_call};
pub use packets::{arp, packet, router_solicitation, tftp_request};
pub use paths::{http_path, tftp_path};
pub use pcapng::pcapng;
pub use sights::{lldp, mdns, sight};
pub use syslog::{syslog_frames, syslog_message};

/// What is done with a file's bytes.
type Target = fn(&[u8]);

/// The targets by name, which is also that of their corpus.
pub const TARGETS: [(&str, Target); 22] = [
    ("arp", arp),
    ("conf_value", conf_value),
    ("dhcp_decide", dhcp_decide),
    ("dhcp_request", dhcp_request),
    ("dns_command", dns_command),
    ("dns_name", dns_name),
    ("filter", filter),
    ("http_path", http_path),
    ("inventory", inventory),
    ("lldp", lldp),
    ("mdns", mdns),
    ("nfs_records", nfs_records),
    ("packet", packet),
    ("pcapng", pcapng),
    ("portmap_call", portmap_call),
    ("recipe_report", recipe_report),
    ("router_solicitation", router_solicitation),
    ("sight", sight),
    ("syslog_frames", syslog_frames),
    ("syslog_message", syslog_message),
    ("tftp_path", tftp_path),
    ("tftp_request", tftp_request),
];

/// True if a terminal would show `text` and obey nothing in it.
fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
