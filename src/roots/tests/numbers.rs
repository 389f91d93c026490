//! Files by their numbers: through copies, renames, restarts and resets.

use super::{Step, apart, base, by_union, can_mount, read, seen, shown, walk};
use crate::roots::{Changes, Id, Kind, NoOverlay, Overlay, ROOT, Tree};
use nix::{errno::Errno, sys::stat::SFlag};
use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, symlink},
    },
};

fn name(text: &str) -> OsString {
    text.into()
}

#[test]
fn numbers_hold_through_copies_renames_and_restarts_and_not_through_a_reset() {
    if !can_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (roots, overlay) = (place.path().join("roots"), place.path().join("overlay"));
    base(&roots.join("b"));
    let ours = Overlay::open(&roots, "b", &overlay, "m", false).unwrap();
    let find = |tree: &Tree, path: &str| walk(tree, path).and_then(|(at, name)| Ok(tree.lookup(at, name)?.0));
    let (f, deep, gone) =
        (find(&ours.tree, "f").unwrap(), find(&ours.tree, "a/b/c/f").unwrap(), find(&ours.tree, "a/f").unwrap());
    by_union(&ours.tree, &Step::Write("f".into(), b"mine".to_vec())).unwrap();
    assert_eq!(read(&ours.tree, f), b"mine f");
    by_union(&ours.tree, &Step::Rename("a/b".into(), "moved".into())).unwrap();
    by_union(&ours.tree, &Step::Remove("a/f".into())).unwrap();
    assert_eq!(ours.tree.stat(gone).unwrap_err(), Errno::ESTALE);
    let generation = ours.tree.generation();
    // One program at a time.
    assert!(matches!(Overlay::open(&roots, "b", &overlay, "m", false), Err(NoOverlay::InUse(_))));
    drop(ours);

    let again = Overlay::open(&roots, "b", &overlay, "m", false).unwrap();
    assert_eq!((again.tree.generation(), read(&again.tree, f)), (generation, b"mine f".to_vec()));
    assert_eq!(read(&again.tree, deep), b"base a/b/c/f");
    assert_eq!(find(&again.tree, "moved/c/f"), Ok(deep));
    // Replaced behind our back: its number is nobody's.
    fs::remove_file(overlay.join("m/upper/f")).unwrap();
    fs::write(overlay.join("m/upper/other"), "x").unwrap();
    fs::write(overlay.join("m/upper/f"), "another").unwrap();
    assert_eq!(again.tree.stat(f).unwrap_err(), Errno::ESTALE);
    assert!(again.is_current());
    fs::rename(overlay.join("m"), overlay.join("old")).unwrap();
    assert!(!again.is_current());
    drop(again);
    let fresh = Overlay::open(&roots, "b", &overlay, "m", false).unwrap();
    assert_ne!(fresh.tree.generation(), generation);
    assert_eq!(shown(&fresh.tree), seen(&roots.join("b")));
    drop(fresh);
    base(&roots.join("c"));
    assert!(matches!(Overlay::open(&roots, "c", &overlay, "m", false), Err(NoOverlay::OtherBase { .. })));
    assert!(matches!(Overlay::open(&roots, "d", &overlay, "m", false), Err(NoOverlay::NoBase { .. })));
    for bad in ["", ".", "..", "a/b", "/etc", "../b"] {
        assert!(matches!(Overlay::open(&roots, bad, &overlay, "m", false), Err(NoOverlay::Name(_))), "{bad}");
    }
}

#[test]
fn names_that_lead_elsewhere_and_links_lead_nowhere() {
    if !can_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (roots, overlay) = (place.path().join("roots"), place.path().join("overlay"));
    base(&roots.join("b"));
    symlink("/", roots.join("b/slash")).unwrap();
    let ours = Overlay::open(&roots, "b", &overlay, "m", false).unwrap();
    let tree = &ours.tree;
    for bad in ["", "a/f", "/etc", "a\0", "../b"] {
        assert_eq!(tree.lookup(ROOT, &name(bad)).unwrap_err(), Errno::EINVAL, "{bad:?}");
    }
    assert_eq!(tree.lookup(ROOT, OsStr::from_bytes(&[b'n'; 256])).unwrap_err(), Errno::ENAMETOOLONG);
    assert_eq!(tree.lookup(ROOT, &name("..")).unwrap().0, ROOT);
    let (slash, stat) = tree.lookup(ROOT, &name("slash")).unwrap();
    assert_eq!(stat.st_mode & SFlag::S_IFMT.bits(), SFlag::S_IFLNK.bits());
    assert_eq!(tree.lookup(slash, &name("etc")).unwrap_err(), Errno::ENOTDIR);
    assert_eq!(tree.open(slash, true).unwrap_err(), Errno::EINVAL);
    // The mark of a removed name is no file that a machine can make.
    let made = tree.make(ROOT, &name("null"), &Kind::Special(SFlag::S_IFCHR, 0), &Changes::default(), |_| Ok(()));
    assert_eq!(made.value.unwrap_err(), Errno::EPERM);
    for number in [0, 2, 15, Id::MAX] {
        assert_eq!(tree.stat(number).unwrap_err(), Errno::ESTALE);
    }
}

#[test]
fn a_cookie_holds_while_the_folder_changes() {
    if !can_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (roots, overlay) = (place.path().join("roots"), place.path().join("overlay"));
    fs::create_dir_all(roots.join("b")).unwrap();
    for n in 0..500 {
        fs::write(roots.join("b").join(format!("f{n}")), "").unwrap();
    }
    let ours = Overlay::open(&roots, "b", &overlay, "m", false).unwrap();
    let tree = &ours.tree;
    let (mut cookie, mut names) = (0, Vec::new());
    loop {
        let mut room = 7;
        let (entries, all) = tree
            .list(ROOT, cookie, |_| {
                room -= 1;
                room >= 0
            })
            .unwrap();
        for entry in entries {
            cookie = entry.cookie;
            // Removed as they are listed, as `rm -r` does.
            tree.remove(ROOT, &entry.name, false, |_, _| Ok(())).value.unwrap();
            names.push(entry.name);
        }
        if all {
            break;
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 500);
    assert_eq!(tree.list(ROOT, 0, |_| true).unwrap().0.len(), 0);
}

#[test]
fn hard_links_of_the_base_stay_one_file() {
    if !can_mount() {
        return;
    }
    apart(|| {
        for by_kernel in [false, true] {
            let place = tempfile::tempdir().unwrap();
            let (roots, overlay) = (place.path().join("roots"), place.path().join("overlay"));
            let lower = roots.join("b");
            base(&lower);
            for name in ["a/b/c/second", "b/third", "c/fourth"] {
                fs::hard_link(lower.join("f"), lower.join(name)).unwrap();
            }
            let ours = Overlay::open(&roots, "b", &overlay, "m", by_kernel).unwrap();
            assert_eq!(ours.by_kernel, by_kernel);
            let tree = &ours.tree;
            let find = |path: &str| walk(tree, path).and_then(|(at, name)| Ok(tree.lookup(at, name)?.0)).unwrap();
            by_union(tree, &Step::Remove("c/fourth".into())).unwrap();
            let (first, second) = (find("f"), find("a/b/c/second"));
            assert_eq!(first, second, "one file, one number");
            by_union(tree, &Step::Write("a/b/c/second".into(), b"ours".to_vec())).unwrap();
            for name in ["f", "a/b/c/second", "b/third"] {
                assert_eq!((find(name), read(tree, find(name))), (first, b"ours f".to_vec()), "{name}, {by_kernel}");
            }
            assert_eq!(tree.stat(first).unwrap().st_nlink, 3);
            let upper = |name: &str| fs::symlink_metadata(overlay.join("m/upper").join(name)).unwrap();
            assert_eq!(upper("f").ino(), upper("b/third").ino());
            assert!(upper("c/fourth").file_type().is_char_device(), "what was removed does not come back");
            by_union(tree, &Step::Remove("f".into())).unwrap();
            assert_eq!(read(tree, first), b"ours f");
            assert_eq!(fs::read(lower.join("b/third")).unwrap(), b"base f");
        }
    });
}
