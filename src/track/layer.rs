//! The upper layer of a root over NFS: what in it a person made, and what packages, caches and each boot did.

use super::{
    Entry, Inventory, Kind, Result, TrackError, pattern,
    scan::{Found, Tree},
};
use crate::conf::Track;
use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Command, Stdio},
};

/// What comes by itself, and is no configuration.
const BY_ITSELF: [&str; 40] = [
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",
    "/var/tmp",
    "/var/run",
    "/var/lock",
    "/var/cache",
    "/var/log",
    "/var/backups",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/dnf",
    "/var/lib/yum",
    "/var/lib/dhcp",
    "/var/lib/NetworkManager",
    "/var/lib/logrotate",
    "/var/lib/man-db",
    "/var/lib/systemd",
    "/var/lib/ucf",
    "/var/lib/update-notifier",
    "/var/lib/private/systemd",
    "/var/spool/anacron",
    "/usr/lib/modules/*/modules.*",
    "/usr/share/mime",
    "/usr/share/icons/*/icon-theme.cache",
    "/usr/share/info/dir",
    "/boot/initrd.img-*",
    "/boot/initramfs-*",
    "/boot/grub/grubenv",
    "/etc/ld.so.cache",
    "/etc/machine-id",
    "/etc/mtab",
    "/etc/.pwd.lock",
    "/**/__pycache__",
    "/**/.cache",
    "/root/.bash_history",
    "/home/*/.bash_history",
];
/// Files that one `md5sum` is given.
const BATCH: usize = 400;
/// Of a list of files of a package no more is read.
const LIST: u64 = 64 << 20;

/// Whether a name in a layer is looked at.
pub fn is_wanted(track: Option<&Track>, path: &[u8], is_folder: bool) -> bool {
    match track {
        Some(track) => {
            let named = || track.paths.iter().chain(&track.secrets);
            let is_named = named().any(|wanted| pattern::names(wanted, path))
                || is_folder && named().any(|wanted| pattern::leads_to(wanted, path));
            // What is said by name is wanted, whatever it is, and so is the way to it.
            let is_said = || {
                named()
                    .filter(|wanted| *wanted != "/")
                    .any(|wanted| pattern::names(wanted, path) || is_folder && pattern::leads_to(wanted, path))
            };
            let is_without = track.without.iter().any(|without| pattern::names(without, path));
            is_named && !is_without && (!comes_by_itself(path) || is_said())
        }
        None => !comes_by_itself(path),
    }
}

fn comes_by_itself(path: &[u8]) -> bool {
    BY_ITSELF.iter().any(|known| pattern::names(known, path))
}

/// Folders of nothing: a file in them was written that is left out.
pub fn without_empty(entries: &mut Vec<Entry>) {
    let mut used: HashSet<Vec<u8>> = HashSet::new();
    for entry in
        entries.iter().filter(|entry| entry.kind != Kind::Folder || entry.attributes.contains_key(super::scan::OPAQUE))
    {
        used.extend(folders(&entry.path).map(<[u8]>::to_vec));
    }
    let own: HashSet<Vec<u8>> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Folder && is_places_of_people(&entry.path))
        .map(|entry| entry.path.clone())
        .collect();
    entries.retain(|entry| {
        entry.kind != Kind::Folder
            || entry.attributes.contains_key(super::scan::OPAQUE)
            || used.contains(&entry.path)
            || own.contains(&entry.path)
    });
}

/// Where an empty folder was made by somebody, most likely.
fn is_places_of_people(path: &[u8]) -> bool {
    ["/etc", "/srv", "/opt", "/home", "/usr/local", "/root"].iter().any(|place| pattern::names(place, path))
}

fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    ends.filter_map(|(at, _)| path.get(..at))
}

/// What dpkg(1) has in a layer.
#[derive(Debug, Default)]
pub struct Packages {
    /// MD5 by path, in hexadecimal: what packages brought.
    sums: HashMap<Vec<u8>, String>,
    /// All names that packages have.
    listed: HashSet<Vec<u8>>,
    /// `status` and `extended_states`.
    status: Option<String>,
    automatic: String,
}

impl Packages {
    /// Reads what is there of it; a layer without packages has nothing.
    pub fn read(tree: &Tree) -> Packages {
        let text = |path: &[u8]| -> Option<Vec<u8>> {
            let mut bytes = Vec::new();
            let (file, _) = tree.file(path).ok()?;
            file.take(LIST).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        };
        let string = |path: &[u8]| text(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut packages = Packages {
            status: string(b"var/lib/dpkg/status"),
            automatic: string(b"var/lib/apt/extended_states").unwrap_or_default(),
            ..Packages::default()
        };
        for name in tree.names(b"var/lib/dpkg/info").unwrap_or_default() {
            let path = [b"var/lib/dpkg/info/".as_slice(), &name].concat();
            if name.ends_with(b".list") {
                for line in text(&path).unwrap_or_default().split(|byte| *byte == b'\n') {
                    for path in both(line.strip_prefix(b"/").unwrap_or(line)) {
                        packages.listed.insert(path);
                    }
                }
            } else if name.ends_with(b".md5sums") {
                for line in text(&path).unwrap_or_default().split(|byte| *byte == b'\n') {
                    let (Some(sum), Some(path)) = (line.get(..32), line.get(34..)) else { continue };
                    packages.add(sum, path);
                }
            }
        }
        let status = packages.status.take();
        for (path, sum) in status.as_deref().map(conffiles).unwrap_or_default() {
            packages.add(sum.as_bytes(), path.as_bytes());
        }
        Packages { status, ..packages }
    }

    fn add(&mut self, sum: &[u8], path: &[u8]) {
        for path in both(path) {
            self.sums.insert(path, String::from_utf8_lossy(sum).into_owned());
        }
    }

    /// Parts what people made from what packages brought and is still so. `known` says which files were so before.
    pub fn split(
        &self,
        root: &Path,
        found: Vec<Found>,
        known: &dyn Fn(&Found) -> bool,
    ) -> Result<(Vec<Found>, Vec<Found>)> {
        let is_candidate = |found: &Found| match found.entry.kind {
            Kind::File { .. } => self.sums.contains_key(&found.entry.path),
            _ => false,
        };
        let unknown: Vec<&[u8]> = found
            .iter()
            .filter(|found| is_candidate(found) && !known(found))
            .map(|found| found.entry.path.as_slice())
            .collect();
        let mut same: HashSet<Vec<u8>> = HashSet::new();
        for batch in unknown.chunks(BATCH) {
            for (path, sum) in sums(root, batch)? {
                if self.sums.get(&path).is_some_and(|brought| *brought == sum) {
                    same.insert(path);
                }
            }
        }
        Ok(found.into_iter().partition(|found| {
            let is_brought = match found.entry.kind {
                Kind::File { .. } => same.contains(&found.entry.path) || is_candidate(found) && known(found),
                Kind::Link { .. } => self.listed.contains(&found.entry.path),
                // A folder of a package is wanted where something in it is: that is seen to later.
                _ => false,
            };
            !is_brought
        }))
    }

    /// Packages and services, where dpkg's status is in the layer.
    pub fn inventory(&self, found: &[Found]) -> Option<Inventory> {
        let status = self.status.as_deref()?;
        let mut inventory = Inventory { packages: installed(status), ..Inventory::default() };
        inventory.conffiles =
            conffiles(status).into_iter().map(|(path, sum)| (path.to_owned(), sum.to_owned())).collect();
        let automatic: HashSet<&str> = stanzas(&self.automatic)
            .filter(|stanza| field(stanza, "Auto-Installed") == Some("1"))
            .filter_map(|stanza| field(stanza, "Package"))
            .collect();
        let manual = |name: &&String| !automatic.contains(name.split(':').next().unwrap_or(name));
        inventory.manual = inventory.packages.keys().filter(manual).cloned().collect();
        for Found { entry, .. } in found {
            let Some(path) =
                std::str::from_utf8(&entry.path).ok().and_then(|path| path.strip_prefix("etc/systemd/system/"))
            else {
                continue;
            };
            let unit = path.rsplit('/').next().unwrap_or(path).to_owned();
            match (&entry.kind, path.contains(".wants/")) {
                (Kind::Link { target }, false) if target == b"/dev/null" => {
                    inventory.services.insert(unit, "masked".to_owned());
                }
                (Kind::Link { .. }, true) => _ = inventory.services.entry(unit).or_insert("enabled".to_owned()),
                (Kind::Removed, true) => _ = inventory.services.entry(unit).or_insert("disabled".to_owned()),
                _ => {}
            }
        }
        Some(inventory)
    }
}

/// A path of a package, also by where it is when `/bin` and the like are links into `/usr`.
fn both(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let top = path.split(|byte| *byte == b'/').next().unwrap_or_default();
    let is_merged = matches!(top, b"bin" | b"sbin" | b"lib" | b"lib32" | b"lib64" | b"libx32");
    let merged = is_merged.then(|| [b"usr/".as_slice(), path].concat());
    [path.to_vec()].into_iter().chain(merged).filter(|path| !path.is_empty())
}

fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|stanza| !stanza.trim().is_empty())
}

fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn is_installed(stanza: &&str) -> bool {
    field(stanza, "Status").is_some_and(|status| status.ends_with(" installed"))
}

/// Version by name, of dpkg's `status`; as dpkg-query's `binary:Package`, a foreign architecture after a colon.
fn installed(status: &str) -> std::collections::BTreeMap<String, String> {
    let package = |stanza| {
        let (name, version) = (field(stanza, "Package")?, field(stanza, "Version")?);
        let is_same = field(stanza, "Multi-Arch") == Some("same");
        let architecture = field(stanza, "Architecture").filter(|_| is_same);
        let name = architecture.map_or(name.to_owned(), |architecture| format!("{name}:{architecture}"));
        Some((name, version.to_owned()))
    };
    stanzas(status).filter(is_installed).filter_map(package).collect()
}

/// MD5 by path, as packages brought them.
fn conffiles(status: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for stanza in stanzas(status).filter(is_installed) {
        let lines = stanza.lines().skip_while(|line| *line != "Conffiles:").skip(1);
        for line in lines.take_while(|line| line.starts_with(' ')) {
            let line = line.trim();
            if let Some((path, sum)) = line.rsplit_once(' ').filter(|(_, sum)| sum.len() == 32) {
                found.push((path.trim_start_matches('/'), sum));
            }
        }
    }
    found
}

/// MD5 of files, by md5sum(1): they are large and many, and there is no other use for it here.
fn sums(root: &Path, paths: &[&[u8]]) -> Result<Vec<(Vec<u8>, String)>> {
    let mut command = Command::new("timeout");
    // A machine that runs may put a pipe in a file's place.
    command
        .args(["120", "md5sum", "-z", "--"])
        .args(paths.iter().map(|path| OsStr::from_bytes(path)))
        .current_dir(root);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TrackError::Missing { program: "coreutils" },
        _ => TrackError::File { path: root.to_owned(), source },
    })?;
    let lines = output.stdout.split(|byte| *byte == 0);
    let sum = |line: &[u8]| Some((line.get(34..)?.to_vec(), String::from_utf8_lossy(line.get(..32)?).into_owned()));
    Ok(lines.filter_map(sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at() {
        let track = |text: &str| {
            let lines = |begin: &str, is_not: bool| {
                text.lines()
                    .filter(|line| line.starts_with(begin) != is_not)
                    .map(|line| line.trim_start_matches('!').to_owned())
                    .collect()
            };
            Track {
                paths: lines("!", true),
                without: lines("!", false),
                secrets: Vec::new(),
                every: std::time::Duration::MAX,
                largest: u64::MAX,
            }
        };
        let some = Some(track("/etc\n!/etc/ssl\n/var/log/own\n/opt/*/conf"));
        let all = Some(track("/\n!/srv"));
        for (track, path, expected) in [
            (&None, "etc/motd", true),
            (&None, "var/log/syslog", false),
            (&None, "var/lib/dpkg/info/x.list", false),
            (&None, "usr/local/bin/x", true),
            (&some, "etc/motd", true),
            (&some, "etc/ssl/x", false),
            (&some, "usr/local/bin/x", false),
            (&some, "var/log/own", true),
            (&some, "var/log", true),
            (&some, "opt/x", true),
            (&some, "opt/x/data", false),
            (&all, "usr/x", true),
            (&all, "var/log/syslog", false),
            (&all, "srv/x", false),
        ] {
            let is_folder = matches!(path, "var/log" | "opt/x" | "opt/x/data");
            assert_eq!(is_wanted(track.as_ref(), path.as_bytes(), is_folder), expected, "{path}");
        }
    }

    #[test]
    fn packages_of_a_status() {
        let status = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.36-9\n\
            Conffiles:\n /etc/ld.so.conf.d/x.conf 0123456789abcdef0123456789abcdef\nDescription: x\n more\n\n\
            Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nConffiles:\n /etc/gone 0123456789abcdef0123456789abcdef\n\n\
            Package: nginx\nStatus: install ok installed\nVersion: 1.22\n";
        let found: Vec<_> = installed(status).into_iter().collect();
        assert_eq!(found, [("libc6:amd64".into(), "2.36-9".into()), ("nginx".into(), "1.22".into())]);
        assert_eq!(conffiles(status), [("etc/ld.so.conf.d/x.conf", "0123456789abcdef0123456789abcdef")]);
        assert_eq!(both(b"bin/ls").collect::<Vec<_>>(), [b"bin/ls".to_vec(), b"usr/bin/ls".to_vec()]);
    }
}
