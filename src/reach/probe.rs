//! What a machine is made of, and how much of it is in use: one script (`probe.sh`) on the machine tells both.

use super::{Reach, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    time::Duration,
};

/// Of `/bin/sh` there.
const SCRIPT: &str = include_str!("probe.sh");
/// What the script may take: a busy machine asks dpkg for some seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// The sections of an inventory, in their order.
const SECTIONS: [&str; 5] = ["system", "packages", "manual", "services", "conffiles"];

/// How much of a machine is in use, as `track.measured` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Processors.
    pub cpus: u32,
    /// Load over a minute, in hundredths of a processor.
    pub load: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Of them in use.
    pub memory_used: u64,
    /// Bytes of the root file system.
    pub disk: u64,
    /// Of them in use.
    pub disk_used: u64,
}

/// What the script printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// As `hosts/<machine>/.inventory` keeps it.
    pub inventory: String,
    /// How much is in use.
    pub measured: Measured,
    /// rsync(1) is installed there.
    pub has_rsync: bool,
}

impl Reach {
    /// Asks the machine, or the container.
    pub async fn probe(&self) -> Result<Probe> {
        let script = match self.container {
            Some(_) => format!("container=1\n{SCRIPT}"),
            None => SCRIPT.to_owned(),
        };
        Ok(parse(&self.ask(&script, &[], PATIENCE).await?))
    }
}

impl Probe {
    /// The inventory with the files that are too large to be kept: bytes by path below the root.
    pub fn with_large(&self, large: &BTreeMap<Vec<u8>, u64>) -> String {
        let mut inventory = self.inventory.clone();
        if !large.is_empty() {
            inventory.push_str("[large]\n");
        }
        for (path, bytes) in large {
            let path = String::from_utf8_lossy(path).escape_debug().to_string();
            let _ = writeln!(inventory, "{path} {bytes}");
        }
        inventory
    }
}

/// Sections in their order and lines in theirs, whatever the machine's tools did.
fn parse(lines: &[String]) -> Probe {
    let mut sections: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut section = "";
    for line in lines {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => section = name,
            None => {
                let line: String = line.trim().chars().filter(|c| !c.is_control()).collect();
                // Each is a name and something of it.
                if !line.is_empty() && (section == "manual" || line.contains(' ')) {
                    sections.entry(section).or_default().insert(line);
                }
            }
        }
    }
    let measured = sections.remove("measured").unwrap_or_default();
    let said = |name: &str| measured.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let number = |name: &str| said(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let load: f64 = said("load").and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let mut inventory = String::new();
    for name in SECTIONS {
        let Some(lines) = sections.get(name) else { continue };
        let _ = writeln!(inventory, "[{name}]");
        for line in lines {
            let _ = writeln!(inventory, "{line}");
        }
    }
    Probe {
        inventory,
        measured: Measured {
            cpus: u32::try_from(number("cpus")).unwrap_or(0),
            load: (load.clamp(0.0, 1e6) * 100.0).round() as u32,
            memory: number("memory"),
            memory_used: number("memory_used"),
            disk: number("disk"),
            disk_used: number("disk_used"),
        },
        has_rsync: said("rsync").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_prints() {
        let told = "[system]\nos Debian GNU/Linux 13 (trixie)\ndisk sda 8589934592 QEMU\x1b[1m\n[packages]\nzlib1g 1:1.3\nadduser 3.1\n\
            broken\n[manual]\nvim\n[services]\n[moon]\nfull 1\n[measured]\ncpus 2\nload 0.12\nmemory 1000\nmemory_used 400\n\
            disk 2000\ndisk_used 1500\nrsync /usr/bin/rsync\n";
        let lines: Vec<String> = told.lines().map(str::to_owned).collect();
        let probe = parse(&lines);
        let inventory = "[system]\ndisk sda 8589934592 QEMU[1m\nos Debian GNU/Linux 13 (trixie)\n[packages]\nadduser 3.1\nzlib1g 1:1.3\n\
            [manual]\nvim\n";
        assert_eq!(probe.inventory, inventory);
        let measured = Measured { cpus: 2, load: 12, memory: 1000, memory_used: 400, disk: 2000, disk_used: 1500 };
        assert_eq!((probe.measured, probe.has_rsync), (measured, true));
        let large = [(b"var/big file".to_vec(), 5 << 30)].into();
        assert!(probe.with_large(&large).ends_with("vim\n[large]\nvar/big file 5368709120\n"));
        // A machine without any of these tools.
        assert_eq!(parse(&["[system]".to_owned(), "kernel 6.1".to_owned()]).inventory, "[system]\nkernel 6.1\n");
        assert_eq!(parse(&[]), Probe::default());
    }
}
