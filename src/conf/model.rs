//! The conf tree once it is read and checked: plain values, nothing that can fail.

use super::{
    Profile, Ssh, Track, Wanted,
    alerts::{Receiver, Rule},
    checks::Checks,
    page::Page,
    power::Rung,
};
use crate::{
    event::Architecture,
    net::Mac,
    schedule::{Holidays, Schedule, Skip, Zone},
};
use ipnet::Ipv4Net;
use std::{collections::BTreeMap, fmt, net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

/// Boots of each machine whose packets are kept, unless `record` says otherwise.
pub const RECORDED: usize = 10;

/// The whole tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conf {
    /// Segments by the server's own address.
    pub segments: BTreeMap<Ipv4Addr, Arc<Segment>>,
    /// `page` and `page.users`: the page in the browser.
    pub page: Page,
    /// Profiles of `boot/` by name. One that is broken is here too: its faults are told when it is asked for.
    pub profiles: BTreeMap<String, Arc<Profile>>,
}

/// One network segment: `conf/<server address>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The server's own address, which names the folder.
    pub server: Ipv4Addr,
    /// `interface`: the network interface; without it the one that has the server's address.
    pub interface: Option<String>,
    /// `prefix`: length of the network prefix, 24 unless given.
    pub prefix: u8,
    /// `domain`: `lan` unless given.
    pub domain: String,
    /// `gateway`: given to clients as their router.
    pub gateway: Option<Ipv4Addr>,
    /// `dns`: where names of elsewhere are asked, one address a line.
    pub dns: Vec<Ipv4Addr>,
    /// `pool`: `first-last`; without it only machines of the conf tree get addresses.
    pub pool: Option<Pool>,
    /// `lease`: an hour unless given.
    pub lease: Duration,
    /// `boot`: the profile of machines that name none.
    pub boot: Option<String>,
    /// `loader`: the boot loader that a machine's firmware gets first.
    pub loader: Loader,
    /// `mode`: `authoritative` unless given.
    pub mode: Mode,
    /// `ntp`: time servers, one address a line.
    pub ntp: Vec<Ipv4Addr>,
    /// `radv`: `on` unless given; `off` where another router answers solicitations.
    pub radv: bool,
    /// `couchdb` and `couchdb.secret`: where all events of the segment go as well.
    pub couchdb: Option<Database>,
    /// `terminal`: how its machines are reached that do not say so themselves.
    pub terminal: Option<Terminal>,
    /// `keep`: days that the journal keeps events of the segment; for ever unless given.
    pub keep: Option<u32>,
    /// `record`: of how many boots of each machine the packets are kept: 10 unless given, none for `off`.
    pub record: usize,
    /// `schedule`: when its machines are switched that have no schedule of their own.
    pub schedule: Option<Schedule>,
    /// `timezone`: that of its schedules; this host's unless given.
    pub timezone: Option<Zone>,
    /// `holidays`: days of its own on which schedules rest.
    pub holidays: Holidays,
    /// `amt.secret`, `redfish.secret`, `ipmi.secret`: who asks those of its machines that have no file of their own.
    pub logins: Logins,
    /// `NAME.secret`: told to its machines while they are armed, once each.
    pub secrets: Secrets,
    /// `ssh`: how its machines are reached that do not say so themselves.
    pub ssh: Option<Ssh>,
    /// `track`: what is kept of its machines that do not say so themselves.
    pub track: Option<Track>,
    /// `recipes`: what its machines are to have that do not say so themselves.
    pub recipes: Option<Wanted>,
    /// `checks`: what is looked at of its own services, and of machines that do not say so themselves.
    pub checks: Option<Checks>,
    /// `alerts/NAME`: rules of its own, by name; others are there by default.
    pub alerts: BTreeMap<String, Rule>,
    /// `receivers/NAME`: who is told of alerts, by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// Machines by address.
    pub machines: BTreeMap<Ipv4Addr, Arc<Machine>>,
}

/// One machine: `conf/<server address>/<machine address>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its address, which names the folder.
    pub address: Ipv4Addr,
    /// `mac`, the one file that must be there.
    pub mac: Mac,
    /// `hostname`; made from the address (`m-10-77-0-60`) unless given.
    pub hostname: String,
    /// `boot`: a profile's name.
    pub boot: Option<String>,
    /// `boot-once`: what it boots until there is evidence that it is done.
    pub boot_once: Option<Once>,
    /// `loader`: this machine's own.
    pub loader: Option<Loader>,
    /// `firmware`: else learned from its requests.
    pub firmware: Option<Architecture>,
    /// `power`: the ways to switch it, the best first; none where it cannot be.
    pub power: Vec<Rung>,
    /// `amt.secret`, `redfish.secret`, `ipmi.secret`: who asks.
    pub logins: Logins,
    /// `amt.pin`, `redfish.pin`: the certificates that are trusted: SHA-256 in hexadecimal, by way.
    pub pins: BTreeMap<&'static str, String>,
    /// `schedule`: when it is switched; without it the segment's.
    pub schedule: Option<Schedule>,
    /// `skip`: a scheduled change that is passed over.
    pub skip: Option<Skip>,
    /// `terminal`: what a terminal on it runs; without it its serial console where there is one, else ssh.
    pub terminal: Option<Terminal>,
    /// `NAME.secret`: told to the machine while it is armed, once.
    pub secrets: Secrets,
    /// `ssh`: how it is reached to read and change its files.
    pub ssh: Option<Ssh>,
    /// `ssh.pin`: its public keys; without it who ssh itself knows.
    pub keys: Vec<String>,
    /// `track`: what of it is kept in the repository.
    pub track: Option<Track>,
    /// `recipes`: what it is to have.
    pub recipes: Option<Wanted>,
    /// `checks`: what of it is looked at.
    pub checks: Option<Checks>,
    /// `depends`: machines, by name or address, without which this one is not reached: its switch.
    pub depends: Vec<String>,
    /// `containers/NAME/`: what runs in it, by name.
    pub containers: BTreeMap<String, Container>,
    /// Files of the machine's folder that have no meaning here, for templates: name and value.
    pub extra: BTreeMap<String, String>,
}

/// A container of a machine: `conf/<server>/<machine>/containers/<name>/`. One of `ssh` and `exec` is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// `ssh`: it is reached as a machine is; `host` says where.
    pub ssh: Option<Ssh>,
    /// `exec`: words that run a command in it on its machine: `podman exec -i NAME`.
    pub exec: Vec<String>,
    /// `track`: what of it is kept.
    pub track: Option<Track>,
    /// `recipes`: what it is to have.
    pub recipes: Option<Wanted>,
}

/// What a machine boots until there is evidence that it is done: `PROFILE [then PROFILE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The profile, mostly an installer.
    pub profile: String,
    /// What its `boot` says afterwards; `local` unless given.
    pub then: String,
}

/// A value that is never shown, by the name of its file without `.secret`.
pub type Secrets = BTreeMap<String, Secret>;

/// A value that is never shown, never journaled. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who asks what switches machines, by its first word: `amt`.
pub type Logins = BTreeMap<&'static str, Login>;

/// What a terminal on a machine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// ssh(1) to its address.
    Ssh {
        /// Words before the address: `-p`, `2222`.
        options: Vec<String>,
        /// Who logs in; without it who ssh's own settings say.
        user: Option<String>,
    },
    /// Its serial console.
    Serial,
    /// A shell on this host, with the machine's values in its environment.
    Shell,
}

/// A CouchDB database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Database {
    /// `http` or `https`, host, port and path, without who asks: fit to be shown, journaled and compared.
    pub url: String,
    /// Who asks; none where the database is open to all.
    pub login: Option<Login>,
}

/// A name and a password. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// Never shown, never journaled.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// The addresses for machines that are not in the conf tree, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address, not below the first.
    pub last: Ipv4Addr,
}

/// What the DHCP server does on a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It gives addresses and refuses wrong ones.
    Authoritative,
    /// It gives boot information beside another DHCP server.
    Proxy,
    /// It does nothing.
    Off,
}

/// The boot loader that firmware gets first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loader {
    /// Each in its turn, until the firmware gets on with one; that is learned.
    #[default]
    Auto,
    /// iPXE, then the machine's script.
    Ipxe,
    /// iPXE that uses the firmware's own network driver.
    Snponly,
    /// shim and GRUB as Debian signs them, for Secure Boot, then the machine's `grub.cfg`.
    Grub,
    /// PXELINUX (or SYSLINUX for UEFI), then the machine's `pxelinux.cfg` file.
    Pxelinux,
}

/// A file of the tree that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{path}: {value:?} is not {expected}", path = path.display())]
pub struct Mistake {
    /// The file, relative to the tree.
    pub path: PathBuf,
    /// What it holds, shortened and made printable.
    pub value: String,
    /// What was expected, as in "is not …".
    pub expected: String,
}

impl Conf {
    /// The machine at this place (its segment's server and its own address), with its segment.
    pub fn machine(&self, (segment, machine): (Ipv4Addr, Ipv4Addr)) -> Option<(&Arc<Segment>, &Arc<Machine>)> {
        let segment = self.segments.get(&segment)?;
        Some((segment, segment.machines.get(&machine)?))
    }
}

impl Segment {
    /// A segment of which nothing is said but its server's address.
    pub fn new(server: Ipv4Addr) -> Segment {
        Segment {
            server,
            interface: None,
            prefix: 24,
            domain: "lan".to_owned(),
            gateway: None,
            dns: Vec::new(),
            pool: None,
            lease: Duration::from_secs(3600),
            boot: None,
            loader: Loader::Auto,
            mode: Mode::Authoritative,
            ntp: Vec::new(),
            radv: true,
            couchdb: None,
            terminal: None,
            keep: None,
            record: RECORDED,
            schedule: None,
            timezone: None,
            holidays: Holidays::default(),
            logins: Logins::new(),
            secrets: Secrets::new(),
            ssh: None,
            track: None,
            recipes: None,
            checks: None,
            alerts: BTreeMap::new(),
            receivers: BTreeMap::new(),
            machines: BTreeMap::new(),
        }
    }

    /// The segment's network.
    pub fn network(&self) -> Ipv4Net {
        Ipv4Net::new_assert(self.server, self.prefix).trunc()
    }

    /// The machine with this hardware address.
    pub fn machine_by_mac(&self, mac: Mac) -> Option<&Arc<Machine>> {
        self.machines.values().find(|machine| machine.mac == mac)
    }

    /// Who asks this way of switching a machine: its own secret, else the segment's.
    pub fn login_of<'a>(&'a self, machine: &'a Machine, method: &str) -> Option<&'a Login> {
        machine.logins.get(method).or_else(|| self.logins.get(method))
    }

    /// How a machine of it is reached: its own way, else the segment's, else as ssh's own settings say.
    pub fn ssh_of(&self, machine: &Machine) -> Ssh {
        machine.ssh.clone().or_else(|| self.ssh.clone()).unwrap_or_default()
    }

    /// What of a machine is kept: as it says, else as the segment does.
    pub fn track_of<'a>(&'a self, machine: &'a Machine) -> Option<&'a Track> {
        machine.track.as_ref().or(self.track.as_ref())
    }

    /// What a machine is to have: as it says, else as the segment does.
    pub fn recipes_of<'a>(&'a self, machine: &'a Machine) -> Option<&'a Wanted> {
        machine.recipes.as_ref().or(self.recipes.as_ref())
    }

    /// The profile that a machine boots when it is not armed; of one that is not in the tree, the segment's.
    pub fn profile_of<'a>(&'a self, machine: Option<&'a Machine>) -> Option<&'a str> {
        machine.and_then(|m| m.boot.as_deref()).or(self.boot.as_deref())
    }
}

impl Machine {
    /// A machine of which nothing else is said.
    pub fn new(address: Ipv4Addr, mac: Mac, hostname: &str) -> Machine {
        Machine {
            address,
            mac,
            hostname: hostname.to_owned(),
            boot: None,
            boot_once: None,
            loader: None,
            firmware: None,
            power: Vec::new(),
            logins: Logins::new(),
            pins: BTreeMap::new(),
            schedule: None,
            skip: None,
            terminal: None,
            secrets: Secrets::new(),
            ssh: None,
            keys: Vec::new(),
            track: None,
            recipes: None,
            checks: None,
            depends: Vec::new(),
            containers: BTreeMap::new(),
            extra: BTreeMap::new(),
        }
    }
}

impl Pool {
    /// True if `address` is in the pool.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    /// All its addresses in order.
    pub fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first.to_bits()..=self.last.to_bits()).map(Ipv4Addr::from_bits)
    }
}

impl Mode {
    /// As in the file.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Authoritative => "authoritative",
            Mode::Proxy => "proxy",
            Mode::Off => "off",
        }
    }
}
