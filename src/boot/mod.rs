//! What a machine is to boot, decided once for all protocols. Pure: knows no socket and no file.

use crate::{
    conf::{Conf, Machine, Segment},
    event::{Architecture, Refusal},
    net::Mac,
};
use std::net::Ipv4Addr;

/// What a DHCP client says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Option 93.
    pub architecture: Option<Architecture>,
    /// It is iPXE already (option 77 or 175), so it gets its script and no loader.
    pub ipxe: bool,
}

/// What DHCP tells a client to load: a name below `tftpboot` (TFTP from the segment's server), or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFile(pub String);

/// Who asks for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker<'a> {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address, where it is known.
    pub mac: Option<Mac>,
    /// The machine of the conf tree that it is.
    pub machine: Option<&'a Machine>,
}

/// What is given for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// A file at this path below `tftpboot`.
    File(String),
    /// A text made for the asker.
    Text {
        /// The whole text.
        body: String,
        /// For HTTP.
        content_type: &'static str,
    },
}

/// What DHCP tells a client to load, or why nothing.
pub fn boot_file(
    conf: &Conf,
    segment: &Segment,
    machine: Option<&Machine>,
    mac: Mac,
    firmware: Firmware,
) -> Result<BootFile, Refusal> {
    let _ = (conf, segment, machine, mac, firmware);
    Err(Refusal::NoProfile)
}

/// What is given for `path` (as asked, with its query if it has one) to `asker`, over whatever protocol.
pub fn serve(conf: &Conf, segment: &Segment, asker: Asker<'_>, path: &str) -> Result<Served, Refusal> {
    let _ = (conf, segment, asker, path);
    Err(Refusal::NoProfile)
}
