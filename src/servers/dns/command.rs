//! Commands by names, for machines that have only `ping`: what a name asks for, and whether that is done. Pure.
//!
//! `<verb>.<argument…>.<token>.do.<domain>`; without an argument `<verb>.<token>.do.<domain>`. The address that answers
//! says how it went: one of 127.0.0.0/8 is reached, one of 240.0.0.0/4 is not.

use crate::{
    boot::{self, Token},
    conf::Evidence,
    state::Spoken,
};
use hickory_proto::rr::Name;
use jiff::{SignedDuration, Timestamp};
use std::{collections::VecDeque, net::Ipv4Addr};

/// The label below the domain under which all commands are.
const ZONE: &[u8] = b"do";
/// Commands of one machine in [`SPAN`].
const MOST: usize = 10;
const SPAN: SignedDuration = SignedDuration::from_secs(10);

/// A command as a name says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Lower case.
    pub verb: String,
    /// The labels between verb and token, with points; lower case, empty for none.
    pub argument: String,
    /// None where that label is no token.
    pub token: Option<Token>,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Done; of a question: yes.
    Done,
    /// It was done before, in this boot.
    Already,
    /// There is no such verb, nor a script of this name.
    Unknown,
    /// The token is not the one of its present boot, or who asks is no machine of conf.
    Stranger,
    /// Too many commands within ten seconds, or too many scripts at once.
    TooOften,
    /// The script failed.
    Failed,
    /// The argument makes no sense.
    Argument,
    /// Conf does not say it yet: it could not be written.
    Unwritten,
    /// It is armed, but this boot is none of what it is armed with.
    OtherBoot,
    /// Of a question: no.
    No,
}

impl Said {
    /// The address that says so.
    pub fn address(self) -> Ipv4Addr {
        match self {
            Said::Done => Ipv4Addr::new(127, 0, 0, 1),
            Said::Already => Ipv4Addr::new(127, 0, 0, 2),
            Said::Unknown => Ipv4Addr::new(240, 0, 0, 1),
            Said::Stranger => Ipv4Addr::new(240, 0, 0, 2),
            Said::TooOften => Ipv4Addr::new(240, 0, 0, 3),
            Said::Failed => Ipv4Addr::new(240, 0, 0, 4),
            Said::Argument => Ipv4Addr::new(240, 0, 0, 5),
            Said::Unwritten => Ipv4Addr::new(240, 0, 0, 6),
            Said::OtherBoot => Ipv4Addr::new(240, 0, 0, 7),
            Said::No => Ipv4Addr::new(240, 0, 0, 8),
        }
    }

    /// True where the name is reached.
    pub fn is_well(self) -> bool {
        self.address().is_loopback()
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Said::Done => "done",
            Said::Already => "it was done already",
            Said::Unknown => "there is no such verb, and no script of this name in conf/commands",
            Said::Stranger => "its token is not that of the present boot of the machine that asks",
            Said::TooOften => "too many commands at once",
            Said::Failed => "the script failed",
            Said::Argument => "the argument makes no sense",
            Said::Unwritten => "conf could not be written yet",
            Said::OtherBoot => "the machine is armed, and this boot is none of what it is armed with",
            Said::No => "no",
        }
    }
}

/// What a machine is, as far as its commands need it.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// The same command was obeyed in this boot before.
    pub before: Option<&'a Spoken>,
    /// The machine has not asked too much lately.
    pub in_pace: bool,
    /// What it is armed with, as conf says, and what shows that this is done.
    pub armed: Option<(&'a str, &'a [Evidence])>,
    /// Its present boot is one of what it is armed with.
    pub of_arming: bool,
    /// What it boots now, armed or not.
    pub boots: Option<&'a str>,
    /// There is a script of the verb's name.
    pub has_script: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is told, and that is all.
    Tell,
    /// It is told, and shows that what the machine is armed with is done.
    Disarm,
    /// The machine boots its own disk from now on.
    Local,
    /// The script is run.
    Run,
    /// A question: the answer.
    Answer(bool),
    /// It was obeyed before: what came of it is said.
    Again,
}

/// The command that a name is; none for names of anything else, an error where it can be read by nobody.
pub fn parse(name: &Name, domain: &str) -> Option<Result<Asked, Said>> {
    let labels: Vec<&[u8]> = name.iter().filter(|label| !label.is_empty()).collect();
    let domain: Vec<&str> = domain.split('.').filter(|label| !label.is_empty()).collect();
    let (rest, own) = labels.split_at_checked(labels.len().checked_sub(domain.len())?)?;
    let is_own = own.iter().zip(&domain).all(|(label, own)| label.eq_ignore_ascii_case(own.as_bytes()));
    let ([words @ .., last], true) = (rest, is_own) else { return None };
    if !last.eq_ignore_ascii_case(ZONE) || words.is_empty() {
        return None;
    }
    let word = |label: &[u8]| {
        let fits = label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let text = std::str::from_utf8(label).ok().filter(|_| fits);
        text.map(str::to_ascii_lowercase)
    };
    let words: Option<Vec<String>> = words.iter().map(|label| word(label)).collect();
    let Some([verb, argument @ .., token]) = words.as_deref() else { return Some(Err(Said::Argument)) };
    Some(Ok(Asked { verb: verb.clone(), argument: argument.join("."), token: token.parse().ok() }))
}

/// Whether a command of the machine that it is of is done, and how. Its token was found to be right.
pub fn decide(asked: &Asked, here: Here<'_>) -> Result<Deed, Said> {
    if here.before.is_some() {
        return Ok(Deed::Again);
    }
    if !here.in_pace {
        return Err(Said::TooOften);
    }
    let Asked { verb, argument, .. } = asked;
    let shows = here.armed.is_some_and(|(_, done)| boot::is_listed(done, verb, argument));
    let deed = match verb.as_str() {
        // What is built in is never a script's.
        "done" | "local" if !argument.is_empty() => return Err(Said::Argument),
        "done" if here.armed.is_some() => Deed::Disarm,
        "done" => Deed::Tell,
        "local" if here.armed.is_none() && here.boots == Some(boot::LOCAL) => Deed::Tell,
        "local" => Deed::Local,
        "stage" | "log" if argument.is_empty() => return Err(Said::Argument),
        "stage" | "log" if shows => Deed::Disarm,
        "stage" | "log" => Deed::Tell,
        "ask" => {
            return match argument.strip_prefix("profile-") {
                Some(profile) => Ok(Deed::Answer(here.boots.is_some_and(|boots| boots.eq_ignore_ascii_case(profile)))),
                None if argument == "armed" => Ok(Deed::Answer(here.armed.is_some())),
                None => Err(Said::Argument),
            };
        }
        _ if here.has_script => Deed::Run,
        _ if shows => Deed::Disarm,
        _ => return Err(Said::Unknown),
    };
    let ends = matches!(deed, Deed::Disarm | Deed::Local) && here.armed.is_some();
    if ends && !here.of_arming { Err(Said::OtherBoot) } else { Ok(deed) }
}

/// How much a machine asks.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    times: VecDeque<Timestamp>,
    is_told: bool,
}

impl Pace {
    /// Counts a command; false where it is one too many.
    pub fn takes(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        if self.times.len() >= MOST {
            return false;
        }
        self.times.push_back(now);
        true
    }

    /// True once a flood.
    pub fn is_news(&mut self) -> bool {
        !std::mem::replace(&mut self.is_told, true)
    }

    /// Nothing of it matters any longer.
    pub fn is_idle(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        self.times.is_empty()
    }

    fn forget(&mut self, now: Timestamp) {
        while self.times.front().is_some_and(|time| now.duration_since(*time) >= SPAN || *time > now) {
            self.times.pop_front();
            self.is_told = false;
        }
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
