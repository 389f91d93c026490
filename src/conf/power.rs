//! The value `power`: how a machine is switched, one way a line; several are a ladder, the first that answers is taken.

use super::value::{self, Expected};
use crate::event::Architecture;
use std::{fmt, net::Ipv4Addr, path::PathBuf};

/// One way to switch a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rung {
    /// Intel AMT: `amt [tls] [HOST[:PORT]]`.
    Amt(Amt),
    /// Redfish: `redfish https://bmc/redfish/v1/Systems/1`; without a path the only system that it has.
    Redfish(Redfish),
    /// IPMI over LAN: `ipmi HOST[:PORT] [cipher=17] [version=1.5]`.
    Ipmi(Ipmi),
    /// Wake-on-LAN: `wol [BROADCAST]`.
    Wol(Wol),
    /// A virtual machine of this host: `qemu [mem=256] [cpus=1] [firmware=bios|uefi|uefi-http|uefi-secure] [screen=on]
    /// [disk=NAME]`.
    Qemu(Qemu),
}

/// Intel AMT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amt {
    /// Name or address of the firmware; none for the machine's own address, which it shares.
    pub host: Option<String>,
    /// None for 16992, or 16993 with TLS.
    pub port: Option<u16>,
    /// By TLS.
    pub tls: bool,
}

/// A baseboard management controller with Redfish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redfish {
    /// `http` or `https`, host, port and path of the system, without who asks.
    pub url: url::Url,
}

/// A baseboard management controller with IPMI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipmi {
    /// Its name or address.
    pub host: String,
    /// 623 unless given.
    pub port: u16,
    /// The suite of ciphers (IPMI 2.0, table 22-20); none for the best that it offers.
    pub cipher: Option<u8>,
    /// 2.0 unless given.
    pub version: IpmiVersion,
}

/// How a controller speaks IPMI over LAN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpmiVersion {
    /// By RMCP+, with ciphers.
    #[default]
    V2,
    /// As old boards do: commands go in the clear, and only their sender is proved.
    V1_5,
}

impl Ipmi {
    /// Host and port.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Wake-on-LAN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wol {
    /// Where the packet goes: a directed broadcast; none for the segment's own.
    pub broadcast: Option<Ipv4Addr>,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// MiB.
    pub memory: u32,
    /// Processors.
    pub cpus: u32,
    /// None for what the machine's `firmware` says.
    pub firmware: Option<Architecture>,
    /// Secure Boot: its firmware starts only what Microsoft's keys sign.
    pub secure: bool,
    /// It has a graphics card, which some programs want (memtest of UEFI); nobody sees it.
    pub screen: bool,
    /// None for one that only boots from the network.
    pub disk: Option<Disk>,
}

/// A virtual machine's disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disk {
    /// One of the folder of disks: `vm/NAME.qcow2`.
    Named(String),
    /// Any file, written with a slash: qcow2 where its name ends so, else the plain bytes of a disk.
    File(PathBuf),
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disk::Named(name) => f.write_str(name),
            Disk::File(path) => path.display().fmt(f),
        }
    }
}

impl Default for Qemu {
    fn default() -> Qemu {
        Qemu { memory: 256, cpus: 1, firmware: None, secure: false, screen: false, disk: None }
    }
}

impl Rung {
    /// Its first word.
    pub fn method(&self) -> &'static str {
        match self {
            Rung::Amt(_) => "amt",
            Rung::Redfish(_) => "redfish",
            Rung::Ipmi(_) => "ipmi",
            Rung::Wol(_) => "wol",
            Rung::Qemu(_) => "qemu",
        }
    }
}

/// A rung a line, of different ways.
pub fn ladder(text: &str) -> Result<Vec<Rung>, Expected> {
    let rungs = text.lines().map(rung).collect::<Result<Vec<_>, _>>()?;
    for (at, rung) in rungs.iter().enumerate() {
        if rungs[..at].iter().any(|other| other.method() == rung.method()) {
            return Err(format!("a ladder of different ways: {} stands in it twice", rung.method()));
        }
    }
    Ok(rungs)
}

fn rung(line: &str) -> Result<Rung, Expected> {
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    match method {
        "amt" => amt(&rest),
        "redfish" => redfish(&rest),
        "ipmi" => ipmi(&rest),
        "wol" => wol(&rest),
        "qemu" => qemu(&rest),
        _ => Err("one of amt, redfish, ipmi, wol, qemu at the begin of each line".to_owned()),
    }
}

fn amt(words: &[&str]) -> Result<Rung, Expected> {
    let mut amt = Amt::default();
    for word in words {
        match *word {
            "tls" if !amt.tls => amt.tls = true,
            host if amt.host.is_none() => {
                let (host, port) = place(host)?;
                (amt.host, amt.port) = (Some(host), port);
            }
            _ => return Err("amt, amt tls, amt HOST or amt tls HOST:PORT".to_owned()),
        }
    }
    Ok(Rung::Amt(amt))
}

fn redfish(words: &[&str]) -> Result<Rung, Expected> {
    let expected =
        || "redfish and a URL as https://bmc/redfish/v1/Systems/1; who asks stands in redfish.secret".to_owned();
    let [url] = words else { return Err(expected()) };
    let url = url::Url::parse(url).map_err(|_| expected())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().or(url.fragment()).is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !plain {
        return Err(expected());
    }
    Ok(Rung::Redfish(Redfish { url }))
}

fn ipmi(words: &[&str]) -> Result<Rung, Expected> {
    let expected = || "ipmi HOST or ipmi HOST:PORT, with options of cipher=3, version=1.5".to_owned();
    let [host, options @ ..] = words else { return Err(expected()) };
    let (host, port) = place(host)?;
    let mut ipmi = Ipmi { host, port: port.unwrap_or(623), cipher: None, version: IpmiVersion::V2 };
    for option in options {
        match option.split_once('=').ok_or_else(expected)? {
            ("cipher", suite) => {
                // Those that ipmitool has; in the rest nothing is ciphered, or nobody proves who asks.
                let suite = suite.parse().ok().filter(|suite| matches!(suite, 3 | 8 | 12 | 17));
                ipmi.cipher = Some(suite.ok_or("a cipher suite of 3, 8, 12 or 17")?);
            }
            ("version", "1.5") => ipmi.version = IpmiVersion::V1_5,
            ("version", "2.0") => ipmi.version = IpmiVersion::V2,
            _ => return Err(expected()),
        }
    }
    Ok(Rung::Ipmi(ipmi))
}

fn wol(words: &[&str]) -> Result<Rung, Expected> {
    let expected = || "wol, or wol and a broadcast address as 10.88.0.255".to_owned();
    match words {
        [] => Ok(Rung::Wol(Wol::default())),
        [address] => {
            let address = address.parse().map_err(|_| expected())?;
            Ok(Rung::Wol(Wol { broadcast: Some(address) }))
        }
        _ => Err(expected()),
    }
}

fn qemu(words: &[&str]) -> Result<Rung, Expected> {
    let mut qemu = Qemu::default();
    for word in words {
        let wrong = || {
            format!(
                "qemu with options of mem=256, cpus=1, firmware=bios, uefi, uefi-http or uefi-secure, screen=on, disk=NAME: \
                 {word:?} is none of them"
            )
        };
        match word.split_once('=').ok_or_else(wrong)? {
            ("mem", mib) => qemu.memory = mib.parse().map_err(|_| wrong())?,
            ("cpus", count) => qemu.cpus = count.parse().map_err(|_| wrong())?,
            ("firmware", "bios") => qemu.firmware = Some(Architecture::Bios),
            ("firmware", "uefi") => qemu.firmware = Some(Architecture::UefiX64),
            ("firmware", "uefi-http") => qemu.firmware = Some(Architecture::UefiHttpX64),
            ("firmware", "uefi-secure") => (qemu.firmware, qemu.secure) = (Some(Architecture::UefiX64), true),
            ("screen", "on") => qemu.screen = true,
            ("screen", "off") => qemu.screen = false,
            ("disk", path) if path.contains('/') => qemu.disk = Some(Disk::File(path.into())),
            ("disk", name) if !name.is_empty() => qemu.disk = Some(Disk::Named(value::name(name)?)),
            _ => return Err(wrong()),
        }
    }
    Ok(Rung::Qemu(qemu))
}

/// `HOST` or `HOST:PORT`. A host of IPv6 stands in brackets.
fn place(text: &str) -> Result<(String, Option<u16>), Expected> {
    let expected =
        || format!("a host with or without port: {text:?} is none, as bmc1.lan, 10.77.0.200 or 10.77.0.200:16992");
    // As a URL reads it, so that it fits into one.
    let url = url::Url::parse(&format!("x://{text}")).map_err(|_| expected())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.path().is_empty();
    let host = url.host_str().filter(|host| plain && !host.starts_with('-')).ok_or_else(expected)?;
    Ok((host.to_owned(), url.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders() {
        let ipmi = |cipher, version| Rung::Ipmi(Ipmi { host: "bmc1.lan".into(), port: 623, cipher, version });
        let bmc = ipmi(None, IpmiVersion::V2);
        let qemu = |memory, cpus, firmware| Rung::Qemu(Qemu { memory, cpus, firmware, ..Qemu::default() });
        let with = |disk| Rung::Qemu(Qemu { disk: Some(disk), ..Qemu::default() });
        let uefi = Some(Architecture::UefiX64);
        let amt = |host: Option<&str>, port, tls| Rung::Amt(Amt { host: host.map(str::to_owned), port, tls });
        for (text, ladder_of) in [
            ("amt", vec![amt(None, None, false)]),
            ("amt tls", vec![amt(None, None, true)]),
            ("amt 10.77.0.200:16994", vec![amt(Some("10.77.0.200"), Some(16994), false)]),
            ("amt tls [fd00::1]", vec![amt(Some("[fd00::1]"), None, true)]),
            ("ipmi bmc1.lan\nwol", vec![bmc.clone(), Rung::Wol(Wol::default())]),
            ("ipmi bmc1.lan cipher=17", vec![ipmi(Some(17), IpmiVersion::V2)]),
            ("ipmi bmc1.lan version=1.5", vec![ipmi(None, IpmiVersion::V1_5)]),
            ("wol 10.88.0.255", vec![Rung::Wol(Wol { broadcast: Some([10, 88, 0, 255].into()) })]),
            ("qemu", vec![qemu(256, 1, None)]),
            ("qemu mem=512 cpus=2 firmware=uefi", vec![qemu(512, 2, uefi)]),
            ("qemu disk=web1", vec![with(Disk::Named("web1".into()))]),
            ("qemu disk=/srv/web1.img", vec![with(Disk::File("/srv/web1.img".into()))]),
            (
                "qemu firmware=uefi-secure screen=on",
                vec![Rung::Qemu(Qemu { firmware: uefi, secure: true, screen: true, ..Qemu::default() })],
            ),
            (
                "redfish https://bmc1:8000/redfish/v1/Systems/1",
                vec![Rung::Redfish(Redfish { url: "https://bmc1:8000/redfish/v1/Systems/1".parse().unwrap() })],
            ),
        ] {
            assert_eq!(ladder(text), Ok(ladder_of), "{text}");
        }
        for (wrong, told) in [
            ("magic", "one of amt, redfish, ipmi, wol, qemu"),
            ("amt\namt tls", "amt stands in it twice"),
            ("amt a b", "amt tls HOST:PORT"),
            ("amt -oProxy", "a host with or without port"),
            ("amt a/b", "a host with or without port"),
            ("redfish bmc1", "who asks stands in redfish.secret"),
            ("redfish https://u:p@bmc1/", "who asks stands in redfish.secret"),
            ("ipmi", "ipmi HOST"),
            ("ipmi bmc:99999", "a host with or without port"),
            ("ipmi bmc cipher=0", "3, 8, 12 or 17"),
            ("ipmi bmc lanplus", "cipher=3, version=1.5"),
            ("wol all", "a broadcast address"),
            ("qemu mem", "\"mem\" is none of them"),
            ("qemu disk=", "\"disk=\" is none of them"),
            ("qemu disk=.web1", "a name of letters"),
            ("qemu firmware=coreboot", "uefi-http"),
        ] {
            let error = ladder(wrong).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }
}
