//! The configuration that GRUB reads, as shim loads it where Secure Boot is on.

use super::plan::{Entry, Linux, Plan};
use crate::{
    conf::{Profile, Segment},
    net::Mac,
};
use std::{fmt::Write, net::Ipv4Addr};

/// What a name below `tftpboot` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The configuration of who asks.
    Own,
    /// That of the machine with this hardware address.
    Of(Mac),
    /// One of the names that GRUB tries before: a UUID, a part of an address. There is none.
    Nothing,
}

/// The folders that GRUB looks in: Debian's and Ubuntu's in `grub`, Fedora's beside itself.
const FOLDERS: [&str; 3] = ["grub/", "", "boot/grub/"];

/// Where systems on a disk have their loader, the one for whatever system last.
const ON_DISK: [&str; 6] = [
    "/EFI/debian/shimx64.efi",
    "/EFI/ubuntu/shimx64.efi",
    "/EFI/fedora/shimx64.efi",
    "/EFI/almalinux/shimx64.efi",
    "/EFI/Microsoft/Boot/bootmgfw.efi",
    "/EFI/BOOT/BOOTX64.EFI",
];

/// Whether `path` is a name under which GRUB looks for its configuration, and whose.
/// It tries `-<uuid>`, `-01-<mac>`, `-<address in hexadecimal>` shortened digit by digit, then the bare name.
pub fn asked(path: &str, address: Ipv4Addr) -> Option<Asked> {
    let name = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder)?.strip_prefix("grub.cfg"))?;
    if name.is_empty() {
        return Some(Asked::Own);
    }
    let name = name.strip_prefix('-')?;
    if name == format!("{:08X}", address.to_bits()) {
        return Some(Asked::Own);
    }
    let mac = name.strip_prefix("01-").and_then(|mac| mac.parse().ok());
    Some(mac.map_or(Asked::Nothing, Asked::Of))
}

/// A configuration that boots `plan`: at once, or of a menu what is chosen. Where that fails it says so on the machine's
/// screen, and begins anew.
pub fn config(plan: &Plan, segment: &Segment, profile: &Profile) -> String {
    let mut text = format!("echo {}\n", quoted(&format!("PXElator {}: profile {}", segment.server, profile.name)));
    if let Plan::Menu { timeout, entries } = plan {
        menu(timeout.as_secs(), entries, segment, &mut text);
        return text;
    }
    commands(plan, segment, &mut text);
    if !matches!(plan, Plan::Shell) {
        // Not asked for anew in place, as iPXE does: GRUB would keep each one that it came from.
        text.push_str(concat!(
            "echo 'This machine could not boot; the console of PXElator says why. It begins anew in 10 seconds'\n",
            "sleep 10\n",
            "reboot\n",
        ));
    }
    text
}

fn commands(plan: &Plan, segment: &Segment, text: &mut String) {
    match plan {
        Plan::Linux(Linux { kernel, initrd, append }) => {
            let kernel = path(kernel, segment.server);
            let _ = writeln!(text, "if {}; then", ["linux", &kernel, &words(append)].join(" ").trim_end());
            if !initrd.is_empty() {
                let paths: Vec<String> = initrd.iter().map(|initrd| path(initrd, segment.server)).collect();
                let _ = writeln!(text, "if initrd {}; then", paths.join(" "));
            }
            text.push_str("boot\nfi\n");
            if !initrd.is_empty() {
                text.push_str("fi\n");
            }
        }
        Plan::Program { path: program, append } => {
            let program = path(program, segment.server);
            let line = ["chainloader", &program, &words(append)].join(" ");
            let _ = writeln!(text, "if {}; then\nboot\nfi", line.trim_end());
        }
        // Where GRUB leaves, firmware shows its menu, and does not go on to the disk.
        Plan::Local => {
            text.push_str("echo 'Booting from the disk of this machine'\n");
            for file in ON_DISK {
                let _ = writeln!(
                    text,
                    "if search --no-floppy --set=root --file {file}; then\nif chainloader {file}; then\nboot\nfi\nfi"
                );
            }
            text.push_str("exit\n");
        }
        // Where a configuration ends without an entry, GRUB shows its command line.
        Plan::Shell | Plan::Menu { .. } => {}
    }
}

fn menu(seconds: u64, entries: &[Entry], segment: &Segment, text: &mut String) {
    let first = entries.iter().position(|entry| entry.plan.is_ok()).unwrap_or(0);
    let _ = writeln!(text, "set default={first}\nset timeout={seconds}");
    for entry in entries {
        match &entry.plan {
            Ok(plan) => {
                let _ = writeln!(text, "menuentry {} {{", quoted(&entry.title));
                commands(plan, segment, text);
                text.push_str("}\n");
            }
            Err(refusal) => {
                let title = format!("{} cannot be booted: {refusal}", entry.title);
                let _ = writeln!(text, "menuentry {} {{\ntrue\n}}", quoted(&title));
            }
        }
    }
}

/// A path below `tftpboot`, or a URL, as GRUB names files: from this server by TFTP, which every GRUB has.
pub fn path(path: &str, server: Ipv4Addr) -> String {
    let own = format!("http://{server}/");
    match (path.strip_prefix(&own), path.split_once("://")) {
        (None, Some((scheme, rest))) => {
            let (host, file) = rest.split_once('/').unwrap_or((rest, ""));
            quoted(&format!("({scheme},{host})/{file}"))
        }
        (own, _) => quoted(&format!("/{}", own.unwrap_or(path).trim_start_matches('/'))),
    }
}

/// A command line as words of GRUB's language, none of which means anything to GRUB itself. It puts words with blanks into
/// quotes by itself, so those of the command line are taken off.
pub fn words(line: &str) -> String {
    let (mut words, mut word, mut in_quotes, mut begun) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '"' => (in_quotes, begun) = (!in_quotes, true),
            blank if blank.is_whitespace() && !in_quotes => {
                if begun {
                    words.push(quoted(&std::mem::take(&mut word)));
                }
                begun = false;
            }
            other => {
                word.push(other);
                begun = true;
            }
        }
    }
    if begun {
        words.push(quoted(&word));
    }
    words.join(" ")
}

/// One word, in quotes where it needs them.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.,:=_-+@%~()[]".contains(c) || !c.is_ascii();
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Refusal;
    use std::time::Duration;

    fn text(plan: &Plan) -> String {
        config(plan, &Segment::new(Ipv4Addr::new(10, 77, 0, 1)), &Profile::new("live", &[]))
    }

    fn linux(initrd: &[&str]) -> Plan {
        let initrd = initrd.iter().map(|path| (*path).to_owned()).collect();
        Plan::Linux(Linux { kernel: "live/vmlinuz".into(), initrd, append: "quiet a;b".into() })
    }

    #[test]
    fn each_kind_of_boot() {
        let failed = "echo 'This machine could not boot; the console of PXElator says why. It begins anew in 10 seconds'\n\
                      sleep 10\nreboot\n";
        let program = Plan::Program { path: "memtest/x.efi".into(), append: "console=ttyS0".into() };
        for (plan, lines, end) in [
            (linux(&[]), "if linux /live/vmlinuz quiet 'a;b'; then\nboot\nfi\n", failed),
            (
                linux(&["live/a", "live/b"]),
                "if linux /live/vmlinuz quiet 'a;b'; then\nif initrd /live/a /live/b; then\nboot\nfi\nfi\n",
                failed,
            ),
            (program, "if chainloader /memtest/x.efi console=ttyS0; then\nboot\nfi\n", failed),
            (Plan::Shell, "", ""),
        ] {
            assert_eq!(text(&plan), format!("echo 'PXElator 10.77.0.1: profile live'\n{lines}{end}"));
        }
        let local = text(&Plan::Local);
        let last =
            "--file /EFI/BOOT/BOOTX64.EFI; then\nif chainloader /EFI/BOOT/BOOTX64.EFI; then\nboot\nfi\nfi\nexit\n";
        assert!(local.contains("echo 'Booting from the disk") && local.contains(last), "{local}");
    }

    #[test]
    fn a_menu() {
        let entry = |profile: &str, title: &str, plan| Entry { profile: profile.into(), title: title.into(), plan };
        let lost = Err(Refusal::UnknownProfile { profile: "lost".into() });
        let entries = vec![entry("lost", "Lost", lost), entry("live", "Paul's", Ok(linux(&[])))];
        let told = text(&Plan::Menu { timeout: Duration::from_secs(20), entries });
        assert_eq!(
            told,
            "echo 'PXElator 10.77.0.1: profile live'\nset default=1\nset timeout=20\n\
             menuentry 'Lost cannot be booted: there is no profile lost in conf/boot' {\ntrue\n}\n\
             menuentry 'Paul'\\''s' {\nif linux /live/vmlinuz quiet 'a;b'; then\nboot\nfi\n}\n"
        );
    }

    #[test]
    fn names() {
        let mac: Mac = "52:54:00:77:00:3d".parse().unwrap();
        for (path, expected) in [
            ("grub/grub.cfg", Some(Asked::Own)),
            ("grub.cfg", Some(Asked::Own)),
            ("boot/grub/grub.cfg", Some(Asked::Own)),
            ("grub/grub.cfg-0A4D003D", Some(Asked::Own)),
            ("grub/grub.cfg-0A4D003", Some(Asked::Nothing)),
            ("grub/grub.cfg-0A4D003E", Some(Asked::Nothing)),
            ("grub/grub.cfg-01-52-54-00-77-00-3d", Some(Asked::Of(mac))),
            ("grub.cfg-b8945908-d6a6-41a9-611d-74a6ab80b83d", Some(Asked::Nothing)),
            ("live/grub.cfg", None),
            ("grub/x86_64-efi/command.lst", None),
            ("grub/grub.cfgs", None),
        ] {
            assert_eq!(asked(path, Ipv4Addr::new(10, 77, 0, 61)), expected, "{path}");
        }
    }

    #[test]
    fn files() {
        let server = Ipv4Addr::new(10, 77, 0, 1);
        for (file, expected) in [
            ("live/vmlinuz", "/live/vmlinuz"),
            ("/live/a b", "'/live/a b'"),
            ("http://10.77.0.1/live/vmlinuz", "/live/vmlinuz"),
            ("http://10.77.0.10/live/vmlinuz", "(http,10.77.0.10)/live/vmlinuz"),
            ("http://deb.lan:8080/x", "(http,deb.lan:8080)/x"),
        ] {
            assert_eq!(path(file, server), expected);
        }
    }

    #[test]
    fn command_lines() {
        for (line, expected) in [
            ("quiet  console=ttyS0,115200", "quiet console=ttyS0,115200"),
            ("ds=nocloud;s=http://x/", "'ds=nocloud;s=http://x/'"),
            ("a=$b {c}", "'a=$b' '{c}'"),
            ("init=\"/bin/sh -c x\" y", "'init=/bin/sh -c x' y"),
            ("it's", r"'it'\''s'"),
            ("\"\" x", "'' x"),
            ("", ""),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }
}
