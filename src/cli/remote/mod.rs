//! `--server`: the PXElator of another host is asked, by the page's interface for programs, in the place of the one of the run folder.
//!
//! What a command needs to know beforehand is brought into a folder of its own: the part of the conf tree that names machines and
//! recipes, and of the journal what tells how alerts and checks stand. So commands read there what they read at home.

mod ask;
mod line;
mod log;

pub use self::{line::RemoteLine, log::log};

use super::{Places, Verb, power};
use crate::{bus::Bus, desk::Operator, event::Event, journal::Journal};
use ask::Remote;
use clap::Args;
use color_eyre::eyre::{Report, Result, bail, eyre};
use std::{
    env, fs,
    io::Read,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

/// The token's variable; it is in no process list.
const TOKEN: &str = "PXELATOR_TOKEN";
/// Events that a journal of its own has room for while it is written.
const QUEUE: usize = 1 << 16;
/// What tells how alerts and checks stand.
const STANDING: &str = "kind=alert.*,check.*,conf.loaded,program.started";
/// The newest of these are enough.
const STANDING_MOST: usize = 100_000;

/// Who is asked.
static REMOTE: OnceLock<Remote> = OnceLock::new();

/// Where commands go.
#[derive(Clone, Debug, Args)]
pub struct Server {
    /// Ask the PXElator there rather than the one that runs here: https://pxe.lan, unix:/run/pxelator/page. The token is in
    /// PXELATOR_TOKEN, or in --token-file
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// SHA-256 of that server's certificate, where nobody signed it: it tells it when it begins to listen
    #[arg(long, global = true, value_name = "HEX", requires = "server")]
    fingerprint: Option<String>,
    /// A file with the token, readable by its owner alone; ~/.config/pxelator/token unless given
    #[arg(long, global = true, value_name = "FILE", requires = "server")]
    token_file: Option<PathBuf>,
}

/// What was brought here; it goes when this is dropped.
pub struct Brought(PathBuf);

impl Drop for Brought {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The one that is asked, where it is another host's.
pub fn chosen() -> Option<&'static Remote> {
    REMOTE.get()
}

/// Gets ready to ask another host, where one was named.
pub fn begin(places: &mut Places, verb: &Verb) -> Result<Option<Brought>> {
    let Some(url) = places.server.server.clone() else { return Ok(None) };
    if !can_be_asked(verb) {
        bail!(
            "this works on the host itself alone; with --server go power, arm, disarm, adopt, profile, log, alerts, checks, track pull, \
             track status, recipe apply, recipe enforce and recipe status"
        );
    }
    let remote = Remote::new(&url, places.server.fingerprint.as_deref(), token(places.server.token_file.as_deref())?)?;
    let remote = REMOTE.get_or_init(|| remote);
    if matches!(verb, Verb::Log(_)) {
        return Ok(None);
    }
    let folder = env::temp_dir().join(format!("pxelator-{}-{}", std::process::id(), random()?));
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| eyre!("{}: {error}", folder.display()))?;
    let brought = Brought(folder);
    let runtime = power::runtime()?;
    places.conf = brought.0.join("conf");
    bring_tree(remote, &runtime, &places.conf)?;
    places.journal = brought.0.join("journal.sqlite");
    if matches!(verb, Verb::Alerts(_) | Verb::Checks(_) | Verb::Recipe { .. }) {
        bring_journal(remote, &runtime, &places.journal)?;
    }
    Ok(Some(brought))
}

/// Says why another host was not asked; the exit code is what the command has for that.
pub fn not_begun(error: Report, verb: &Verb) -> Result<u8> {
    let code = power::exit_code(Err(error.downcast::<power::Stopped>()?));
    Ok(if matches!(verb, Verb::Checks(_)) { super::checks::UNKNOWN } else { code })
}

/// Brings the tree in anew: it may be another by now.
pub async fn refresh(conf: &Path) -> Result<()> {
    match chosen() {
        Some(remote) => write_tree(&remote.json("tree", &[]).await?, conf),
        None => Ok(()),
    }
}

fn can_be_asked(verb: &Verb) -> bool {
    match verb {
        Verb::Track { what } => matches!(what, super::track::What::Pull { .. } | super::track::What::Status { .. }),
        Verb::Recipe { what } => what.is_for_programs(),
        Verb::Power { .. }
        | Verb::Profile { .. }
        | Verb::Adopt(_)
        | Verb::Log(_)
        | Verb::Arm(_)
        | Verb::Disarm(_)
        | Verb::Alerts(_)
        | Verb::Checks(_) => true,
        _ => false,
    }
}

fn random() -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// The token, where there is one: who is trusted by a Unix socket needs none.
fn token(file: Option<&Path>) -> Result<Option<String>> {
    if let Some(token) = env::var(TOKEN).ok().filter(|token| !token.is_empty()) {
        return Ok(Some(token));
    }
    let usual = Operator::here().config.join("token");
    let path = match file {
        Some(file) => file,
        None if usual.exists() => &usual,
        None => return Ok(None),
    };
    let failed = |error: std::io::Error| eyre!("{}: {error}", path.display());
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {mode:04o}): chmod 600 it", path.display());
    }
    let mut text = String::new();
    fs::File::open(path).map_err(failed)?.take(4096).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text.trim().to_owned()))
}

fn bring_tree(remote: &Remote, runtime: &tokio::runtime::Runtime, conf: &Path) -> Result<()> {
    write_tree(&runtime.block_on(remote.json("tree", &[]))?, conf)
}

/// Writes the files below `conf`, and nowhere else, whatever the server calls them.
fn write_tree(told: &serde_json::Value, conf: &Path) -> Result<()> {
    let files = told.get("files").and_then(serde_json::Value::as_object);
    let files = files.ok_or_else(|| eyre!("the server that was asked is of another version: it has no tree"))?;
    for (path, text) in files {
        let relative = Path::new(path);
        let is_below = relative.components().all(
            |part| matches!(part, Component::Normal(name) if name.to_str().is_some_and(|name| !name.starts_with('.'))),
        );
        // Values of the tree itself are the page's, and nobody's here.
        let is_value = is_below && relative.components().count() > 1;
        let Some(text) = text.as_str().filter(|_| is_value) else { continue };
        let file = conf.join(relative);
        file.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&file, text)?;
    }
    fs::create_dir_all(conf)?;
    Ok(())
}

/// Writes a journal of what tells how alerts and checks stand.
fn bring_journal(remote: &Remote, runtime: &tokio::runtime::Runtime, path: &Path) -> Result<()> {
    let bus = Bus::default();
    let written = Journal::open(path)?.write(bus.subscribe_durable("journal", QUEUE), bus.clone())?;
    let most = STANDING_MOST.to_string();
    runtime.block_on(remote.lines("events.ndjson", &[("filter", STANDING), ("limit", &most)], |line| {
        if let Ok(event) = serde_json::from_slice::<Event>(line) {
            bus.publish(event);
        }
        true
    }))?;
    bus.close();
    drop(bus);
    written.join().map_err(|_| eyre!("the journal's thread broke"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("conf");
        let files = serde_json::json!({ "files": {
            "10.77.0.1/domain": "a.lan\n", "../out": "x", "/out": "x", "10.77.0.1/../../out": "x", ".hidden": "x", "a/.git/b": "x",
        }});
        write_tree(&files, &conf).unwrap();
        assert_eq!(fs::read_to_string(conf.join("10.77.0.1/domain")).unwrap(), "a.lan\n");
        let names = |dir: &Path| fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!((names(dir.path()), names(&conf)), (vec!["conf".into()], vec!["10.77.0.1".into()]));
        assert!(write_tree(&serde_json::json!({}), &conf).is_err());
    }
}
