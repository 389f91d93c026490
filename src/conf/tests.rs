use super::*;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    dir
}

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, value) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, value).unwrap();
        if path.extension().is_some_and(|end| end == "secret") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// `path: value | expected` of each mistake.
fn mistakes(reading: &Reading) -> Vec<String> {
    reading.mistakes.iter().map(|m| format!("{}: {} | {}", m.path.display(), m.value, m.expected)).collect()
}

const GOOD: &[(&str, &str)] = &[
    ("10.77.0.1/domain", "Test.lan\n"),
    ("10.77.0.1/pool", "# for guests\n10.77.0.100-200\n"),
    ("10.77.0.1/lease", "30m\n"),
    ("10.77.0.1/10.77.0.60/mac", "52:54:00:00:00:60\n"),
    ("10.77.0.1/10.77.0.60/boot", "kiosk\n"),
    ("10.77.0.1/10.77.0.60/homepage", "http://example.org\n"),
    ("10.77.0.1/10.77.0.60/amt.secret", "admin:secret\n"),
    ("boot/kiosk/kernel", "kiosk/vmlinuz\n"),
    ("boot/kiosk/initrd", "a.img\nb.img\n"),
];

#[test]
fn a_good_tree() {
    let dir = tree(GOOD);
    let reading = read(dir.path(), None);
    assert_eq!(mistakes(&reading), [""; 0]);
    let segment = &reading.conf.segments[&"10.77.0.1".parse().unwrap()];
    assert_eq!((segment.domain.as_str(), segment.lease.as_secs(), segment.prefix), ("test.lan", 1800, 24));
    let machine = &segment.machines[&"10.77.0.60".parse().unwrap()];
    assert_eq!(machine.hostname, "m-10-77-0-60");
    assert_eq!(machine.extra.keys().collect::<Vec<_>>(), ["homepage"], "secrets are not kept");
    assert_eq!(reading.conf.profiles["kiosk"].texts["initrd"].body, "a.img\nb.img");
}

#[test]
fn each_mistake_is_named() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("10.77.0.1/lease", "soon")],
            "10.77.0.1/lease: soon | a duration of at least a minute, as 30m, 1h or 86400",
        ),
        (&[("10.77.0.1/keep", "long")], "10.77.0.1/keep: long | a number of days, at least 1"),
        (
            &[("10.77.0.1/couchdb", "ftp://admin:hush@couch/db")],
            "10.77.0.1/couchdb: ftp://…@couch/db | the URL of a database, as http://127.0.0.1:5984/pxelator",
        ),
        (
            &[("10.77.0.1/couchdb", "http://admin:hush@couch/Audit")],
            "10.77.0.1/couchdb: http://…@couch/Audit | the URL of a database, as http://127.0.0.1:5984/pxelator: its \
             name is lower case letters, digits and _$()+-, the first a letter",
        ),
        (&[("10.77.0.1/mode", "on")], "10.77.0.1/mode: on | one of authoritative, proxy, off"),
        (&[("10.77.0.1/domain", "\n")], "10.77.0.1/domain:  | a value; remove the file to take the default"),
        (&[("10.77.0.1/pool", "10.78.0.1-9")], "10.77.0.1/pool: 10.78.0.1-10.78.0.9 | a range of 10.77.0.0/24"),
        (
            &[("10.77.0.1/pool", "10.77.0.1-9")],
            "10.77.0.1/pool: 10.77.0.1-10.77.0.9 | a range without the server's own address",
        ),
        (
            &[("10.77.0.1/dns", "10.77.0.1")],
            "10.77.0.1/dns: 10.77.0.1 | another server's address: this server would ask itself",
        ),
        (&[("10.77.0.1/boot", "kisok")], "10.77.0.1/boot: kisok | a profile of boot/ (there are: kiosk)"),
        (
            &[("10.77.0.1/10.78.0.5/mac", "52:54:00:00:00:05")],
            "10.77.0.1/10.78.0.5: 10.78.0.5 | an address of a machine in 10.77.0.0/24",
        ),
        (&[("10.77.0.1/10.77.0.61/hostname", "x")], "10.77.0.1/10.77.0.61/mac:  | there; every machine has a file mac"),
        (
            &[("10.77.0.1/10.77.0.61/mac", "52:54:00:00:00:60")],
            "10.77.0.1/10.77.0.61/mac: 52:54:00:00:00:60 | this machine's alone: 10.77.0.60 has the same MAC",
        ),
        (&[("10.77.0.1/10.77.0.60/mac/x", "")], "10.77.0.1/10.77.0.60/mac: a folder | a file that can be read"),
        (
            &[("10.77.0.2/domain", "b.lan")],
            "10.77.0.2: 10.77.0.0/24 | a network of its own: it overlaps with 10.77.0.1's 10.77.0.0/24",
        ),
        (&[("ten/domain", "b.lan")], "ten: ten | the server's address of a segment, boot, commands, or recipes"),
        (
            &[("boot/empty/append", "x")],
            "boot/empty/kernel:  | there; a profile has a file kernel, program, action or menu",
        ),
        (&[("boot/kiosk/append", "a\u{7}b")], ""),
    ];
    for (wrong, expected) in cases {
        let dir = tree(GOOD);
        let path = dir.path().join(wrong[0].0);
        if path.parent().unwrap().is_file() {
            fs::remove_file(path.parent().unwrap()).unwrap();
        }
        write(dir.path(), wrong);
        let found = mistakes(&read(dir.path(), None));
        assert!(expected.is_empty() || found.iter().any(|m| m == expected), "{wrong:?}: {found:#?}");
    }
}

#[test]
fn unknown_files_of_a_segment_and_foreign_bytes_are_named() {
    let dir = tree(GOOD);
    write(dir.path(), &[("10.77.0.1/gatway", "10.77.0.254"), ("10.77.0.1/couchdb", "http://db:5984/audit")]);
    fs::write(dir.path().join("10.77.0.1/ntp"), b"\xff\xfe").unwrap();
    let found = mistakes(&read(dir.path(), None));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("10.77.0.1/gatway: gatway | a machine's address, nor one of interface, prefix"));
    assert!(found[1].ends_with("| text in UTF-8"), "{found:#?}");
}

#[test]
fn the_last_good_value_stays_in_force() {
    let dir = tree(GOOD);
    let good = read(dir.path(), None).conf;
    write(
        dir.path(),
        &[
            ("10.77.0.1/lease", "soon"),
            ("10.77.0.1/10.77.0.60/mac", "nonsense"),
            ("10.77.0.1/10.77.0.60/boot", "../etc"),
            ("boot/kiosk/kernel", "\n"),
        ],
    );
    let reading = read(dir.path(), Some(&good));
    assert_eq!(reading.mistakes.len(), 4, "{:#?}", reading.mistakes);
    assert_eq!(reading.conf, good);
    fs::remove_file(dir.path().join("10.77.0.1/lease")).unwrap();
    let reading = read(dir.path(), Some(&good));
    assert_eq!(
        reading.conf.segments.values().next().unwrap().lease.as_secs(),
        3600,
        "a removed file takes the default"
    );
}

#[test]
fn the_last_good_value_stays_in_force_where_only_its_neighbours_make_it_wrong() {
    let dir = tree(GOOD);
    let second = [("10.77.0.1/10.77.0.50/mac", "52:54:00:00:00:50"), ("10.77.0.1/10.77.0.50/hostname", "second")];
    write(dir.path(), &second);
    write(dir.path(), &[("10.77.0.1/gateway", "10.77.0.254"), ("10.77.0.1/dns", "10.77.0.253")]);
    let good = read(dir.path(), None).conf;
    for (path, wrong) in [
        ("10.77.0.1/pool", "10.99.0.100-200"),
        ("10.77.0.1/pool", "10.77.0.1-200"),
        ("10.77.0.1/gateway", "10.99.0.254"),
        ("10.77.0.1/dns", "10.77.0.1"),
        ("10.77.0.1/10.77.0.50/mac", "52:54:00:00:00:60"),
        ("10.77.0.1/10.77.0.50/hostname", "m-10-77-0-60"),
    ] {
        let before = fs::read_to_string(dir.path().join(path)).unwrap();
        write(dir.path(), &[(path, wrong)]);
        let reading = read(dir.path(), Some(&good));
        assert_eq!(reading.mistakes.len(), 1, "{path}: {:#?}", reading.mistakes);
        assert_eq!(reading.mistakes[0].path, Path::new(path));
        assert_eq!(reading.conf, good, "{path}");
        write(dir.path(), &[(path, &before)]);
    }
    // A copied folder takes nothing from its model, whichever comes first.
    write(dir.path(), &[("10.77.0.1/10.77.0.40/mac", "52:54:00:00:00:60")]);
    assert_eq!(read(dir.path(), Some(&good)).conf, good);
}

#[test]
fn adopting_writes_what_is_read_again() {
    let dir = tree(GOOD);
    let conf = read(dir.path(), None).conf;
    let segment = conf.segments.values().next().unwrap();
    let mac = "52:54:00:00:00:99".parse().unwrap();
    let taken = ["10.77.0.61".parse().unwrap()].into();
    let free = |seen: &str| free_address(segment, &taken, seen.parse().ok()).unwrap();
    let address = free("");
    assert_eq!(address.to_string(), "10.77.0.62");
    // It keeps the address that it has, unless that is another's, the pool's, or no machine's.
    for (seen, kept) in [
        ("10.77.0.90", "10.77.0.90"),
        ("10.77.0.61", "10.77.0.61"),
        ("10.77.0.60", "10.77.0.62"),
        ("10.77.0.1", "10.77.0.62"),
        ("10.77.0.100", "10.77.0.62"),
        ("10.77.0.255", "10.77.0.62"),
        ("10.88.0.9", "10.77.0.62"),
    ] {
        assert_eq!(free(seen).to_string(), kept, "{seen}");
    }
    for (own, name) in [(None, "m-10-77-0-62"), (Some("kiosk"), "kiosk"), (Some("a b"), "m-10-77-0-62")] {
        assert_eq!(free_name(segment, mac, address, own), name);
    }
    adopt(dir.path(), segment, mac, address, "Web2", &[("boot", "kiosk".to_owned())]).unwrap();
    let reading = read(dir.path(), None);
    assert_eq!(mistakes(&reading), [""; 0]);
    let segment = reading.conf.segments.values().next().unwrap();
    assert_eq!(segment.machine_by_mac(mac).unwrap().hostname, "web2");
    for (address, name) in
        [("10.77.0.62", "x"), ("10.77.0.1", "x"), ("10.78.0.9", "x"), ("10.77.0.63", "web2"), ("10.77.0.63", "a b")]
    {
        let mac = "52:54:00:00:00:98".parse().unwrap();
        assert!(adopt(dir.path(), segment, mac, address.parse().unwrap(), name, &[]).is_err(), "{address} {name}");
    }
}

#[test]
fn a_database_and_who_asks() {
    let dir = tree(GOOD);
    let (url, secret) = ("10.77.0.1/couchdb", "10.77.0.1/couchdb.secret");
    let database = || {
        let reading = read(dir.path(), None);
        let database = reading.conf.segments[&"10.77.0.1".parse().unwrap()].couchdb.clone();
        (database.map(|d| (d.url, d.login.map(|l| (l.user, l.password)))), mistakes(&reading))
    };
    let is = |user: &str, password: &str| {
        Some(("https://couch:6984/a/audit".to_owned(), Some((user.to_owned(), password.to_owned()))))
    };
    write(dir.path(), &[(url, "https://admin:hu%40sh@couch:6984/a/audit\n")]);
    assert_eq!(database(), (is("admin", "hu@sh"), vec![]));
    write(dir.path(), &[(secret, "pxelator:more: hush\n")]);
    fs::set_permissions(dir.path().join(secret), fs::Permissions::from_mode(0o640)).unwrap();
    let refused = format!("{secret}: mode 0640 | for its owner alone: chmod 600 it");
    assert_eq!(database(), (is("admin", "hu@sh"), vec![refused]));
    fs::set_permissions(dir.path().join(secret), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(database(), (is("pxelator", "more: hush"), vec![]));
    assert!(!format!("{:?}", read(dir.path(), None)).contains("hush"));
    write(dir.path(), &[(secret, "hush\n")]);
    assert_eq!(database().1, [format!("{secret}: what it holds | one line: user:password")]);
}

#[test]
fn a_profile_takes_what_it_does_not_say_itself() {
    let dir = tree(&[
        ("boot/base/kernel", "k"),
        ("boot/base/kernel.uefi-arm64", "k64"),
        ("boot/base/append", "quiet"),
        ("boot/base/seed/user-data", "# kept as it is\n\n{{ machine.hostname }}\n"),
        ("boot/base/root.secret", "$6$x"),
        (
            "boot/base/files",
            "live/k https://example.org/k 0000000000000000000000000000000000000000000000000000000000000001 7",
        ),
        ("boot/base/README", "not an answer file"),
        ("boot/kiosk/from", "base"),
        ("boot/kiosk/append", "quiet\nsplash"),
        ("boot/kiosk/done", "url answers/done\ndns done\nsyslog *complete*"),
        ("boot/disk/from", "kiosk"),
        ("boot/disk/action", "local"),
    ]);
    let reading = read(dir.path(), None);
    assert_eq!(mistakes(&reading), [""; 0]);
    let profiles = &reading.conf.profiles;
    let kiosk = &profiles["kiosk"];
    let texts: Vec<_> = kiosk.texts.iter().map(|(name, text)| format!("{name}={}", text.body)).collect();
    assert_eq!(texts, ["append=quiet splash", "kernel=k", "kernel.uefi-arm64=k64"]);
    assert_eq!(kiosk.texts["kernel"].file.display().to_string(), "boot/base/kernel");
    assert_eq!(kiosk.answers.keys().collect::<Vec<_>>(), ["seed/user-data"]);
    assert_eq!(kiosk.answers["seed/user-data"].body, "# kept as it is\n\n{{ machine.hostname }}\n");
    assert_eq!((kiosk.secrets.len(), kiosk.files.len(), kiosk.done.len()), (1, 1, 3));
    assert_eq!(kiosk.files[0].size, Some(7));
    let disk = &profiles["disk"];
    assert_eq!((disk.kind(None), disk.texts.contains_key("kernel"), disk.done.len()), (Some("action"), false, 3));
}

#[test]
fn mistakes_in_profiles() {
    for (files, expected) in [
        (
            &[("boot/a/from", "b"), ("boot/b/from", "a")][..],
            "boot/a/from: a | a profile that does not come from this one itself",
        ),
        (&[("boot/a/from", "c")], "boot/a/from: c | a profile of boot/ (there are: )"),
        (&[("boot/a/tries", "2")], "boot/a/kernel:  | there; a profile has a file kernel, program, action or menu"),
        (&[("boot/a/action", "reboot")], "boot/a/action: reboot | local (boot the machine's own disk) or shell"),
        (
            &[("boot/a/kernel", "k"), ("boot/a/files", "../k http://x/ 00")],
            "boot/a/files: ../k http://x/ 00 | lines of: PATH",
        ),
        (&[("boot/a/kernel", "k"), ("boot/a/done", "mail me")], "boot/a/done: mail me | lines of: url PATH"),
        (&[("boot/a/menu", "local\nnone No")], "boot/a/menu: none | a profile of boot/ (there are: a)"),
        (&[("boot/a/kernel", "k"), ("boot/a/user-data", "x\n{{ oops")], "boot/a/user-data: line 2, column "),
    ] {
        let dir = tree(files);
        let found = mistakes(&read(dir.path(), None));
        assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{expected}: {found:?}");
    }
    let dir = tree(&[("boot/a/kernel", "k"), ("boot/a/root.secret", "x")]);
    fs::set_permissions(dir.path().join("boot/a/root.secret"), fs::Permissions::from_mode(0o644)).unwrap();
    let found = mistakes(&read(dir.path(), None));
    assert_eq!(found, ["boot/a/root.secret: mode 0644 | for its owner alone: chmod 600 it"]);
}

#[test]
fn who_is_taken_out_of_the_page_is_out() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(dir.path().join(name), mode).unwrap();
    };
    write("page", "trust loopback\n");
    write("page.users", &format!("anna sha256:{}\n", "ab".repeat(32)));
    let before = read(dir.path(), None);
    assert!(before.mistakes.is_empty() && before.conf.page.trust_loopback && before.conf.page.users.len() == 1);
    // A mistake leaves what was.
    write("page", "trust everybody\n");
    let now = read(dir.path(), Some(&before.conf));
    assert!(now.conf.page.trust_loopback && now.mistakes.len() == 1, "{:?}", now.mistakes);
    for nothing in ["", "\n", "# nobody\n"] {
        write("page", nothing);
        write("page.users", nothing);
        let now = read(dir.path(), Some(&before.conf));
        assert_eq!((now.conf.page, now.mistakes), (crate::conf::page::Page::NONE, vec![]), "{nothing:?}");
    }
    write("page.users", "anna secret\n");
    let now = read(dir.path(), Some(&before.conf));
    assert!(!now.mistakes[0].to_string().contains("secret"), "{:?}", now.mistakes);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(dir.path().join("page.users"), mode).unwrap();
    let now = read(dir.path(), Some(&before.conf));
    assert!(now.conf.page.users.is_empty() && now.mistakes[0].to_string().contains("chmod 600"), "{:?}", now.mistakes);
}
