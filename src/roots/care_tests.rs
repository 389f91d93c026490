//! What the operator does with bases and layers: compared, kept, put back, made a base of.

use super::{Aspect, Change, Own, Trouble, compare, own::sweep, promote};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

fn is_root() -> bool {
    let is = nix::unistd::Uid::effective().is_root();
    assert!(is || std::env::var_os("CI").is_none(), "in CI nothing is skipped: needs root");
    if !is {
        println!("skipped: needs root");
    }
    is
}

struct Place {
    folder: tempfile::TempDir,
    own: Own,
}

impl Place {
    /// A base `debian` with a kernel, and a machine over it that changed something of each kind.
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let own = Own::new(&folder.path().join("overlay"), "10.77.0.60".parse().unwrap(), "web1");
        let place = Place { folder, own };
        for (path, body) in [
            ("boot/vmlinuz-6.1", "kernel"),
            ("boot/initrd.img-6.1", "initrd"),
            ("etc/hostname", "debian"),
            ("etc/machine-id", "0123"),
            ("etc/same", "same"),
            ("etc/mode", "mode"),
            ("etc/gone", "gone"),
            ("etc/becomes", "file"),
            ("doc/a", "a"),
            ("doc/b", "b"),
            ("hidden/old", "old"),
            ("hidden/both", "both"),
        ] {
            write(&place.base().join(path), body);
        }
        for (path, body) in [
            ("etc/hostname", "web1"),
            ("etc/same", "same"),
            ("etc/mode", "mode"),
            ("etc/becomes/inside", "x"),
            ("hidden/new", "new"),
            ("hidden/both", "both"),
            ("srv/data", "data"),
        ] {
            write(&place.upper().join(path), body);
        }
        let upper = place.upper();
        fs::set_permissions(upper.join("etc/mode"), fs::Permissions::from_mode(0o4700)).unwrap();
        chown(upper.join("srv/data"), Some(1000), Some(33)).unwrap();
        fs::hard_link(upper.join("srv/data"), upper.join("srv/again")).unwrap();
        symlink("data", upper.join("srv/link")).unwrap();
        for removed in ["etc/gone", "doc", "never"] {
            mknod(&upper.join(removed), SFlag::S_IFCHR, Mode::empty(), 0).unwrap();
        }
        mknod(&upper.join("srv/null"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 3)).unwrap();
        super::xattr::set_opaque(fs::File::open(upper.join("hidden")).unwrap()).unwrap();
        fs::write(place.own.folder.join("base"), "debian\n").unwrap();
        fs::write(place.own.folder.join("index"), "numbers").unwrap();
        place
    }

    fn roots(&self) -> PathBuf {
        self.folder.path().join("roots")
    }

    fn base(&self) -> PathBuf {
        self.roots().join("debian")
    }

    fn upper(&self) -> PathBuf {
        self.own.upper()
    }

    fn differences(&self, upper: &Path) -> Vec<String> {
        let mut told = Vec::new();
        compare(upper, &self.base(), &mut |found| {
            let sign = match found.change {
                Change::Added => '+',
                Change::Changed => '~',
                Change::Removed => '-',
            };
            let aspects: Vec<String> = found.aspects.iter().map(|aspect| format!(" {aspect:?}")).collect();
            told.push(format!("{sign}{}{}", found.path, aspects.concat()));
        })
        .unwrap();
        told
    }
}

fn write(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, body).unwrap();
}

const CHANGED: [&str; 13] = [
    "-doc",
    "~etc/becomes Type Mode",
    "+etc/becomes/inside",
    "-etc/gone",
    "~etc/hostname Content",
    "~etc/mode Mode",
    "+hidden/new",
    "-hidden/old",
    "+srv",
    "+srv/again",
    "+srv/data",
    "+srv/link",
    "+srv/null",
];

#[test]
fn what_is_other_is_told_and_nothing_else() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    assert_eq!(place.differences(&place.upper()), CHANGED);
    let mut owner = None;
    compare(&place.upper(), &place.base(), &mut |found| {
        if found.path == "srv/data" {
            owner = found.now.map(|now| (now.uid, now.gid, now.kind));
        }
        assert!(found.path != "etc/mode" || found.aspects == [Aspect::Mode]);
    })
    .unwrap();
    assert_eq!(owner, Some((1000, 33, '-')));
}

#[test]
fn a_snapshot_brings_all_back() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let own = &place.own;
    own.snapshot("before").unwrap();
    assert!(matches!(own.snapshot("before"), Err(Trouble::Exists { .. })));
    write(&place.upper().join("srv/later"), "later");
    fs::remove_file(place.upper().join("etc/gone")).unwrap();
    own.reset(Some("before"), false).unwrap();
    assert_eq!(place.differences(&place.upper()), CHANGED);
    let data = fs::metadata(place.upper().join("srv/data")).unwrap();
    assert_eq!((data.uid(), data.gid(), data.nlink()), (1000, 33, 2));
    assert_eq!(fs::metadata(place.upper().join("srv/null")).unwrap().rdev(), makedev(1, 3));
    assert!(!own.folder.join("index").exists(), "its file numbers are those of another tree");

    let unknown = own.reset(Some("befroe"), false).unwrap_err().to_string();
    assert_eq!(unknown, "web1 has no snapshot befroe; there is before");
    own.reset(None, false).unwrap();
    assert!(!place.upper().exists() && !own.folder.join("base").exists());
    assert!(matches!(own.reset(None, false), Err(Trouble::NoLayer { .. })));
    // What is kept outlives what is thrown away.
    own.reset(Some("before"), false).unwrap();
    assert_eq!(own.base().unwrap(), "debian");
    assert_eq!(place.differences(&place.upper()), CHANGED);
    let left: Vec<_> = fs::read_dir(&own.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn what_is_mounted_is_left_alone() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let folder = fs::File::open(&place.own.folder).unwrap();
    let lock = nix::fcntl::Flock::lock(folder, nix::fcntl::FlockArg::LockExclusive).unwrap();
    assert!(place.own.is_in_use());
    assert!(matches!(place.own.reset(None, false), Err(Trouble::InUse { .. })));
    let tftpboot = place.folder.path().join("tftpboot");
    let promoted = promote(&place.own, &place.roots(), &tftpboot, "web", false);
    assert!(matches!(promoted, Err(Trouble::InUse { .. })));
    assert_eq!(place.differences(&place.upper()), CHANGED);
    place.own.snapshot("while-it-runs").unwrap();
    place.own.reset(None, true).unwrap();
    assert!(!place.upper().exists());
    drop(lock);
    assert!(!place.own.is_in_use());
}

#[test]
fn a_machine_becomes_a_base() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let tftpboot = place.folder.path().join("tftpboot");
    assert!(matches!(promote(&place.own, &place.roots(), &tftpboot, "debian", false), Err(Trouble::Exists { .. })));
    let (_, version) = promote(&place.own, &place.roots(), &tftpboot, "web", false).unwrap();
    assert_eq!(version, "6.1");
    let web = place.roots().join("web");
    let read = |path: &str| fs::read_to_string(web.join(path)).ok();
    for (path, expected) in [
        ("etc/hostname", Some("web1")),
        ("etc/machine-id", Some("")),
        ("etc/same", Some("same")),
        ("etc/gone", None),
        ("doc/a", None),
        ("never", None),
        ("hidden/old", None),
        ("hidden/new", Some("new")),
        ("etc/becomes/inside", Some("x")),
        ("srv/link", Some("data")),
    ] {
        assert_eq!(read(path).as_deref(), expected, "{path}");
    }
    assert_eq!(fs::metadata(web.join("srv/again")).unwrap().nlink(), 2);
    assert_eq!(fs::metadata(web.join("etc/mode")).unwrap().mode() & 0o7777, 0o4700);
    assert!(!super::xattr::is_opaque(fs::File::open(web.join("hidden")).unwrap()).unwrap());
    assert_eq!(fs::read_to_string(tftpboot.join("roots/web/vmlinuz")).unwrap(), "kernel");
    // Over the old base nothing happened.
    assert_eq!(place.differences(&place.upper()), CHANGED);
    assert_eq!(fs::read_to_string(place.base().join("etc/machine-id")).unwrap(), "0123");
}

#[test]
fn a_tree_without_a_kernel_becomes_no_base() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    fs::remove_file(place.base().join("boot/initrd.img-6.1")).unwrap();
    let tftpboot = place.folder.path().join("tftpboot");
    assert!(matches!(promote(&place.own, &place.roots(), &tftpboot, "web", false), Err(Trouble::NoKernel(_))));
    let left: Vec<_> = fs::read_dir(place.roots()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["debian"]);
}

#[test]
fn what_killed_commands_left_is_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let ours = format!(".new-web-{}", std::process::id());
    for name in [".new-web-4194305", ".old-4194305", &ours, ".new-web", "web-4194305"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    sweep(folder.path());
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let mut expected = vec![".new-web".to_owned(), ours, "web-4194305".to_owned()];
    expected.sort();
    assert_eq!(left, expected);
}
