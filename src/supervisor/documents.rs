//! Recovery documents: gathers what is known of a machine from conf, the record and the journal, and keeps the page in the repository.
//! Called by the command line, and after each change of a machine.

use super::Options;
use crate::{
    command::Place,
    conf::{Conf, Machine, Segment},
    event::{Event, now},
    filter::{Filter, Here, Names},
    journal::{Journal, Query},
    recipe,
    recovery::{Accounts, Before, Had, Known, SMALL, Shown, document, html},
    roots,
    track::{Delta, Entry, Inventory, Kind, Repository, TrackError, Wanted, shown},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The newest boots that are told.
const BOOTS: usize = 3;
/// A file of conf that is longer is none to be shown.
const LONGEST: u64 = 16 << 10;

/// What a machine is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// What it was at first; of a root over NFS its base.
    First,
    /// What it was at a moment.
    Moment(Timestamp),
    /// Nothing: all that is kept is told.
    Nothing,
}

/// A machine, or a container of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whose {
    /// The machine.
    pub place: Place,
    /// The container, where it is one.
    pub container: Option<String>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// conf has no such machine.
    #[error("conf has no machine {}/{}; see what it has: pxelator check", .0.0, .0.1)]
    NoMachine(Place),
    /// Nothing is kept of it.
    #[error(
        "nothing is kept of {host}; name what is to be kept in conf/{}/{}/track, and run: pxelator track pull {host}", place.0, place.1
    )]
    NothingKept {
        /// Its folder in the record.
        host: String,
        /// The machine.
        place: Place,
    },
    /// The record cannot be read or written.
    #[error("{0}; {step}", step = .0.next_step())]
    Record(#[from] TrackError),
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The machine's folder in the record.
    pub host: String,
    /// Its text.
    pub markdown: String,
    /// The same as a page of its own.
    pub html: String,
}

/// Writes a document of what is known now; nothing is kept yet.
pub fn write(options: &Options, conf: &Conf, whose: &Whose, since: Since) -> Result<Page, DocumentError> {
    let known = gather(options, conf, whose, since)?;
    let markdown = document(&known);
    let html = html(&known.host, &markdown);
    Ok(Page { host: known.host, markdown, html })
}

/// Writes it and keeps it in the repository; its file, where it is other than it was. It is there after the next
/// [`Repository::tidy`].
pub fn keep(options: &Options, conf: &Conf, whose: &Whose) -> Result<Option<PathBuf>, DocumentError> {
    put(options, &write(options, conf, whose, Since::First)?)
}

/// Keeps a document in the repository, as [`keep`] does.
pub fn put(options: &Options, page: &Page) -> Result<Option<PathBuf>, DocumentError> {
    let repository = Repository::new(&options.hosts, &options.run);
    let commit = repository.document(&page.host, &page.markdown, &page.html)?;
    Ok(commit.map(|_| options.hosts.join(format!("{}.md", page.host))))
}

/// All that is known.
fn gather(options: &Options, conf: &Conf, whose: &Whose, since: Since) -> Result<Known, DocumentError> {
    let Whose { place, container } = whose;
    let (segment, machine) = conf.machine(*place).ok_or(DocumentError::NoMachine(*place))?;
    let name = &machine.hostname;
    let host = container.as_ref().map_or_else(|| name.clone(), |container| format!("{container}@{name}"));
    let repository = Repository::new(&options.hosts, &options.run);
    let nothing = || DocumentError::NothingKept { host: host.clone(), place: *place };
    let (now, seen) = newest(&repository, &host)?.ok_or_else(nothing)?;
    let base = if container.is_none() { base_of(conf, segment, machine) } else { None };
    let from = match since {
        Since::Nothing => None,
        Since::First if base.is_some() => None,
        Since::First => first(options, &repository, &host)?,
        Since::Moment(moment) => match before(&repository, &host, moment)? {
            Some(found) => Some(found),
            None => first(options, &repository, &host)?,
        },
    };
    let (from, since_then) = from.unzip();
    let tree = base.as_ref().and_then(|base| roots::find_base(&options.roots, base).ok());
    let tree = tree.filter(|_| from.is_none() && since != Since::Nothing);
    let delta = match &from {
        Some(from) => repository.delta(&host, from, &now)?,
        None => {
            let entries = repository.entries(&host, &now)?;
            let changed = entries.into_iter().map(|entry| (None, entry)).collect();
            let before = tree.as_deref().map(installed).unwrap_or_default();
            Delta { changed, removed: Vec::new(), inventory: (before, repository.inventory(&host, &now)?) }
        }
    };
    let text = |commit: Option<&String>, path: &str| {
        let bytes = match commit {
            Some(commit) => repository.content(&host, commit, path.as_bytes()).ok(),
            None => tree.as_ref().and_then(|tree| fs::read(tree.join(path)).ok()),
        };
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    };
    // An overlay has its own only where they are other than the base's.
    let accounts = |path: &str| {
        let (before, own) = (text(from.as_ref(), path), text(Some(&now), path));
        let own = if own.is_empty() { before.clone() } else { own };
        (before, own)
    };
    let accounts = Accounts { passwd: accounts("etc/passwd"), group: accounts("etc/group") };
    let Delta { changed, removed, inventory } = delta;
    let mut files = Vec::with_capacity(changed.len());
    for (before, entry) in changed {
        files.push(shown_file(&repository, &host, (from.as_ref(), &now), &inventory.1, before, entry)?);
    }
    let before = match (from.clone().zip(since_then), &base) {
        (Some((from, time)), _) => Before::Commit(from, time),
        (None, Some(base)) if since != Since::Nothing => Before::Base(base.clone()),
        (None, _) => Before::Nothing,
    };
    let kept = repository.hosts()?;
    let suffix = format!("@{name}");
    let containers = kept.into_iter().filter(|kept| container.is_none() && kept.ends_with(&suffix)).collect();
    Ok(Known {
        now: (now.clone(), seen),
        segment: segment.clone(),
        machine: machine.clone(),
        container: container.clone(),
        conf: conf_files(&folder(options, whose)),
        before,
        base,
        files,
        removed,
        inventory,
        accounts,
        recipes: recipes(options, whose),
        boots: if container.is_none() { boots(&options.journal, *place).unwrap_or_default() } else { Vec::new() },
        containers,
        host,
    })
}

/// The folder of conf with its values.
fn folder(options: &Options, Whose { place, container }: &Whose) -> PathBuf {
    let machine = options.conf.join(place.0.to_string()).join(place.1.to_string());
    container.as_ref().map_or(machine.clone(), |container| machine.join("containers").join(container))
}

fn base_of(conf: &Conf, segment: &Segment, machine: &Machine) -> Option<String> {
    let profile = conf.profiles.get(segment.profile_of(Some(machine))?)?;
    profile.root_of(Some(machine)).map(ToOwned::to_owned)
}

/// The newest commit of a machine and its time.
fn newest(repository: &Repository, host: &str) -> Result<Option<(String, Timestamp)>, TrackError> {
    one(repository, Wanted { host: Some(host.to_owned()), ..Wanted::default() })
}

/// The one that was in force at a moment.
fn before(repository: &Repository, host: &str, moment: Timestamp) -> Result<Option<(String, Timestamp)>, TrackError> {
    one(repository, Wanted { host: Some(host.to_owned()), until: Some(moment), ..Wanted::default() })
}

fn one(repository: &Repository, wanted: Wanted) -> Result<Option<(String, Timestamp)>, TrackError> {
    let found = repository.log(&Wanted { limit: Some(1), ..wanted })?;
    Ok(found.into_iter().next().map(|commit| (commit.hash, commit.time)))
}

/// The first commit of a machine. To find it git goes through all there are, so it is remembered; it stays the first while it is there.
fn first(options: &Options, repository: &Repository, host: &str) -> Result<Option<(String, Timestamp)>, TrackError> {
    let file = options.run.join("first").join(host);
    let known = fs::read_to_string(&file).ok();
    let known = known.as_deref().and_then(|text| text.trim().split_once(' '));
    if let Some((hash, time)) = known.and_then(|(hash, time)| Some((hash, time.parse().ok()?)))
        && repository.commit(hash).is_ok()
    {
        return Ok(Some((hash.to_owned(), time)));
    }
    let Some(hash) = repository.first(host)? else { return Ok(None) };
    let all = repository.log(&Wanted { host: Some(host.to_owned()), ..Wanted::default() })?;
    let time = all.into_iter().find(|commit| commit.hash == hash).map_or(Timestamp::UNIX_EPOCH, |commit| commit.time);
    // Without it, it is looked for once more the next time.
    if let Some(folder) = file.parent() {
        let _ = fs::create_dir_all(folder).and_then(|()| fs::write(&file, format!("{hash} {time}\n")));
    }
    Ok(Some((hash, time)))
}

/// A file with its bytes and how it differs.
fn shown_file(
    repository: &Repository,
    host: &str,
    (from, now): (Option<&String>, &str),
    inventory: &Inventory,
    before: Option<Entry>,
    entry: Entry,
) -> Result<Shown, DocumentError> {
    let mut file = Shown { before, now: entry, content: None, diff: None, brought: false };
    let Kind::File { size, blob } = &file.now.kind else { return Ok(file) };
    if *size > SMALL {
        return Ok(file);
    }
    let content = repository.content(host, now, &file.now.path)?;
    let is_text = std::str::from_utf8(&content).is_ok_and(|text| !text.contains('\0'));
    let is_other =
        matches!(file.before.as_ref().map(|before| &before.kind), Some(Kind::File { blob: was, .. }) if was != blob);
    if let (Some(from), true) = (from, is_text && is_other) {
        let diff = repository.between(host, from, now, Some(&shown(&file.now.path)))?;
        file.diff = Some(diff).filter(|diff| !diff.is_empty());
    }
    if file.before.is_none() {
        let path = String::from_utf8_lossy(&file.now.path);
        let known = inventory.conffiles.get(path.as_ref());
        file.brought = known.is_some() && known == md5(&content).as_ref();
    }
    file.content = Some(content);
    Ok(file)
}

/// As dpkg tells it of its files; none where this host has no md5sum(1).
fn md5(bytes: &[u8]) -> Option<String> {
    let mut command = Command::new("md5sum");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take()?.write_all(bytes).ok()?;
    let output = child.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok()?.split_whitespace().next().map(ToOwned::to_owned)
}

/// The packages of a base, as its dpkg knows them: dpkg(1), `/var/lib/dpkg/status`.
fn installed(tree: &Path) -> Inventory {
    let mut inventory = Inventory::default();
    let text = fs::read(tree.join("var/lib/dpkg/status")).unwrap_or_default();
    for paragraph in String::from_utf8_lossy(&text).split("\n\n") {
        let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        if let (Some(name), Some(version), Some(status)) = (field("Package"), field("Version"), field("Status"))
            && status.ends_with(" installed")
        {
            inventory.packages.insert(name.to_owned(), version.to_owned());
        }
    }
    inventory
}

/// What conf says of it, but no secrets: name and text.
fn conf_files(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, String)> = files
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            let about = file.metadata().ok()?;
            // A key of the machine that is no longer; what another has is its own.
            let is_left = name.starts_with('.') || name.ends_with('~') || name == "ssh.pin";
            if is_left || name.ends_with(".secret") || !about.is_file() || about.len() > LONGEST {
                return None;
            }
            Some((name, fs::read_to_string(file.path()).ok()?))
        })
        .collect();
    found.sort();
    found
}

/// The recipes that it has, as far as was told.
fn recipes(options: &Options, whose: &Whose) -> Vec<Had> {
    let folder = options.conf.join("recipes");
    let known = recipe::known(&options.journal).unwrap_or_default();
    let of = |((place, container, name), had): (recipe::Key, recipe::Had)| {
        let is_its = place == whose.place && container == whose.container && had.first.is_some();
        let title = || recipe::load(&folder, &name).ok().map(|loaded| loaded.recipe.title);
        is_its.then(|| Had { title: title(), applied: had.first, name: name.clone() })
    };
    known.into_iter().filter_map(of).collect()
}

/// Its newest boots, the newest first.
fn boots(journal: &Path, (segment, machine): Place) -> Option<Vec<(Timestamp, String)>> {
    if !journal.exists() {
        return None;
    }
    let journal = Journal::read(journal).ok()?;
    let here = Here { now: now(), zone: &TimeZone::UTC, names: &Names(Vec::new()) };
    let text = format!("segment={segment} and machine={machine} and (kind=boot.completed or kind=boot.stalled)");
    let filter = Filter::parse(&text, &here).ok()?;
    let mut found: Vec<(Timestamp, String)> = Vec::new();
    let query = Query { filter, after: 0, limit: Some(BOOTS) };
    journal.select(&query, |event: Event| found.push((event.time, event.fact.to_string()))).ok()?;
    found.reverse();
    Some(found)
}
