//! What is known of the looks at one machine, also after the program began anew: `run/looked/<machine>`. When it is looked at next is
//! decided here; pure.

use crate::part::part;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};
use utoipa::ToSchema;

/// A machine that is away is tried again after this, then after twice as long each time.
const AWAY: Duration = Duration::from_secs(15);
/// And at least so often.
const SELDOM: Duration = Duration::from_secs(600);
/// What went wrong is tried again so soon.
const AGAIN: Duration = Duration::from_secs(900);
/// Who shows itself is not tried more often than this: its sshd may come later.
const PAUSE: Duration = Duration::from_secs(10);

/// What came of the looks at a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Looked {
    /// The last look that came through.
    pub time: Option<Timestamp>,
    /// The last that was tried.
    pub tried: Option<Timestamp>,
    /// Tries in vain since.
    pub vain: u32,
    /// Files that are kept.
    pub files: u64,
    /// The last change that was found.
    pub changed: Option<Change>,
    /// Why the last look did not come through.
    pub trouble: Option<Trouble>,
    /// What was last told of files that are not kept.
    pub left: Vec<String>,
    /// There is a reason to look before its time, since then.
    #[serde(skip)]
    pub wake: Option<Timestamp>,
}

/// A machine of which files are kept, or a container of it, and what came of the looks at it: for whoever asks, here or from elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Tracked)]
pub struct Standing {
    /// Its folder in the record: `web1`, `db@web1`.
    pub machine: String,
    /// The container, where it is one.
    pub container: Option<String>,
    /// The machine's address.
    #[schema(value_type = String, format = "ipv4")]
    pub address: Ipv4Addr,
    /// The server's address of its segment.
    #[schema(value_type = String, format = "ipv4")]
    pub segment: Ipv4Addr,
    /// Seconds from one look to the next.
    pub every: u64,
    /// The last look that came through.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub looked: Option<Timestamp>,
    /// Files that are kept.
    pub files: u64,
    /// The last change that was found.
    pub changed: Option<Change>,
    /// Why the last look did not come through.
    pub trouble: Option<Trouble>,
}

/// A change of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TrackedChange)]
pub struct Change {
    /// When it was found.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// In `hosts/`.
    pub commit: String,
    /// Its first line.
    pub subject: String,
}

/// Why a machine was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TrackTrouble)]
pub struct Trouble {
    /// It is off, or not to be reached: no fault.
    pub is_away: bool,
    /// What was being done.
    pub doing: String,
    /// What went wrong.
    pub error: String,
    /// What helps.
    pub next_step: String,
}

impl Looked {
    /// What is known of a machine; nothing where nothing is, or where it cannot be read.
    pub fn read(run: &Path, host: &str) -> Looked {
        let text = fs::read_to_string(file(run, host)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps it.
    pub fn write(&self, run: &Path, host: &str) -> io::Result<()> {
        let file = file(run, host);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = file.with_file_name(format!(".{host}"));
        let written = fs::write(&new, serde_json::to_vec(self)?).and_then(|()| fs::rename(&new, &file));
        written.inspect_err(|_| drop(fs::remove_file(&new)))
    }

    /// When it is looked at next.
    pub fn due(&self, host: &str, every: Duration) -> Timestamp {
        let Some(tried) = self.tried else { return Timestamp::UNIX_EPOCH };
        let after = |pause: Duration| later(tried, pause);
        let usual = match (&self.trouble, self.time) {
            (Some(trouble), _) if trouble.is_away => {
                after(AWAY.saturating_mul(1 << self.vain.saturating_sub(1).min(10)).min(SELDOM).min(every))
            }
            (Some(_), _) => after(AGAIN.min(every)),
            (None, Some(time)) => later(time, spread(host, time, every)),
            (None, None) => Timestamp::UNIX_EPOCH,
        };
        match self.wake {
            Some(wake) => usual.min(wake.max(after(PAUSE))),
            None => usual,
        }
    }
}

/// Looks that fell together part, and stay so.
fn spread(host: &str, time: Timestamp, every: Duration) -> Duration {
    every.mul_f64(0.9 + 0.1 * part((host, time.as_second())))
}

fn later(time: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    time.checked_add(pause).unwrap_or(Timestamp::MAX)
}

fn file(run: &Path, host: &str) -> PathBuf {
    run.join("looked").join(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_is_looked_at_next() {
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let every = Duration::from_secs(3600);
        let trouble = |is_away| Some(Trouble { is_away, doing: "x".into(), error: "y".into(), next_step: "z".into() });
        let tried = Looked { time: Some(at(0)), tried: Some(at(0)), ..Looked::default() };
        let away = |vain| Looked { tried: Some(at(100)), trouble: trouble(true), vain, ..tried.clone() };
        for (name, looked, expected) in [
            ("never", Looked::default(), Timestamp::UNIX_EPOCH..=Timestamp::UNIX_EPOCH),
            ("in its time", tried.clone(), at(3240)..=at(3600)),
            ("away", away(1), at(115)..=at(115)),
            ("away still", away(3), at(160)..=at(160)),
            ("away for long", away(60), at(700)..=at(700)),
            ("it shows itself", Looked { wake: Some(at(300)), ..away(60) }, at(300)..=at(300)),
            ("it shows itself again", Looked { wake: Some(at(101)), ..away(1) }, at(110)..=at(110)),
            ("a fault", Looked { trouble: trouble(false), ..away(1) }, at(1000)..=at(1000)),
            ("conf is other", Looked { wake: Some(at(50)), ..tried.clone() }, at(50)..=at(50)),
        ] {
            let due = looked.due("web1", every);
            assert!(expected.contains(&due), "{name}: {due}");
        }
        let spread: std::collections::BTreeSet<Timestamp> =
            (0..100).map(|host| tried.due(&format!("web{host}"), every)).collect();
        assert!(spread.len() > 90, "machines are parted");
    }

    #[test]
    fn it_outlives_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let mut looked = Looked { files: 7, left: vec!["x".into()], ..Looked::default() };
        looked.write(dir.path(), "db@web1").unwrap();
        assert_eq!(Looked::read(dir.path(), "db@web1"), looked);
        looked.wake = Some(Timestamp::UNIX_EPOCH);
        looked.write(dir.path(), "db@web1").unwrap();
        assert_eq!(Looked::read(dir.path(), "db@web1").wake, None);
        fs::write(dir.path().join("looked/db@web1"), "{").unwrap();
        assert_eq!(Looked::read(dir.path(), "db@web1"), Looked::default());
    }
}
