//! The one policy: which boot file DHCP names, and what TFTP and HTTP give for a path.

use super::{role::role_of, scripts, template};
use crate::{
    conf::{Conf, Loader, Machine, Profile, Segment},
    event::{Architecture, Refusal, Role},
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
    profile(conf, segment, machine)?;
    let loader = machine.and_then(|m| m.loader).unwrap_or(segment.loader);
    let architecture = firmware.architecture.or(machine.and_then(|m| m.firmware));
    let server = segment.server;
    let file = match (architecture, loader) {
        // iPXE runs PXELINUX as any PXE firmware does, so this is no loop.
        (None | Some(Architecture::Bios), Loader::Pxelinux) => "pxelinux.0".to_owned(),
        (Some(Architecture::UefiX64), Loader::Pxelinux) if !firmware.ipxe => "syslinux.efi".to_owned(),
        // The MAC in the query finds the machine also where another server gave it its address.
        _ if firmware.ipxe => format!("http://{server}/boot.ipxe?mac={}", mac.hyphened()),
        (None | Some(Architecture::Bios), Loader::Ipxe) => "undionly.kpxe".to_owned(),
        (Some(Architecture::UefiX64), _) => "ipxe.efi".to_owned(),
        (Some(Architecture::UefiIa32), _) => "ipxe-i386.efi".to_owned(),
        (Some(Architecture::UefiArm64), _) => "ipxe-arm64.efi".to_owned(),
        (Some(Architecture::UefiHttpX64), _) => format!("http://{server}/ipxe.efi"),
        (Some(Architecture::UefiHttpArm64), _) => format!("http://{server}/ipxe-arm64.efi"),
        (Some(other @ Architecture::Other(_)), _) => {
            return Err(Refusal::NotAllowed { request: format!("booting {other}, for which there is no loader,") });
        }
    };
    Ok(BootFile(file))
}

/// What is given for `path` (as asked, with its query if it has one) to `asker`, over whatever protocol.
pub fn serve(conf: &Conf, segment: &Segment, asker: Asker<'_>, path: &str) -> Result<Served, Refusal> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = normal(path)?;
    if path == "boot.ipxe" {
        let claimed = query.split('&').find_map(|pair| pair.strip_prefix("mac="));
        let (profile, machine, mac) = for_asker(conf, segment, asker, claimed)?;
        let body = scripts::ipxe(&template::render(profile, segment, machine, asker.address, mac)?, segment, profile);
        return Ok(Served::Text { body, content_type: "text/plain; charset=utf-8" });
    }
    if let Some(name) = path.strip_prefix("pxelinux.cfg/") {
        // PXELINUX asks for its UUID, 01-<mac>, its address in hexadecimal, shortened digit by digit, then default.
        let whole_address = format!("{:08X}", asker.address.to_bits());
        let claimed = match name.strip_prefix("01-") {
            Some(mac) => Some(mac),
            None if name == "default" || name == whole_address => None,
            None => return Err(Refusal::Missing { path: format!("tftpboot/{path}") }),
        };
        let (profile, machine, mac) = for_asker(conf, segment, asker, claimed)?;
        let body = scripts::pxelinux(&template::render(profile, segment, machine, asker.address, mac)?, profile);
        return Ok(Served::Text { body, content_type: "text/plain; charset=utf-8" });
    }
    Ok(Served::File(path))
}

/// A file below `tftpboot` that a profile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Kernel or initrd.
    pub role: Role,
    /// The file of the conf tree that names it.
    pub by: String,
    /// Its path below `tftpboot`.
    pub path: String,
}

/// The files below `tftpboot` that the asker's profile names.
pub fn files(conf: &Conf, segment: &Segment, asker: Asker<'_>) -> Result<Vec<Named>, Refusal> {
    let profile = profile(conf, segment, asker.machine)?;
    let rendered = template::render(profile, segment, asker.machine, asker.address, asker.mac)?;
    let initrds = rendered.initrd.into_iter().map(|path| (Role::Initrd, "initrd", path));
    let named = [(Role::Kernel, "kernel", rendered.kernel)].into_iter().chain(initrds);
    let local = named.filter(|(_, _, path)| !scripts::is_url(path));
    local
        .map(|(role, file, path)| {
            Ok(Named { role, by: format!("conf/boot/{}/{file}", profile.name), path: normal(&path)? })
        })
        .collect()
}

/// What the file at `path` is for the asker: its profile knows, else the file's name tells.
pub fn role(conf: &Conf, segment: &Segment, asker: Asker<'_>, path: &str) -> Role {
    let files = files(conf, segment, asker).unwrap_or_default();
    let asked = normal(path.split('?').next().unwrap_or_default());
    let named = files.into_iter().find(|named| asked.as_ref() == Ok(&named.path));
    named.map_or_else(|| role_of(path), |named| named.role)
}

fn profile<'a>(conf: &'a Conf, segment: &Segment, machine: Option<&Machine>) -> Result<&'a Profile, Refusal> {
    let name = segment.profile_of(machine).ok_or(Refusal::NoProfile)?;
    let profile = conf.profiles.get(name).ok_or_else(|| Refusal::UnknownProfile { profile: name.to_owned() })?;
    Ok(profile)
}

/// The profile for who asks. The MAC it claims finds its machine, but only if it is its own as far as that is known.
fn for_asker<'a>(
    conf: &'a Conf,
    segment: &'a Segment,
    asker: Asker<'a>,
    claimed: Option<&str>,
) -> Result<(&'a Profile, Option<&'a Machine>, Option<Mac>), Refusal> {
    let claimed: Option<Mac> = match claimed {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Refusal::NotAllowed { request: format!("mac={text}") })?),
    };
    let known = asker.machine.map(|machine| machine.mac).or(asker.mac);
    if let (Some(claimed), Some(known)) = (claimed, known)
        && claimed != known
    {
        return Err(Refusal::UnknownMachine);
    }
    let mac = known.or(claimed);
    let by_mac = || mac.and_then(|mac| segment.machine_by_mac(mac)).map(AsRef::as_ref);
    let machine = asker.machine.or_else(by_mac);
    if machine.is_none() && !segment.network().contains(&asker.address) {
        return Err(Refusal::UnknownMachine);
    }
    Ok((profile(conf, segment, machine)?, machine, mac))
}

/// The path without leading slashes, empty parts and `.`; never one that leads out.
fn normal(path: &str) -> Result<String, Refusal> {
    if path.contains('\0') {
        return Err(Refusal::NotAllowed { request: "a NUL in a path".to_owned() });
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(Refusal::Outside),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Err(Refusal::NotAFile) } else { Ok(parts.join("/")) }
}
