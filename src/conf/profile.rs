//! Profiles: what to boot, `conf/boot/<name>/`. The values are templates that `boot` renders; this file knows their names.

use super::{
    Machine, Secrets,
    read::{LARGEST, Reader, is_leftover},
    value,
};
use crate::event::Architecture;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Files whose presence says what kind of boot a profile is; the first that it has counts.
pub const KINDS: [&str; 4] = ["menu", "action", "program", "kernel"];
/// Files that may have a variant a firmware, as `kernel.uefi-arm64`.
const TEXTS: [&str; 6] = ["menu", "action", "program", "kernel", "initrd", "append"];
/// How deep the folders of a profile's answer files may be.
const DEPTH: usize = 3;
/// Seconds that a menu waits unless `timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What to boot. What `from` brings is in it already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The folder's name.
    pub name: String,
    /// `from`: the profile that gives what this one does not say itself.
    pub from: Option<String>,
    /// `kernel`, `initrd`, `append`, `program`, `action`, `menu`, also with a firmware as `kernel.bios`: templates by the
    /// file's name.
    pub texts: BTreeMap<String, Text>,
    /// Every other file: rendered for the machine that asks for it at `/answers/<name>`.
    pub answers: BTreeMap<String, Text>,
    /// `files`: what `pxelator fetch` gets.
    pub files: Vec<Download>,
    /// `done`: what shows that an installer came to its end, so that the machine is disarmed.
    pub done: Vec<Evidence>,
    /// `timeout`: how long a menu waits for a key.
    pub timeout: Option<Duration>,
    /// `tries`: how many boots a machine that is armed gets to come to its end; 1 unless given.
    pub tries: Option<u32>,
    /// `root`: the base in `roots/` of a root file system over NFS.
    pub root: Option<String>,
    /// `nfs`: who serves it.
    pub nfs: Option<NfsServer>,
    /// `NAME.secret`: told to a machine that is armed, once.
    pub secrets: Secrets,
}

/// A template with the file that it stands in, for errors: `boot/kiosk/append`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Relative to the conf tree.
    pub file: PathBuf,
    /// What it holds.
    pub body: String,
}

/// A file that a profile needs below `tftpboot`, and where it is to be had: a line `PATH URL SHA256 [SIZE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Below `tftpboot`; never leads out.
    pub path: String,
    /// `http` or `https`.
    pub url: url::Url,
    /// 64 hexadecimal digits, lower case.
    pub sha256: String,
    /// Bytes.
    pub size: Option<u64>,
}

/// What shows that an installer came to its end: a line of `done`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// `url PATH`: it fetched this path, `*` for anything.
    Url(String),
    /// `dns VERB`: it asked for this command by a name with its token.
    Dns(String),
    /// `syslog GLOB`: it logged such a message.
    Syslog(String),
}

/// Who serves a root file system over NFS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NfsServer {
    /// This program.
    #[default]
    Pxelator,
    /// The kernel of this host.
    Kernel,
}

impl Profile {
    /// A profile of these templates, as they stand in files of these names.
    pub fn new(name: &str, texts: &[(&str, &str)]) -> Profile {
        let text = |(file, body): &(&str, &str)| {
            let text = Text { file: Path::new("boot").join(name).join(file), body: (*body).to_owned() };
            ((*file).to_owned(), text)
        };
        Profile { name: name.to_owned(), texts: texts.iter().map(text).collect(), ..Profile::default() }
    }

    /// The value of the file `name` for this firmware: its variant, else the one for all.
    pub fn text(&self, name: &str, firmware: Option<Architecture>) -> Option<&Text> {
        variants(name, firmware).find_map(|variant| self.texts.get(&variant))
    }

    /// The file that says what kind of boot this is for a firmware: one of [`KINDS`]; its variants come first.
    pub fn kind(&self, firmware: Option<Architecture>) -> Option<&'static str> {
        let own = |kind: &&str| {
            variants(kind, firmware).any(|variant| variant != **kind && self.texts.contains_key(&variant))
        };
        let all = |kind: &&str| self.texts.contains_key(*kind);
        KINDS.into_iter().find(own).or_else(|| KINDS.into_iter().find(all))
    }

    /// The base that `machine` has as its root: what its own file `root` says, where the profile has one at all.
    pub fn root_of<'a>(&'a self, machine: Option<&'a Machine>) -> Option<&'a str> {
        let profile = self.root.as_deref()?;
        Some(machine.and_then(|machine| machine.extra.get("root")).map_or(profile, String::as_str))
    }

    /// How long a menu waits for a key before it takes its first entry.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT)
    }

    /// The entries of its menu for a firmware: profile and title.
    pub fn entries(&self, firmware: Option<Architecture>) -> Vec<(String, String)> {
        let lines = self.text("menu", firmware).map(|text| text.body.lines()).into_iter().flatten();
        let entry = |line: &str| match line.trim().split_once(char::is_whitespace) {
            Some((name, title)) => (name.to_owned(), title.trim().to_owned()),
            None => (line.trim().to_owned(), line.trim().to_owned()),
        };
        lines.map(entry).collect()
    }

    /// Takes from `base` what this one does not say itself.
    fn inherit(&mut self, base: &Profile) {
        let own: BTreeSet<String> = self.texts.keys().cloned().collect();
        let has_kind = KINDS.iter().any(|kind| own.iter().any(|name| stem(name) == *kind));
        for (name, text) in &base.texts {
            // Who boots a kernel is not to be made a menu by what it comes from.
            let other_kind =
                has_kind && KINDS.contains(&stem(name)) && !own.iter().any(|other| stem(other) == stem(name));
            if !other_kind && !own.contains(stem(name)) {
                self.texts.entry(name.clone()).or_insert_with(|| text.clone());
            }
        }
        for (name, text) in &base.answers {
            self.answers.entry(name.clone()).or_insert_with(|| text.clone());
        }
        for (name, secret) in &base.secrets {
            self.secrets.entry(name.clone()).or_insert_with(|| secret.clone());
        }
        for file in &base.files {
            if !self.files.iter().any(|own| own.path == file.path) {
                self.files.push(file.clone());
            }
        }
        if self.done.is_empty() {
            self.done.clone_from(&base.done);
        }
        self.timeout = self.timeout.or(base.timeout);
        self.tries = self.tries.or(base.tries);
        self.root = self.root.take().or_else(|| base.root.clone());
        self.nfs = self.nfs.or(base.nfs);
    }
}

/// Names that a value for this firmware may have, the best first: one that boots over HTTP takes what is for its kind.
fn variants(name: &str, firmware: Option<Architecture>) -> impl Iterator<Item = String> + '_ {
    let all = [firmware, firmware.map(Architecture::without_http)];
    all.into_iter().flatten().map(move |firmware| format!("{name}.{firmware}")).chain([name.to_owned()])
}

/// The name without its firmware.
fn stem(name: &str) -> &str {
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// Reads all profiles; of each what `from` brings is in it.
pub fn profiles(reader: &mut Reader<'_>, last: &BTreeMap<String, Arc<Profile>>) -> BTreeMap<String, Arc<Profile>> {
    let mut read = BTreeMap::new();
    for name in reader.folders(Path::new("boot")) {
        if value::name(&name).is_err() {
            let expected = "a profile's name: letters, digits, hyphens and dots";
            reader.mistake(Path::new("boot").join(&name), &name, expected);
            continue;
        }
        let profile = one(reader, &name, last.get(&name).map(Arc::as_ref));
        read.insert(name, profile);
    }
    let mut whole = BTreeMap::new();
    for (name, profile) in &read {
        let mut profile = profile.clone();
        let mut seen = BTreeSet::from([name.clone()]);
        let mut next = profile.from.clone();
        while let Some(base) = next {
            let file = Path::new("boot").join(name).join("from");
            let Some(found) = read.get(&base) else {
                let known = read.keys().filter(|n| *n != name).cloned().collect::<Vec<_>>().join(", ");
                reader.mistake(file, &base, format!("a profile of boot/ (there are: {known})"));
                break;
            };
            if !seen.insert(base.clone()) {
                reader.mistake(file, &base, "a profile that does not come from this one itself");
                break;
            }
            profile.inherit(found);
            next = found.from.clone();
        }
        let nothing = profile.answers.is_empty() && profile.from.is_none();
        if nothing && !KINDS.iter().any(|kind| profile.texts.keys().any(|name| stem(name) == *kind)) {
            let expected = "there; a profile has a file kernel, program, action or menu";
            reader.mistake(Path::new("boot").join(name).join("kernel"), "", expected);
        }
        whole.insert(name.clone(), Arc::new(profile));
    }
    whole
}

fn one(reader: &mut Reader<'_>, name: &str, last: Option<&Profile>) -> Profile {
    let folder = Path::new("boot").join(name);
    let at = |file: &str| folder.join(file);
    let mut profile = Profile {
        name: name.to_owned(),
        from: reader.optional(&at("from"), value::name, last.and_then(|l| l.from.clone())),
        files: reader.optional(&at("files"), downloads, last.map(|l| l.files.clone())).unwrap_or_default(),
        done: reader.optional(&at("done"), evidence, last.map(|l| l.done.clone())).unwrap_or_default(),
        timeout: reader.optional(&at("timeout"), seconds, last.and_then(|l| l.timeout)),
        tries: reader.optional(&at("tries"), tries, last.and_then(|l| l.tries)),
        root: reader.optional(&at("root"), value::name, last.and_then(|l| l.root.clone())),
        nfs: reader.optional(&at("nfs"), nfs, last.and_then(|l| l.nfs)),
        secrets: reader.secrets(&folder, last.map(|l| &l.secrets), &[]),
        ..Profile::default()
    };
    gather(reader, &folder, "", last, &mut profile, 0);
    profile
}

/// Takes in the templates of a folder and of those in it.
fn gather(
    reader: &mut Reader<'_>,
    folder: &Path,
    below: &str,
    last: Option<&Profile>,
    into: &mut Profile,
    depth: usize,
) {
    const OTHERS: [&str; 7] = ["from", "files", "done", "timeout", "tries", "root", "nfs"];
    for (name, is_folder) in reader.names(folder) {
        let (file, whole) = (folder.join(&name), format!("{below}{name}"));
        if is_folder && depth < DEPTH {
            gather(reader, &file, &format!("{whole}/"), last, into, depth + 1);
            continue;
        }
        let skipped = is_folder || is_leftover(&name) || name.ends_with(".secret") || name.starts_with("README");
        if skipped || (depth == 0 && OTHERS.contains(&name.as_str())) {
            continue;
        }
        let is_text = depth == 0
            && TEXTS.contains(&stem(&name))
            && (!name.contains('.') || name[stem(&name).len() + 1..].parse::<Architecture>().is_ok());
        if is_text {
            let parse = match stem(&name) {
                "append" => |text: &str| Ok(text.replace('\n', " ")),
                "initrd" | "menu" => |text: &str| Ok(text.to_owned()),
                "action" => action,
                _ => value::line,
            };
            let last = last.and_then(|l| l.texts.get(&name)).map(|text| text.body.clone());
            if let Some(body) = reader.optional(&file, parse, last) {
                into.texts.insert(name, Text { file, body });
            }
        } else if let Some(body) = reader.whole(&file, last.and_then(|l| l.answers.get(&whole)).map(|t| t.body.clone()))
        {
            into.answers.insert(whole, Text { file, body });
        }
    }
}

fn action(text: &str) -> Result<String, String> {
    match text {
        "local" | "shell" => Ok(text.to_owned()),
        _ => Err("local (boot the machine's own disk) or shell (iPXE's command line)".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim_end_matches('s').trim().parse().ok().filter(|s| (1..=3600).contains(s));
    seconds.map(Duration::from_secs).ok_or_else(|| "a number of seconds, 1 to 3600".to_owned())
}

fn tries(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| (1..=10).contains(n)).ok_or_else(|| "a number of boots, 1 to 10".to_owned())
}

fn nfs(text: &str) -> Result<NfsServer, String> {
    match text {
        "pxelator" => Ok(NfsServer::Pxelator),
        "kernel" => Ok(NfsServer::Kernel),
        _ => Err("one of pxelator, kernel".to_owned()),
    }
}

fn evidence(text: &str) -> Result<Vec<Evidence>, String> {
    let line = |line: &str| {
        let (kind, what) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let what = what.trim().to_owned();
        match kind {
            _ if what.is_empty() => None,
            "url" => Some(Evidence::Url(what.trim_start_matches('/').to_owned())),
            "dns" => Some(Evidence::Dns(what.to_lowercase())),
            "syslog" => Some(Evidence::Syslog(what)),
            _ => None,
        }
    };
    let all: Option<Vec<_>> = text.lines().map(line).collect();
    all.ok_or_else(|| "lines of: url PATH, dns VERB, syslog TEXT, with * for anything".to_owned())
}

fn downloads(text: &str) -> Result<Vec<Download>, String> {
    text.lines().map(download).collect()
}

fn download(line: &str) -> Result<Download, String> {
    let expected = || "lines of: PATH URL SHA256 [SIZE]".to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [path, url, sha256, ref rest @ ..] = words[..] else { return Err(expected()) };
    let size = match rest {
        [] => None,
        [size] => Some(size.parse().map_err(|_| format!("{}: the size is a number of bytes", expected()))?),
        _ => return Err(expected()),
    };
    let inside = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !inside {
        return Err(format!("{}: the path is one below tftpboot", expected()));
    }
    let url = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| format!("{}: the URL is one of http or https", expected()))?;
    let sha256 = value::fingerprint(sha256).map_err(|_| format!("{}: SHA256 is 64 hexadecimal digits", expected()))?;
    Ok(Download { path: path.to_owned(), url, sha256, size })
}

/// Bytes of an answer file at most.
pub const LARGEST_ANSWER: u64 = 4 * LARGEST;
