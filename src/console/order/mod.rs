//! Orders in words: one grammar for the palette and for the plain console. Pure.
//!
//! An order is the name of an action (`next-pane`), or words about something: `power on web1`, `go to -2h`.

mod error;
mod machine;
#[cfg(test)]
mod tests;

pub use error::OrderError;

use super::{
    keys::{ACTIONS, Wish, nearest},
    marks::Who,
};
use crate::{
    desk::Way,
    event::{Action, RecipeManner},
    net::Mac,
    state::State,
};
use std::net::Ipv4Addr;

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the key of this action.
    Wish(Wish),
    /// A change of power of machines.
    Power(Vec<Who>, Action),
    /// Whether machines are on is looked at now.
    Look(Vec<Who>),
    /// What switches a machine is gone through.
    Doctor(Who),
    /// The next scheduled change is passed over, or is not after all.
    Skip(Who, bool),
    /// The certificate that what switches a machine shows is to be trusted.
    Trust(Who),
    /// A machine is armed with a profile, and boots another afterwards; or it is disarmed.
    Arm(Who, Option<String>, Option<String>),
    /// Machines' files are looked at now.
    Pull(Vec<Who>),
    /// A recipe is carried through on machines, so far.
    Recipe(Vec<Who>, String, RecipeManner),
    /// Somebody looks after what fires of machines.
    Acknowledge(Vec<Who>),
    /// Nothing of a machine is told for so many minutes; none tells it again.
    Silence(Who, Option<i64>),
    /// What changed, of one machine where it is named; with words that lines are to have.
    Changes(Option<String>, String),
    /// A machine's page.
    Page(Ipv4Addr, Mac),
    /// A terminal on a machine.
    Terminal(Ipv4Addr, Mac, Option<Way>),
    /// A machine's packets.
    Packets(Ipv4Addr, Mac),
    /// Takes a machine that was only seen into conf.
    Adopt { segment: Ipv4Addr, mac: Mac, address: String, hostname: String },
    /// The segment that is shown.
    Segment(Ipv4Addr),
    /// A list; with words that its lines are to have, or a filter.
    Show(List, Option<String>),
    /// Words for the list that is shown, or a filter.
    Filter(String),
    /// Colours by name.
    Theme(String),
    /// A moment of the past.
    At(String),
    /// The present.
    Now,
    /// No events as they come.
    Quiet,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Machines,
    Leases,
    Syslog,
    Audit,
    Servers,
    Segments,
    Replicas,
    Power,
}

/// What stands behind the words of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Nothing,
    /// A machine of conf.
    Machine,
    /// Machines of conf, names with `*`, or all.
    Machines,
    /// Any machine.
    Seen,
    Segment,
    List,
    /// Words, or none.
    Words,
    Theme,
    Moment,
    /// MAC, address and name.
    Adopt,
    /// A machine of conf, and a profile.
    Arm,
    /// A recipe, and machines of conf.
    Recipe,
    /// A machine of conf, and for how long.
    Silence,
}

/// A form of an order that is no action's name.
#[derive(Debug)]
pub struct Form {
    /// Its first words.
    pub begin: &'static str,
    pub rest: Rest,
    pub words: &'static str,
    make: Make,
}

#[derive(Debug)]
enum Make {
    Power(Action),
    Look,
    Doctor,
    Skip(bool),
    Trust,
    Arm,
    Disarm,
    Pull,
    Recipe(RecipeManner),
    Acknowledge,
    Silence,
    Unsilence,
    Changes,
    Page,
    Terminal(Option<Way>),
    Packets,
    Adopt,
    Segment,
    Pane,
    Show(List),
    Filter,
    Theme,
    At,
    Now,
    Quiet,
    Wish(Wish),
}

const fn form(begin: &'static str, rest: Rest, make: Make, words: &'static str) -> Form {
    Form { begin, rest, words, make }
}

/// All forms; of two that begin alike the longer stands first.
#[rustfmt::skip] // a form a line
pub const FORMS: &[Form] = &[
    form("power on", Rest::Machines, Make::Power(Action::On), "switch it on"),
    form("power off", Rest::Machines, Make::Power(Action::Off), "switch it off"),
    form("power reset", Rest::Machines, Make::Power(Action::Reset), "reset it"),
    form("power cycle", Rest::Machines, Make::Power(Action::Cycle), "off at once, and on again"),
    form("power pxe", Rest::Machines, Make::Power(Action::Pxe), "boot it once from the network"),
    form("power setup", Rest::Machines, Make::Power(Action::Setup), "into its firmware's set-up"),
    form("power", Rest::Nothing, Make::Show(List::Power), "power, ways and next changes"),
    form("reset", Rest::Machines, Make::Power(Action::Reset), "reset it"),
    form("look", Rest::Machines, Make::Look, "look now whether it is on"),
    form("doctor", Rest::Machine, Make::Doctor, "go through what switches it"),
    form("skip", Rest::Machine, Make::Skip(true), "pass over its next change"),
    form("unskip", Rest::Machine, Make::Skip(false), "do its next change after all"),
    form("trust", Rest::Machine, Make::Trust, "trust its certificate"),
    form("arm", Rest::Arm, Make::Arm, "boot a profile until it is done"),
    form("disarm", Rest::Machine, Make::Disarm, "boot as usual after all"),
    form("pull", Rest::Machines, Make::Pull, "look at its files now"),
    form("apply", Rest::Recipe, Make::Recipe(RecipeManner::Apply), "apply a recipe to machines"),
    form("dry-run", Rest::Recipe, Make::Recipe(RecipeManner::DryRun), "say what a recipe would do"),
    form("check", Rest::Recipe, Make::Recipe(RecipeManner::Check), "look who has a recipe"),
    form("acknowledge", Rest::Machines, Make::Acknowledge, "somebody looks after it"),
    form("silence", Rest::Silence, Make::Silence, "nothing of it is told: 2h"),
    form("unsilence", Rest::Machine, Make::Unsilence, "it is told again"),
    form("changes", Rest::Words, Make::Changes, "what changed on machines"),
    form("page", Rest::Seen, Make::Page, "all that is known of it"),
    form("machine", Rest::Seen, Make::Page, "all that is known of it"),
    form("terminal", Rest::Machine, Make::Terminal(None), "a terminal on it"),
    form("ssh", Rest::Machine, Make::Terminal(Some(Way::Ssh)), "a terminal on it by ssh"),
    form("serial", Rest::Machine, Make::Terminal(Some(Way::Serial)), "its serial console"),
    form("shell", Rest::Machine, Make::Terminal(Some(Way::Shell)), "a shell here with its values"),
    form("packets", Rest::Seen, Make::Packets, "its packets"),
    form("adopt", Rest::Adopt, Make::Adopt, "take it into conf"),
    form("segment", Rest::Segment, Make::Segment, "show this segment"),
    form("pane", Rest::List, Make::Pane, "show this pane"),
    form("machines", Rest::Words, Make::Show(List::Machines), "the machines"),
    form("leases", Rest::Words, Make::Show(List::Leases), "who has which address"),
    form("syslog", Rest::Words, Make::Show(List::Syslog), "what machines logged"),
    form("audit", Rest::Words, Make::Show(List::Audit), "all events, also long past ones"),
    form("servers", Rest::Nothing, Make::Show(List::Servers), "how the servers are"),
    form("segments", Rest::Nothing, Make::Show(List::Segments), "all segments"),
    form("replicas", Rest::Nothing, Make::Show(List::Replicas), "how far the databases are"),
    form("filter", Rest::Words, Make::Filter, "only lines with these words"),
    form("theme", Rest::Theme, Make::Theme, "these colours"),
    form("go to", Rest::Moment, Make::At, "a moment of the past"),
    form("at", Rest::Moment, Make::At, "a moment of the past"),
    form("now", Rest::Nothing, Make::Now, "back to the present"),
    form("quiet", Rest::Nothing, Make::Quiet, "no events as they come"),
    form("wrong", Rest::Nothing, Make::Wish(Wish::Troubles), "what is wrong"),
];

impl Form {
    /// It changes something, or opens what can.
    pub fn acts(&self) -> bool {
        matches!(
            self.make,
            Make::Power(_)
                | Make::Skip(_)
                | Make::Trust
                | Make::Arm
                | Make::Disarm
                | Make::Recipe(_)
                | Make::Acknowledge
                | Make::Silence
                | Make::Unsilence
                | Make::Terminal(_)
                | Make::Adopt
        )
    }
}

/// What the names in an order mean.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub state: &'a State,
    /// The segment that is shown: its machines are meant first.
    pub segment: Option<Ipv4Addr>,
}

/// Reads an order.
pub fn parse(text: &str, scope: Scope<'_>) -> Result<Order, OrderError> {
    let text = text.trim();
    let Some(first) = text.split_whitespace().next() else { return Err(OrderError::Nothing) };
    // The menu of power is a key's; named alone it is the list.
    let mut actions = ACTIONS.iter().filter(|action| action.wish != Wish::Power);
    if let Some(action) = actions.find(|action| action.name.eq_ignore_ascii_case(text)) {
        return Ok(Order::Wish(action.wish));
    }
    match FORMS.iter().find_map(|form| Some((form, after(text, form.begin)?))) {
        Some((form, rest)) => make(form, rest, scope),
        None => {
            let words = FORMS.iter().map(|form| form.begin).chain(ACTIONS.iter().map(|action| action.name));
            let known: Vec<&str> = words.collect();
            let first = if known.iter().any(|known| after(known, first).is_some()) { text } else { first };
            let near = nearest(first, known).map(ToOwned::to_owned);
            Err(OrderError::Unknown { word: first.to_owned(), near })
        }
    }
}

/// What stands behind the words `begin`.
fn after<'a>(text: &'a str, begin: &str) -> Option<&'a str> {
    let mut rest = text;
    for word in begin.split(' ') {
        let (found, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if !found.eq_ignore_ascii_case(word) {
            return None;
        }
        rest = after.trim_start();
    }
    Some(rest)
}

fn make(form: &Form, rest: &str, scope: Scope<'_>) -> Result<Order, OrderError> {
    let begin = form.begin;
    let expected = |expected: &'static str| OrderError::Expected { begin, expected };
    let one = |what: &'static str| match rest.split_whitespace().collect::<Vec<_>>()[..] {
        [] => Err(expected(what)),
        [word] => Ok(word),
        [_, more, ..] => Err(OrderError::More { begin, more: more.to_owned() }),
    };
    if form.rest == Rest::Nothing && !rest.is_empty() {
        return Err(OrderError::More { begin, more: rest.to_owned() });
    }
    let found = || machine::find(scope, one("a machine: its name, address or MAC")?);
    let of_conf = || {
        let (at, machine) = found()?;
        if machine.in_conf { Ok((at, machine.mac)) } else { Err(OrderError::NotInConf { name: machine.name() }) }
    };
    let words = || Some(rest.to_owned()).filter(|rest| !rest.is_empty());
    Ok(match form.make {
        Make::Power(action) => Order::Power(machine::these(scope, begin, rest)?, action),
        Make::Look => Order::Look(machine::these(scope, begin, rest)?),
        Make::Doctor => Order::Doctor(of_conf()?),
        Make::Skip(skip) => Order::Skip(of_conf()?, skip),
        Make::Trust => Order::Trust(of_conf()?),
        Make::Arm => {
            let (who, profile, then) = match rest.split_whitespace().collect::<Vec<_>>()[..] {
                [who, profile] => (who, profile, None),
                [who, profile, "then", then] => (who, profile, Some(then.to_owned())),
                _ => return Err(expected("a machine and a profile, as web1 debian or web1 debian then kiosk")),
            };
            let (at, machine) = machine::find(scope, who)?;
            if !machine.in_conf {
                return Err(OrderError::NotInConf { name: machine.name() });
            }
            Order::Arm((at, machine.mac), Some(profile.to_owned()), then)
        }
        Make::Disarm => Order::Arm(of_conf()?, None, None),
        Make::Pull => Order::Pull(machine::these(scope, begin, rest)?),
        Make::Recipe(manner) => {
            let wanted = expected("a recipe and machines, as nginx web1 db1");
            let Some((recipe, rest)) = rest.split_once(char::is_whitespace) else { return Err(wanted) };
            let rest = rest.trim_start();
            let rest = after(rest, "to").or_else(|| after(rest, "on")).unwrap_or(rest);
            Order::Recipe(machine::these(scope, begin, rest)?, recipe.to_owned(), manner)
        }
        Make::Acknowledge => Order::Acknowledge(machine::these(scope, begin, rest)?),
        Make::Unsilence => Order::Silence(of_conf()?, None),
        Make::Silence => {
            let wanted = || expected("a machine, and for how long: web1 2h");
            let (who, time) = rest.split_once(char::is_whitespace).unwrap_or((rest, "2h"));
            let time = after(time, "for").unwrap_or(time);
            let time = crate::conf::alerts::span(time.trim()).map_err(|_| wanted())?;
            if who.is_empty() {
                return Err(wanted());
            }
            let (at, machine) = machine::find(scope, who)?;
            if !machine.in_conf {
                return Err(OrderError::NotInConf { name: machine.name() });
            }
            let minutes = i64::try_from(time.as_secs().div_ceil(60)).unwrap_or(i64::MAX);
            Order::Silence((at, machine.mac), Some(minutes))
        }
        Make::Changes => match rest.split_once(char::is_whitespace).unwrap_or((rest, "")) {
            ("", _) => Order::Changes(None, String::new()),
            (first, words) => match machine::find(scope, first) {
                Ok((_, machine)) => Order::Changes(Some(machine.name()), words.trim().to_owned()),
                Err(_) => Order::Changes(None, rest.to_owned()),
            },
        },
        Make::Page => found().map(|(at, machine)| Order::Page(at, machine.mac))?,
        Make::Terminal(way) => of_conf().map(|(at, mac)| Order::Terminal(at, mac, way))?,
        Make::Packets => found().map(|(at, machine)| Order::Packets(at, machine.mac))?,
        Make::Adopt => {
            let words = "a machine's MAC, its address and its name from now on";
            let [who, address, hostname] = rest.split_whitespace().collect::<Vec<_>>()[..] else {
                return Err(expected(words));
            };
            let (segment, machine) = machine::find(scope, who)?;
            let (address, hostname) = (address.to_owned(), hostname.to_owned());
            Order::Adopt { segment, mac: machine.mac, address, hostname }
        }
        Make::Segment => Order::Segment(machine::segment(scope, one("the server's address of a segment")?)?),
        Make::Pane => match one("machines, syslog, leases or audit")?.to_ascii_lowercase().as_str() {
            "machines" => Order::Show(List::Machines, None),
            "syslog" => Order::Show(List::Syslog, None),
            "leases" => Order::Show(List::Leases, None),
            "audit" => Order::Show(List::Audit, None),
            _ => return Err(expected("machines, syslog, leases or audit")),
        },
        Make::Show(list) => Order::Show(list, words()),
        Make::Filter => Order::Filter(rest.to_owned()),
        Make::Theme => Order::Theme(one("the name of a file in themes, or dark, light, ansi16")?.to_owned()),
        Make::At => Order::At(words().ok_or_else(|| expected(crate::filter::MOMENTS))?),
        Make::Now => Order::Now,
        Make::Quiet => Order::Quiet,
        Make::Wish(wish) => Order::Wish(wish),
    })
}
