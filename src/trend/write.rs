//! Writes rows into the files: which commands the tool is given, and what its answers mean. Knows no clock and no bus.

use super::{
    Trends, family,
    gather::{Batch, File, STEP},
    tool::Tool,
};
use std::{collections::BTreeMap, fs, io, path::PathBuf};

/// New files that are made at once; others wait, for each is some hundred kilobytes.
const NEW: usize = 64;
/// A file whose last value is so far ahead of the clock is put aside, in seconds; behind less, its values are waited for.
const AHEAD: i64 = 3600;

/// What came of writing.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rows that are in the files now.
    pub written: u64,
    /// What could not be written and is to be tried again.
    pub left: Vec<Batch>,
    /// Values that are lost.
    pub lost: u64,
    /// The first thing that went wrong, and what helps.
    pub trouble: Option<(String, String)>,
}

/// Writes; has the tool, and knows how far each file is.
pub struct Writer {
    trends: Trends,
    tool: Option<Tool>,
    last: BTreeMap<File, Reached>,
}

/// How far a file is.
#[derive(Clone, Copy)]
struct Reached {
    /// Its last value, in seconds since 1970.
    last: i64,
    /// From the value before to that; 0 where it is not known.
    gap: i64,
}

impl Reached {
    fn until(last: i64) -> Reached {
        Reached { last, gap: 0 }
    }
}

impl Writer {
    /// Into the files below the folder of these trends.
    pub fn new(trends: Trends) -> Writer {
        Writer { trends, tool: None, last: BTreeMap::new() }
    }

    /// Writes all rows, or tells what hindered it. `now` is in seconds since 1970.
    pub async fn write(&mut self, batches: Vec<Batch>, now: i64) -> Outcome {
        let mut outcome = Outcome::default();
        if batches.is_empty() {
            return outcome;
        }
        let mut tool = match self.tool.take().map_or_else(|| self.start(), Ok) {
            Ok(tool) => tool,
            Err(trouble) => {
                outcome.hinder(trouble);
                outcome.left = batches;
                return outcome;
            }
        };
        let came = self.learn(&mut tool, &batches, now, &mut outcome).await;
        let came = match came {
            Ok(()) => self.put(&mut tool, batches, now, &mut outcome).await,
            Err(error) => {
                outcome.left = batches;
                Err(error)
            }
        };
        match came {
            Ok(()) => self.tool = Some(tool),
            Err(error) => {
                outcome.hinder((format!("rrdtool: {error}"), "it is started again within some seconds".to_owned()));
            }
        }
        outcome
    }

    fn start(&self) -> Result<Tool, (String, String)> {
        let root = self.trends.root();
        fs::create_dir_all(root).map_err(|error| unwritable(root.to_owned(), &error))?;
        Tool::start(root).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                ("rrdtool is not there".to_owned(), "install it: apt-get install rrdtool".to_owned())
            }
            _ => (format!("rrdtool cannot be started: {error}"), "see what hinders it: rrdtool --version".to_owned()),
        })
    }

    /// Finds out how far the files are that were not written to before.
    async fn learn(&mut self, tool: &mut Tool, batches: &[Batch], now: i64, outcome: &mut Outcome) -> io::Result<()> {
        let is_new = |file: &&File| !self.last.contains_key(*file) && self.trends.file(file.0, &file.1).exists();
        let files: Vec<File> = batches.iter().map(|batch| &batch.file).filter(is_new).cloned().collect();
        let commands: Vec<String> = files.iter().map(|file| format!("last {}", self.name(file))).collect();
        let (answers, came) = tool.ask(&commands).await;
        for (file, answer) in files.into_iter().zip(answers) {
            match answer.map(|lines| lines.first().and_then(|line| line.parse().ok())) {
                Ok(Some(last)) => drop(self.last.insert(file, Reached::until(last))),
                // Not every file that is there is one of rrdtool's: it is told when it is written to.
                _ => drop(self.last.insert(file, Reached::until(0))),
            }
        }
        for batch in batches {
            let is_ahead = self.last.get(&batch.file).is_some_and(|reached| reached.last - now > AHEAD);
            if is_ahead && let Err(error) = self.set_aside(&batch.file) {
                outcome.hinder(error);
            }
        }
        came
    }

    /// The clock was wrong when this was written: what follows begins a new file.
    fn set_aside(&mut self, file: &File) -> Result<(), (String, String)> {
        let path = self.trends.file(file.0, &file.1);
        let last = self.last.remove(file).map_or(0, |reached| reached.last);
        let aside = path.with_extension(format!("until-{last}"));
        fs::rename(&path, &aside).map_err(|error| unwritable(path.clone(), &error))?;
        let when = jiff::Timestamp::from_second(last).map_or(last.to_string(), |last| last.to_string());
        Err((
            format!("{} has values until {when}, which is to come", path.display()),
            format!("see that the clock is right; the file is kept as {}", aside.display()),
        ))
    }

    async fn put(&mut self, tool: &mut Tool, batches: Vec<Batch>, now: i64, outcome: &mut Outcome) -> io::Result<()> {
        let (mut commands, mut whose) = (Vec::new(), Vec::new());
        let mut made = 0;
        for mut batch in batches {
            let (all, width) = (batch.rows.len(), batch.names.len());
            let reached = self.last.get(&batch.file).copied();
            let last = reached.map(|reached| reached.last);
            batch.rows.retain(|row| last.is_none_or(|last| row.at > last));
            outcome.lost += ((all - batch.rows.len()) * width) as u64;
            if let Some(last) = last.filter(|last| *last > now + STEP) {
                outcome.hinder((
                    format!("the clock is {} s behind what is written already", last - now),
                    "nothing is to be done: what comes later than that is written again".to_owned(),
                ));
            }
            let Some(first) = batch.rows.first() else { continue };
            if last.is_none() {
                if made == NEW {
                    outcome.left.push(batch);
                    continue;
                }
                made += 1;
                let folder = self.trends.folder(batch.file.0);
                if let Err(error) = fs::create_dir_all(&folder) {
                    outcome.hinder(unwritable(folder, &error));
                    outcome.left.push(batch);
                    continue;
                }
                commands.push(create(&self.name(&batch.file), &batch, first.at - STEP));
                whose.push(None);
            }
            let (command, reached) = update(&self.name(&batch.file), &batch, reached);
            commands.push(command);
            whose.push(Some((batch, reached)));
        }
        let (answers, came) = tool.ask(&commands).await;
        let mut answers = answers.into_iter();
        let mut not_made = None;
        for batch in whose {
            match (batch, answers.next()) {
                (None, answer) => not_made = answer.and_then(Result::err),
                (Some((batch, reached)), answer) => match answer {
                    Some(Ok(_)) => {
                        outcome.written += batch.rows.len() as u64;
                        self.last.insert(batch.file, reached);
                    }
                    Some(Err(error)) => self.failed(batch, error, not_made.take(), outcome),
                    None => outcome.left.push(batch),
                },
            }
        }
        came
    }

    /// What it means that an update was not done.
    fn failed(&mut self, batch: Batch, error: String, not_made: Option<String>, outcome: &mut Outcome) {
        let path = self.trends.file(batch.file.0, &batch.file.1);
        let had = self.last.remove(&batch.file).is_some();
        match (path.exists(), not_made) {
            // Somebody removed it: it is made anew.
            (false, _) if had => {}
            (false, made) => {
                let said = made.unwrap_or_else(|| "rrdtool made no file".to_owned());
                let next = "see that the disk has room and the folder can be written: df -h, ls -ld";
                outcome.hinder((format!("{}: {said}", path.display()), next.to_owned()));
            }
            (true, _) => {
                // Not all of rrdtool's words name the file.
                let named = error.contains(&*batch.file.1);
                let error = if named { error } else { format!("{}: {error}", path.display()) };
                outcome.hinder((error, format!("move it away, and it is made anew: mv {0} {0}.old", path.display())));
            }
        }
        outcome.left.push(batch);
    }

    /// As the tool, which works in the folder of all, is told it.
    fn name(&self, file: &File) -> String {
        let path = self.trends.file(file.0, &file.1);
        path.strip_prefix(self.trends.root()).unwrap_or(&path).display().to_string()
    }
}

impl Outcome {
    fn hinder(&mut self, trouble: (String, String)) {
        self.trouble.get_or_insert(trouble);
    }
}

fn unwritable(path: PathBuf, error: &io::Error) -> (String, String) {
    let next = "see that the folder can be written and the disk has room, or name another with --rrd";
    (format!("{}: {error}", path.display()), next.to_owned())
}

/// A day in steps of 10 s, two weeks in 5 min, two years in 2 h; of the longer ones the greatest value too (rrdcreate(1)).
fn create(name: &str, batch: &Batch, start: i64) -> String {
    let xff = if family::is_sparse(&batch.file.1) { "0.999" } else { "0.5" };
    let sources = batch.names.iter().map(|value| format!(" DS:{value}:GAUGE:{}:U:U", family::HEARTBEAT));
    let means = [(1, 8640), (30, 4032), (720, 8760)].map(|(steps, rows)| format!(" RRA:AVERAGE:{xff}:{steps}:{rows}"));
    let greatest = [(30, 4032), (720, 8760)].map(|(steps, rows)| format!(" RRA:MAX:{xff}:{steps}:{rows}"));
    let words: String = sources.chain(means).chain(greatest).collect();
    format!("create {name} --no-overwrite --step {STEP} --start {start}{words}")
}

/// A value after a long silence stands for its own step only: what was before it is a hole.
fn update(name: &str, batch: &Batch, reached: Option<Reached>) -> (String, Reached) {
    let mut words = format!("update {name} --template {}", batch.names.join(":"));
    let unknown = vec![None; batch.names.len()];
    let mut reached = reached;
    for row in &batch.rows {
        let gap = reached.map_or(0, |reached| row.at - reached.last);
        if reached.is_some_and(|reached| gap > family::silence(&batch.file.1, reached.gap).max(STEP)) {
            push(&mut words, row.at - STEP, &unknown);
        }
        push(&mut words, row.at, &row.values);
        reached = Some(Reached { last: row.at, gap });
    }
    (words, reached.unwrap_or(Reached::until(0)))
}

fn push(words: &mut String, at: i64, values: &[Option<f64>]) {
    words.push_str(&format!(" {at}"));
    for value in values {
        words.push_str(&value.map_or(":U".to_owned(), |value| format!(":{value}")));
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
