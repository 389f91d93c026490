//! What a machine is made of beside its files: packages, services, hardware. Read from what a script on it prints (`reach/probe.sh`),
//! which is also how the record keeps it. Pure.

use super::{Entry, Result, TrackError};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// `hosts/web1/.inventory`: sections in brackets, sorted lines of words in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// `[system]`: `os`, `kernel`, `architecture`, `product`, `cpu`, `cpus`, `memory` (bytes), `disk NAME` (bytes and model),
    /// `interface NAME` (its MAC), `hostname`, `init`. What changes from hour to hour is not here.
    pub system: BTreeMap<String, String>,
    /// `[packages]`: version by name.
    pub packages: BTreeMap<String, String>,
    /// `[manual]`: packages that were asked for, not brought by others.
    pub manual: BTreeSet<String>,
    /// `[services]`: `enabled`, `disabled`, `masked` by the name of a unit, where it is other than its preset says.
    pub services: BTreeMap<String, String>,
    /// `[conffiles]`: MD5 by path (no leading `/`), as the package brought it.
    pub conffiles: BTreeMap<String, String>,
    /// `[large]`: files that `track` names and that are too large: bytes by path.
    pub large: BTreeMap<String, u64>,
}

impl Inventory {
    /// Reads it; `what` names it in errors. Lines may come in any order; in `[conffiles]` and `[large]` the last word is the
    /// value, else what comes after the first (of `disk` and `interface` after the second).
    pub fn parse(text: &str, what: &str) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        let mut section = String::new();
        for (at, line) in text.lines().enumerate() {
            // A machine may print anything: what could begin a line, or a section, elsewhere is not taken over.
            let line: String = line.chars().filter(|c| !c.is_control() && *c != '\u{2028}').collect();
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let wrong = |expected: &str| TrackError::Form {
                what: what.to_owned(),
                line: at + 1,
                expected: expected.to_owned(),
            };
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'))
                && !matches!(section.as_str(), "conffiles" | "large" if line.contains('/'))
            {
                name.clone_into(&mut section);
                continue;
            }
            let first = || line.split_once(' ').map(|(key, value)| (key.to_owned(), value.trim_start().to_owned()));
            let last = || {
                let (key, value) = line.rsplit_once(' ')?;
                let key = key.trim_start_matches(['/', ' ']).trim();
                (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
            };
            let is_md5 = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            match section.as_str() {
                "system" => {
                    let (key, value) = first().ok_or_else(|| wrong("a name and a value"))?;
                    let (key, value) = match (key.as_str(), value.split_once(' ')) {
                        ("disk" | "interface", Some((name, value))) => (format!("{key} {name}"), value.to_owned()),
                        _ => (key, value),
                    };
                    inventory.system.insert(key, value);
                }
                "packages" => inventory.packages.extend([first().ok_or_else(|| wrong("a package and its version"))?]),
                "manual" => _ = inventory.manual.insert(line.to_owned()),
                "services" => inventory.services.extend([first().ok_or_else(|| wrong("a unit and its state"))?]),
                "conffiles" => {
                    let known = last().ok_or_else(|| wrong("a path and its MD5"))?;
                    // Of one that is not unpacked yet dpkg has a word in its place.
                    inventory.conffiles.extend(Some(known).filter(|(_, digest)| is_md5(digest)));
                }
                "large" => {
                    let large = last().and_then(|(path, bytes)| Some((path, bytes.parse().ok()?)));
                    inventory.large.extend([large.ok_or_else(|| wrong("a path and its bytes"))?]);
                }
                // Of a newer program, or before the first section.
                "" => return Err(wrong("a section in brackets")),
                _ => {}
            }
        }
        Ok(inventory)
    }
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = |map: &BTreeMap<String, String>| map.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let sections: [(&str, Vec<String>); 6] = [
            ("system", pairs(&self.system)),
            ("packages", pairs(&self.packages)),
            ("manual", self.manual.iter().cloned().collect()),
            ("services", pairs(&self.services)),
            ("conffiles", pairs(&self.conffiles)),
            ("large", self.large.iter().map(|(path, bytes)| format!("{path} {bytes}")).collect()),
        ];
        for (name, lines) in sections.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            writeln!(f, "[{name}]")?;
            lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}

/// How a machine differs between two commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Files that are new or other: the entry before, where there was one, and now.
    pub changed: Vec<(Option<Entry>, Entry)>,
    /// Files that are gone.
    pub removed: Vec<Entry>,
    /// The inventory before and now.
    pub inventory: (Inventory, Inventory),
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[system]\ncpu Intel(R) Xeon(R) CPU\ndisk sda 8589934592 QEMU HARDDISK\ninterface eth0 52:54:00:77:00:3c\n\
        [packages]\nlibc6 2.36-9\nnginx 1.22.1-9\n[manual]\nnginx\n[services]\nnginx.service enabled\n\
        [conffiles]\netc/a b/c 0123456789abcdef0123456789abcdef\n[large]\nvar/lib/big file 5368709120\n";

    #[test]
    fn there_and_back() {
        let told = Inventory::parse(TEXT, "web1/.inventory").unwrap();
        assert_eq!(told.system["disk sda"], "8589934592 QEMU HARDDISK");
        assert_eq!(told.conffiles.keys().collect::<Vec<_>>(), ["etc/a b/c"]);
        assert_eq!(told.large["var/lib/big file"], 5 << 30);
        assert_eq!(told.to_string(), TEXT);
        // In any order, and with a section of a newer program.
        let mixed = "[manual]\nnginx\n[moon]\nfull\n[packages]\nnginx 1.22.1-9\nlibc6 2.36-9\n";
        assert_eq!(
            Inventory::parse(mixed, "x").unwrap().to_string(),
            "[packages]\nlibc6 2.36-9\nnginx 1.22.1-9\n[manual]\nnginx\n"
        );
        assert_eq!(Inventory::parse("", "x").unwrap(), Inventory::default());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (text, line) in [("os Debian\n", 1), ("[packages]\nnginx\n", 2), ("[large]\nvar/x much\n", 2)] {
            let error = Inventory::parse(text, "web1/.inventory").unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}:")), "{error}");
        }
    }
}
