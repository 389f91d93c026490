//! A look at a tree: what of it is kept and what is left out; contents that are not known yet go into the repository.

use super::{
    Entry, Inventory, Kind, Left, Note, Result, Source, TrackError, cache,
    fast_import::FastImport,
    git::Git,
    layer, names, pattern,
    scan::{Found, Signature, Tree, Walk},
    secrets,
};
use crate::conf::Track;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File},
    io::{self, Read, Seek},
    path::Path,
};

/// Beyond this a file is not kept unless `track` says so.
const LARGEST: u64 = 16 << 20;
/// Paths that are told of those that are left out.
const TOLD: usize = 20;
/// How often a file is read that is written meanwhile.
const TRIES: usize = 3;

/// A look that is being made.
pub struct Look<'a> {
    git: Git<'a>,
    run: &'a Path,
    source: &'a Source,
    track: Option<&'a Track>,
    tree: Tree,
    kept: HashMap<&'a [u8], &'a Entry>,
    memory: cache::Memory,
    now: Timestamp,
    /// For whom secrets are encrypted: the file and what is in it.
    recipients: Option<(&'a Path, Vec<u8>)>,
    key: Option<Vec<u8>>,
    inventory: Option<Inventory>,
    seen: Seen<'a>,
    left: BTreeMap<String, (Vec<String>, u64)>,
}

/// What came of it.
#[derive(Default)]
pub struct Seen<'a> {
    /// Where something was streamed into the repository.
    pub import: Option<FastImport<'a>>,
    /// What is known again the next time.
    pub files: HashMap<Vec<u8>, cache::Seen>,
    /// Secrets that are other: git's names of them, encrypted, by path.
    pub fresh: HashMap<Vec<u8>, String>,
    /// What is left out.
    pub left: Vec<Left>,
}

/// What a file turned out to be.
enum Turned {
    Kept(Kind),
    Left(String),
    Gone,
}

impl<'a> Look<'a> {
    /// Opens the tree.
    pub fn new(
        git: Git<'a>,
        run: &'a Path,
        source: &'a Source,
        track: Option<&'a Track>,
        note: &'a Note,
        memory: cache::Memory,
        kept: &'a [Entry],
    ) -> Result<Look<'a>> {
        let root = source.root();
        let tree = Tree::open(root).map_err(|source| TrackError::File { path: root.to_owned(), source })?;
        let recipients = match &note.recipients {
            Some(file) => {
                let text = fs::read(file).map_err(|source| TrackError::File { path: file.clone(), source })?;
                Some((file.as_path(), text))
            }
            None => None,
        };
        Ok(Look {
            git,
            run,
            source,
            track,
            tree,
            kept: kept.iter().map(|entry| (entry.path.as_slice(), entry)).collect(),
            memory,
            now: Timestamp::now(),
            recipients,
            key: None,
            inventory: None,
            seen: Seen::default(),
            left: BTreeMap::new(),
        })
    }

    /// All that is kept of the tree, by path.
    pub fn entries(&mut self) -> Result<Vec<Entry>> {
        let (track, is_layer) = (self.track, matches!(self.source, Source::Layer(_)));
        let walk = self.tree.walk(&|path, is_folder| !is_layer || layer::is_wanted(track, path, is_folder));
        let walk = walk.map_err(|source| TrackError::File { path: self.source.root().to_owned(), source })?;
        let Walk { mut found, unread, reserved } = walk;
        for path in unread {
            self.leave(&path, "they cannot be read");
        }
        for path in reserved {
            self.leave(&path, "their names mean something to git or to the record");
        }
        if is_layer {
            found = self.own_of_layer(found)?;
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(found.len());
        let mut shared: HashMap<Vec<u8>, Kind> = HashMap::new();
        for Found { mut entry, signature } in found {
            if let Kind::File { .. } = entry.kind {
                let first = entry.same_as.clone().unwrap_or_else(|| entry.path.clone());
                let known = shared.get(&first).filter(|_| !self.is_by_name(&entry.path)).cloned();
                let turned = match known {
                    Some(kind) => Turned::Kept(kind),
                    None => self.file(&entry, signature)?,
                };
                match turned {
                    Turned::Kept(kind) => entry.kind = kind,
                    Turned::Left(reason) => {
                        self.leave(&entry.path, &reason);
                        continue;
                    }
                    Turned::Gone => continue,
                }
                if let Kind::File { .. } = entry.kind {
                    shared.insert(first, entry.kind.clone());
                }
            }
            entries.push(entry);
        }
        Ok(self.settle(entries))
    }

    /// What is left when all is known: names that would be taken twice, links to what is left out, folders of nothing.
    fn settle(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let secret = |entry: &Entry| match entry.kind {
            Kind::Secret { .. } => Some([entry.path.as_slice(), b".age"].concat()),
            _ => None,
        };
        let taken: HashSet<Vec<u8>> = entries.iter().filter_map(secret).collect();
        entries.retain(|entry| {
            let is_free = !taken.contains(&entry.path);
            if !is_free {
                self.leave(&entry.path, "the record has an encrypted file of this name");
            }
            is_free
        });
        let mut firsts: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for entry in &mut entries {
            if !matches!(entry.kind, Kind::File { .. }) {
                entry.same_as = None;
                continue;
            }
            let group = entry.same_as.clone().unwrap_or_else(|| entry.path.clone());
            match firsts.get(&group) {
                Some(first) => entry.same_as = Some(first.clone()),
                None => {
                    entry.same_as = None;
                    firsts.insert(group, entry.path.clone());
                }
            }
        }
        if matches!(self.source, Source::Layer(_)) {
            layer::without_empty(&mut entries);
        }
        entries
    }

    /// Without what packages brought, and what they are is noted.
    fn own_of_layer(&mut self, found: Vec<Found>) -> Result<Vec<Found>> {
        let packages = layer::Packages::read(&self.tree);
        self.inventory = packages.inventory(&found);
        let known = |found: &Found| {
            cache::known(&self.memory, &found.entry.path, &found.signature, None) == Some(cache::PACKAGED)
        };
        let (own, brought) = packages.split(self.source.root(), found, &known)?;
        for Found { entry, signature } in brought {
            if let Kind::File { .. } = entry.kind
                && cache::is_settled(&signature, self.now)
            {
                let seen = cache::Seen { signature, blob: cache::PACKAGED.to_owned() };
                self.seen.files.insert(entry.path, seen);
            }
        }
        Ok(own)
    }

    /// What the tree itself tells of packages and services, where it does.
    pub fn inventory(&mut self) -> Option<Inventory> {
        self.inventory.take()
    }

    /// What came of it.
    pub fn seen(self) -> Seen<'a> {
        let left = self.left.into_iter().map(|(reason, (paths, count))| Left { paths, count, reason }).collect();
        Seen { left, ..self.seen }
    }

    fn leave(&mut self, path: &[u8], reason: &str) {
        let (paths, count) = self.left.entry(reason.to_owned()).or_default();
        *count += 1;
        if paths.len() < TOLD {
            paths.push(names::shown(path));
        }
    }

    fn is_secret(&self, path: &[u8]) -> bool {
        self.track.is_some_and(|track| track.secrets.iter().any(|secret| pattern::names(secret, path)))
    }

    fn is_by_name(&self, path: &[u8]) -> bool {
        self.is_secret(path) || secrets::is_never(path)
    }

    fn file(&mut self, entry: &Entry, found: Signature) -> Result<Turned> {
        let path = entry.path.as_slice();
        let largest = self.track.map_or(LARGEST, |track| track.largest);
        let is_secret = self.is_secret(path);
        if is_secret && self.recipients.is_none() {
            return Ok(Turned::Left("they are secret, and conf/age.recipients does not say for whom".to_owned()));
        }
        if !is_secret && secrets::is_never(path) {
            return Ok(Turned::Left("they are secret; `secret PATH` in `track` keeps them encrypted".to_owned()));
        }
        if found.size > largest {
            return Ok(Turned::Left(format!("they are larger than {}", size(largest))));
        }
        let kept = self.kept.get(path).copied();
        if !is_secret && let Some(blob) = cache::known(&self.memory, path, &found, kept) {
            let blob = blob.to_owned();
            self.remember(path, found, &blob);
            return Ok(Turned::Kept(Kind::File { size: found.size, blob }));
        }
        for _ in 0..TRIES {
            let (mut file, signature) = match self.tree.file(path) {
                Ok(opened) => opened,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Ok(Turned::Left("they cannot be read".to_owned()));
                }
                Err(_) => return Ok(Turned::Gone),
            };
            if signature.size > largest {
                return Ok(Turned::Left(format!("they are larger than {}", size(largest))));
            }
            let kind = match is_secret {
                true => self.secret(path, &mut file, kept)?,
                false => match self.content(&mut file, signature.size) {
                    Ok(kind) => kind,
                    Err(Refused::Key) => {
                        return Ok(Turned::Left(
                            "they hold private keys; `secret PATH` in `track` keeps them encrypted".to_owned(),
                        ));
                    }
                    Err(Refused::Unread) => return Ok(Turned::Left("they cannot be read".to_owned())),
                    Err(Refused::Trouble(error)) => return Err(error),
                },
            };
            // What was written meanwhile is read again, and so is what was replaced.
            let after = self.tree.file(path).map(|(_, signature)| signature);
            if let Some(kind) = kind
                && after.is_ok_and(|after| after == signature)
            {
                if let Kind::File { blob, .. } = &kind {
                    self.remember(path, signature, blob);
                }
                return Ok(Turned::Kept(kind));
            }
        }
        Ok(match kept {
            // As it was before, rather than half of it.
            Some(Entry { kind: kind @ (Kind::File { .. } | Kind::Secret { .. }), .. }) => Turned::Kept(kind.clone()),
            _ => Turned::Left("they are written all the time".to_owned()),
        })
    }

    fn remember(&mut self, path: &[u8], signature: Signature, blob: &str) {
        if cache::is_settled(&signature, self.now) {
            self.seen.files.insert(path.to_vec(), cache::Seen { signature, blob: blob.to_owned() });
        }
    }

    /// Streams it into the repository; none where it was written meanwhile.
    fn content(&mut self, file: &mut File, size: u64) -> std::result::Result<Option<Kind>, Refused> {
        let unread = |_| Refused::Unread;
        if secrets::holds_private_key(&mut file.by_ref().take(size)).map_err(unread)? {
            return Err(Refused::Key);
        }
        file.rewind().map_err(unread)?;
        let (blob, is_whole) = self.import().and_then(|import| import.stream(size, file)).map_err(Refused::Trouble)?;
        Ok(is_whole.then_some(Kind::File { size, blob }))
    }

    /// Encrypts it where it is another.
    fn secret(&mut self, path: &[u8], file: &mut File, kept: Option<&Entry>) -> Result<Option<Kind>> {
        let Some((recipients, text)) = self.recipients.clone() else { return Ok(None) };
        let mut content = Vec::new();
        if file.read_to_end(&mut content).is_err() {
            return Ok(None);
        }
        if self.key.is_none() {
            self.key = Some(secrets::key(self.run)?);
        }
        let digest = secrets::digest(self.key.as_deref().unwrap_or_default(), &content, &text);
        let kind = Kind::Secret { digest };
        if kept.is_none_or(|kept| kept.kind != kind) {
            let encrypted = secrets::encrypt(&content, recipients)?;
            let blob = self.import()?.bytes(&encrypted)?;
            self.seen.fresh.insert(path.to_vec(), blob);
        }
        Ok(Some(kind))
    }

    fn import(&mut self) -> Result<&mut FastImport<'a>> {
        match &mut self.seen.import {
            Some(import) => Ok(import),
            none => Ok(none.insert(FastImport::start(self.git)?)),
        }
    }
}

/// Why a content is not taken.
enum Refused {
    Key,
    Unread,
    Trouble(TrackError),
}

/// `16 MiB`.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = units.iter().find(|(shift, _)| bytes >= 1 << shift && bytes.is_multiple_of(1 << shift));
    whole.map_or(format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!(
            [size(16 << 20), size(5 << 30), size(1000), size(65 << 10)],
            ["16 MiB", "5 GiB", "1000 bytes", "65 KiB"]
        );
    }
}
