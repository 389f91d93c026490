//! Follows changes of the tree: inotify where it works, else a look every two seconds.

use super::{Conf, Reading, changes, read};
use crate::{bus::Bus, event::Event};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// An editor or git touches several files at once; they are read together.
const SETTLE: Duration = Duration::from_millis(50);
/// Catches what the watcher missed: a tree that was moved away and made anew, a full inotify queue.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Follows the tree in `dir` until `shutdown`: each change that makes sense is sent to `sender`, and told as events.
pub async fn watch(dir: PathBuf, sender: watch::Sender<Arc<Conf>>, bus: Bus, shutdown: CancellationToken) {
    let (touched, mut touches) = mpsc::channel(1);
    let mut watcher = watcher(&dir, touched.clone());
    let mut before = Look::default();
    loop {
        let (folder, last) = (dir.clone(), sender.borrow().clone());
        let Ok(now) = tokio::task::spawn_blocking(move || Look::at(&folder, &last)).await else { return };
        if now.files != before.files || now.reading != before.reading {
            // The tree may be another folder of the same name, which the watcher does not see.
            if now.folder != before.folder {
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
            let first = before.folder.is_none() && before.files.is_empty();
            let events: Vec<Event> = if first {
                changes::at_start(&now.reading)
            } else {
                changes::between(&before.reading, &before.files, &now.reading, &now.files)
            };
            events.into_iter().for_each(|event| bus.publish(event));
            before = now;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = touches.recv() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        tokio::time::sleep(SETTLE).await;
        while touches.try_recv().is_ok() {}
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

/// The tree at one moment.
#[derive(Default)]
struct Look {
    reading: Reading,
    /// A fingerprint of each file.
    files: BTreeMap<PathBuf, u64>,
    /// Device and inode of the tree's folder.
    folder: Option<(u64, u64)>,
}

impl Look {
    fn at(dir: &Path, last: &Conf) -> Look {
        use std::os::unix::fs::MetadataExt;
        let folder = fs::metadata(dir).ok().map(|meta| (meta.dev(), meta.ino()));
        let mut files = BTreeMap::new();
        fingerprints(dir, Path::new(""), 0, &mut files);
        Look { reading: read(dir, Some(last)), files, folder }
    }
}

/// Size, time and inode of every file: what changes whenever its content does.
fn fingerprints(dir: &Path, below: &Path, depth: usize, files: &mut BTreeMap<PathBuf, u64>) {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir.join(below)) else { return };
    for entry in entries.flatten() {
        let path = below.join(entry.file_name());
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || name.as_encoded_bytes().ends_with(b"~") {
            continue;
        }
        let Ok(meta) = fs::metadata(dir.join(&path)) else { continue };
        if meta.is_dir() && depth < 4 {
            fingerprints(dir, &path, depth + 1, files);
        } else {
            let mut hasher = DefaultHasher::new();
            (meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino(), meta.mode()).hash(&mut hasher);
            files.insert(path, hasher.finish());
        }
    }
}
