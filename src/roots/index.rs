//! Which file handle is which file: numbers for files that stay the same while the machine runs, also when the server is
//! started anew, when a file is renamed, and when it is copied from the base. A number is never given twice.
//!
//! Kept in memory and, record by record, in a file; a record is written before its handle is told. A process that dies
//! loses nothing, a host that loses power perhaps the newest handles, whose machine then has to boot anew.

use super::{
    layers::Layer,
    log::{self, HEAD, Key, Record},
};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

/// A file's number.
pub type Id = u32;

/// That of the tree's root.
pub const ROOT: Id = 1;
/// Names are numbered from here; lower numbers mean something to clients.
const FIRST: Id = 16;
/// An index of which more than this and half is of no use is written anew.
const USELESS: usize = 4096;

#[derive(Debug)]
struct Node {
    key: Key,
    /// Folder and name; a file with hard links has several.
    names: Vec<(Id, Arc<[u8]>)>,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    node: Id,
    serial: Id,
}

/// All the numbers of one machine.
#[derive(Debug)]
pub struct Index {
    generation: u32,
    next: Id,
    nodes: HashMap<Id, Node>,
    folders: HashMap<Id, HashMap<Arc<[u8]>, Binding>>,
    /// Files with several names, by what they are on the disk.
    linked: HashMap<(Layer, u64), Id>,
    file: File,
    pending: Vec<u8>,
}

impl Index {
    /// Opens the index at `path`, or begins one. Where what is there is no index, all older handles become stale.
    pub fn open(path: &Path) -> io::Result<Index> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let known = log::generation(&bytes);
        let generation = match known {
            Some(generation) => generation,
            None => fresh()?,
        };
        let mut index = Index {
            generation,
            next: FIRST,
            nodes: HashMap::new(),
            folders: HashMap::new(),
            linked: HashMap::new(),
            file,
            pending: Vec::new(),
        };
        let mut rest = bytes.get(HEAD..).filter(|_| known.is_some()).unwrap_or_default();
        let mut read = 0;
        while let Some((record, after)) = Record::take(rest) {
            index.apply(&record);
            (rest, read) = (after, read + 1);
        }
        let live: usize = index.folders.values().map(HashMap::len).sum();
        if known.is_none() || read > 2 * live + USELESS {
            index.rewrite(path)?;
        } else {
            let whole = (bytes.len() - rest.len()) as u64;
            index.file.set_len(whole)?;
            index.file.seek(SeekFrom::Start(whole))?;
        }
        Ok(index)
    }

    /// Told with each handle, so that one of an earlier overlay is nobody's.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Writes a file with nothing in it but what holds, and puts it in the old one's place.
    fn rewrite(&mut self, path: &Path) -> io::Result<()> {
        let mut bytes = log::head(self.generation).to_vec();
        // The highest number given out is known again even if its name is gone.
        let (serial, name) = (self.next.saturating_sub(1).max(FIRST), &b"."[..]);
        Record::Bound { serial, node: serial, parent: 0, key: None, name }.put(&mut bytes);
        Record::Unbound { parent: 0, name }.put(&mut bytes);
        for (parent, names) in &self.folders {
            for (name, Binding { node, serial }) in names {
                let key = self.nodes.get(node).and_then(|node| node.key);
                Record::Bound { serial: *serial, node: *node, parent: *parent, key, name }.put(&mut bytes);
            }
        }
        let new = path.with_extension("new");
        std::fs::write(&new, &bytes)?;
        std::fs::rename(&new, path)?;
        self.file = OpenOptions::new().append(true).open(path)?;
        Ok(())
    }

    fn apply(&mut self, record: &Record<'_>) {
        match *record {
            Record::Bound { serial, node, parent, key, name } => {
                self.next = self.next.max(serial.saturating_add(1)).max(node.saturating_add(1));
                self.attach(parent, name, Binding { node, serial }, key);
            }
            Record::Unbound { parent, name } => self.detach(parent, name),
            Record::Rekeyed { node, key } => self.set_key(node, key),
        }
    }

    fn tell(&mut self, record: &Record<'_>) {
        record.put(&mut self.pending);
    }

    /// Writes down what is new; to be called before a new number is told anybody.
    pub fn flush(&mut self) {
        log::append(&mut self.file, &mut self.pending);
    }

    fn attach(&mut self, parent: Id, name: &[u8], binding: Binding, key: Key) {
        self.detach(parent, name);
        let name: Arc<[u8]> = name.into();
        let node = self.nodes.entry(binding.node).or_insert_with(|| Node { key, names: Vec::new() });
        node.names.push((parent, name.clone()));
        if node.names.len() > 1
            && let Some(key) = node.key
        {
            self.linked.insert(key, binding.node);
        }
        self.folders.entry(parent).or_default().insert(name, binding);
    }

    fn detach(&mut self, parent: Id, name: &[u8]) {
        let mut gone = vec![(parent, Arc::<[u8]>::from(name))];
        // A folder takes with it all that was in it.
        while let Some((parent, name)) = gone.pop() {
            let Some(names) = self.folders.get_mut(&parent) else { continue };
            let Some(binding) = names.remove(&name) else { continue };
            if names.is_empty() {
                self.folders.remove(&parent);
            }
            let Some(node) = self.nodes.get_mut(&binding.node) else { continue };
            node.names.retain(|(at, called)| (*at, called) != (parent, &name));
            if node.names.is_empty() {
                if let Some(key) = node.key
                    && self.linked.get(&key) == Some(&binding.node)
                {
                    self.linked.remove(&key);
                }
                self.nodes.remove(&binding.node);
                if let Some(inside) = self.folders.get(&binding.node) {
                    gone.extend(inside.keys().map(|name| (binding.node, name.clone())));
                }
            }
        }
    }

    fn set_key(&mut self, id: Id, key: Key) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        if let Some(old) = node.key
            && self.linked.get(&old) == Some(&id)
        {
            self.linked.remove(&old);
            if let Some(new) = key {
                self.linked.insert(new, id);
            }
        }
        node.key = key;
    }

    /// The number of the file that `name` of `parent` is, and the place of the name among all names. `key` is what was found
    /// on the disk: where that is another file than before, the number is another too. `many` says that it has hard links.
    pub fn bind(&mut self, parent: Id, name: &[u8], key: Key, many: bool) -> (Id, Id) {
        if let Some(binding) = self.folders.get(&parent).and_then(|names| names.get(name)).copied() {
            let same = self.nodes.get(&binding.node).is_some_and(|node| node.key == key);
            if same {
                return (binding.node, binding.serial);
            }
            self.unbind(parent, name);
        }
        let serial = self.next;
        self.next = self.next.saturating_add(1);
        let linked = key.filter(|_| many).and_then(|key| self.linked.get(&key).copied());
        let node = linked.unwrap_or(serial);
        self.attach(parent, name, Binding { node, serial }, key);
        if many && let Some(key) = key {
            self.linked.insert(key, node);
        }
        self.tell(&Record::Bound { serial, node, parent, key, name });
        (node, serial)
    }

    /// `name` of `parent` is one more name of `node`.
    pub fn link(&mut self, node: Id, parent: Id, name: &[u8]) {
        let Some(key) = self.nodes.get(&node).map(|node| node.key) else { return };
        self.unbind(parent, name);
        let serial = self.next;
        self.next = self.next.saturating_add(1);
        self.attach(parent, name, Binding { node, serial }, key);
        self.tell(&Record::Bound { serial, node, parent, key, name });
    }

    /// `name` of `parent` is nothing any more.
    pub fn unbind(&mut self, parent: Id, name: &[u8]) {
        if self.id(parent, name).is_some() {
            self.detach(parent, name);
            self.tell(&Record::Unbound { parent, name });
        }
    }

    /// What was `from` is now called `to`; what was called so before is gone.
    pub fn rename(&mut self, from: (Id, &[u8]), to: (Id, &[u8])) {
        if from == to {
            return;
        }
        let Some(binding) = self.folders.get(&from.0).and_then(|names| names.get(from.1)).copied() else {
            self.unbind(to.0, to.1);
            return;
        };
        let key = self.nodes.get(&binding.node).and_then(|node| node.key);
        self.unbind(to.0, to.1);
        let serial = self.next;
        self.next = self.next.saturating_add(1);
        // First the new name, lest the file be forgotten with its last.
        self.attach(to.0, to.1, Binding { node: binding.node, serial }, key);
        self.tell(&Record::Bound { serial, node: binding.node, parent: to.0, key, name: to.1 });
        self.unbind(from.0, from.1);
    }

    /// The file is another one on the disk now: it was copied.
    pub fn rekey(&mut self, id: Id, key: Key) {
        if self.nodes.get(&id).is_some_and(|node| node.key != key) {
            self.set_key(id, key);
            self.tell(&Record::Rekeyed { node: id, key });
        }
    }

    /// The number of `name` in `parent`, where it has one.
    pub fn id(&self, parent: Id, name: &[u8]) -> Option<Id> {
        self.folders.get(&parent)?.get(name).map(|binding| binding.node)
    }

    /// The place of `name` of `parent` among all names, where it has one.
    pub fn serial(&self, parent: Id, name: &[u8]) -> Option<Id> {
        self.folders.get(&parent)?.get(name).map(|binding| binding.serial)
    }

    /// What is known to be in the folder.
    pub fn inside(&self, folder: Id) -> Vec<(Id, Arc<[u8]>)> {
        let names = self.folders.get(&folder);
        names
            .map(|names| names.iter().map(|(name, binding)| (binding.node, name.clone())).collect())
            .unwrap_or_default()
    }

    /// What the file is on the disk; none of a number that nothing has.
    pub fn key(&self, id: Id) -> Option<Key> {
        self.nodes.get(&id).map(|node| node.key)
    }

    /// Its folder and name; of several the first.
    pub fn place(&self, id: Id) -> Option<(Id, Arc<[u8]>)> {
        self.nodes.get(&id)?.names.first().cloned()
    }

    /// All its names.
    pub fn names(&self, id: Id) -> Vec<(Id, Arc<[u8]>)> {
        self.nodes.get(&id).map(|node| node.names.clone()).unwrap_or_default()
    }
}

/// A number that no other overlay has, as far as chance goes.
fn fresh() -> io::Result<u32> {
    let mut four = [0; 4];
    File::open("/dev/urandom")?.read_exact(&mut four)?;
    Ok(u32::from_le_bytes(four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_through_restarts_and_renames_and_are_never_given_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let key = |inode| Some((Layer::Upper, inode));
        let mut index = Index::open(&path).unwrap();
        let (etc, _) = index.bind(ROOT, b"etc", None, false);
        let (passwd, _) = index.bind(etc, b"passwd", Some((Layer::Lower, 5)), false);
        let (hosts, _) = index.bind(etc, b"hosts", key(6), true);
        // A hard link is the same file.
        let (again, _) = index.bind(ROOT, b"hosts", key(6), true);
        assert_eq!(again, hosts);
        index.rekey(passwd, key(50));
        index.rename((ROOT, b"etc"), (ROOT, b"etc.old"));
        index.flush();
        let generation = index.generation();
        drop(index);

        let mut index = Index::open(&path).unwrap();
        assert_eq!(index.generation(), generation);
        assert_eq!(index.id(ROOT, b"etc"), None);
        assert_eq!(index.id(ROOT, b"etc.old"), Some(etc));
        assert_eq!(index.bind(etc, b"passwd", key(50), false).0, passwd);
        assert_eq!(index.names(hosts).len(), 2);
        // Replaced behind our back: another file, another number.
        assert_ne!(index.bind(etc, b"passwd", key(51), false).0, passwd);
        // One name goes, the file stays; the folder goes, and the file with its last name.
        index.unbind(ROOT, b"hosts");
        assert_eq!(index.place(hosts).map(|(parent, _)| parent), Some(etc));
        index.unbind(ROOT, b"etc.old");
        assert_eq!((index.place(etc), index.place(hosts)), (None, None));
        let (newest, _) = index.bind(ROOT, b"new", key(60), false);
        index.unbind(ROOT, b"new");
        index.rewrite(&path).unwrap();
        drop(index);
        let mut index = Index::open(&path).unwrap();
        assert!(index.bind(ROOT, b"newer", key(61), false).0 > newest);

        std::fs::write(&path, "not an index").unwrap();
        assert_ne!(Index::open(&path).unwrap().generation(), generation);
    }
}
