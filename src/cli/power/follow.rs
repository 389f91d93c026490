//! What came of a change of many machines, as its events tell. Pure.

use super::choose::Wanted;
use crate::{
    command::Place,
    event::{Action, Event, Fact, Manner, Tried},
};
use std::collections::BTreeMap;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A rung accepts.
    Accepted,
    /// The machine is seen to follow.
    Seen,
    /// Its system runs.
    Up,
}

/// How it stands with one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stand {
    /// Nothing was heard of it.
    Sent,
    /// Its change is under way.
    Asked,
    /// It was seen to follow; its system is waited for.
    Seen,
    /// It did.
    Did,
    /// It did not, and why.
    DidNot(String),
}

/// The change.
pub struct Follow {
    action: Action,
    until: Until,
    machines: BTreeMap<Place, (String, Stand)>,
}

impl Follow {
    /// Of these machines, from now on.
    pub fn new(action: Action, until: Until, machines: &[Wanted]) -> Follow {
        let sent = |machine: &Wanted| (machine.place, (machine.hostname.clone(), Stand::Sent));
        Follow { action, until, machines: machines.iter().map(sent).collect() }
    }

    /// Takes an event in; the name of its machine where it belongs to what is waited for.
    pub fn take(&mut self, event: &Event) -> Option<String> {
        let (name, stand) = self.machines.get_mut(&event.segment.zip(event.machine)?)?;
        if matches!(stand, Stand::Did | Stand::DidNot(_)) {
            return None;
        }
        let next = match (&event.fact, &*stand) {
            (Fact::PowerRequested { action, .. }, _) if *action == self.action => Stand::Asked,
            (Fact::PowerRefused { action, error, next_step }, Stand::Sent) if *action == self.action => {
                Stand::DidNot(format!("{error}; {next_step}"))
            }
            (Fact::PowerAccepted { action, manner, .. }, _) if *action == self.action => {
                match (self.until, manner) {
                    (Until::Accepted, _) => Stand::Did,
                    // Its system does not begin anew, so that nothing would tell when it runs.
                    (Until::Up, Manner::Already) => Stand::Did,
                    _ => Stand::Asked,
                }
            }
            (Fact::PowerFailed { action, .. }, Stand::Asked) if *action == self.action => Stand::Asked,
            (Fact::PowerConfirmed { action, .. }, _) if *action == self.action => match self.until {
                Until::Up => Stand::Seen,
                _ => Stand::Did,
            },
            (Fact::PowerUnconfirmed { action, tried, next_step }, _) if *action == self.action => {
                let said: Vec<_> = tried.iter().map(|Tried { method, said }| format!("{method}: {said}")).collect();
                Stand::DidNot(format!("{}; {next_step}", said.join("; ")))
            }
            (Fact::BootCompleted { .. }, Stand::Seen) => Stand::Did,
            (Fact::BootStalled { cause, next_step, .. } | Fact::BootLooped { cause, next_step, .. }, Stand::Seen) => {
                Stand::DidNot(format!("{cause}; {next_step}"))
            }
            _ => return None,
        };
        *stand = next;
        Some(name.clone())
    }

    /// Nothing more is waited for.
    pub fn is_over(&self) -> bool {
        self.machines.values().all(|(_, stand)| matches!(stand, Stand::Did | Stand::DidNot(_)))
    }

    /// What has not come by now does not come.
    pub fn give_up(&mut self, why: &str) {
        for (_, stand) in
            self.machines.values_mut().filter(|(_, stand)| !matches!(stand, Stand::Did | Stand::DidNot(_)))
        {
            let so_far = match stand {
                Stand::Sent => "nothing was heard of it",
                Stand::Seen => "its system does not run yet",
                _ => "it was asked, and not seen",
            };
            *stand = Stand::DidNot(format!("{why}: {so_far}"));
        }
    }

    /// Those that did, and those that did not with the reason.
    pub fn outcome(&self) -> (Vec<&str>, Vec<(&str, &str)>) {
        let (mut did, mut not) = (Vec::new(), Vec::new());
        for (name, stand) in self.machines.values() {
            match stand {
                Stand::Did => did.push(name.as_str()),
                Stand::DidNot(why) => not.push((name.as_str(), why.as_str())),
                _ => not.push((name.as_str(), "it is not over")),
            }
        }
        (did, not)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Asker, Evidence};
    use std::net::Ipv4Addr;

    fn place() -> Place {
        (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60))
    }

    fn told(fact: Fact) -> Event {
        Event::new(Some(place().0), fact).about(Some(place().1), None)
    }

    #[test]
    fn until_what_was_wanted() {
        let (action, method) = (Action::On, "wol".to_owned());
        let asked = || Fact::PowerRequested { action, method: method.clone(), by: Asker::Operator };
        let accepted = |manner| Fact::PowerAccepted { action, method: method.clone(), manner };
        let (evidence, millis) = (Evidence::Link, 1);
        let confirmed = || Fact::PowerConfirmed { action, method: method.clone(), evidence, millis };
        let refused =
            || Fact::PowerRefused { action, error: "another change is under way".into(), next_step: "wait".into() };
        let off = Fact::PowerConfirmed { action: Action::Off, method: method.clone(), evidence, millis };
        let unconfirmed = Fact::PowerUnconfirmed { action, tried: Vec::new(), next_step: "look".into() };
        let stalled =
            Fact::BootStalled { stage: "seen".into(), cause: "no kernel".into(), next_step: "put it there".into() };
        let completed = || Fact::BootCompleted { millis: 1 };
        for (name, until, facts, expected) in [
            ("accepted", Until::Accepted, vec![asked(), accepted(Manner::Done)], Some(Ok(()))),
            ("not yet seen", Until::Seen, vec![asked(), accepted(Manner::Done)], None),
            ("another's change", Until::Seen, vec![off], None),
            ("seen", Until::Seen, vec![asked(), accepted(Manner::Done), confirmed()], Some(Ok(()))),
            ("seen is not up", Until::Up, vec![completed(), asked(), confirmed()], None),
            ("up", Until::Up, vec![asked(), confirmed(), completed()], Some(Ok(()))),
            ("up already", Until::Up, vec![asked(), accepted(Manner::Already)], Some(Ok(()))),
            ("stalled", Until::Up, vec![asked(), confirmed(), stalled], Some(Err("no kernel; put it there"))),
            ("refused", Until::Seen, vec![refused()], Some(Err("another change is under way; wait"))),
            ("another was refused", Until::Seen, vec![asked(), refused()], None),
            ("not followed", Until::Seen, vec![asked(), unconfirmed], Some(Err("; look"))),
        ] {
            let machines = [Wanted { place: place(), hostname: "web1".into() }];
            let mut follow = Follow::new(action, until, &machines);
            for fact in facts {
                follow.take(&told(fact));
            }
            assert_eq!(follow.is_over(), expected.is_some(), "{name}");
            let (did, not) = follow.outcome();
            match expected {
                Some(Ok(())) => assert_eq!((did, not), (vec!["web1"], vec![]), "{name}"),
                Some(Err(why)) => assert_eq!(not, [("web1", why)], "{name}"),
                None => {
                    follow.give_up("after 1 s");
                    assert!(follow.is_over() && follow.outcome().1[0].1.starts_with("after 1 s: "), "{name}");
                }
            }
        }
    }
}
