//! From changes of a machine to a recipe, and that recipe read and checked as any other.

use super::*;
use crate::{recipe::parse, track::Inventory};
use std::process::Command;

fn file(path: &[u8]) -> Entry {
    Entry::plain(path, Kind::File { size: 5, blob: String::new() })
}

fn inventory(packages: &[&str], manual: &[&str], services: &[(&str, &str)]) -> Inventory {
    Inventory {
        packages: packages.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect(),
        manual: manual.iter().map(|name| (*name).to_owned()).collect(),
        services: services.iter().map(|(unit, state)| ((*unit).to_owned(), (*state).to_owned())).collect(),
        conffiles: [
            ("etc/px/shipped".to_owned(), "md5 of 5".to_owned()),
            ("etc/px/mine".to_owned(), "other".to_owned()),
        ]
        .into(),
        ..Inventory::default()
    }
}

#[test]
fn all_that_was_changed() {
    let mut odd = file(b"srv/it's \xff\n");
    (odd.mode, odd.uid, odd.gid) = (0o4750, 1001, 4);
    let mut folder = Entry::plain(b"srv/data", Kind::Folder);
    (folder.mode, folder.uid) = (0o2770, 1001);
    let delta = Delta {
        changed: vec![
            (None, file(b"etc/motd")),
            (None, odd),
            (None, folder),
            (None, file(b"etc/px/shipped")),
            (None, file(b"etc/px/mine")),
            (None, Entry::plain(b"etc/localtime", Kind::Link { target: b"/usr/share/zoneinfo/UTC".to_vec() })),
            (
                None,
                Entry::plain(
                    b"etc/systemd/system/multi-user.target.wants/px.service",
                    Kind::Link { target: b"/x".to_vec() },
                ),
            ),
            (Some(file(b"etc/hostname")), file(b"etc/hostname")),
            (Some(file(b"etc/passwd")), file(b"etc/passwd")),
            (None, Entry::plain(b"etc/key", Kind::Secret { digest: "d".into() })),
            (None, Entry::plain(b"etc/gone", Kind::Removed)),
            (None, file(b"usr/bin/px")),
        ],
        removed: vec![file(b"etc/old conf")],
        inventory: (
            inventory(&["base", "nano"], &["base", "nano"], &[("ssh.service", "disabled"), ("a.service", "masked")]),
            inventory(
                &["base", "px", "libpx"],
                &["base", "px"],
                &[("cron.service", "disabled"), ("b.timer", "masked")],
            ),
        ),
    };
    let content = |when, path: &[u8]| {
        let text = match (path, when) {
            (b"etc/passwd", When::Before) => "root:x:0:0::/root:/bin/sh\n",
            (b"etc/passwd", When::Now) => "root:x:0:0::/root:/bin/sh\nweb:x:1001:1001:It's web:/home/web:/bin/sh\n",
            (b"etc/group", When::Before) => "root:x:0:\nadm:x:4:\n",
            (b"etc/group", When::Now) => "root:x:0:\nadm:x:4:web\nweb:x:1001:\n",
            _ => "12345",
        };
        Some(text.as_bytes().to_vec())
    };
    let sources = Sources { content: &content, md5: &|bytes| Some(format!("md5 of {}", bytes.len())) };
    let written = from(&delta, "As web1", "Of a test.", &sources);
    let script = &written.script;
    let recipe = parse("as-web1", script).unwrap_or_else(|faults| panic!("{faults:?}\n{script}"));
    assert_eq!(
        (recipe.title.as_str(), &recipe.functions[..], recipe.puts_itself),
        ("As web1", &["check", "apply", "verify"][..], true)
    );
    let files: Vec<_> = recipe.files.iter().map(|f| (f.path.as_slice(), f.mode, f.owners.as_str())).collect();
    assert_eq!(
        files,
        [
            (&b"etc/motd"[..], Some(0o644), "root:root"),
            (b"srv/it's \xff\n", Some(0o4750), "web:adm"),
            (b"srv/data", Some(0o2770), "web:root"),
            (b"etc/px/mine", Some(0o644), "root:root"),
            (b"etc/localtime", Some(0o777), "root:root"),
        ]
    );
    assert_eq!(written.files.len(), 5);
    for line in [
        "has_package 'px' || add_package 'px'",
        "! has_package 'nano' || drop_package 'nano'",
        "getent group 'web' > /dev/null || groupadd --gid 1001 'web'",
        "getent passwd 'web' > /dev/null || useradd --uid 1001 --gid 'web' --create-home --home-dir '/home/web' --shell '/bin/sh' --comment 'It'\\''s web' 'web'",
        "is_member 'web' 'adm' || usermod --append --groups 'adm' 'web'",
        "is_enabled 'px.service' || systemctl enable 'px.service'",
        "is_enabled 'ssh.service' || systemctl enable 'ssh.service'",
        "! is_enabled 'cron.service' || systemctl disable 'cron.service'",
        "is_masked 'b.timer' || systemctl mask 'b.timer'",
        "! is_masked 'a.service' || systemctl unmask 'a.service'",
        "rm -f -- '/etc/old conf'",
        "rm -f -- '/etc/gone'",
        "[ ! -e '/etc/old conf' ] && [ ! -L '/etc/old conf' ]",
    ] {
        assert!(script.lines().any(|told| told.trim() == line), "{line}\n{script}");
    }
    for (path, why) in [
        ("/etc/hostname", "it says who the machine is"),
        ("/etc/px/shipped", "a package brought it so"),
        ("/etc/key", "it is kept encrypted; put it there yourself"),
        ("/usr/bin/px", "packages bring it"),
    ] {
        assert!(written.left.contains(&(path.to_owned(), why)), "{path}: {:?}", written.left);
    }
    assert!(!script.contains("libpx"));
    // A shell takes it for what it is.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("recipe.sh");
    std::fs::write(&file, script).unwrap();
    let said = Command::new("sh").arg("-n").arg(&file).output().unwrap();
    assert!(said.status.success(), "{}\n{script}", String::from_utf8_lossy(&said.stderr));
    assert!(!written.is_empty);
    let nothing = Sources { content: &|_, _| None, md5: &|_| None };
    assert!(from(&Delta::default(), "x", "y", &nothing).is_empty);
}
