//! The record of machines' files: real trees, real git, real age, as root.

mod support;

use jiff::Timestamp;
use nix::{
    sys::stat::{Mode, SFlag, makedev, mknod},
    unistd::mkfifo,
};
use pxelator::{
    conf::Track,
    track::{Kind, Note, Recorded, Repository, Source, Status, TrackError, Wanted},
};
use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, chown, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
};
use support::{can_run, run};

/// A repository, and mirrors that the test writes itself.
struct Record {
    folder: tempfile::TempDir,
    repository: Repository,
    second: std::cell::Cell<i64>,
}

impl Record {
    fn new() -> Record {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(&folder.path().join("hosts"), &folder.path().join("run"));
        Record { folder, repository, second: 1_764_000_000.into() }
    }

    fn tree(&self, host: &str) -> PathBuf {
        let tree = self.repository.mirror(host);
        fs::create_dir_all(&tree).unwrap();
        tree
    }

    fn write(&self, host: &str, path: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.tree(host).join(Path::new(path.as_ref()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn note(&self, host: &str) -> Note {
        // A minute later each time.
        self.second.set(self.second.get() + 60);
        Note {
            host: host.to_owned(),
            address: "10.77.0.60".to_owned(),
            time: Timestamp::from_second(self.second.get()).unwrap(),
            cause: None,
            inventory: None,
            recipients: None,
        }
    }

    fn look(&self, host: &str) -> Recorded {
        self.repository.record(&Source::Mirror(self.tree(host)), None, &self.note(host)).unwrap()
    }

    fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").args(["-c", "safe.directory=*", "-C"]);
        let output = command.arg(self.repository.dir()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).trim().parse().unwrap()
    }
}

/// `track`: paths that are wanted, and those that are secret.
fn track(paths: &[&str], secrets: &[&str]) -> Track {
    let owned = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
    Track { paths: owned(paths), without: Vec::new(), secrets: owned(secrets), every: support::SOON, largest: 16 << 20 }
}

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
fn what_is_changed_by_hand_is_kept_beside() {
    if !can_run(&["git"]) {
        return;
    }
    let record = Record::new();
    record.write("web1", "etc/motd", "one\n");
    record.look("web1");
    assert_eq!(record.repository.tidy().unwrap(), None);
    let file = record.repository.dir().join("web1/etc/motd");
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\n");
    fs::write(&file, "by hand\n").unwrap();
    let own = record.repository.dir().join("notes.txt");
    fs::write(&own, "mine\n").unwrap();
    record.write("web1", "etc/motd", "two\n");
    record.look("web1");
    let kept = record.repository.tidy().unwrap().unwrap();
    assert!(kept.starts_with("refs/pxelator/hand/"), "{kept}");
    assert_eq!(record.git(&["show", &format!("{kept}:web1/etc/motd")]), "by hand\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "two\n");
    // What is in nobody's way stays, and is no reason to keep anything again.
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine\n");
    assert_eq!(record.repository.tidy().unwrap(), None);
    assert!(own.exists());
    // One that spoils what the record itself needs.
    let meta = record.repository.dir().join("web1/.meta");
    fs::write(&meta, "nonsense\n").unwrap();
    record.git(&["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qam", "by hand"]);
    let mended = record.look("web1");
    assert!(mended.commit.is_some());
    assert_eq!(record.repository.entries("web1", &mended.commit.unwrap()).unwrap().len(), 2);
}

#[test]
fn several_threads_and_processes_at_once() {
    if !can_run(&["git"]) {
        return;
    }
    const MACHINES: usize = 8;
    let record = Record::new();
    let hosts: Vec<String> = (0..MACHINES).map(|at| format!("m{at}")).collect();
    for round in 0..3 {
        for host in &hosts {
            record.write(host, "etc/motd", format!("{host} {round}\n"));
        }
        let notes: Vec<Note> = hosts.iter().map(|host| record.note(host)).collect();
        // A repository of its own each, as processes have; the lock is one of files.
        std::thread::scope(|scope| {
            for note in &notes {
                let folder = record.folder.path();
                scope.spawn(move || {
                    let repository = Repository::new(&folder.join("hosts"), &folder.join("run"));
                    let source = Source::Mirror(repository.mirror(&note.host));
                    repository.record(&source, None, note).unwrap().commit.unwrap()
                });
            }
            scope.spawn(|| record.repository.tidy().unwrap());
        });
    }
    assert_eq!(record.commits(), 1 + 3 * MACHINES);
    record.git(&["fsck", "--no-dangling"]);
    assert_eq!(record.repository.hosts().unwrap(), hosts);
    for host in &hosts {
        let wanted = Wanted { host: Some(host.clone()), ..Wanted::default() };
        assert_eq!(record.repository.log(&wanted).unwrap().len(), 3);
        assert_eq!(record.git(&["show", &format!("main:{host}/etc/motd")]), format!("{host} 2\n"));
    }
}

#[test]
fn a_broken_repository_is_told_and_mended() {
    if !can_run(&["git"]) {
        return;
    }
    let loose = |dir: &Path| {
        let output = run(Command::new("find").arg(dir.join(".git/objects")).args(["-type", "f", "-path", "*/??/*"]));
        output.lines().map(PathBuf::from).collect::<Vec<_>>()
    };
    let empty_all = |dir: &Path| {
        for object in loose(dir) {
            fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(object, "").unwrap();
        }
    };
    let bad_branch = |dir: &Path| fs::write(dir.join(".git/refs/heads/main"), "nonsense\n").unwrap();
    let no_head = |dir: &Path| fs::remove_file(dir.join(".git/HEAD")).unwrap();
    let no_branch = |dir: &Path| fs::remove_file(dir.join(".git/refs/heads/main")).unwrap();
    let bad_config = |dir: &Path| fs::write(dir.join(".git/config"), "[core\n").unwrap();
    let breaks: [(&str, &dyn Fn(&Path)); 5] = [
        ("objects", &empty_all),
        ("branch", &bad_branch),
        ("no branch", &no_branch),
        ("HEAD", &no_head),
        ("config", &bad_config),
    ];
    for (name, break_it) in breaks {
        let record = Record::new();
        record.write("web1", "etc/motd", "one\n");
        let kept = record.look("web1").commit.unwrap();
        record.repository.tidy().unwrap();
        break_it(record.repository.dir());
        record.write("web1", "etc/motd", "two\n");
        let note = record.note("web1");
        let error = record.repository.record(&Source::Mirror(record.tree("web1")), None, &note).unwrap_err();
        assert!(matches!(error, TrackError::Broken { .. }), "{name}: {error:?}");
        let error = record.repository.log(&Wanted::default()).unwrap_err();
        assert!(matches!(error, TrackError::Broken { .. }), "{name}: {error:?}");
        let (aside, said) = record.repository.repair().unwrap().unwrap();
        assert!(aside.is_dir() && !said.is_empty(), "{name}: {}", aside.display());
        assert!(aside.file_name().unwrap().to_string_lossy().starts_with(".git-broken-"));
        // The mirror is in the new one already, and it goes on.
        assert_eq!(record.look("web1").commit, None, "{name}");
        let log = record.repository.log(&Wanted::default()).unwrap();
        assert_eq!((log.len(), log[0].subject.as_str()), (1, "first look, 1 file"), "{name}");
        assert_ne!(log[0].hash, kept);
        record.git(&["fsck", "--no-dangling"]);
        assert_eq!(record.repository.repair().unwrap(), None);
        record.repository.tidy().unwrap();
        assert_eq!(fs::read_to_string(record.repository.dir().join("web1/etc/motd")).unwrap(), "two\n");
    }
}

#[test]
fn a_full_disk_is_told_and_goes_on_afterwards() {
    if !can_run(&["git", "mount"]) {
        return;
    }
    let record = Record::new();
    let hosts = record.repository.dir().to_owned();
    fs::create_dir(&hosts).unwrap();
    // In a mount namespace of this thread, so that nobody else sees the small disk.
    std::thread::scope(|scope| {
        let record = &record.folder;
        let thread = scope.spawn(move || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
            run(Command::new("mount").args(["--make-rprivate", "/"]));
            run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&hosts));
            let repository = Repository::new(&hosts, &record.path().join("run"));
            let mirror = repository.mirror("web1");
            fs::create_dir_all(mirror.join("etc")).unwrap();
            let mut noise = vec![0; 2 << 20];
            let mut random = fs::File::open("/dev/urandom").unwrap();
            std::io::Read::read_exact(&mut random, &mut noise).unwrap();
            fs::write(mirror.join("etc/motd"), "x").unwrap();
            let mut note = Note {
                host: "web1".into(),
                address: "10.77.0.60".into(),
                time: Timestamp::now(),
                cause: None,
                inventory: None,
                recipients: None,
            };
            let source = Source::Mirror(mirror.clone());
            let first = repository.record(&source, None, &note).unwrap().commit;
            fs::write(mirror.join("etc/large"), &noise).unwrap();
            note.time = Timestamp::now();
            let error = repository.record(&source, None, &note).unwrap_err();
            assert!(
                matches!(&error, TrackError::File { source, .. } if source.kind() == std::io::ErrorKind::StorageFull),
                "{error:?}"
            );
            assert_eq!(repository.newest("web1").unwrap(), first);
            run(Command::new("mount").args(["-o", "remount,size=16m"]).arg(&hosts));
            let after = repository.record(&source, None, &note).unwrap();
            assert_eq!(after.added, ["etc/large"]);
            let names: Vec<String> = fs::read_dir(hosts.join(".git"))
                .unwrap()
                .map(|name| name.unwrap().file_name().into_string().unwrap())
                .collect();
            assert!(!names.iter().any(|name| name.contains("crash")), "{names:?}");
            assert_eq!(repository.repair().unwrap(), None);
            run(Command::new("umount").arg(&hosts));
        });
        thread.join().unwrap();
    });
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
