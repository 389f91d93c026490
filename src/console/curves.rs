//! The window on trends: asks for a series, and has what was answered last. The files are read on a thread of its own, so that no drawing
//! waits for rrdtool.

use crate::{
    sample::Of,
    trend::{Series, Trends},
};
use jiff::Timestamp;
use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};
use tokio::sync::watch;

/// What is asked: the newest question counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Of what.
    pub of: Of,
    /// The family; the first there is where none is named.
    pub family: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Values a line at most.
    pub points: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The question.
    pub asked: Asked,
    /// The families that there are.
    pub families: Vec<String>,
    /// The series, or why there is none; none where there is no family.
    pub series: Option<Result<Series, String>>,
}

/// Asks, and has the answer.
pub struct Curves {
    requests: SyncSender<Asked>,
    answer: watch::Receiver<Option<Arc<Answered>>>,
}

impl Curves {
    /// A window on these.
    pub fn new(trends: Trends) -> Curves {
        let (requests, asked) = sync_channel(8);
        let (answers, answer) = watch::channel(None);
        // Where there is no thread nothing is answered, which the room says.
        let _ = std::thread::Builder::new().name("trends".to_owned()).spawn(move || read(&trends, &asked, &answers));
        Curves { requests, answer }
    }

    /// Asks; never waits. False where it has to be asked once more.
    pub(super) fn ask(&self, asked: Asked) -> bool {
        self.requests.try_send(asked).is_ok()
    }

    /// What was answered last.
    pub(super) fn answer(&self) -> Option<Arc<Answered>> {
        self.answer.borrow().clone()
    }

    /// True once where something was answered since it was asked last.
    pub(super) fn is_new(&mut self) -> bool {
        let is_new = self.answer.has_changed().unwrap_or(false);
        self.answer.mark_unchanged();
        is_new
    }
}

fn read(trends: &Trends, asked: &Receiver<Asked>, answers: &watch::Sender<Option<Arc<Answered>>>) {
    while let Ok(mut newest) = asked.recv() {
        while let Ok(newer) = asked.try_recv() {
            newest = newer;
        }
        let families = trends.families(newest.of);
        let family = newest.family.as_ref().filter(|family| families.contains(family)).or(families.first());
        let series = family.map(|family| {
            let read = trends.read(newest.of, family, newest.from, newest.to, newest.points);
            read.map_err(|error| error.to_string())
        });
        answers.send_replace(Some(Arc::new(Answered { asked: newest, families, series })));
    }
}
