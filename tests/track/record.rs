//! The record of machines' files: real trees and real git, as root.

use crate::support::{Record, can_run, run};
use jiff::Timestamp;
use nix::{
    sys::stat::{Mode, SFlag, makedev, mknod},
    unistd::mkfifo,
};
use pxelator::track::{Kind, Source, Status, Wanted};
use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, chown, symlink},
    },
    path::Path,
    process::Command,
};

#[test]
fn what_changed_is_a_commit_and_nothing_else_is() {
    if !can_run(&["git"]) {
        return;
    }
    let record = Record::new();
    let motd = record.write("web1", "etc/motd", "hello\n");
    record.write("web1", "etc/hosts", "127.0.0.1 localhost\n");
    assert!(
        record.repository.hosts().unwrap().is_empty() && record.repository.log(&Wanted::default()).unwrap().is_empty()
    );
    let first = record.look("web1");
    assert_eq!((first.subject.as_str(), first.files), ("first look, 2 files", 2));
    assert_eq!(record.commits(), 2);

    let same = record.look("web1");
    assert_eq!((same.commit, same.files, record.commits()), (None, 2, 2));
    run(Command::new("touch").arg("-d").arg("2020-01-01").arg(&motd));
    assert_eq!(record.look("web1").commit, None);

    fs::write(&motd, "hello there\n").unwrap();
    record.write("web1", "etc/issue", "Debian\n");
    fs::remove_file(record.tree("web1").join("etc/hosts")).unwrap();
    let mut note = record.note("web1");
    note.cause = Some("recipe nginx".to_owned());
    note.inventory = Some("[packages]\nnginx 1.22\n".to_owned());
    let time = note.time;
    let changed = record.repository.record(&Source::Mirror(record.tree("web1")), None, &note).unwrap();
    assert_eq!(changed.subject, "etc/hosts removed, etc/issue added, etc/motd changed, nginx 1.22 installed");
    let commit = changed.commit.unwrap();
    let log = record.repository.log(&Wanted { host: Some("web1".into()), ..Wanted::default() }).unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(
        (log[0].hash.as_str(), log[0].subject.as_str(), log[0].time),
        (commit.as_str(), changed.subject.as_str(), time)
    );
    assert_eq!(log[0].cause.as_deref(), Some("recipe nginx"));
    assert_eq!(time.as_second() - log[0].before.unwrap().as_second(), 60);
    let files = [(Status::Removed, "etc/hosts"), (Status::Added, "etc/issue"), (Status::Changed, "etc/motd")];
    assert_eq!(log[0].files, files.map(|(status, path)| (status, path.to_owned())));
    // As anybody with git sees it.
    let seen = record.git(&["log", "-1", "--format=%s|%an|%ae|%cn|%at", "main"]);
    let subject = "web1: etc/hosts removed, etc/issue added, etc/motd changed, nginx 1.22 installed";
    assert_eq!(seen.trim(), format!("{subject}|web1|web1@10.77.0.60|PXElator|{}", time.as_second()));
    assert_eq!(record.git(&["show", "main:web1/etc/motd"]), "hello there\n");

    let diff = record.repository.diff(&commit, None, None).unwrap();
    assert!(diff.contains("nginx 1.22 installed\n") && diff.contains("-hello\n+hello there\n"), "{diff}");
    assert!(diff.contains("--- a/etc/motd\n+++ b/etc/motd\n") && !diff.contains(".meta"), "{diff}");
    let one = record.repository.diff(&commit[..10], Some("web1"), Some("/etc/issue")).unwrap();
    assert!(one.contains("+Debian\n") && !one.contains("hello") && !one.contains("nginx"), "{one}");
    let blame = record.repository.blame("web1", "/etc/motd").unwrap();
    assert_eq!(blame, [(commit.clone(), time, "hello there".to_owned())]);
    // What was in force when.
    let before = Timestamp::from_second(time.as_second() - 1).unwrap();
    assert_eq!(record.repository.at("web1", before).unwrap(), first.commit);
    assert_eq!(record.repository.at("web1", time).unwrap(), Some(commit.clone()));
    assert_eq!(record.repository.at("web1", Timestamp::UNIX_EPOCH).unwrap(), None);
    assert_eq!(record.repository.first("web1").unwrap(), first.commit);
    assert_eq!(record.repository.newest("web1").unwrap().as_ref(), Some(&commit));
    assert_eq!(record.repository.content("web1", first.commit.as_ref().unwrap(), b"etc/motd").unwrap(), b"hello\n");
    let delta = record.repository.delta("web1", &first.commit.unwrap(), &commit).unwrap();
    assert_eq!((delta.changed.len(), delta.removed.len()), (2, 1));
    assert_eq!(delta.inventory.1.packages["nginx"], "1.22");
    let mut wanted = Wanted { path: Some("etc/hosts".into()), ..Wanted::default() };
    assert_eq!(record.repository.log(&wanted).unwrap().len(), 2);
    wanted.path = Some("etc/issue".into());
    assert_eq!(record.repository.log(&wanted).unwrap().len(), 1);
    wanted = Wanted { until: Some(before), limit: Some(1), ..Wanted::default() };
    assert_eq!(record.repository.log(&wanted).unwrap()[0].subject, "first look, 2 files");
}

#[test]
fn modes_owners_and_links_are_changes() {
    if !can_run(&["git"]) {
        return;
    }
    let record = Record::new();
    let motd = record.write("web1", "etc/motd", "hello\n");
    symlink("motd", record.tree("web1").join("etc/link")).unwrap();
    record.look("web1");
    fs::set_permissions(&motd, fs::Permissions::from_mode(0o4600)).unwrap();
    chown(&motd, Some(5), Some(6)).unwrap();
    // Also takes the set-user-id bit away.
    fs::set_permissions(&motd, fs::Permissions::from_mode(0o4600)).unwrap();
    fs::remove_file(record.tree("web1").join("etc/link")).unwrap();
    symlink("hosts", record.tree("web1").join("etc/link")).unwrap();
    let changed = record.look("web1");
    assert_eq!(changed.changed, ["etc/link", "etc/motd"]);
    let diff = record.repository.diff(&changed.commit.unwrap(), None, None).unwrap();
    assert_eq!(
        diff,
        "etc/link: link to motd -> link to hosts\netc/motd: mode 0644 -> 4600\netc/motd: owner 0:0 -> 5:6\n"
    );
}

/// A tree with all that a file system has.
fn odd_tree(record: &Record, host: &str) {
    let tree = record.tree(host);
    for name in [
        &b"a\nb"[..],
        b"\xff\xfe",
        b" x \"quoted\" \\",
        "grüße".as_bytes(),
        b"-rf",
        b"%41",
        b".gitignore",
        b"a\x1b[31m",
    ] {
        record.write(host, Path::new("etc").join(OsStr::from_bytes(name)), name);
    }
    record.write(host, "etc/.gitattributes", "* filter=evil text eol=crlf working-tree-encoding=UTF-16\n");
    record.write(host, "etc/crlf", "a\r\nb\r\n$Id$\n");
    record.write(host, "etc/.gitmodules", "[submodule \"x\"]\npath = -x\nurl = -u\n");
    let suid = record.write(host, "usr/bin/suid", [0u8, 1, 2, 255]);
    chown(&suid, Some(1000), Some(42)).unwrap();
    fs::set_permissions(&suid, fs::Permissions::from_mode(0o6755)).unwrap();
    let attribute = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&suid, "user.note", b"a\0b", attribute).unwrap();
    rustix::fs::setxattr(&suid, "trusted.own", b"x", attribute).unwrap();
    for name in ["usr/bin/another", "aaa"] {
        fs::hard_link(&suid, tree.join(name)).unwrap();
    }
    symlink("/etc/shadow", tree.join("etc/link")).unwrap();
    symlink(OsStr::from_bytes(b"to\nnowhere \xff"), tree.join("etc/broken")).unwrap();
    fs::create_dir_all(tree.join("srv/empty")).unwrap();
    fs::set_permissions(tree.join("srv/empty"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::create_dir(tree.join("dev")).unwrap();
    mknod(&tree.join("dev/null"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 3)).unwrap();
    mknod(&tree.join("dev/sda"), SFlag::S_IFBLK, Mode::from_bits_truncate(0o660), makedev(8, 0)).unwrap();
    mkfifo(&tree.join("dev/pipe"), Mode::from_bits_truncate(0o600)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(tree.join("dev/socket")).unwrap());
    let sparse = fs::File::create(tree.join("srv/sparse")).unwrap();
    sparse.set_len(12 << 20).unwrap();
    let time = ["-h", "-d", "2001-02-03 04:05:06.123456789 UTC"];
    for path in ["etc/link", "usr/bin/suid", "etc/crlf", "srv/empty", "srv", "etc"] {
        run(Command::new("touch").args(time).arg(tree.join(path)));
    }
}

/// All of a tree that stat(2) tells, and its contents' digests.
fn told(tree: &Path) -> Vec<String> {
    let script = "find . -mindepth 1 -printf '%P|%y|%m|%U|%G|%n|%T@|%l|%s\\0' | sort -z | tr '\\0' '\\n'; \
        find . -type f -print0 | sort -z | xargs -0 sha256sum; getfattr -R -h -d -m - . 2>/dev/null; \
        find dev -printf '%p %y ' -exec stat -c '%t:%T' {} + | sort";
    let output = Command::new("sh").args(["-c", script]).current_dir(tree).output().unwrap();
    // Sizes of folders are the file system's own.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .filter(|line| !line.contains("|d|") || line.len() > 9)
        .collect()
}

#[test]
fn an_export_is_exact() {
    if !can_run(&["git", "getfattr"]) {
        return;
    }
    let record = Record::new();
    odd_tree(&record, "web1");
    let kept = record.look("web1");
    assert_eq!(kept.left, []);
    let commit = kept.commit.unwrap();
    record.git(&["fsck", "--no-dangling"]);
    let into = record.folder.path().join("into");
    fs::create_dir(&into).unwrap();
    assert!(record.repository.export("web1", &commit, &[Vec::new()], &into).unwrap().is_empty());
    let (was, is) = (told(&record.tree("web1")), told(&into));
    assert!(was.len() > 30, "{was:#?}");
    assert_eq!(was, is);
    let sparse = fs::metadata(into.join("srv/sparse")).unwrap();
    assert_eq!((sparse.len(), sparse.blocks()), (12 << 20, 0));
    // One of them, and what it is in.
    let one = record.folder.path().join("one");
    fs::create_dir(&one).unwrap();
    record.repository.export("web1", &commit, &[b"etc/a\nb".to_vec()], &one).unwrap();
    assert_eq!(fs::read(one.join("etc/a\nb")).unwrap(), b"a\nb");
    assert_eq!(fs::read_dir(one.join("etc")).unwrap().count(), 1);
    assert_eq!(fs::metadata(one.join("etc")).unwrap().mtime(), 981_173_106);
    // The same tree again is no change, and a machine's own settings for git have no effect.
    assert_eq!(record.look("web1").commit, None);
    assert_eq!(record.repository.tidy().unwrap(), None);
    assert_eq!(fs::read(record.repository.dir().join("web1/etc/crlf")).unwrap(), b"a\r\nb\r\n$Id$\n");
    assert_eq!(fs::read(record.repository.dir().join(OsStr::from_bytes(b"web1/etc/\xff\xfe"))).unwrap(), b"\xff\xfe");
    assert!(record.git(&["status", "--porcelain"]).is_empty());
    let names = record.repository.entries("web1", &commit).unwrap();
    let twin = names.iter().find(|entry| entry.path == b"usr/bin/suid").unwrap();
    assert_eq!(twin.same_as.as_deref(), Some(&b"aaa"[..]));
    assert!(names.iter().any(|entry| entry.kind == Kind::Character(1, 3)));
    assert_eq!(record.repository.repair().unwrap(), None);
}

#[test]
fn what_is_large_or_gits_own_is_left_out() {
    if !can_run(&["git"]) {
        return;
    }
    let record = Record::new();
    record.write("web1", "etc/motd", "x");
    let image = fs::File::create(record.tree("web1").join("etc/image")).unwrap();
    image.set_len(5 << 30).unwrap();
    record.write("web1", "etc/.git/config", "[core]\nfsmonitor = /bin/false\n");
    record.write("web1", ".meta", "x");
    let left = record.look("web1").left;
    let told: Vec<(u64, &str, &str)> =
        left.iter().map(|left| (left.count, left.paths[0].as_str(), left.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            (2, ".meta", "their names mean something to git or to the record"),
            (1, "etc/image", "they are larger than 16 MiB")
        ]
    );
    assert_eq!(image.metadata().unwrap().blocks(), 0);
    let size = run(Command::new("du").arg("-sk").arg(record.repository.dir()));
    assert!(size.split_whitespace().next().unwrap().parse::<u64>().unwrap() < 1024, "{size}");
}

#[test]
fn files_that_take_the_place_of_folders() {
    if !can_run(&["git"]) {
        return;
    }
    let record = Record::new();
    record.write("web1", "etc/a", "file");
    record.write("web1", "etc/b/c", "in a folder");
    record.write("web1", "srv/only/one", "x");
    record.look("web1");
    let tree = record.tree("web1");
    fs::remove_file(tree.join("etc/a")).unwrap();
    fs::remove_dir_all(tree.join("etc/b")).unwrap();
    fs::remove_dir_all(tree.join("srv")).unwrap();
    record.write("web1", "etc/a/c", "in a folder");
    record.write("web1", "etc/b", "file");
    record.look("web1");
    let files = record.git(&["ls-tree", "-r", "--name-only", "main"]);
    assert_eq!(files, "web1/.meta\nweb1/etc/a/c\nweb1/etc/b\n");
    record.repository.tidy().unwrap();
    assert!(
        record.repository.dir().join("web1/etc/a/c").is_file() && !record.repository.dir().join("web1/srv").exists()
    );
}

#[test]
fn a_document_lies_beside() {
    if !can_run(&["git"]) {
        return;
    }
    let record = Record::new();
    record.write("web1", "etc/motd", "x");
    let commit = record.look("web1").commit;
    assert!(record.repository.document("web1", "# web1\n", "<h1>web1</h1>\n").unwrap().is_some());
    assert_eq!(record.repository.document("web1", "# web1\n", "<h1>web1</h1>\n").unwrap(), None);
    assert_eq!(record.git(&["show", "main:web1.md"]), "# web1\n");
    assert_eq!(record.repository.newest("web1").unwrap(), commit);
    assert_eq!(record.repository.hosts().unwrap(), ["web1"]);
    assert_eq!(record.repository.log(&Wanted::default()).unwrap().len(), 1);
}
