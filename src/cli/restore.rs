//! `pxelator restore`: a file of a machine put back to what it was.

use super::{
    Places,
    changes::{host, moment, of_diff},
    line::Style,
    power::{
        Line, Stopped, Told, Wrong,
        ask::{ask, can_ask},
        exit_code, runtime,
    },
    tell::tell,
};
use crate::{
    command::{Command, Place},
    conf::{self, Machine, Segment},
    desk::{CommandLine, Operator},
    event::{Asker, Event, Fact},
    reach::{Reach, subjects},
    roots::Own,
    track::{Difference, Entry, Kind, Repository, TrackError, differences, of_shown, shown},
};
use clap::Args;
use color_eyre::eyre::Result;
use std::{
    fs::{self, DirBuilder},
    io::{IsTerminal, stdout},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

mod layer;

/// What stands below the help.
const HELP: &str = "It looks at the machine, shows what would change, and asks; then it puts the file there with its owner, mode and time. \
    A file that was not there then is removed. A machine with its root over NFS that is off gets it into its layer.\n  \
    pxelator restore web1 /etc/fstab --at -1d\n  \
    pxelator restore web1 /etc/nginx --commit a1b2c3d4e5 --dry-run\n\n\
    Exit codes: 0 it is as it was then; 1 it could not be put back; 2 wrong usage, or nothing is called so; 3 nobody is there who could";

/// Which, and how.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Restore {
    /// Host name, address, or a container: db@web1
    machine: String,
    /// A file, or a folder with all that is in it
    path: String,
    /// To what it was then: -2h, 09:30, 2026-11-24, 2026-11-24T09:20:05Z
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        required_unless_present = "commit",
        conflicts_with = "commit"
    )]
    at: Option<String>,
    /// To what it was after this change; `pxelator changes` lists them
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Does it; the result is the exit code.
pub fn restore(asked: &Restore, places: Places) -> Result<u8> {
    Ok(exit_code(put_back(asked, &places)))
}

/// What is meant.
struct Meant {
    host: String,
    place: Place,
    container: Option<String>,
}

fn wrong(why: impl Into<String>) -> Stopped {
    Wrong::Words(why.into()).into()
}

fn broken(error: &TrackError) -> Stopped {
    match error {
        TrackError::Nothing { .. } => wrong(error.to_string()),
        _ => Stopped::Broken(format!("{error}; {}", error.next_step())),
    }
}

fn put_back(asked: &Restore, places: &Places) -> Result<u8, Stopped> {
    let repository = Repository::new(&places.hosts, &places.run_dir);
    let host = host(&repository, &asked.machine, &places.conf).map_err(wrong)?;
    let conf = conf::read(&places.conf, None).conf;
    let (container, name) = host.split_once('@').map_or((None, host.as_str()), |(c, name)| (Some(c.to_owned()), name));
    let mut all = conf.segments.values().flat_map(|s| s.machines.values().map(move |machine| (s, machine)));
    let found = all.find(|(_, machine)| machine.hostname == name);
    let (segment, machine) =
        found.ok_or_else(|| wrong(format!("{name} is in conf no more, so that nothing reaches it")))?;
    let meant = Meant { host, place: (segment.server, machine.address), container };
    let then = match (&asked.at, &asked.commit) {
        (_, Some(commit)) => repository.commit(commit).map_err(|error| broken(&error))?,
        (Some(at), None) => {
            let at = moment(at).map_err(wrong)?;
            let commit = repository.at(&meant.host, at).map_err(|error| broken(&error))?;
            commit.ok_or_else(|| wrong(format!("nothing of {} was kept at {at} yet", meant.host)))?
        }
        (None, None) => return Err(wrong("--at or --commit says to what")),
    };
    if let Some(why) = look(&meant, places)? {
        eprintln!(
            "pxelator: {} could not be looked at now ({why}); this compares with how it was seen last",
            meant.host
        );
    }
    let now = repository
        .newest(&meant.host)
        .and_then(|now| now.ok_or_else(|| TrackError::Nothing { what: meant.host.clone() }));
    let now = now.map_err(|error| broken(&error))?;
    let entries = |commit: &str| repository.entries(&meant.host, commit).map_err(|error| broken(&error));
    let (before, after) = (entries(&now)?, entries(&then)?);
    let path = of_shown(asked.path.trim_matches('/'));
    let plan = Plan::new(&path, &before, &after);
    if !plan.is_known {
        return Err(wrong(format!("nothing is kept of {} on {}, now or then", asked.path, meant.host)));
    }
    for secret in &plan.secrets {
        eprintln!("pxelator: {secret} is kept encrypted, and is not put back: `age -d` reads it for who has the key");
    }
    if plan.is_empty() {
        say!("{} is as it was then", asked.path);
        return Ok(0);
    }
    let diff = repository.between(&meant.host, &now, &then, Some(&asked.path)).map_err(|error| broken(&error))?;
    let (style, is_terminal) = (Style::of(&stdout(), false), stdout().is_terminal());
    diff.lines().for_each(|line| say!("{}", of_diff(line, style.colours, is_terminal)));
    if asked.dry_run {
        return Ok(0);
    }
    if !asked.yes {
        if !can_ask() {
            return Err(wrong("nobody is there to be asked; --yes does it without asking"));
        }
        let short = then.get(..10).unwrap_or(&then);
        if !ask(&format!("Put {} on {} back to {short}, as shown?", asked.path, meant.host)) {
            return Err(Stopped::Broken("nothing was done".to_owned()));
        }
    }
    carry_out(&meant, (segment, machine), &repository, &plan, &then, places)?;
    let fact = Fact::TrackRestored {
        container: meant.container.clone(),
        path: shown(&path),
        commit: then.clone(),
        by: Asker::Operator,
    };
    tell(places, Event::new(Some(meant.place.0), fact).about(Some(meant.place.1), Some(machine.mac)));
    match look(&meant, places)? {
        None => say!("{} on {} is as it was then", asked.path, meant.host),
        Some(why) => eprintln!("pxelator: it was put back; {} could not be looked at after it: {why}", meant.host),
    }
    Ok(0)
}

/// What is put there, and what goes.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    is_known: bool,
    put: Vec<Vec<u8>>,
    remove: Vec<Vec<u8>>,
    /// Names that the base has and the layer is to hide.
    hide: Vec<Vec<u8>>,
    secrets: Vec<String>,
}

impl Plan {
    fn new(path: &[u8], now: &[Entry], then: &[Entry]) -> Plan {
        let is_in = |entry: &&Entry| entry.path == path || entry.path.starts_with(&[path, b"/"].concat());
        let below =
            |entries: &[Entry]| entries.iter().filter(|e| path.is_empty() || is_in(e)).cloned().collect::<Vec<_>>();
        let (now, then) = (below(now), below(then));
        let mut plan = Plan { is_known: !(now.is_empty() && then.is_empty()), ..Plan::default() };
        for (before, after) in differences(&now, &then) as Vec<Difference> {
            let is_secret =
                |entry: Option<&Entry>| entry.is_some_and(|entry| matches!(entry.kind, Kind::Secret { .. }));
            match (before, after) {
                (Some(entry), _) | (_, Some(entry)) if is_secret(before) || is_secret(after) => {
                    plan.secrets.push(shown(&entry.path));
                }
                (_, Some(after)) if after.kind == Kind::Removed => plan.hide.push(after.path.clone()),
                (_, Some(after)) => plan.put.push(after.path.clone()),
                (Some(before), None) => plan.remove.push(before.path.clone()),
                (None, None) => {}
            }
        }
        plan
    }

    fn is_empty(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty() && self.hide.is_empty()
    }
}

fn carry_out(
    meant: &Meant,
    (segment, machine): (&Segment, &Machine),
    repository: &Repository,
    plan: &Plan,
    then: &str,
    places: &Places,
) -> Result<(), Stopped> {
    let folder = Folder::new(&places.run_dir)?;
    repository.export(&meant.host, then, &plan.put, &folder.0).map_err(|error| broken(&error))?;
    let own = Own::new(&places.overlay, machine.address, &machine.hostname);
    if meant.container.is_none() && own.base().is_ok() && !own.is_in_use() {
        return layer::put(&own, &folder.0, &plan.put, &plan.remove, &plan.hide).map_err(Stopped::Broken);
    }
    let through = Operator::here().as_operator(CommandLine::default()).words;
    let reach = Reach::of((segment, machine), meant.container.as_deref(), &places.run_dir, &through);
    let reach = reach.ok_or_else(|| wrong(format!("conf has no way to {}", meant.host)))?;
    // On a running machine what the layer is to hide is simply removed: the kernel or the server hides it.
    let remove: Vec<Vec<u8>> = plan.remove.iter().chain(&plan.hide).cloned().collect();
    let runtime = runtime()?;
    let pushed = runtime.block_on(async {
        let pushed = reach.push(&folder.0, &plan.put, &remove).await;
        reach.close().await;
        pushed
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    pushed.map_err(|error| Stopped::Broken(format!("{error}; {}", error.next_step)))
}

/// Looks at the machine now; why it did not come through, where it did not.
fn look(meant: &Meant, places: &Places) -> Result<Option<String>, Stopped> {
    let options = places.clone().options(None);
    let conf = conf::read(&places.conf, None).conf;
    if !subjects(&conf, options.folders(), &[], meant.place).iter().any(|subject| subject.container == meant.container)
    {
        return Ok(Some("conf does not say any more which of its files are kept".to_owned()));
    }
    let runtime = runtime()?;
    let looked = runtime.block_on(async {
        let mut line = Line::open(&options).await?;
        line.send(Command::Pull { machines: vec![meant.place], cause: None }).await?;
        let came = loop {
            let Told::Event(event) = line.next().await? else { continue };
            if event.segment.zip(event.machine) != Some(meant.place) {
                continue;
            }
            match &event.fact {
                Fact::TrackLooked { container, .. } | Fact::TrackChanged { container, .. }
                    if *container == meant.container =>
                {
                    break None;
                }
                Fact::TrackFailed { container, error, .. } if *container == meant.container => {
                    break Some(error.clone());
                }
                _ => {}
            }
        };
        line.close().await;
        Ok::<_, Stopped>(came)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    looked
}

/// Where the files are built that are put there; gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new(run: &Path) -> Result<Folder, Stopped> {
        let path = run.join("track").join(format!(".restore-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&path);
        made.map_err(|error| Stopped::Broken(format!("{}: {error}; see its rights and its disk", path.display())))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_there_and_what_goes() {
        let file = |path, blob: &str| Entry::plain(path, Kind::File { size: 1, blob: blob.to_owned() });
        let secret = |path, digest: &str| Entry::plain(path, Kind::Secret { digest: digest.to_owned() });
        let now = [
            file("etc/a", "1"),
            file("etc/new", "1"),
            secret("etc/shadow", "1"),
            file("etcetera", "1"),
            file("usr/x", "1"),
        ];
        let then =
            [file("etc/a", "2"), file("etc/old", "1"), secret("etc/shadow", "2"), Entry::plain("usr/x", Kind::Removed)];
        let plan = Plan::new(b"etc", &now, &then);
        assert_eq!(plan.put, [b"etc/a".to_vec(), b"etc/old".to_vec()]);
        assert_eq!(
            (plan.remove.as_slice(), plan.secrets.as_slice()),
            (&[b"etc/new".to_vec()][..], &["etc/shadow".to_owned()][..])
        );
        let all = Plan::new(b"", &now, &then);
        assert_eq!((all.hide.as_slice(), all.remove.len()), (&[b"usr/x".to_vec()][..], 2));
        assert!(!Plan::new(b"srv", &now, &then).is_known);
        assert!(Plan::new(b"etc", &now, &now).is_empty());
    }
}
