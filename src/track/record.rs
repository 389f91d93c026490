//! Keeps what lies in a mirror or in an overlay's upper layer: compares, and makes a commit where something is other.

use super::{
    Commit, Entry, Inventory, Kind, Repository, Result, Status, TrackError, cache, commit,
    compare::{self, Difference},
    fast_import::{Draft, FastImport},
    git::Git,
    look::{Look, Seen},
    meta,
};
use crate::conf::Track;
use jiff::Timestamp;
use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

/// Where a machine's files lie.
#[derive(Clone, Debug)]
pub enum Source {
    /// A mirror that was pulled: all that is in it.
    Mirror(PathBuf),
    /// The upper layer of a root over NFS: marks of overlayfs are removals. What packages brought unchanged, caches, logs and
    /// what is made anew at each boot is left out, unless `track` says what is wanted.
    Layer(PathBuf),
}

impl Source {
    /// Where the tree is.
    pub fn root(&self) -> &Path {
        match self {
            Source::Mirror(root) | Source::Layer(root) => root,
        }
    }
}

/// What is known of a look at a machine.
#[derive(Clone, Debug)]
pub struct Note {
    /// The machine's folder in the record: `web1`, `db@web1`.
    pub host: String,
    /// Its address, for the commit's author.
    pub address: String,
    /// When it was looked at.
    pub time: Timestamp,
    /// What made the changes: `recipe nginx`, where that is known.
    pub cause: Option<String>,
    /// What `reach/probe.sh` printed; none keeps what was there.
    pub inventory: Option<String>,
    /// `conf/age.recipients`, where it is there: for whom secrets are encrypted.
    pub recipients: Option<PathBuf>,
}

/// Files that are not kept, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The first twenty, printable.
    pub paths: Vec<String>,
    /// How many there are.
    pub count: u64,
    /// `they hold private keys`, `they are larger than 16 MiB`.
    pub reason: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The new commit; none where nothing was other.
    pub commit: Option<String>,
    /// Its first line without the machine's name: `etc/motd changed, etc/hosts added`.
    pub subject: String,
    /// Files that are new, printable, without a leading `/`.
    pub added: Vec<String>,
    /// Files that are other.
    pub changed: Vec<String>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// Files that are kept now.
    pub files: u64,
    /// What is left out, by reason.
    pub left: Vec<Left>,
}

/// What the record has of a machine.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub entries: Vec<Entry>,
    pub inventory: Inventory,
    /// Nothing is kept yet.
    pub is_new: bool,
    /// It cannot be read, so that all is written anew.
    pub is_spoilt: bool,
}

impl Repository {
    /// Keeps what is there now. Calls for several machines may run at the same time, also of several processes; those of one
    /// machine must not.
    pub fn record(&self, source: &Source, track: Option<&Track>, note: &Note) -> Result<Recorded> {
        let git = self.begun()?;
        let kept = self.kept(git, &note.host)?;
        let memory = cache::read(&self.run, &note.host);
        let before = memory.looked;
        let mut look = Look::new(git, &self.run, source, track, note, memory, &kept.entries)?;
        let entries = look.entries()?;
        let inventory = match &note.inventory {
            Some(text) => Some(Inventory::parse(text, "what the machine tells of itself")?),
            None => look.inventory(),
        };
        let Seen { import, files, fresh, left } = look.seen();
        let now = Compared::new(&kept, entries, inventory);
        let mut recorded = now.recorded(left);
        if now.is_same() && !kept.is_spoilt {
            import.map_or(Ok(()), FastImport::leave)?;
        } else {
            let files = now.told();
            let packages = compare::of_inventory(&kept.inventory, &now.inventory);
            let mut subject = compare::subject(&files, &packages, kept.is_new);
            if subject.is_empty() {
                "what is known of it changed".clone_into(&mut subject);
            }
            let commit = Commit {
                hash: String::new(),
                time: note.time,
                before,
                host: note.host.clone(),
                subject,
                cause: note.cause.clone(),
                files,
            };
            let mut import = import.map_or_else(|| FastImport::start(git), Ok)?;
            let (remove, mut put) = now.paths(&note.host, &kept, &fresh);
            let own = |name: &str| format!("{}/{name}", note.host).into_bytes();
            put.push((own(".meta"), import.bytes(meta::print(&now.entries).as_bytes())?));
            if kept.is_spoilt || now.inventory != kept.inventory {
                put.push((own(".inventory"), import.bytes(now.inventory.to_string().as_bytes())?));
            }
            let mail = format!("{}@{}", note.host.replace('@', "."), note.address);
            let _lock = self.lock()?;
            let tip = git.tip()?;
            let hash = import.commit(&Draft {
                from: Some(&tip),
                author: (&note.host, &mail),
                time: note.time.as_second(),
                message: &commit::message(&commit, &packages),
                remove,
                put,
            })?;
            recorded.commit = Some(hash);
            recorded.subject = commit.subject;
        }
        let address = Some(note.address.clone());
        cache::write(&self.run, &note.host, &cache::Memory { files, looked: Some(note.time), address })?;
        Ok(recorded)
    }

    /// What is kept of a machine by now.
    pub(super) fn kept(&self, git: Git, host: &str) -> Result<Kept> {
        let mut cat = git.cat()?;
        // Also so that a broken branch is no machine that is new.
        if cat.read("refs/heads/main")?.is_none() {
            git.tip()?;
        }
        let mut text = |name: &str| -> Result<Option<String>> {
            let bytes = cat.read(&format!("refs/heads/main:{host}/{name}"))?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let (entries, inventory) = (text(".meta")?, text(".inventory")?);
        let is_new = entries.is_none();
        let entries = meta::parse(&entries.unwrap_or_default(), &format!("{host}/.meta"));
        let inventory = Inventory::parse(&inventory.unwrap_or_default(), &format!("{host}/.inventory"));
        match (entries, inventory) {
            (Ok(entries), Ok(inventory)) => Ok(Kept { entries, inventory, is_new, is_spoilt: false }),
            (Err(TrackError::Form { .. }), _) | (_, Err(TrackError::Form { .. })) => {
                Ok(Kept { is_spoilt: true, ..Kept::default() })
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// Writes a machine's recovery document beside its folder; none where it is as it was.
    pub fn document(&self, host: &str, markdown: &str, html: &str) -> Result<Option<String>> {
        let git = self.begun()?;
        let names = [format!("{host}.md"), format!("{host}.html")];
        let mut cat = git.cat()?;
        let mut is_same = true;
        for (name, text) in names.iter().zip([markdown, html]) {
            is_same &= cat.read(&format!("refs/heads/main:{name}"))?.as_deref() == Some(text.as_bytes());
        }
        if is_same {
            return Ok(None);
        }
        let mut import = FastImport::start(git)?;
        let mut put = Vec::new();
        for (name, text) in names.iter().zip([markdown, html]) {
            put.push((name.clone().into_bytes(), import.bytes(text.as_bytes())?));
        }
        let _lock = self.lock()?;
        let tip = git.tip()?;
        let draft = Draft {
            from: Some(&tip),
            author: ("PXElator", "pxelator@localhost"),
            time: Timestamp::now().as_second(),
            message: &format!("{host}: its recovery document\n\nDocument: {host}\n"),
            remove: Vec::new(),
            put,
        };
        import.commit(&draft).map(Some)
    }
}

/// Paths in the repository that go, and those that come with git's names of their contents.
type Paths = (Vec<Vec<u8>>, Vec<(Vec<u8>, String)>);

/// What is there now beside what was.
struct Compared<'a> {
    kept: &'a Kept,
    entries: Vec<Entry>,
    inventory: Inventory,
}

impl<'a> Compared<'a> {
    fn new(kept: &'a Kept, mut entries: Vec<Entry>, inventory: Option<Inventory>) -> Compared<'a> {
        // Another time alone is no change, so that it is no other line either.
        for entry in &mut entries {
            if let Ok(at) = kept.entries.binary_search_by(|kept| kept.path.cmp(&entry.path))
                && let Some(before) = kept.entries.get(at)
                && !compare::is_other(before, entry)
            {
                entry.mtime = before.mtime;
            }
        }
        Compared { kept, entries, inventory: inventory.unwrap_or_else(|| kept.inventory.clone()) }
    }

    fn differences(&self) -> Vec<Difference<'_>> {
        compare::differences(&self.kept.entries, &self.entries)
    }

    fn is_same(&self) -> bool {
        !self.kept.is_new && self.differences().is_empty() && self.inventory == self.kept.inventory
    }

    fn told(&self) -> Vec<(Status, String)> {
        compare::told(&self.differences())
    }

    fn recorded(&self, left: Vec<Left>) -> Recorded {
        let is_kept = |entry: &&Entry| !matches!(entry.kind, Kind::Folder | Kind::Removed);
        let files = u64::try_from(self.entries.iter().filter(is_kept).count()).unwrap_or(u64::MAX);
        let mut recorded = Recorded { files, left, ..Recorded::default() };
        for (status, path) in self.told() {
            match status {
                Status::Added => recorded.added.push(path),
                Status::Changed => recorded.changed.push(path),
                Status::Removed => recorded.removed.push(path),
            }
        }
        recorded
    }

    /// What goes in the repository, and what comes, with git's names of contents. `fresh` are those of secrets that are other.
    fn paths(&self, host: &str, kept: &Kept, fresh: &HashMap<Vec<u8>, String>) -> Paths {
        let below = |path: Vec<u8>| [host.as_bytes(), b"/", &path].concat();
        let mut remove = BTreeSet::new();
        let mut put = Vec::new();
        if kept.is_spoilt {
            remove.insert(host.as_bytes().to_vec());
        }
        for (before, now) in self.differences() {
            let (was, is) = (before.and_then(stored), now.and_then(stored));
            if let Some(was) = was.filter(|was| Some(was) != is.as_ref()) {
                remove.insert(below(was));
            }
            let (Some(now), Some(is)) = (now, is) else { continue };
            match (&now.kind, before.map(|before| &before.kind)) {
                (Kind::File { blob, .. }, Some(Kind::File { blob: was, .. })) if blob == was => {}
                (Kind::File { blob, .. }, _) => put.push((below(is), blob.clone())),
                _ => put.extend(fresh.get(&now.path).map(|blob| (below(is), blob.clone()))),
            }
        }
        (remove.into_iter().collect(), put)
    }
}

/// Where the repository has its content, below the machine's folder.
pub(super) fn stored(entry: &Entry) -> Option<Vec<u8>> {
    match entry.kind {
        Kind::File { .. } => Some(entry.path.clone()),
        Kind::Secret { .. } => Some([entry.path.as_slice(), b".age"].concat()),
        _ => None,
    }
}
