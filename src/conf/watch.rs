//! Follows changes of the tree: inotify where it works, else a look every two seconds.

use super::{
    Conf, Reading, changes,
    read::{is_leftover, read},
};
use crate::{bus::Bus, event::Event};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    fs,
    hash::{Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// An editor or git touches several files at once; they are read together.
const SETTLE: Duration = Duration::from_millis(50);
/// Catches what the watcher missed: a tree that was moved away and made anew, a full inotify queue.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// A look at a large tree is to be no more than one part of so many of a core.
const SHARE: u32 = 100;
/// Folders within folders: a profile's files may lie so deep.
const DEPTH: usize = 6;

/// Follows the tree in `dir` until `shutdown`: each change that makes sense is sent to `sender`, and told as events.
pub async fn watch(dir: PathBuf, sender: watch::Sender<Arc<Conf>>, bus: Bus, shutdown: CancellationToken) {
    let (touched, mut touches) = mpsc::channel(1);
    let mut watcher = watcher(&dir, touched.clone());
    // What was told last; and what was looked at last, which may differ from it in what nobody is told.
    let (mut before, mut seen) = (Look::default(), None::<Arc<Tree>>);
    let mut is_touched = true;
    loop {
        let begun = Instant::now();
        let (folder, last) = (dir.clone(), sender.borrow().clone());
        let known = seen.clone().filter(|_| !is_touched);
        let looked = tokio::task::spawn_blocking(move || Look::at(&folder, &last, known.as_ref())).await;
        let Ok(looked) = looked else { return };
        if let Some(now) = &looked {
            seen = Some(now.tree.clone());
        }
        if let Some(now) = looked.filter(|now| now.tree.files != before.tree.files || now.reading != before.reading) {
            // The tree may be another folder of the same name, which the watcher does not see.
            if now.tree.folder != before.tree.folder {
                watcher = self::watcher(&dir, touched.clone());
            }
            let conf = Arc::new(now.reading.conf.clone());
            sender.send_if_modified(|current| {
                let differs = *current != conf;
                if differs {
                    *current = conf;
                }
                differs
            });
            let first = before.tree == Arc::default();
            let events: Vec<Event> = if first {
                changes::at_start(&now.reading)
            } else {
                changes::between(&before.reading, &before.tree.files, &now.reading, &now.tree.files)
            };
            events.into_iter().for_each(|event| bus.publish(event));
            before = now;
        }
        is_touched = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = touches.recv() => true,
            () = tokio::time::sleep(LOOK_AGAIN.max(begun.elapsed() * SHARE)) => false,
        };
        tokio::time::sleep(SETTLE).await;
        while touches.try_recv().is_ok() {
            is_touched = true;
        }
        let _ = &watcher;
    }
}

fn watcher(dir: &Path, touched: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let tell = move |change: notify::Result<notify::Event>| {
        // Reading the tree must not look like a change of it.
        if !change.is_ok_and(|change| change.kind.is_access()) {
            let _ = touched.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell).ok()?;
    watcher.watch(dir, RecursiveMode::Recursive).ok()?;
    Some(watcher)
}

/// What is known of a tree without reading its files.
#[derive(Default, PartialEq)]
struct Tree {
    /// A fingerprint of each file.
    files: BTreeMap<PathBuf, u64>,
    /// One of all that is there, folders and times of changes included: finer than what is told.
    whole: u64,
    /// Device and inode of the tree's folder.
    folder: Option<(u64, u64)>,
}

/// The tree at one moment.
#[derive(Default)]
struct Look {
    reading: Reading,
    tree: Arc<Tree>,
}

impl Look {
    /// Reads the tree, if it is not as `known`.
    fn at(dir: &Path, last: &Conf, known: Option<&Arc<Tree>>) -> Option<Look> {
        // Before it is read: what changes in between is another tree at the next look.
        let folder = fs::metadata(dir).ok().map(|meta| (meta.dev(), meta.ino()));
        let mut tree = Tree { folder, ..Tree::default() };
        tree.look(dir, Path::new(""), 0);
        if known.is_some_and(|known| **known == tree) {
            return None;
        }
        Some(Look { reading: read(dir, Some(last)), tree: Arc::new(tree) })
    }
}

impl Tree {
    fn look(&mut self, dir: &Path, below: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(dir.join(below)) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if is_leftover(&name.to_string_lossy()) {
                continue;
            }
            let path = below.join(name);
            let Ok(meta) = fs::metadata(dir.join(&path)) else { continue };
            // Names come in no order.
            self.whole ^= hashed(&(&path, meta.ctime(), meta.ctime_nsec(), meta.ino(), meta.uid()));
            if meta.is_dir() && depth < DEPTH {
                self.look(dir, &path, depth + 1);
            } else {
                // What changes whenever its content does.
                let file = hashed(&(meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino(), meta.mode()));
                self.files.insert(path, file);
            }
        }
    }
}

fn hashed(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_tree_is_read_again_where_it_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("10.77.0.1/10.77.0.60")).unwrap();
        fs::write(path("10.77.0.1/domain"), "a.lan").unwrap();
        let conf = Conf::default();
        let mut tree = Look::at(dir.path(), &conf, None).unwrap().tree;
        type Change<'a> = (&'a str, Box<dyn Fn() -> std::io::Result<()> + 'a>);
        let changes: [Change<'_>; 6] = [
            ("a file's content", Box::new(|| fs::write(path("10.77.0.1/domain"), "other.lan"))),
            ("a mode", Box::new(|| fs::set_permissions(path("10.77.0.1/domain"), fs::Permissions::from_mode(0o600)))),
            ("an empty folder", Box::new(|| fs::create_dir(path("10.77.0.1/10.77.0.61")))),
            ("a name", Box::new(|| fs::rename(path("10.77.0.1/domain"), path("10.77.0.1/boot")))),
            (
                "a deep file",
                Box::new(|| {
                    fs::create_dir_all(path("boot/p/a/b/c"))?;
                    fs::write(path("boot/p/a/b/c/file"), "x")
                }),
            ),
            ("a file that goes", Box::new(|| fs::remove_file(path("10.77.0.1/boot")))),
        ];
        for (what, change) in changes {
            assert!(Look::at(dir.path(), &conf, Some(&tree)).is_none(), "before {what}");
            change().unwrap();
            tree = Look::at(dir.path(), &conf, Some(&tree)).unwrap_or_else(|| panic!("{what} is not seen")).tree;
        }
    }

    #[test]
    fn what_an_editor_leaves_is_no_file_of_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("10.77.0.1")).unwrap();
        let files = || Look::at(dir.path(), &Conf::default(), None).unwrap().tree.files.len();
        assert_eq!(files(), 0);
        for leftover in ["4913", "#domain#", "domain~", ".domain.swp", "domain.swp", ".#domain"] {
            fs::write(dir.path().join("10.77.0.1").join(leftover), "x").unwrap();
            assert_eq!(files(), 0, "{leftover}");
        }
        fs::write(dir.path().join("10.77.0.1/domain"), "x").unwrap();
        assert_eq!(files(), 1);
    }
}
