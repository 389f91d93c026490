//! One look at a machine or a container: ask it, pull its files, keep what is other, tell what came of it.

use super::Looks;
use crate::{
    conf::Track,
    event::{self, Event, Fact},
    reach::{Files, Measured, Probe, Pulled, Reach, ReachError, Subject},
    supervisor::{
        documents::{self, Whose},
        segments::Shared,
    },
    track::{
        Left, Note, Recorded, Repository, Source, TrackError,
        looked::{Change, Trouble},
    },
};
use jiff::Timestamp;
use std::{path::PathBuf, time::Instant};

/// Names of files that an event has room for.
const NAMED: usize = 20;

/// What was seen.
struct Seen {
    recorded: Recorded,
    measured: Option<Measured>,
    left: Vec<Left>,
}

/// Looks at it and tells; where it was `asked` for, also that it is away or as before. Gives what was kept, if it came through.
pub async fn look(shared: &Shared, subject: &Subject, cause: Option<String>, asked: bool) -> Option<Recorded> {
    let began = Instant::now();
    let time = event::now();
    let seen = see(shared, subject, cause.clone(), time).await;
    let looks = &shared.looks;
    let mut looked = looks.known(&shared.options.run, &subject.host);
    let before = looked.clone();
    looked.tried = Some(time);
    looked.wake = looked.wake.filter(|wake| *wake > time);
    let tell = |fact| tell(shared, subject, fact);
    let container = subject.container.clone();
    let came = match seen {
        Err(trouble) => {
            looked.vain = looked.vain.saturating_add(1);
            let is_news = before.trouble.as_ref() != Some(&trouble) && !trouble.is_away;
            if asked || is_news {
                let Trouble { doing, error, next_step, .. } = trouble.clone();
                tell(Fact::TrackFailed { container, doing, error, next_step });
            }
            looked.trouble = Some(trouble);
            None
        }
        Ok(Seen { recorded, measured, left }) => {
            (looked.time, looked.vain, looked.trouble, looked.files) = (Some(time), 0, None, recorded.files);
            if let Some(Measured { cpus, load, memory, memory_used, disk, disk_used }) = measured {
                let container = container.clone();
                tell(Fact::TrackMeasured { container, cpus, load, memory, memory_used, disk, disk_used });
            }
            looked.left = left.iter().map(|left| format!("{} {} {:?}", left.reason, left.count, left.paths)).collect();
            for (left, _) in left.into_iter().zip(&looked.left).filter(|(_, text)| !before.left.contains(text)) {
                let Left { paths, count, reason } = left;
                tell(Fact::TrackLeft { container: container.clone(), paths, count, reason });
            }
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &recorded.commit {
                None => tell(Fact::TrackLooked { container, files: recorded.files, millis }),
                Some(commit) => {
                    let words = recorded.subject.clone();
                    looked.changed = Some(Change { time, commit: commit.clone(), subject: words.clone() });
                    let count = |paths: &[String]| paths.len() as u64;
                    tell(Fact::TrackChanged {
                        container,
                        commit: commit.clone(),
                        subject: words,
                        added: count(&recorded.added),
                        changed: count(&recorded.changed),
                        removed: count(&recorded.removed),
                        cause,
                        millis,
                    });
                    looks.something_changed(subject);
                }
            }
            Some(recorded)
        }
    };
    looks.remember(&shared.options.run, &subject.host, looked);
    came
}

/// Tells something of it.
pub fn tell(shared: &Shared, subject: &Subject, fact: Fact) {
    let (segment, machine) = subject.place;
    shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), Some(subject.mac)));
}

async fn see(shared: &Shared, subject: &Subject, cause: Option<String>, time: Timestamp) -> Result<Seen, Trouble> {
    let recipients = Some(shared.options.conf.join("age.recipients")).filter(|file| file.is_file());
    let mut left = Vec::new();
    let (source, inventory, measured) = match &subject.source {
        Files::Here { upper, reach } => {
            if !upper.is_dir() {
                return Err(Trouble {
                    is_away: true,
                    doing: "looking at its root".to_owned(),
                    error: format!("{} is not there", upper.display()),
                    next_step: "it is looked at when the machine has booted".to_owned(),
                });
            }
            // It is not needed: what is kept of it lies here.
            let probe = match reach {
                Some(reach) => finish(reach, reach.probe().await).await.ok(),
                None => None,
            };
            let (inventory, measured) = probe.map(|probe| (probe.inventory, probe.measured)).unzip();
            (Source::Layer(upper.clone()), inventory, measured)
        }
        Files::There(reach) => {
            let Some(track) = &subject.track else { return Err(nothing_said(subject)) };
            let mirror = repository(shared).mirror(&subject.host);
            let came = finish(reach, pull(reach, track, &mirror, recipients.is_some()).await).await;
            let (probe, pulled) = came?;
            left.extend(left_there(track, &pulled, recipients.is_some()));
            (Source::Mirror(mirror), Some(probe.with_large(&pulled.large)), Some(probe.measured))
        }
    };
    let note =
        Note { host: subject.host.clone(), address: subject.place.1.to_string(), time, cause, inventory, recipients };
    let (repository, track) = (repository(shared), subject.track.clone());
    let keep = move || repository.record(&source, track.as_ref(), &note);
    let mut recorded = match tokio::task::spawn_blocking(keep).await {
        Ok(recorded) => recorded.map_err(|error| of_record(&error))?,
        Err(error) => {
            let next_step = "this is a fault of the program: tell who makes it".to_owned();
            return Err(Trouble { is_away: false, doing: KEEPING.to_owned(), error: error.to_string(), next_step });
        }
    };
    left.extend(std::mem::take(&mut recorded.left));
    Ok(Seen { recorded, measured, left })
}

const KEEPING: &str = "keeping its files";

async fn pull(
    reach: &Reach,
    track: &Track,
    mirror: &std::path::Path,
    secrets: bool,
) -> Result<(Probe, Pulled), Trouble> {
    let of = |doing: &'static str| move |error: ReachError| of_reach(doing, error);
    let probe = reach.probe().await.map_err(of("looking at it"))?;
    if !probe.has_rsync {
        let there = if reach.container.is_some() { "in the container" } else { "there" };
        return Err(Trouble {
            is_away: false,
            doing: "pulling its files".to_owned(),
            error: format!("rsync is not installed {there}"),
            next_step: "install it: apt install rsync".to_owned(),
        });
    }
    let pulled = reach.pull(track, mirror, secrets).await.map_err(of("pulling its files"))?;
    Ok((probe, pulled))
}

/// The machine is not needed any more.
async fn finish<T, E>(reach: &Reach, came: Result<T, E>) -> Result<T, E> {
    reach.close().await;
    came
}

/// The repository of machines' files.
pub fn repository(shared: &Shared) -> Repository {
    Repository::new(&shared.options.hosts, &shared.options.run)
}

/// No `track` says what of a machine is kept.
pub fn nothing_said(subject: &Subject) -> Trouble {
    let (segment, machine) = subject.place;
    Trouble {
        is_away: false,
        doing: "looking at it".to_owned(),
        error: "conf does not say which of its files are kept".to_owned(),
        next_step: format!("write /etc into the `track` file of {segment}/{machine}"),
    }
}

/// What of its files is not in the mirror.
fn left_there(track: &Track, pulled: &Pulled, encrypts: bool) -> Vec<Left> {
    let mut left = Vec::new();
    if !pulled.large.is_empty() {
        let names =
            pulled.large.keys().take(NAMED).map(|name| String::from_utf8_lossy(name).escape_debug().to_string());
        let reason = format!("they are larger than {}", size(track.largest));
        left.push(Left { paths: names.collect(), count: pulled.large.len() as u64, reason });
    }
    if !encrypts && !track.secrets.is_empty() {
        let reason = "they are secrets, and conf/age.recipients does not say for whom they are encrypted".to_owned();
        let paths = track.secrets.iter().take(NAMED).cloned().collect();
        left.push(Left { paths, count: track.secrets.len() as u64, reason });
    }
    // What vanished is gone: that is no trouble.
    let missing: Vec<&String> = pulled.missing.iter().filter(|said| !said.contains("has vanished")).collect();
    if !missing.is_empty() {
        let paths = missing.iter().take(NAMED).map(ToString::to_string).collect();
        left.push(Left { paths, count: missing.len() as u64, reason: "the machine did not give them".to_owned() });
    }
    left
}

fn size(bytes: u64) -> String {
    let of = |shift: u32, unit: &str| {
        (bytes >> shift > 0 && bytes.trailing_zeros() >= shift).then(|| format!("{} {unit}", bytes >> shift))
    };
    of(30, "GiB").or_else(|| of(20, "MiB")).or_else(|| of(10, "KiB")).unwrap_or_else(|| format!("{bytes} bytes"))
}

fn of_reach(doing: &str, ReachError { is_away, error, next_step }: ReachError) -> Trouble {
    Trouble { is_away, doing: doing.to_owned(), error, next_step }
}

fn of_record(error: &TrackError) -> Trouble {
    let (doing, next_step) = (KEEPING.to_owned(), error.next_step());
    Trouble { is_away: false, doing, error: error.to_string(), next_step }
}

/// Looks in `hosts/` what is loose, where something changed since.
pub async fn tidy(shared: &Shared, looks: &Looks) {
    if !looks.take_changed() {
        return;
    }
    let _one = looks.tidying().await;
    let written = write_documents(shared, looks).await;
    let repository = repository(shared);
    let dir: PathBuf = repository.dir().to_owned();
    let done = tokio::task::spawn_blocking(move || repository.tidy()).await;
    if let Ok(Err(error)) = done {
        let fact = Fact::TrackFailed {
            container: None,
            doing: format!("bringing the files in {} to what is kept", dir.display()),
            error: error.to_string(),
            next_step: error.next_step(),
        };
        shared.bus.publish(Event::new(None, fact));
    }
    written.into_iter().for_each(|event| shared.bus.publish(event));
}

/// Writes the recovery documents of those that changed, one after the other: nobody waits for them. What is to be told of them once
/// the files are there.
async fn write_documents(shared: &Shared, looks: &Looks) -> Vec<Event> {
    let mut told = Vec::new();
    for whose in looks.take_documents() {
        let Whose { place, container } = whose.clone();
        if shared.shutdown.is_cancelled() {
            break;
        }
        let conf = shared.conf.borrow().clone();
        let mac = conf.machine(place).map(|(_, machine)| machine.mac);
        let options = shared.options.clone();
        let written = tokio::task::spawn_blocking(move || documents::keep(&options, &conf, &whose)).await;
        let fact = match written {
            Ok(Ok(Some(file))) => Fact::TrackDocumented { file: file.display().to_string() },
            Ok(Err(documents::DocumentError::Record(error))) => Fact::TrackFailed {
                container,
                doing: "writing its recovery document".to_owned(),
                error: error.to_string(),
                next_step: format!("{}; pxelator doc writes it once more", error.next_step()),
            },
            // It is as it was, or the machine is no longer in conf.
            Ok(Ok(None) | Err(_)) | Err(_) => continue,
        };
        told.push(Event::new(Some(place.0), fact).about(Some(place.1), mac));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_with_its_reason() {
        let track = "/etc\nsecret /etc/shadow\nlargest 1M".parse().unwrap();
        let pulled = Pulled {
            large: [(b"etc/big\xff".to_vec(), 2 << 20)].into(),
            missing: vec![
                "file has vanished: \"/etc/x\"".into(),
                "opendir \"/etc/y\" failed: Permission denied (13)".into(),
            ],
            ..Pulled::default()
        };
        let left = left_there(&track, &pulled, false);
        let told: Vec<_> = left.iter().map(|left| (left.reason.as_str(), left.count, left.paths[0].as_str())).collect();
        assert_eq!(told[0], ("they are larger than 1 MiB", 1, "etc/big\u{fffd}"));
        assert!(told[1].0.contains("age.recipients") && told[1].2 == "/etc/shadow");
        assert!(told[2].1 == 1 && told[2].2.contains("/etc/y"));
        assert_eq!(left_there(&track, &pulled, true).len(), 2);
        assert_eq!((size(16 << 20), size(1500)), ("16 MiB".to_owned(), "1500 bytes".to_owned()));
    }
}
