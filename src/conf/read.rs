//! Reads and checks the whole tree. Where a value makes no sense the last good one stays in force.

use super::{
    Conf, Container, Logins, Machine, Mistake, Mode, Segment, check, checks, model::RECORDED, power, profile, secret,
    ssh, terminal, track, value,
};
use crate::{event::printable, schedule};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A value is a line or some; a file beyond this is a mistake.
pub const LARGEST: u64 = 64 << 10;
/// Files of a segment's folder that this version reads, and those that others do.
const SEGMENT_FILES: [&str; 23] = [
    "interface",
    "prefix",
    "domain",
    "gateway",
    "dns",
    "pool",
    "lease",
    "boot",
    "loader",
    "mode",
    "ntp",
    "radv",
    "couchdb",
    "keep",
    "record",
    "terminal",
    "schedule",
    "timezone",
    "holidays",
    "ssh",
    "track",
    "recipes",
    "checks",
];
/// Folders of a segment that are no machines.
const SEGMENT_FOLDERS: [&str; 2] = ["alerts", "receivers"];
const MACHINE_FILES: [&str; 18] = [
    "mac",
    "hostname",
    "boot",
    "boot-once",
    "loader",
    "firmware",
    "power",
    "terminal",
    "schedule",
    "skip",
    "amt.pin",
    "redfish.pin",
    "ssh",
    "ssh.pin",
    "track",
    "recipes",
    "checks",
    "depends",
];
/// Ways of switching that ask who asks, and those with a certificate.
pub const WITH_LOGIN: [(&str, &str); 3] =
    [("amt", "amt.secret"), ("redfish", "redfish.secret"), ("ipmi", "ipmi.secret")];
const WITH_PIN: [(&str, &str); 2] = [("amt", "amt.pin"), ("redfish", "redfish.pin")];

/// The tree as far as it makes sense, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Every value that makes sense.
    pub conf: Conf,
    /// The others, by path.
    pub mistakes: Vec<Mistake>,
}

/// Reads the tree in `dir`. Where a value makes no sense, the one of `last` stays in force.
pub fn read(dir: &Path, last: Option<&Conf>) -> Reading {
    let mut reader = Reader { dir, mistakes: Vec::new() };
    let mut conf = Conf::default();
    for name in reader.folders(Path::new("")) {
        if name == "boot" {
            let none = BTreeMap::new();
            conf.profiles = profile::profiles(&mut reader, last.map_or(&none, |last| &last.profiles));
        } else if let Ok(server) = name.parse::<Ipv4Addr>() {
            let last = last.and_then(|conf| conf.segments.get(&server));
            conf.segments.insert(server, Arc::new(reader.segment(server, last.map(Arc::as_ref))));
        } else if name != "commands" && name != "recipes" {
            reader.mistake(&name, &name, "the server's address of a segment, boot, commands, or recipes");
        }
    }
    let last_page = last.map(|last| last.page.clone());
    conf.page = reader.page(last_page).unwrap_or_default();
    let last_users = last.map(|last| last.page.users.clone());
    conf.page.users = reader.users(last_users).unwrap_or_default();
    let mut mistakes = reader.mistakes;
    check::across(&mut conf, last, &mut mistakes);
    mistakes.sort();
    mistakes.dedup();
    Reading { conf, mistakes }
}

pub struct Reader<'a> {
    pub dir: &'a Path,
    mistakes: Vec<Mistake>,
}

/// What stands in a file: nothing, a value, or a mistake that is told already.
enum Found<T> {
    Absent,
    Good(T),
    Bad,
}

impl Reader<'_> {
    /// A secret is not shown, nor who asks in a URL.
    pub fn mistake(&mut self, path: impl Into<PathBuf>, value: &str, expected: impl Into<String>) {
        let path = path.into();
        let value = match path.file_name().and_then(|name| name.to_str()) {
            Some("couchdb") => secret::masked(value),
            Some(name) if (name.ends_with(".secret") || name == "page.users") && !value.starts_with("mode ") => {
                "what it holds".to_owned()
            }
            _ => value.to_owned(),
        };
        self.mistakes.push(Mistake { path, value: shown(&value), expected: expected.into() });
    }

    /// Names in a folder, sorted; editors' leftovers and hidden files are passed over.
    pub fn names(&mut self, folder: &Path) -> Vec<(String, bool)> {
        let entries = match fs::read_dir(self.dir.join(folder)) {
            Ok(entries) => entries,
            Err(error) => {
                self.mistake(folder, &error.to_string(), "a folder that can be read");
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            let is_folder = match entry.file_type() {
                Ok(kind) if !kind.is_symlink() => kind.is_dir(),
                _ => entry.path().is_dir(),
            };
            match entry.file_name().into_string() {
                Ok(name) if is_leftover(&name) => {}
                Ok(name) => names.push((name, is_folder)),
                Err(name) => self.mistake(folder.join(&name), &name.to_string_lossy(), "a name in UTF-8"),
            }
        }
        names.sort();
        names
    }

    pub fn folders(&mut self, folder: &Path) -> Vec<String> {
        let names = self.names(folder);
        names.into_iter().filter(|(_, is_folder)| *is_folder).map(|(name, _)| name).collect()
    }

    fn text(&mut self, path: &Path) -> Found<String> {
        let mut bytes = Vec::new();
        let read = open(&self.dir.join(path)).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Absent,
            Err(error) => self.mistake(path, &error.to_string(), "a file that can be read"),
            Ok(size) if size as u64 > LARGEST => self.mistake(path, "too much", "a value of at most 64 KiB"),
            Ok(_) => match String::from_utf8(bytes) {
                Err(error) => {
                    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                    self.mistake(path, &text, "text in UTF-8");
                }
                Ok(text) => {
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                    let text = lines.collect::<Vec<_>>().join("\n");
                    if !text.is_empty() {
                        return Found::Good(text);
                    }
                    self.mistake(path, "", "a value; remove the file to take the default");
                }
            },
        }
        Found::Bad
    }

    /// All that a file holds, as it is; with what a mistake leaves in force.
    pub fn whole(&mut self, path: &Path, last: Option<String>) -> Option<String> {
        let mut bytes = Vec::new();
        let most = profile::LARGEST_ANSWER;
        let read = open(&self.dir.join(path)).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
        match read.map(|size| (size as u64 > most, String::from_utf8(bytes))) {
            Ok((false, Ok(text))) => return Some(text),
            Ok((true, _)) => self.mistake(path, "too much", format!("a file of at most {} KiB", most >> 10)),
            Ok((_, Err(_))) => self.mistake(path, "bytes that are no text", "text in UTF-8; others go below tftpboot"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => self.mistake(path, &error.to_string(), "a file that can be read"),
        }
        last
    }

    fn value<T>(&mut self, path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Found<T> {
        match self.text(path) {
            Found::Absent => Found::Absent,
            Found::Bad => Found::Bad,
            Found::Good(text) => match parse(&text) {
                Ok(value) => Found::Good(value),
                Err(expected) => {
                    self.mistake(path, &text, expected);
                    Found::Bad
                }
            },
        }
    }

    /// The value of a file that may be missing.
    pub fn optional<T>(
        &mut self,
        path: &Path,
        parse: impl FnOnce(&str) -> Result<T, String>,
        last: Option<T>,
    ) -> Option<T> {
        match self.value(path, parse) {
            Found::Absent => None,
            Found::Good(value) => Some(value),
            Found::Bad => last,
        }
    }

    fn segment(&mut self, server: Ipv4Addr, last: Option<&Segment>) -> Segment {
        let folder = PathBuf::from(server.to_string());
        let at = |name: &str| folder.join(name);
        let mut segment = Segment {
            server,
            interface: self.optional(&at("interface"), value::name, last.and_then(|l| l.interface.clone())),
            prefix: self.optional(&at("prefix"), value::prefix, last.map(|l| l.prefix)).unwrap_or(24),
            domain: self
                .optional(&at("domain"), value::domain, last.map(|l| l.domain.clone()))
                .unwrap_or_else(|| "lan".to_owned()),
            gateway: self.optional(&at("gateway"), value::address, last.and_then(|l| l.gateway)),
            dns: self.optional(&at("dns"), value::addresses, last.map(|l| l.dns.clone())).unwrap_or_default(),
            pool: self.optional(&at("pool"), value::pool, last.and_then(|l| l.pool)),
            lease: self
                .optional(&at("lease"), value::lease, last.map(|l| l.lease))
                .unwrap_or(Duration::from_secs(3600)),
            boot: self.optional(&at("boot"), value::name, last.and_then(|l| l.boot.clone())),
            loader: self.optional(&at("loader"), value::loader, last.map(|l| l.loader)).unwrap_or_default(),
            mode: self.optional(&at("mode"), value::mode, last.map(|l| l.mode)).unwrap_or(Mode::Authoritative),
            ntp: self.optional(&at("ntp"), value::addresses, last.map(|l| l.ntp.clone())).unwrap_or_default(),
            radv: self.optional(&at("radv"), value::on_off, last.map(|l| l.radv)).unwrap_or(true),
            couchdb: self.optional(&at("couchdb"), value::database, last.and_then(|l| l.couchdb.clone())),
            keep: self.optional(&at("keep"), value::days, last.and_then(|l| l.keep)),
            record: self.optional(&at("record"), value::record, last.map(|l| l.record)).unwrap_or(RECORDED),
            terminal: self.optional(&at("terminal"), terminal::terminal, last.and_then(|l| l.terminal.clone())),
            schedule: self.optional(&at("schedule"), schedule::parse, last.and_then(|l| l.schedule.clone())),
            timezone: self.optional(&at("timezone"), schedule::zone, last.and_then(|l| l.timezone.clone())),
            holidays: self
                .optional(&at("holidays"), schedule::holidays, last.map(|l| l.holidays.clone()))
                .unwrap_or_default(),
            logins: self.logins(&folder, last.map(|l| &l.logins)),
            secrets: self.secrets(&folder, last.map(|l| &l.secrets), &["couchdb"]),
            ssh: self.optional(&at("ssh"), ssh::ssh, last.and_then(|l| l.ssh.clone())),
            track: self.optional(&at("track"), track::track, last.and_then(|l| l.track.clone())),
            recipes: self.optional(&at("recipes"), track::recipes, last.and_then(|l| l.recipes.clone())),
            checks: self.optional(&at("checks"), checks::checks, last.and_then(|l| l.checks.clone())),
            alerts: self.alerts(&folder, last),
            receivers: self.receivers(&folder, last),
            machines: BTreeMap::new(),
        };
        let login = last.and_then(|l| l.couchdb.as_ref()?.login.clone());
        if let Some(database) = &mut segment.couchdb
            && let Some(login) = self.login(&at("couchdb.secret"), login)
        {
            database.login = Some(login);
        }
        for (name, is_folder) in self.names(&folder) {
            if let (Ok(address), true) = (name.parse::<Ipv4Addr>(), is_folder) {
                let last = last.and_then(|l| l.machines.get(&address)).map(Arc::as_ref);
                if let Some(machine) = self.machine(&folder.join(&name), address, last) {
                    segment.machines.insert(address, Arc::new(machine));
                }
                continue;
            }
            let is_known = match is_folder {
                true => SEGMENT_FOLDERS.contains(&name.as_str()),
                false => SEGMENT_FILES.contains(&name.as_str()) || name.ends_with(".secret"),
            };
            if !is_known {
                let known = SEGMENT_FILES.join(", ");
                self.mistake(folder.join(&name), &name, format!("a machine's address, nor one of {known}"));
            }
        }
        segment
    }

    fn machine(&mut self, folder: &Path, address: Ipv4Addr, last: Option<&Machine>) -> Option<Machine> {
        let at = |name: &str| folder.join(name);
        let mac = match self.value(&at("mac"), value::mac) {
            Found::Good(mac) => Some(mac),
            Found::Bad => last.map(|l| l.mac),
            Found::Absent => {
                self.mistake(at("mac"), "", "there; every machine has a file mac");
                last.map(|l| l.mac)
            }
        };
        let hostname = self.optional(&at("hostname"), value::hostname, last.map(|l| l.hostname.clone()));
        let mut machine = Machine {
            address,
            mac: mac?,
            hostname: hostname.unwrap_or_else(|| name_of(address)),
            boot: self.optional(&at("boot"), value::name, last.and_then(|l| l.boot.clone())),
            boot_once: self.optional(&at("boot-once"), value::once, last.and_then(|l| l.boot_once.clone())),
            loader: self.optional(&at("loader"), value::loader, last.and_then(|l| l.loader)),
            firmware: self.optional(&at("firmware"), value::firmware, last.and_then(|l| l.firmware)),
            power: self.optional(&at("power"), power::ladder, last.map(|l| l.power.clone())).unwrap_or_default(),
            logins: self.logins(folder, last.map(|l| &l.logins)),
            pins: self.pins(folder, last),
            schedule: self.optional(&at("schedule"), schedule::parse, last.and_then(|l| l.schedule.clone())),
            skip: self.optional(&at("skip"), schedule::skip, last.and_then(|l| l.skip.clone())),
            terminal: self.optional(&at("terminal"), terminal::terminal, last.and_then(|l| l.terminal.clone())),
            secrets: self.secrets(folder, last.map(|l| &l.secrets), &[]),
            ssh: self.optional(&at("ssh"), ssh::ssh, last.and_then(|l| l.ssh.clone())),
            keys: self.optional(&at("ssh.pin"), ssh::keys, last.map(|l| l.keys.clone())).unwrap_or_default(),
            track: self.optional(&at("track"), track::track, last.and_then(|l| l.track.clone())),
            recipes: self.optional(&at("recipes"), track::recipes, last.and_then(|l| l.recipes.clone())),
            checks: self.optional(&at("checks"), checks::checks, last.and_then(|l| l.checks.clone())),
            depends: self.optional(&at("depends"), value::names, last.map(|l| l.depends.clone())).unwrap_or_default(),
            containers: self.containers(folder, last),
            extra: BTreeMap::new(),
        };
        for (name, is_folder) in self.names(folder) {
            let secret = name.ends_with(".secret");
            if is_folder || secret || MACHINE_FILES.contains(&name.as_str()) {
                continue;
            }
            let last = last.and_then(|l| l.extra.get(&name).cloned());
            if let Some(text) = self.optional(&at(&name), |text| Ok(text.to_owned()), last) {
                machine.extra.insert(name, text);
            }
        }
        Some(machine)
    }

    /// The secrets of what switches machines, in a folder of a machine or a segment.
    fn logins(&mut self, folder: &Path, last: Option<&Logins>) -> Logins {
        let login = |(method, file)| {
            let last = last.and_then(|logins| logins.get(method).cloned());
            Some((method, self.login(&folder.join(file), last)?))
        };
        WITH_LOGIN.into_iter().filter_map(login).collect()
    }

    /// What runs in a machine. One that nothing can be run in is a mistake, and is left out.
    fn containers(&mut self, folder: &Path, last: Option<&Machine>) -> BTreeMap<String, Container> {
        let folder = folder.join("containers");
        if !self.dir.join(&folder).is_dir() {
            return BTreeMap::new();
        }
        let mut containers = BTreeMap::new();
        for name in self.folders(&folder) {
            let at = |file: &str| folder.join(&name).join(file);
            if let Err(expected) = value::hostname(&name) {
                self.mistake(folder.join(&name), &name, expected);
                continue;
            }
            let last = last.and_then(|l| l.containers.get(&name));
            let container = Container {
                ssh: self.optional(&at("ssh"), ssh::ssh, last.and_then(|l| l.ssh.clone())),
                exec: self.optional(&at("exec"), ssh::exec, last.map(|l| l.exec.clone())).unwrap_or_default(),
                track: self.optional(&at("track"), track::track, last.and_then(|l| l.track.clone())),
                recipes: self.optional(&at("recipes"), track::recipes, last.and_then(|l| l.recipes.clone())),
            };
            if container.ssh.is_none() && container.exec.is_empty() {
                let expected = "reached: it needs a file ssh, or exec with words as podman exec -i NAME";
                self.mistake(folder.join(&name), &name, expected);
                continue;
            }
            containers.insert(name, container);
        }
        containers
    }

    fn pins(&mut self, folder: &Path, last: Option<&Machine>) -> BTreeMap<&'static str, String> {
        let pin = |(method, file)| {
            let last = last.and_then(|machine| machine.pins.get(method).cloned());
            Some((method, self.optional(&folder.join(file), value::fingerprint, last)?))
        };
        WITH_PIN.into_iter().filter_map(pin).collect()
    }
}

/// The name of a machine that has none: `m-10-77-0-60`.
pub fn name_of(address: Ipv4Addr) -> String {
    format!("m-{}", address.to_string().replace('.', "-"))
}

/// Opens without waiting, so that a FIFO in the tree holds nothing up, and refuses what is no plain file.
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder"));
    }
    if !kind.is_file() {
        return Err(io::Error::other("neither file nor folder"));
    }
    Ok(file)
}

pub fn is_leftover(name: &str) -> bool {
    name.starts_with('.') || name.starts_with('#') || name.ends_with('~') || name.ends_with(".swp") || name == "4913"
}

/// Short enough for a line.
fn shown(value: &str) -> String {
    let mut text = printable(value, 80);
    if value.chars().nth(80).is_some() {
        text.push('…');
    }
    text
}
