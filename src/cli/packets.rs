//! `pxelator packets`: the packets of recorded boots.

use super::log::MISUSED;
use crate::{
    conf,
    desk::recorder::{self, Kept},
    filter::{MOMENTS, moment},
    net::Mac,
    packet::{
        Conversations, line_of,
        pcapng::{self, Contents},
    },
};
use clap::Args;
use color_eyre::eyre::Result;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::json;
use std::{
    collections::BTreeSet,
    io::{BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

/// Of which boot, and how.
#[derive(Debug, Args)]
pub struct PacketsOf {
    /// The machine: its name, address or MAC
    #[arg(value_name = "MACHINE")]
    machine: String,
    /// The boot that ran at this time: 14:03, -2h, 2026-11-24T09:20; the last one unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    boot: Option<String>,
    /// The recorded boots instead: when each began, how it ended, packets, bytes, file
    #[arg(long, conflicts_with = "boot")]
    list: bool,
    /// Each line as a JSON object
    #[arg(long)]
    json: bool,
}

/// Prints what is asked for; the result is the exit code.
pub fn packets(asked: &PacketsOf, log: &Path, tree: &Path) -> Result<u8> {
    let zone = TimeZone::system();
    let all = match recorded(&asked.machine, log, tree) {
        Ok(all) => all,
        Err(words) => {
            eprintln!("pxelator: {words}");
            return Ok(1);
        }
    };
    let mut out = BufWriter::new(stdout().lock());
    // A reader that has seen enough (`head`) ends it quietly.
    if asked.list {
        let listed = all.iter().try_for_each(|kept| writeln!(out, "{}", summary(kept, &zone, asked.json)));
        let _ = listed.and_then(|()| out.flush());
        return Ok(0);
    }
    let chosen = match &asked.boot {
        None => all.last(),
        Some(text) => match moment(text, Timestamp::now(), &zone) {
            Some(time) => chosen(&all, time, said_to(text), Timestamp::now()),
            None => {
                eprintln!("pxelator: --boot {text}: expected {MOMENTS}");
                return Ok(MISUSED);
            }
        },
    };
    if let Some(kept) = chosen {
        let contents = pcapng::open(&kept.file)?;
        let _ = print(&mut out, &contents, &zone, asked.json).and_then(|()| out.flush());
    }
    Ok(0)
}

/// The recorded boots of a machine, at least one, the oldest first; else words on what is wrong.
fn recorded(machine: &str, log: &Path, tree: &Path) -> Result<Vec<Kept>, String> {
    let conf = conf::read(tree, None).conf;
    let mac = machine.parse::<Mac>().ok();
    let known = conf.segments.values().flat_map(|segment| segment.machines.values());
    let is_it = |m: &&std::sync::Arc<conf::Machine>| {
        m.hostname == machine || m.address.to_string() == machine || mac.is_some_and(|mac| mac == m.mac)
    };
    let mut folders = BTreeSet::new();
    for found in known.filter(is_it) {
        folders.insert(recorder::folder_of(Some(&found.hostname), found.mac));
        folders.insert(recorder::folder_of(None, found.mac));
    }
    let in_conf = !folders.is_empty();
    folders.extend(mac.map(|mac| recorder::folder_of(None, mac)));
    let with_boots = recorder::machines(log);
    // One that was taken out of conf.
    folders.extend(with_boots.iter().find(|name| *name == machine).cloned());
    let mut all: Vec<Kept> = folders.iter().flat_map(|folder| recorder::kept(&log.join(folder))).collect();
    all.sort_by_key(|kept| kept.began);
    if !all.is_empty() {
        return Ok(all);
    }
    let others = match with_boots.as_slice() {
        [] => format!("none is recorded in {} yet; is --log-dir right?", log.display()),
        some => format!("recorded are boots of {}", some.join(", ")),
    };
    match in_conf {
        true => Err(format!("no boot of {machine} is recorded; {others}")),
        false => Err(format!("no machine {machine}: neither in {} nor recorded; {others}", tree.display())),
    }
}

/// How exactly a moment is said: `14:03` means all of that minute, `14:03:20` that second.
fn said_to(text: &str) -> SignedDuration {
    // What follows the date, without its offset or zone.
    let clock =
        text.rsplit(['T', ' ']).next().unwrap_or_default().split(['Z', '+', '-', '[']).next().unwrap_or_default();
    SignedDuration::from_secs(if clock.matches(':').count() == 1 { 60 } else { 1 })
}

/// The boot that ran at a time: the last that began before it was over; else the first of all.
fn chosen(all: &[Kept], time: Timestamp, lasts: SignedDuration, now: Timestamp) -> Option<&Kept> {
    // A time of day that is still to come was yesterday's.
    let time = if time > now { time - SignedDuration::from_hours(24) } else { time };
    all.iter().rev().find(|kept| kept.began < time + lasts).or(all.first())
}

fn summary(kept: &Kept, zone: &TimeZone, json: bool) -> String {
    let bytes = std::fs::metadata(&kept.file).map_or(0, |metadata| metadata.len());
    let (ended, packets) = match pcapng::open(&kept.file) {
        Ok(contents) => (ending(&contents), contents.frames.len()),
        Err(error) => (error.to_string(), 0),
    };
    let file: PathBuf = kept.file.clone();
    if json {
        return json!({"began": kept.began, "ended": ended, "packets": packets, "bytes": bytes, "file": file})
            .to_string();
    }
    let began = kept.began.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    format!("{began}  {packets:>6} packets  {bytes:>9} bytes  {}  {ended}", file.display())
}

fn ending(contents: &Contents) -> String {
    let first = contents.notes.last().and_then(|notes| notes.first());
    first.cloned().unwrap_or_else(|| "no end is written: under way, or the program was killed".to_owned())
}

fn print(out: &mut impl Write, contents: &Contents, zone: &TimeZone, json: bool) -> std::io::Result<()> {
    let mut conversations = Conversations::default();
    if !json {
        contents.about.iter().try_for_each(|about| writeln!(out, "# {about}"))?;
    }
    for frame in &contents.frames {
        let line = line_of(frame, conversations.follow(frame).as_deref());
        if json {
            let object = json!({
                "time": line.time, "length": frame.length, "source": line.source, "destination": line.destination,
                "protocol": line.protocol, "words": line.words, "comments": frame.comments,
            });
            writeln!(out, "{object}")?;
            continue;
        }
        let time = line.time.to_zoned_datetime(zone.clone());
        writeln!(out, "{} {}", time.strftime("%H:%M:%S%.6f"), line.what())?;
        frame.comments.iter().try_for_each(|comment| writeln!(out, "    {comment}"))?;
    }
    if !json {
        contents.notes.iter().flatten().try_for_each(|note| writeln!(out, "# {note}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_that_ran_at_a_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let all = ["2026-11-24T14:03:20Z", "2026-11-25T09:00:00Z", "2026-11-25T14:03:00Z", "2026-11-25T14:03:20Z"];
        let all = all.map(|began| Kept { file: began.into(), began: at(began) });
        let now = at("2026-11-25T15:00:00Z");
        for (time, wanted) in [
            ("2026-11-25T14:03Z", 3),
            ("2026-11-25T14:03+00:00", 3),
            ("2026-11-25T14:03:00Z", 2),
            ("2026-11-25T14:03:10Z", 2),
            ("2026-11-25T14:03:20+00:00", 3),
            ("2026-11-25T14:30Z", 3),
            ("2026-11-25T14:02Z", 1),
            ("2026-11-24T20:00Z", 0),
            ("2026-11-20T20:00Z", 0),
            ("2026-11-25T20:00Z", 0),
        ] {
            assert_eq!(chosen(&all, at(time), said_to(time), now), Some(&all[wanted]), "{time}");
        }
        assert_eq!(chosen(&[], now, said_to("-2h"), now), None);
        for (text, seconds) in [("14:03", 60), ("14:03:20", 1), ("2026-11-25 14:03", 60), ("2026-11-25", 1), ("-2h", 1)]
        {
            assert_eq!(said_to(text).as_secs(), seconds, "{text}");
        }
    }
}
