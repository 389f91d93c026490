//! What becomes of the record where somebody spoils it, where many write at once, where the disk is full.

use crate::support::{Record, can_run, run};
use jiff::Timestamp;
use pxelator::track::{Note, Repository, Source, TrackError, Wanted};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

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
fn a_file_that_is_written_while_it_is_read_is_kept_whole() {
    if !can_run(&["git"]) {
        return;
    }
    const SIZE: usize = 3 << 20;
    let record = Record::new();
    let file = record.write("web1", "etc/data", vec![b'a'; SIZE]);
    let beside = record.folder.path().join("beside");
    let is_over = AtomicBool::new(false);
    let contents = std::thread::scope(|scope| {
        // In place, and by another in its place: as editors and as programs do it.
        scope.spawn(|| {
            for (round, byte) in (b'a'..=b'z').cycle().enumerate() {
                if is_over.load(Relaxed) {
                    break;
                }
                if round % 3 == 0 {
                    fs::write(&file, vec![byte; SIZE]).unwrap();
                } else {
                    fs::write(&beside, vec![byte; SIZE - round % 7]).unwrap();
                    fs::rename(&beside, &file).unwrap();
                }
            }
        });
        let mut contents = Vec::new();
        for _ in 0..6 {
            if let Some(commit) = record.look("web1").commit {
                // It may be left out for once, and told so.
                contents.extend(record.repository.content("web1", &commit, b"etc/data").ok());
            }
        }
        is_over.store(true, Relaxed);
        contents
    });
    for content in &contents {
        let first = content.first().unwrap_or(&b'a');
        assert!(content.iter().all(|byte| byte == first), "half of it is of another time");
    }
    // At rest it is as it is.
    record.look("web1");
    let newest = record.repository.newest("web1").unwrap().unwrap();
    assert_eq!(record.repository.content("web1", &newest, b"etc/data").unwrap(), fs::read(&file).unwrap());
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
    type Break<'a> = (&'a str, &'a dyn Fn(&Path));
    let breaks: [Break<'_>; 5] = [
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
