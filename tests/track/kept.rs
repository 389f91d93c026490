//! What the record keeps encrypted, and what it keeps of a root over NFS: real trees, git and age, as root.

use crate::support::{Record, can_run, run};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use pxelator::{
    conf::Track,
    track::{Kind, Note, Source},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    process::Command,
};

/// `track`: paths that are wanted, and those that are secret.
fn track(paths: &[&str], secrets: &[&str]) -> Track {
    let owned = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
    Track {
        paths: owned(paths),
        without: Vec::new(),
        secrets: owned(secrets),
        every: crate::support::SOON,
        largest: 16 << 20,
    }
}

#[test]
fn secrets_are_left_out_or_encrypted() {
    if !can_run(&["git", "age", "age-keygen"]) {
        return;
    }
    const SECRET: &str = "root:$6$very-secret-words:1::::::\n";
    let record = Record::new();
    record.write("web1", "etc/shadow", SECRET);
    record.write("web1", "etc/motd", "x");
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAAvery-secret-words\n-----END OPENSSH PRIVATE KEY-----\n";
    record.write("web1", "etc/app/key.txt", key);
    let source = Source::Mirror(record.tree("web1"));
    let named = track(&["/etc"], &["/etc/shadow"]);
    let note = record.note("web1");
    let left = record.repository.record(&source, Some(&named), &note).unwrap().left;
    let told: Vec<(&str, &str)> = left.iter().map(|left| (left.paths[0].as_str(), left.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            ("etc/shadow", "they are secret, and conf/age.recipients does not say for whom"),
            ("etc/app/key.txt", "they hold private keys; `secret PATH` in `track` keeps them encrypted")
        ]
    );

    let identity = record.folder.path().join("age.key");
    run(Command::new("age-keygen").arg("-o").arg(&identity));
    let recipients = record.folder.path().join("age.recipients");
    fs::write(&recipients, run(Command::new("age-keygen").arg("-y").arg(&identity))).unwrap();
    let look = || {
        let note = Note { recipients: Some(recipients.clone()), ..record.note("web1") };
        record.repository.record(&source, Some(&named), &note).unwrap()
    };
    let kept = look();
    assert_eq!(kept.added, ["etc/shadow"]);
    // Encrypted anew it would be other bytes each time.
    assert_eq!(look().commit, None);
    record.repository.tidy().unwrap();
    let file = record.repository.dir().join("web1/etc/shadow.age");
    assert_eq!(run(Command::new("age").arg("-d").arg("-i").arg(&identity).arg(&file)), SECRET);
    let commit = kept.commit.unwrap();
    let into = record.folder.path().join("into");
    fs::create_dir(&into).unwrap();
    assert_eq!(record.repository.export("web1", &commit, &[Vec::new()], &into).unwrap(), ["etc/shadow"]);
    assert!(!into.join("etc/shadow").exists() && into.join("etc/motd").exists());
    let error = record.repository.content("web1", &commit, b"etc/shadow").unwrap_err();
    assert!(error.to_string().contains("encrypted"), "{error}");

    record.write("web1", "etc/shadow", SECRET.replace("words", "others"));
    let changed = look();
    assert_eq!(changed.changed, ["etc/shadow"]);
    let diff = record.repository.diff(&changed.commit.unwrap(), None, None).unwrap();
    assert!(diff.starts_with("etc/shadow: secret changed\n"), "{diff}");
    // The plain text is in no object, and in no file beside the mirror.
    let objects = record.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    assert!(objects.lines().count() > 10);
    for object in objects.lines() {
        assert!(!record.git(&["cat-file", "-p", object]).contains("very-secret"), "{object}");
    }
    let found = Command::new("grep").args(["-rl", "very-secret"]).arg(record.folder.path()).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.lines().all(|path| path.contains("/run/track/web1/etc/")), "{found}");
    let key = fs::metadata(record.folder.path().join("run/track/.key")).unwrap();
    assert_eq!(key.mode() & 0o7777, 0o600);
}

#[test]
fn a_layer_is_what_somebody_made() {
    if !can_run(&["git", "md5sum"]) {
        return;
    }
    let record = Record::new();
    let upper = record.tree("layer");
    let write = |path: &str, text: &str| record.write("layer", path, text);
    let brought = write("usr/bin/tool", "as it came\n");
    write("etc/tool.conf", "edited\n");
    write("etc/same.conf", "as it came\n");
    write("usr/share/tool/data", "edited too\n");
    write("var/cache/x", "cache");
    write("var/log/syslog", "log");
    write("etc/motd", "mine\n");
    write("usr/local/bin/x", "mine\n");
    let sum = run(Command::new("md5sum").arg(&brought));
    let sum = sum.split(' ').next().unwrap();
    write(
        "var/lib/dpkg/info/tool.list",
        "/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/bin/alias\n/usr/share/tool\n/usr/share/tool/data\n",
    );
    write("var/lib/dpkg/info/tool.md5sums", &format!("{sum}  bin/tool\n{sum}  usr/share/tool/data\n"));
    write(
        "var/lib/dpkg/status",
        &format!(
            "Package: tool\nStatus: install ok installed\nVersion: 1.0\nConffiles:\n /etc/tool.conf {sum}\n /etc/same.conf {sum}\n"
        ),
    );
    symlink("tool", upper.join("usr/bin/alias")).unwrap();
    fs::create_dir_all(upper.join("etc/systemd/system/multi-user.target.wants")).unwrap();
    symlink("/lib/systemd/system/tool.service", upper.join("etc/systemd/system/multi-user.target.wants/tool.service"))
        .unwrap();
    symlink("/dev/null", upper.join("etc/systemd/system/rpcbind.service")).unwrap();
    let gone = |path: &str| mknod(&upper.join(path), SFlag::S_IFCHR, Mode::empty(), makedev(0, 0)).unwrap();
    gone("etc/issue");
    fs::create_dir(upper.join("etc/own.d")).unwrap();
    rustix::fs::setxattr(upper.join("etc/own.d"), "trusted.overlay.opaque", b"y", rustix::fs::XattrFlags::empty())
        .unwrap();
    let source = Source::Layer(upper.clone());
    let note = record.note("web1");
    let kept = record.repository.record(&source, None, &note).unwrap();
    let commit = kept.commit.unwrap();
    let entries = record.repository.entries("web1", &commit).unwrap();
    let paths: Vec<String> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect();
    assert_eq!(
        paths,
        [
            "etc",
            "etc/issue",
            "etc/motd",
            "etc/own.d",
            "etc/systemd",
            "etc/systemd/system",
            "etc/systemd/system/multi-user.target.wants",
            "etc/systemd/system/multi-user.target.wants/tool.service",
            "etc/systemd/system/rpcbind.service",
            "etc/tool.conf",
            "usr",
            "usr/local",
            "usr/local/bin",
            "usr/local/bin/x",
            "usr/share",
            "usr/share/tool",
            "usr/share/tool/data",
        ]
    );
    assert_eq!(entries[1].kind, Kind::Removed);
    assert_eq!(entries[3].attributes.keys().collect::<Vec<_>>(), [b"overlay.opaque"]);
    assert_eq!(kept.removed, ["etc/issue"]);
    let inventory = record.repository.inventory("web1", &commit).unwrap();
    assert_eq!(inventory.packages["tool"], "1.0");
    assert_eq!(
        (inventory.services["tool.service"].as_str(), inventory.services["rpcbind.service"].as_str()),
        ("enabled", "masked")
    );
    assert_eq!(record.repository.record(&source, None, &record.note("web1")).unwrap().commit, None);
    // The base's file is there again.
    fs::remove_file(upper.join("etc/issue")).unwrap();
    let back = record.repository.record(&source, None, &record.note("web1")).unwrap();
    assert_eq!(back.subject, "etc/issue added");
}
