//! `pxelator fetch`: brings the files in that profiles name, with a bar where there is a terminal.

use super::bar::{amount, bar, span, words};
use crate::{
    conf::{self, Conf},
    event::{Event, Fact},
    fetch::{Fetcher, Tally},
    nearest::nearest,
};
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use parking_lot::Mutex;
use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write, stderr},
    path::Path,
    time::{Duration, Instant},
};

/// From one plain line of progress to the next.
const TOLD: Duration = Duration::from_secs(5);
/// As a shell says it of what ctrl-c ended.
const INTERRUPTED: u8 = 130;
/// Columns where the terminal does not say.
const WIDTH: usize = 80;

/// Which, and how.
#[derive(Debug, Args)]
pub struct Fetch {
    /// Profiles of conf/boot
    #[arg(required = true, value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Each step as an event, an object a line
    #[arg(long)]
    json: bool,
    /// How many seconds a server may say nothing
    #[arg(long, value_name = "SECONDS", default_value_t = crate::fetch::PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

/// Does it; the result is the exit code: 1 where a file is missing in the end.
pub fn fetch(asked: &Fetch, tree: &Path, tftpboot: &Path) -> Result<u8> {
    let reading = conf::read(tree, None);
    let profiles: BTreeSet<&String> = asked.profiles.iter().collect();
    for profile in &profiles {
        is_known(&reading.conf, profile, tree)?;
    }
    let of_files = |path: &Path| profiles.iter().any(|name| path.starts_with(Path::new("boot").join(name.as_str())));
    for mistake in reading.mistakes.iter().filter(|mistake| of_files(&mistake.path)) {
        eprintln!("pxelator: {}/{mistake}", tree.display());
    }
    let fetcher = Fetcher::new(tftpboot, Duration::from_secs(asked.patience))?;
    let teller = Teller { json: asked.json, terminal: stderr().is_terminal() && !asked.json, drawn: Mutex::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        tokio::select! {
            tally = all(&fetcher, &reading.conf, &profiles, &teller) => u8::from(tally.failed > 0),
            _ = tokio::signal::ctrl_c() => {
                teller.clear();
                eprintln!("pxelator: broken off; what came is kept, and goes on with the same command");
                INTERRUPTED
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(code)
}

async fn all(fetcher: &Fetcher, conf: &Conf, profiles: &BTreeSet<&String>, teller: &Teller) -> Tally {
    let mut sum = Tally::default();
    for name in profiles {
        let files = conf.profiles.get(*name).map(|profile| profile.files.clone()).unwrap_or_default();
        if files.is_empty() {
            teller.tell(Fact::FetchEnded { profile: (*name).clone(), fetched: 0, found: 0, failed: 0 });
            continue;
        }
        let Tally { fetched, found, failed } = fetcher.all(name, &files, &|fact| teller.tell(fact)).await;
        sum = Tally { fetched: sum.fetched + fetched, found: sum.found + found, failed: sum.failed + failed };
    }
    sum
}

fn is_known(conf: &Conf, name: &str, tree: &Path) -> Result<()> {
    if conf.profiles.contains_key(name) {
        return Ok(());
    }
    let known = conf.profiles.keys().map(String::as_str);
    let hint = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    Err(eyre!("there is no profile {name} in {}; {hint}", tree.join("boot").display()))
}

/// Says what happens.
struct Teller {
    json: bool,
    terminal: bool,
    drawn: Mutex<Drawn>,
}

/// What was said last of the file under way.
#[derive(Default)]
struct Drawn {
    file: String,
    /// Bytes that were there at first, and when that was.
    from: Option<(u64, Instant)>,
    told: Option<Instant>,
    is_bar: bool,
}

impl Teller {
    fn tell(&self, fact: Fact) {
        if self.json {
            say!("{}", serde_json::to_string(&Event::new(None, fact)).unwrap_or_default());
            return;
        }
        match &fact {
            Fact::FetchBegun { file, url, size, bytes, .. } => {
                *self.drawn.lock() = Drawn {
                    file: file.clone(),
                    from: Some((*bytes, Instant::now())),
                    told: Some(Instant::now()),
                    is_bar: false,
                };
                let size = size.map_or("of unknown size".to_owned(), amount);
                let there = if *bytes > 0 { format!(", {} of it are there", amount(*bytes)) } else { String::new() };
                self.line(&format!("{file}: {size} from {url}{there}"));
            }
            Fact::FetchProgressed { file, size, bytes, .. } => self.progress(file, *bytes, *size),
            Fact::FetchCompleted { file, bytes, millis, .. } => {
                let took = span(Duration::from_millis(millis.saturating_add(500)));
                self.line(&format!("{file}: fetched, {} in {took}; its SHA-256 is right", amount(*bytes)));
            }
            Fact::FetchFound { file, .. } => self.line(&format!("{file}: is there, and its SHA-256 is right")),
            Fact::FetchFailed { file, error, next_step, kept, .. } => {
                let kept = if *kept > 0 { format!(" ({} are kept)", amount(*kept)) } else { String::new() };
                self.line(&format!("{file}: {error}; {next_step}{kept}"));
            }
            Fact::FetchEnded { profile, fetched: 0, found: 0, failed: 0 } => {
                self.line(&format!("{profile}: it names no files to fetch (conf/boot/{profile}/files)"));
            }
            Fact::FetchEnded { profile, fetched, found, failed } => {
                self.line(&format!("{profile}: {fetched} fetched, {found} were there, {failed} missing"));
            }
            other => self.line(&other.to_string()),
        }
    }

    fn progress(&self, file: &str, bytes: u64, size: Option<u64>) {
        let mut drawn = self.drawn.lock();
        let speed = drawn.from.filter(|_| drawn.file == file).and_then(|(from, began)| {
            let seconds = began.elapsed().as_secs_f64();
            (seconds > 0.2).then(|| bytes.saturating_sub(from) as f64 / seconds)
        });
        if self.terminal {
            let width = crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns));
            let mut out = stderr();
            let _ = write!(out, "\r\x1b[K{}", bar(file, bytes, size, speed, width)).and_then(|()| out.flush());
            drawn.is_bar = true;
        } else if drawn.told.is_none_or(|told| told.elapsed() >= TOLD) {
            drawn.told = Some(Instant::now());
            drop(drawn);
            self.line(&format!("{file}: {}", words(bytes, size, speed).trim_start()));
        }
    }

    /// Takes the bar off the screen.
    fn clear(&self) {
        if std::mem::take(&mut self.drawn.lock().is_bar) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn line(&self, words: &str) {
        self.clear();
        say!("{words}");
    }
}
