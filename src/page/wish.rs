//! Commands of users: what of conf they name must be there, they are said to be the user's, and they are told. The only way by which
//! the page sends commands.

use super::{Actor, Site};
use crate::{
    boot,
    command::{Command, Place},
    conf::{self, Conf},
    event::{Asker, printable},
};
use std::{net::Ipv4Addr, time::Duration};

/// Machines in one command at most.
const MACHINES: usize = 4096;
/// Alerts in one command at most.
const ALERTS: usize = 1000;
/// Characters of a text.
const TEXT: usize = 200;
/// The longest time from one machine to the next.
const STAGGER: Duration = Duration::from_secs(3600);
/// Machines that a sentence names.
const NAMED: usize = 6;

/// Why a command is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Conf has no such machine.
    #[error("conf has no machine {1} in the segment {0}")]
    Machine(Ipv4Addr, Ipv4Addr),
    /// Conf has no such segment.
    #[error("conf has no segment {0}")]
    Segment(Ipv4Addr),
    /// Conf has no such profile.
    #[error("conf/boot has no profile {0}")]
    Profile(String),
    /// No machine of conf can be so.
    #[error("{0}")]
    Unfit(String),
    /// It is none that may be sent by the page.
    #[error("{0} cannot be asked for by the page; do it on the host itself")]
    NotHere(&'static str),
    /// It is no name that anything can have.
    #[error("{0} is no name")]
    Name(String),
    /// There are too many machines or alerts in it.
    #[error("at most {MACHINES} machines or {ALERTS} alerts at once")]
    Many,
    /// A text or a time is too long.
    #[error("texts of at most {TEXT} characters without control characters, and an hour from one machine to the next")]
    Long,
    /// The program ends.
    #[error("the program ends")]
    Ending,
}

impl Site {
    /// Has a command carried out for somebody; what comes of it, events tell.
    pub(super) async fn carry_out(&self, actor: &Actor, mut command: Command) -> Result<(), Wrong> {
        let conf = self.source.conf.borrow().clone();
        check(&conf, &command)?;
        say_who(&mut command, &actor.by);
        let (place, what) = (about(&command), words(&conf, &command));
        self.source.tell_acted(actor, place, &what);
        self.source.commands.send(command).await.map_err(|_| Wrong::Ending)
    }
}

/// Whether all that it names is there.
fn check(conf: &Conf, command: &Command) -> Result<(), Wrong> {
    if matches!(command, Command::Quit | Command::Tell { .. } | Command::Find { .. }) {
        return Err(Wrong::NotHere(command.name()));
    }
    if let Command::Adopt { segment, mac, address, hostname } = command {
        let there = conf.segments.get(segment).ok_or(Wrong::Segment(*segment))?;
        let fits = conf::fits(there, *mac, *address, hostname);
        return fits.map_err(|unfit| Wrong::Unfit(printable(&unfit.to_string(), TEXT)));
    }
    fits(command)?;
    let machines = command.machines();
    for place in machines {
        conf.machine(place).ok_or(Wrong::Machine(place.0, place.1))?;
    }
    let is_segment = |segment: &Ipv4Addr| conf.segments.contains_key(segment);
    let is_profile = |name: &&String| boot::find(conf, name).is_some();
    let (segment, profiles) = match command {
        Command::Check { segment, .. } | Command::Ring { segment, .. } => (Some(*segment), vec![]),
        Command::Silence { segment, .. } => (*segment, vec![]),
        Command::Arm { profile, then, .. } => (None, profile.iter().chain(then).collect()),
        Command::Assign { profile, .. } => (None, profile.iter().collect()),
        Command::Fetch { profile } => (None, vec![profile]),
        _ => (None, vec![]),
    };
    if let Some(segment) = segment.filter(|segment| !is_segment(segment)) {
        return Err(Wrong::Segment(segment));
    }
    match profiles.into_iter().find(|name| !is_profile(name)) {
        Some(name) => Err(Wrong::Profile(printable(name, 64))),
        None => Ok(()),
    }
}

/// What becomes part of a path or of a line on a screen must not mean anything there.
fn fits(command: &Command) -> Result<(), Wrong> {
    let is_text = |text: &String| *text == printable(text, TEXT);
    let all = |texts: &[&Option<String>]| texts.iter().all(|text| text.as_ref().is_none_or(is_text));
    let named = |name: &String| match conf::name(name) {
        Ok(_) => Ok(()),
        Err(_) => Err(Wrong::Name(printable(name, 64))),
    };
    let (many, is_fit) = match command {
        Command::Power { machines, stagger, .. } => (machines.len(), *stagger <= STAGGER),
        Command::Recipe { machines, container, recipe, .. } => {
            named(recipe)?;
            container.as_ref().map_or(Ok(()), named)?;
            (machines.len(), true)
        }
        Command::Ring { receiver, .. } => return named(receiver),
        Command::Trust { method, fingerprint, .. } => (1, is_text(method) && is_text(fingerprint)),
        Command::Pull { machines, cause } => (machines.len(), all(&[cause])),
        Command::Acknowledge { alerts, .. } if alerts.len() > ALERTS => return Err(Wrong::Many),
        Command::Acknowledge { alerts, note, .. } => {
            let texts = alerts.iter().all(|alert| is_text(&alert.rule) && is_text(&alert.subject));
            (alerts.len(), texts && all(&[note]))
        }
        Command::Silence { rule, subject, .. } => (1, all(&[rule, subject])),
        Command::Check { machines, .. } => (machines.len(), true),
        Command::Look { machines } | Command::Alarms { machines } => (machines.len(), true),
        _ => (1, true),
    };
    match (many <= MACHINES, is_fit) {
        (false, _) => Err(Wrong::Many),
        (true, false) => Err(Wrong::Long),
        (true, true) => Ok(()),
    }
}

/// Whatever a request says: who asks is who was let in.
fn say_who(command: &mut Command, who: &Asker) {
    match command {
        Command::Power { by, .. }
        | Command::Recipe { by, .. }
        | Command::Acknowledge { by, .. }
        | Command::Silence { by, .. } => by.clone_from(who),
        _ => {}
    }
}

/// The segment, and the machine where it is about one.
fn about(command: &Command) -> Option<(Ipv4Addr, Option<Ipv4Addr>)> {
    match (command, &command.machines()[..]) {
        (_, [(segment, machine)]) => Some((*segment, Some(*machine))),
        (Command::Check { segment, .. } | Command::Ring { segment, .. } | Command::Adopt { segment, .. }, _) => {
            Some((*segment, None))
        }
        (Command::Silence { segment, .. }, _) => segment.map(|segment| (segment, None)),
        (Command::Acknowledge { alerts, .. }, _) => alerts.first()?.segment.map(|segment| (segment, None)),
        (_, [(segment, _), ..]) => Some((*segment, None)),
        _ => None,
    }
}

/// What was asked for, in words.
fn words(conf: &Conf, command: &Command) -> String {
    let machines = command.machines();
    let name =
        |place: &Place| conf.machine(*place).map_or(place.1.to_string(), |(_, machine)| machine.hostname.clone());
    let mut named: Vec<String> = machines.iter().take(NAMED).map(name).collect();
    if machines.len() > NAMED {
        named.push(format!("{} more", machines.len() - NAMED));
    }
    let on = if named.is_empty() { String::new() } else { format!(" of {}", named.join(", ")) };
    match command {
        Command::Power { action, .. } => format!("power {}{on}", action.name()),
        Command::Arm { profile: Some(profile), .. } => format!("arm with {profile}{on}"),
        Command::Arm { profile: None, .. } => format!("disarm{on}"),
        Command::Assign { profile: Some(profile), .. } => format!("profile {profile}{on}"),
        Command::Assign { profile: None, .. } => format!("no profile of its own{on}"),
        Command::Recipe { recipe, .. } => format!("recipe {recipe}{on}"),
        Command::Trust { method, .. } => format!("trust the certificate of {method}{on}"),
        Command::Skip { skip, .. } => {
            format!("{} the next scheduled change{on}", if *skip { "pass over" } else { "do not pass over" })
        }
        Command::Fetch { profile } => format!("fetch the files of {profile}"),
        Command::Acknowledge { alerts, .. } => {
            let alerts = alerts.iter().take(NAMED).map(|alert| format!("{} {}", alert.rule, alert.subject));
            format!("acknowledge {}", alerts.map(|alert| alert.trim().to_owned()).collect::<Vec<_>>().join(", "))
        }
        Command::Silence { rule, until, .. } => {
            let rule = rule.as_deref().unwrap_or("all alerts");
            match until {
                Some(until) => format!("silence {rule} until {until:.0}"),
                None => format!("end the silence of {rule}"),
            }
        }
        Command::Adopt { mac, address, hostname, .. } => format!("adopt {mac} as {hostname}, {address}"),
        Command::Ring { receiver, .. } => format!("try the receiver {receiver}"),
        other => format!("{}{on}", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        command::AlertKey,
        conf::{Machine, Segment},
        event::Action,
        net::Mac,
    };
    use std::{sync::Arc, time::Duration};

    #[test]
    fn what_is_named_must_be_there() {
        let (server, web1) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));
        let mut segment = Segment::new(server);
        segment.machines.insert(web1, Arc::new(Machine::new(web1, Mac([2, 0, 0, 0, 0, 1]), "web1")));
        let conf = Conf { segments: [(server, Arc::new(segment))].into(), ..Conf::default() };
        let power = |machines, by| Command::Power { machines, action: Action::On, stagger: Duration::ZERO, by };
        let mut command = power(vec![(server, web1)], Asker::Operator);
        assert_eq!(check(&conf, &command), Ok(()));
        say_who(&mut command, &Asker::User("anna".into()));
        assert_eq!(command, power(vec![(server, web1)], Asker::User("anna".into())), "nobody is somebody else");
        assert_eq!((words(&conf, &command), about(&command)), ("power on of web1".into(), Some((server, Some(web1)))));
        let other = Ipv4Addr::new(10, 77, 0, 61);
        let arm = |profile: &str| Command::Arm { machine: (server, web1), profile: Some(profile.into()), then: None };
        for (command, wrong) in [
            (power(vec![(server, other)], Asker::Operator), Some(Wrong::Machine(server, other))),
            (power(vec![(server, web1); MACHINES + 1], Asker::Operator), Some(Wrong::Many)),
            (Command::Check { segment: other, machines: vec![] }, Some(Wrong::Segment(other))),
            (arm("local"), None),
            (arm("kiosk"), Some(Wrong::Profile("kiosk".into()))),
            (Command::Quit, Some(Wrong::NotHere("quit"))),
            (Command::Fetch { profile: "x".into() }, Some(Wrong::Profile("x".into()))),
            (Command::Ring { segment: server, receiver: "../x".into() }, Some(Wrong::Name("../x".into()))),
            (Command::Pull { machines: vec![(server, web1)], cause: Some("a\u{1b}[31m".into()) }, Some(Wrong::Long)),
        ] {
            assert_eq!(check(&conf, &command).err(), wrong, "{command:?}");
        }
        let adopt = |last, mac, name: &str| Command::Adopt {
            segment: server,
            mac: Mac([2, 0, 0, 0, 0, mac]),
            address: Ipv4Addr::new(10, 77, 0, last),
            hostname: name.to_owned(),
        };
        assert_eq!(check(&conf, &adopt(61, 2, "web2")), Ok(()));
        assert_eq!(words(&conf, &adopt(61, 2, "web2")), "adopt 02:00:00:00:00:02 as web2, 10.77.0.61");
        for (command, told) in [
            (adopt(60, 2, "web2"), "10.77.0.60 is not free: web1 has it"),
            (adopt(61, 1, "web2"), "02:00:00:00:00:01 is not a new machine: web1 has this MAC"),
            (adopt(61, 2, "../x"), "../x is not a host name"),
            (
                Command::Adopt { segment: other, mac: Mac([2; 6]), address: web1, hostname: "x".into() },
                "conf has no segment",
            ),
        ] {
            let wrong = check(&conf, &command).unwrap_err().to_string();
            assert!(wrong.starts_with(told), "{wrong}");
        }
        let alert = AlertKey { segment: Some(server), mac: None, rule: "down".into(), subject: String::new() };
        let command = Command::Acknowledge { alerts: vec![alert], note: None, by: Asker::Operator };
        assert_eq!((words(&conf, &command), about(&command)), ("acknowledge down".into(), Some((server, None))));
    }
}
