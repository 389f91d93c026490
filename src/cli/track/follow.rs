//! What came of looks at many machines, as their events tell. Pure.

use crate::{
    command::Place,
    event::{Event, Fact},
};
use std::collections::BTreeMap;

/// A machine, or a container of it.
pub type Subject = (Place, Option<String>);

/// The looks that are waited for.
pub struct Follow {
    /// The name of each, and what came of it.
    subjects: BTreeMap<Subject, (String, Option<Came>)>,
}

/// What came of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// Nothing was other.
    Same,
    /// It is kept anew.
    Changed,
    /// It did not come through, and why.
    Failed(String),
}

impl Follow {
    /// Of these, from now on.
    pub fn new(subjects: impl IntoIterator<Item = (Subject, String)>) -> Follow {
        Follow { subjects: subjects.into_iter().map(|(subject, name)| (subject, (name, None))).collect() }
    }

    /// Takes an event in; the name of its machine where it belongs to what is waited for.
    pub fn take(&mut self, event: &Event) -> Option<String> {
        let place = event.segment.zip(event.machine)?;
        let (container, came) = match &event.fact {
            Fact::TrackLooked { container, .. } => (container, Some(Came::Same)),
            Fact::TrackChanged { container, .. } => (container, Some(Came::Changed)),
            Fact::TrackFailed { container, error, next_step, .. } => {
                (container, Some(Came::Failed(format!("{error}; {next_step}"))))
            }
            Fact::TrackLeft { container, .. } => (container, None),
            _ => return None,
        };
        let (name, known) = self.subjects.get_mut(&(place, container.clone()))?;
        if known.is_some() {
            return None;
        }
        *known = came;
        Some(name.clone())
    }

    /// Nothing more is waited for.
    pub fn is_over(&self) -> bool {
        self.subjects.values().all(|(_, came)| came.is_some())
    }

    /// Those that changed, those that are as they were, and those that did not come through, with the reason.
    pub fn outcome(&self) -> (Vec<&str>, Vec<&str>, Vec<(&str, &str)>) {
        let (mut changed, mut same, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (name, came) in self.subjects.values() {
            match came {
                Some(Came::Changed) => changed.push(name.as_str()),
                Some(Came::Same) => same.push(name.as_str()),
                Some(Came::Failed(why)) => failed.push((name.as_str(), why.as_str())),
                None => failed.push((name.as_str(), "it is not over")),
            }
        }
        (changed, same, failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn until_each_came_to_its_end() {
        let place = |last| (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, last));
        let told = |last, fact| Event::new(Some(place(last).0), fact).about(Some(place(last).1), None);
        let db = Some("db".to_owned());
        let all = [((place(60), None), "web1"), ((place(60), db.clone()), "db@web1"), ((place(61), None), "web2")];
        let mut follow = Follow::new(all.map(|(subject, name)| (subject, name.to_owned())));
        let looked = |container| Fact::TrackLooked { container, files: 1, millis: 1 };
        let failed = |error: &str| Fact::TrackFailed {
            container: None,
            doing: "looking at it".into(),
            error: error.into(),
            next_step: "wait".into(),
        };
        assert_eq!(follow.take(&told(60, looked(None))).as_deref(), Some("web1"));
        assert_eq!(follow.take(&told(62, looked(None))), None, "nobody asked");
        assert_eq!(follow.take(&told(60, failed("late"))), None, "it is over");
        assert_eq!(follow.take(&told(61, failed("off"))).as_deref(), Some("web2"));
        assert!(!follow.is_over());
        let changed = Fact::TrackChanged {
            container: db,
            commit: "1".repeat(40),
            subject: "etc/motd changed".into(),
            added: 0,
            changed: 1,
            removed: 0,
            cause: None,
            millis: 1,
        };
        assert_eq!(follow.take(&told(60, changed)).as_deref(), Some("db@web1"));
        assert!(follow.is_over());
        assert_eq!(follow.outcome(), (vec!["db@web1"], vec!["web1"], vec![("web2", "off; wait")]));
    }
}
