//! The operator's own files: his keys, and what he typed before. Read and written with his rights, whoever runs this program.

use super::{
    keys::{self, Keys},
    model::Model,
    palette::History,
};
use crate::{desk::Operator, state::troubles::Trouble};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use std::{
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// Reads and writes the files of an operator.
pub struct Own {
    owner: Option<(u32, u32)>,
    keys: PathBuf,
    history: PathBuf,
    seen: Seen,
}

/// The keys' file at the last look.
#[derive(PartialEq)]
enum Seen {
    /// It was not looked at yet.
    Nothing,
    Absent,
    Fault(String),
    /// When it was written, how long it is, which one it is.
    File(Option<SystemTime>, u64, u64),
}

/// The file of the operator's keys.
pub fn keys_file(operator: &Operator) -> PathBuf {
    operator.config.join("keys.toml")
}

impl Own {
    pub fn of(operator: &Operator) -> Own {
        let own = env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty() && operator.owner().is_none());
        let state = own.map_or_else(|| operator.account.home.join(".local/state"), PathBuf::from);
        let history = state.join("pxelator/palette");
        Own { owner: operator.owner(), keys: keys_file(operator), history, seen: Seen::Nothing }
    }

    /// Takes the keys over where their file is another than at the last look; true if something changed.
    pub fn look(&mut self, model: &mut Model) -> bool {
        let now = as_owner(self.owner, || match fs::metadata(&self.keys) {
            Ok(about) => Seen::File(about.modified().ok(), about.len(), about.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Absent,
            Err(error) => Seen::Fault(error.to_string()),
        });
        if now == self.seen {
            return false;
        }
        let first = std::mem::replace(&mut self.seen, now) == Seen::Nothing;
        match &self.seen {
            Seen::Absent if first => return false,
            Seen::Nothing | Seen::Absent => {
                (model.keys, model.faults) = (Arc::default(), Vec::new());
                model.word = Some(format!("{} is gone: the keys are the program's own", self.keys.display()));
            }
            Seen::Fault(error) => take(model, &self.keys, Err(error.clone()), first),
            Seen::File(..) => {
                let text = as_owner(self.owner, || fs::read_to_string(&self.keys)).map_err(|error| error.to_string());
                let read = text.and_then(|text| {
                    keys::read(&text).map_err(|fault| format!("line {}: {}", fault.line, fault.words))
                });
                take(model, &self.keys, read, first);
            }
        }
        true
    }

    /// What was typed before.
    pub fn history(&self) -> History {
        History::of(&as_owner(self.owner, || fs::read_to_string(&self.history)).unwrap_or_default())
    }

    /// Keeps what was typed. Another console may have kept something meanwhile: that stays.
    pub fn keep(&self, line: &str) -> io::Result<()> {
        as_owner(self.owner, || {
            let mut history = History::of(&fs::read_to_string(&self.history).unwrap_or_default());
            history.add(line);
            if let Some(folder) = self.history.parent() {
                fs::create_dir_all(folder)?;
            }
            // A reader sees the lines before or those after, never half of them.
            let new = self.history.with_extension(format!("new{}", std::process::id()));
            fs::write(&new, history.text())?;
            fs::rename(&new, &self.history)
        })
    }
}

fn take(model: &mut Model, path: &Path, read: Result<(Keys, Vec<keys::Fault>), String>, first: bool) {
    let path = path.display();
    let trouble = |what: String, next_step: &str| Trouble { what, next_step: next_step.to_owned() };
    match read {
        Ok((keys, faults)) => {
            let count = faults.len();
            let troubles = faults.into_iter().map(|fault| {
                let what = format!("keys: {path}: line {}: {}", fault.line, fault.words);
                trouble(what, "correct the line: it takes effect at once; all other lines are in force")
            });
            (model.keys, model.faults) = (Arc::new(keys), troubles.collect());
            model.word = match count {
                0 if first => None,
                0 => Some(format!("the keys are those of {path} now")),
                _ => {
                    let many =
                        if count == 1 { "a line makes no sense".to_owned() } else { format!("{count} mistakes") };
                    Some(format!("{path}: {many}; {} tells", model.keys.of(keys::Wish::Troubles)))
                }
            };
        }
        Err(error) => {
            let next_step = "correct the file: it takes effect at once; until then the keys are those from before";
            model.faults = vec![trouble(format!("keys: {path}: {error}"), next_step)];
            model.word = Some(format!("{path} cannot be read; {} tells", model.keys.of(keys::Wish::Troubles)));
        }
    }
}

/// Does `work` with the rights of the files' owner: under sudo a folder of his must not lead root elsewhere.
fn as_owner<T>(owner: Option<(u32, u32)>, work: impl FnOnce() -> T) -> T {
    let Some((uid, gid)) = owner else { return work() };
    /// Gives the thread its own rights back, also where `work` panics.
    struct Back(Uid, Gid);
    impl Drop for Back {
        fn drop(&mut self) {
            setfsuid(self.0);
            setfsgid(self.1);
        }
    }
    let group = setfsgid(Gid::from_raw(gid));
    let _back = Back(setfsuid(Uid::from_raw(uid)), group);
    work()
}
