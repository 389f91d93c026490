//! For `benches/track.sh`: keeps what lies in mirrors, as the running program does after each pull, and asks the record.
//!
//!     track record HOSTS RUN AT NAME…   keeps the mirrors RUN/track/NAME, AT at the same time
//!     track many HOSTS RUN NAME COUNT   changes a file of the mirror and keeps it, COUNT times
//!     track ask HOSTS RUN NAME FILE     asks, and prints the milliseconds of each question
//!
//! Prints seconds, commits, and the most memory that it used.

use jiff::Timestamp;
use pxelator::track::{Note, Repository, Source, Wanted};
use std::{
    error::Error,
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let begun = Instant::now();
    match words.as_slice() {
        ["record", hosts, run, at, names @ ..] => {
            let repository = Repository::new(Path::new(hosts), Path::new(run));
            let (next, commits) = (AtomicUsize::new(0), AtomicUsize::new(0));
            std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
                let work = || -> Result<(), String> {
                    while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let recorded = keep(&repository, name).map_err(|error| format!("{name}: {error}"))?;
                        commits.fetch_add(usize::from(recorded), Ordering::Relaxed);
                    }
                    Ok(())
                };
                let threads: Vec<_> = (0..at.parse()?).map(|_| scope.spawn(work)).collect();
                for thread in threads {
                    thread.join().map_err(|_| "a thread broke")??;
                }
                Ok(())
            })?;
            let kept = begun.elapsed();
            repository.tidy()?;
            let commits = commits.into_inner();
            println!("{:.2} {commits} {:.2} {}", kept.as_secs_f64(), begun.elapsed().as_secs_f64(), memory());
        }
        ["many", hosts, run, name, count] => {
            let repository = Repository::new(Path::new(hosts), Path::new(run));
            let file = repository.mirror(name).join("etc/changing");
            for at in 0..count.parse::<u32>()? {
                fs::write(&file, format!("{}\nline {at}\n", "the same\n".repeat(50)))?;
                keep(&repository, name)?;
                // As often as the program does it after a round.
                if at % 200 == 199 {
                    repository.tidy()?;
                }
            }
            repository.tidy()?;
            println!(
                "{:.2} {} {:.2} {}",
                begun.elapsed().as_secs_f64(),
                count,
                begun.elapsed().as_secs_f64(),
                memory()
            );
        }
        ["ask", hosts, run, name, file] => {
            let repository = Repository::new(Path::new(hosts), Path::new(run));
            let timed = |what: &str, work: &dyn Fn() -> pxelator::track::Result<usize>| {
                let begun = Instant::now();
                match work() {
                    Ok(count) => println!("{what:24} {:7.1} ms ({count})", begun.elapsed().as_secs_f64() * 1e3),
                    Err(error) => println!("{what:24} {error}"),
                }
            };
            let of = |path: Option<&str>, limit| Wanted {
                host: Some((*name).to_owned()),
                path: path.map(str::to_owned),
                limit,
                ..Wanted::default()
            };
            timed("the newest 30", &|| Ok(repository.log(&of(None, Some(30)))?.len()));
            timed("all of a machine", &|| Ok(repository.log(&of(None, None))?.len()));
            timed("all of a file", &|| Ok(repository.log(&of(Some(file), None))?.len()));
            let newest = repository.newest(name)?.unwrap_or_default();
            timed("a diff", &|| Ok(repository.diff(&newest, Some(name), None)?.lines().count()));
            timed("blame", &|| Ok(repository.blame(name, file)?.len()));
            let first = repository.first(name)?.unwrap_or_default();
            timed("first against newest", &|| Ok(repository.delta(name, &first, &newest)?.changed.len()));
            timed("a look, nothing other", &|| Ok(usize::from(keep(&repository, name)?)));
        }
        _ => return Err("see the head of track.rs".into()),
    }
    Ok(())
}

/// Whether a commit came of it.
fn keep(repository: &Repository, name: &str) -> pxelator::track::Result<bool> {
    let note = Note {
        host: name.to_owned(),
        address: "10.77.0.60".to_owned(),
        time: Timestamp::now(),
        cause: None,
        inventory: None,
        recipients: None,
    };
    Ok(repository.record(&Source::Mirror(repository.mirror(name)), None, &note)?.commit.is_some())
}

/// The most that it had at a time, of itself without git: KiB.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or_default().trim().replace(' ', "")
}
