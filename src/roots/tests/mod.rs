//! The union against the kernel's overlayfs: the same changes, the same tree; and what it leaves on the disk, mounted by the
//! kernel, is the same tree too.

mod numbers;

use super::{Changes, Id, Kind, Overlay, ROOT, Tree};
use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag},
};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, lchown, symlink},
    path::Path,
};

/// Whether this process may mount; in CI it has to.
fn can_mount() -> bool {
    let can = nix::unistd::Uid::effective().is_root();
    assert!(can || std::env::var_os("CI").is_none(), "in CI nothing is skipped: needs root");
    if !can {
        println!("skipped: needs root");
    }
    can
}

/// Runs `work` on a thread whose mounts nobody else sees, and which end with it.
fn apart(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        // What proptest makes of so many kinds of steps does not fit a test's own stack.
        let builder = std::thread::Builder::new().stack_size(64 << 20);
        let thread = builder.spawn_scoped(scope, || {
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
            work();
        });
        thread.unwrap().join()
    })
    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// One change.
#[derive(Clone, Debug)]
enum Step {
    Write(String, Vec<u8>),
    Make(String, u8),
    Remove(String),
    RemoveFolder(String),
    Rename(String, String),
    Link(String, String),
    Mode(String, u32),
    Owner(String, u32),
    Cut(String, u64),
}

/// A path among few, so that steps meet.
fn path() -> impl Strategy<Value = String> {
    let name = || prop_oneof![Just("a"), Just("b"), Just("c"), Just("f"), Just("g")];
    prop_oneof![
        name().prop_map(str::to_owned),
        (name(), name()).prop_map(|(a, b)| format!("{a}/{b}")),
        (name(), name(), name()).prop_map(|(a, b, c)| format!("{a}/{b}/{c}")),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (path(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(p, d)| Step::Write(p, d)),
        (path(), 0..5u8).prop_map(|(p, kind)| Step::Make(p, kind)),
        path().prop_map(Step::Remove),
        path().prop_map(Step::RemoveFolder),
        (path(), path()).prop_map(|(a, b)| Step::Rename(a, b)),
        (path(), path()).prop_map(|(a, b)| Step::Rename(a, b)),
        (path(), path()).prop_map(|(a, b)| Step::Link(a, b)),
        (path(), 0..0o10000u32).prop_map(|(p, m)| Step::Mode(p, m)),
        (path(), 0..70_000u32).prop_map(|(p, o)| Step::Owner(p, o)),
        (path(), 0..30u64).prop_map(|(p, s)| Step::Cut(p, s)),
    ]
}

fn base(at: &Path) {
    for folder in ["a/a", "a/b/c", "b", "c/c"] {
        fs::create_dir_all(at.join(folder)).unwrap();
    }
    for file in ["a/f", "a/b/f", "a/b/g", "a/b/c/f", "b/f", "f"] {
        fs::write(at.join(file), format!("base {file}")).unwrap();
    }
    symlink("../../../../../../etc/passwd", at.join("b/g")).unwrap();
    symlink("a", at.join("c/a")).unwrap();
    nix::unistd::mkfifo(&at.join("a/a/g"), Mode::from_bits_truncate(0o640)).unwrap();
    lchown(at.join("a/b/g"), Some(1000), Some(1001)).unwrap();
    fs::set_permissions(at.join("a/b"), fs::Permissions::from_mode(0o2751)).unwrap();
}

/// What a tree looks like: by path, everything but times.
type Picture = BTreeMap<String, String>;

fn seen(at: &Path) -> Picture {
    let mut picture = Picture::new();
    let mut left = vec![at.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let kind = meta.file_type();
            let inside = if kind.is_file() {
                format!("{:?}", fs::read(&path).unwrap())
            } else if kind.is_symlink() {
                format!("{:?}", fs::read_link(&path).unwrap().as_os_str())
            } else if kind.is_fifo() {
                "pipe".to_owned()
            } else {
                String::new()
            };
            if kind.is_dir() {
                left.push(path.clone());
            }
            let links = if kind.is_dir() { 0 } else { meta.nlink() };
            let says = format!("{:o} {}:{} {links} {inside}", meta.mode(), meta.uid(), meta.gid());
            picture.insert(path.strip_prefix(at).unwrap().to_str().unwrap().to_owned(), says);
        }
    }
    picture
}

fn read(tree: &Tree, id: Id) -> Vec<u8> {
    let open = tree.open(id, false).unwrap();
    let mut bytes = vec![0; 100];
    let length = open.file.read_at(&mut bytes, 0).unwrap();
    bytes.truncate(length);
    bytes
}

fn shown(tree: &Tree) -> Picture {
    let mut picture = Picture::new();
    let mut left = vec![(ROOT, String::new())];
    while let Some((folder, path)) = left.pop() {
        let (entries, all) = tree.list(folder, 0, |_| true).unwrap();
        assert!(all);
        for entry in entries {
            let (id, stat) = entry.is;
            let path = format!("{path}{}", entry.name.to_str().unwrap());
            let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
            let inside = match kind {
                SFlag::S_IFREG => format!("{:?}", read(tree, id)),
                SFlag::S_IFLNK => format!("{:?}", tree.target(id).unwrap()),
                SFlag::S_IFIFO => "pipe".to_owned(),
                _ => String::new(),
            };
            let links = if kind == SFlag::S_IFDIR { 0 } else { stat.st_nlink };
            picture
                .insert(path.clone(), format!("{:o} {}:{} {links} {inside}", stat.st_mode, stat.st_uid, stat.st_gid));
            if kind == SFlag::S_IFDIR {
                left.push((id, format!("{path}/")));
            }
        }
    }
    picture
}

/// The folder of a path by its numbers, and the last name.
fn walk<'a>(tree: &Tree, path: &'a str) -> super::Result<(Id, &'a OsStr)> {
    let mut names: Vec<&OsStr> = path.split('/').map(OsStr::new).collect();
    let last = names.pop().unwrap();
    let mut at = ROOT;
    for name in names {
        at = tree.lookup(at, name)?.0;
    }
    Ok((at, last))
}

fn by_union(tree: &Tree, step: &Step) -> super::Result<()> {
    let find = |path: &str| walk(tree, path).and_then(|(at, name)| Ok(tree.lookup(at, name)?.0));
    let set = |path: &str, changes: Changes| tree.change(find(path)?, &changes, |_| Ok(())).value;
    match step {
        Step::Write(path, data) => {
            let open = tree.open(find(path)?, true)?;
            open.file.write_at(data, 0).map(drop).map_err(|e| Errno::from_raw(e.raw_os_error().unwrap()))
        }
        Step::Make(path, kind) => {
            let (at, name) = walk(tree, path)?;
            let kind = match kind {
                0 => Kind::File,
                1 | 2 => Kind::Folder,
                3 => Kind::Link("nowhere".into()),
                _ => Kind::Special(SFlag::S_IFIFO, 0),
            };
            let changes = Changes { mode: Some(0o750), ..Changes::default() };
            tree.make(at, name, &kind, &changes, |_| Ok(())).value.map(drop)
        }
        Step::Remove(path) => walk(tree, path).and_then(|(at, name)| tree.remove(at, name, false, |_, _| Ok(())).value),
        Step::RemoveFolder(path) => {
            walk(tree, path).and_then(|(at, name)| tree.remove(at, name, true, |_, _| Ok(())).value)
        }
        Step::Rename(from, to) => {
            let (from, to) = (walk(tree, from)?, walk(tree, to)?);
            let [_, changed] = tree.rename(from, to, |_, _| Ok(()));
            changed.value
        }
        Step::Link(from, to) => {
            let (id, (at, name)) = (find(from)?, walk(tree, to)?);
            tree.link(id, at, name, |_| Ok(())).value.map(drop)
        }
        Step::Mode(path, mode) => set(path, Changes { mode: Some(*mode), ..Changes::default() }),
        Step::Owner(path, owner) => set(path, Changes { uid: Some(*owner), mode: Some(0o640), ..Changes::default() }),
        Step::Cut(path, size) => set(path, Changes { size: Some(*size), ..Changes::default() }),
    }
}

/// The same by the kernel, never through a link.
fn by_kernel(at: &Path, step: &Step) -> io::Result<()> {
    let whole = |path: &str| {
        let mut full = at.to_owned();
        let names: Vec<&str> = path.split('/').collect();
        for (n, name) in names.iter().enumerate() {
            full.push(name);
            let inner = n + 1 < names.len();
            if inner && !fs::symlink_metadata(&full)?.is_dir() {
                return Err(io::Error::from_raw_os_error(Errno::ENOTDIR as i32));
            }
        }
        Ok::<_, io::Error>(full)
    };
    let only = |path: &Path, wanted: fn(&fs::FileType) -> bool| match fs::symlink_metadata(path)? {
        meta if wanted(&meta.file_type()) => Ok(()),
        _ => Err(io::Error::from_raw_os_error(Errno::EINVAL as i32)),
    };
    let mode = |path: &Path, mode| match fs::symlink_metadata(path)? {
        meta if meta.is_symlink() => Ok(()),
        _ => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
    };
    match step {
        Step::Write(path, data) => {
            let path = whole(path)?;
            only(&path, fs::FileType::is_file)?;
            fs::OpenOptions::new().write(true).open(path)?.write_at(data, 0).map(drop)
        }
        Step::Make(path, kind) => {
            let path = whole(path)?;
            match kind {
                0 => fs::OpenOptions::new().write(true).create_new(true).open(&path).map(drop)?,
                1 | 2 => fs::create_dir(&path)?,
                3 => symlink("nowhere", &path)?,
                _ => nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600))?,
            }
            mode(&path, 0o750)
        }
        Step::Remove(path) => fs::remove_file(whole(path)?),
        Step::RemoveFolder(path) => fs::remove_dir(whole(path)?),
        Step::Rename(from, to) => fs::rename(whole(from)?, whole(to)?),
        Step::Link(from, to) => fs::hard_link(whole(from)?, whole(to)?),
        Step::Mode(path, bits) => {
            let path = whole(path)?;
            mode(&path, *bits)
        }
        Step::Owner(path, owner) => {
            let path = whole(path)?;
            lchown(&path, Some(*owner), None)?;
            mode(&path, 0o640)
        }
        Step::Cut(path, size) => {
            let path = whole(path)?;
            only(&path, fs::FileType::is_file)?;
            fs::OpenOptions::new().write(true).open(path)?.set_len(*size)
        }
    }
}

fn mounted(lower: &Path, own: &Path, more: &str) {
    let at = |path: &str| own.join(path).display().to_string();
    let words = format!("lowerdir={},upperdir={},workdir={}{more}", lower.display(), at("upper"), at("work"));
    mount(Some("overlay"), &own.join("merged"), Some("overlay"), MsFlags::empty(), Some(words.as_str())).unwrap();
}

fn compare(steps: &[Step]) {
    let place = tempfile::tempdir().unwrap();
    let (roots, overlay) = (place.path().join("roots"), place.path().join("overlay"));
    let lower = roots.join("b");
    base(&lower);
    let untouched = seen(&lower);
    let theirs = place.path().join("theirs");
    for folder in ["upper", "work", "merged"] {
        fs::create_dir_all(theirs.join(folder)).unwrap();
    }
    mounted(&lower, &theirs, ",redirect_dir=on,index=off,metacopy=off");
    for by_kernel_too in [false, true] {
        let machine = if by_kernel_too { "k" } else { "u" };
        let ours = Overlay::open(&roots, "b", &overlay, machine, by_kernel_too).unwrap();
        assert_eq!(ours.by_kernel, by_kernel_too);
        for (n, step) in steps.iter().enumerate() {
            let here = by_union(&ours.tree, step);
            if by_kernel_too {
                continue;
            }
            let there = by_kernel(&theirs.join("merged"), step);
            assert_eq!(here.is_ok(), there.is_ok(), "step {n}, {step:?}: {here:?}, the kernel says {there:?}");
            assert_eq!(shown(&ours.tree), seen(&theirs.join("merged")), "after step {n}, {step:?}");
        }
        let shows = shown(&ours.tree);
        assert_eq!(shows, seen(&theirs.join("merged")), "{by_kernel_too}");
        // A program that is started anew sees the same by the same numbers.
        drop(ours);
        let again = Overlay::open(&roots, "b", &overlay, machine, false).unwrap();
        assert_eq!(shown(&again.tree), shows);
        drop(again);
        let own = overlay.join(machine);
        mounted(&lower, &own, ",index=off,metacopy=off,redirect_dir=off");
        assert_eq!(seen(&own.join("merged")), shows, "what the kernel makes of our folders, {by_kernel_too}");
        umount2(&own.join("merged"), MntFlags::MNT_DETACH).unwrap();
    }
    umount2(&theirs.join("merged"), MntFlags::MNT_DETACH).unwrap();
    assert_eq!(seen(&lower), untouched, "the base is as it was");
}

#[test]
fn any_changes_give_the_tree_that_the_kernel_gives() {
    if !can_mount() {
        return;
    }
    apart(|| {
        let config =
            ProptestConfig { cases: 60, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() };
        let steps = proptest::collection::vec(step(), 1..25);
        let ran = TestRunner::new(config).run(&steps, |steps| {
            compare(&steps);
            Ok(())
        });
        ran.unwrap_or_else(|error| panic!("{error}"));
    });
}
