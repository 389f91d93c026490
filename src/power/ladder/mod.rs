//! A change of power of one machine, rung by rung: what is to be done next, and what proves that the machine followed.
//! Pure: knows no clock, no socket and no way of switching; it is told what they say.

mod evidence;
#[cfg(test)]
mod tests;
mod usual;

pub use evidence::{evidence, first_frame};
pub use usual::usual;

use super::PowerError;
use crate::event::{Action, Asker, Evidence, Fact, Manner, PowerState, Tried};
use std::time::Duration;

/// What a system that was asked to shut down gets before its power is taken.
pub const GRACE: Duration = Duration::from_secs(60);
/// What a machine whose power is taken gets to be seen off.
pub const CUT: Duration = Duration::from_secs(30);
/// A first frame is mostly the beginning of more: so long a better witness is waited for.
const MOMENT: Duration = Duration::from_secs(1);

/// What is wanted, and what is known before.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What is to be done.
    pub action: Action,
    /// Who asks.
    pub by: Asker,
    /// The machine's name, for what is told.
    pub machine: String,
    /// The rungs, the best first; not empty.
    pub methods: Vec<String>,
    /// What the machine gets to be heard of, from the answer of a rung on.
    pub usual: Duration,
    /// Whether it is on, where that is known.
    pub was: Option<PowerState>,
}

/// What comes in. Times are from the beginning of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The rung that was asked accepts.
    Accepted(Manner),
    /// The rung that was asked does not.
    Failed(PowerError),
    /// Whether the machine is on; none where nothing tells.
    State(Option<PowerState>),
    /// The machine showed itself.
    Seen {
        /// By what.
        evidence: Evidence,
        /// Only a machine that begins shows that.
        begins: bool,
    },
    /// Something else was asked for, which comes instead.
    Instead(Action),
    /// Time went by.
    Time,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask this rung, and say what it answers.
    Ask {
        /// Its number.
        rung: usize,
        /// Let the system shut down by itself.
        gently: bool,
    },
    /// Say what is heard, and at this time that it has come.
    Wait {
        /// Since the beginning.
        until: Duration,
    },
    /// Nothing: the end was told.
    Over,
}

/// A step: what is to be told, then done.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// In this order.
    pub told: Vec<Fact>,
    /// What comes next.
    pub next: Next,
}

/// The change, as far as it is.
#[derive(Clone, Debug)]
pub struct Ladder {
    wish: Wish,
    rung: usize,
    at: At,
    /// What was seen of the machine since it was asked for, and when.
    seen: Option<(Evidence, Duration)>,
    /// What its state was last, since the rung accepted.
    state: Option<PowerState>,
    /// It was seen off since then.
    went_off: bool,
    /// Its system was asked once to shut down; asking again would only cost time.
    was_gentle: bool,
    tried: Vec<Tried>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Asked,
    Waiting { since: Duration, until: Duration, gently: bool },
    Over,
}

impl Ladder {
    /// A change that has not begun.
    pub fn new(wish: Wish) -> Ladder {
        let (seen, state, tried) = (None, None, Vec::new());
        Ladder { wish, rung: 0, at: At::Asked, seen, state, went_off: false, was_gentle: false, tried }
    }

    /// The first step.
    pub fn begin(&mut self) -> Step {
        self.ask(Vec::new())
    }

    /// What comes of it that `heard` is so, `now`.
    pub fn hear(&mut self, now: Duration, heard: Heard) -> Step {
        match (self.at, heard) {
            (At::Asked, Heard::Accepted(manner)) => self.accepted(now, manner),
            (At::Asked, Heard::Failed(error)) => self.failed(error),
            (_, Heard::Seen { evidence, begins }) if self.proves(begins) => {
                if self.seen.is_none_or(|(known, _)| known < evidence) {
                    let first = self.seen.map_or(now, |(_, at)| at);
                    self.seen = Some((evidence, first));
                }
                self.judge(now)
            }
            (At::Waiting { .. }, Heard::State(Some(state))) => {
                self.went_off |= state == PowerState::Off;
                self.state = Some(state);
                self.judge(now)
            }
            (At::Waiting { until, .. }, Heard::Time) if now >= until => self.overdue(now),
            (At::Waiting { .. }, Heard::Instead(action)) => self.give_way(action),
            _ => self.judge(now),
        }
    }

    fn ask(&mut self, mut told: Vec<Fact>) -> Step {
        let gently = self.wish.action == Action::Off && !self.was_gentle;
        (self.at, self.state, self.went_off) = (At::Asked, None, false);
        told.push(Fact::PowerRequested { action: self.wish.action, method: self.method(), by: self.wish.by.clone() });
        Step { told, next: Next::Ask { rung: self.rung, gently } }
    }

    fn method(&self) -> String {
        self.wish.methods.get(self.rung).cloned().unwrap_or_default()
    }

    fn accepted(&mut self, now: Duration, manner: Manner) -> Step {
        let accepted = Fact::PowerAccepted { action: self.wish.action, method: self.method(), manner };
        let gently = manner == Manner::Gently;
        self.was_gentle |= gently;
        let patience = match self.wish.action {
            Action::Off if gently => GRACE,
            Action::Off => CUT,
            _ => self.wish.usual,
        };
        self.at = At::Waiting { since: now, until: now + patience, gently };
        let mut step = if manner == Manner::Already { self.confirm(now, Evidence::State) } else { self.judge(now) };
        step.told.insert(0, accepted);
        step
    }

    fn failed(&mut self, PowerError { error, next_step }: PowerError) -> Step {
        let method = self.method();
        self.tried.push(Tried { method: method.clone(), said: error.clone() });
        let told = vec![Fact::PowerFailed { action: self.wish.action, method, error, next_step }];
        self.rung += 1;
        if self.rung < self.wish.methods.len() {
            return self.ask(told);
        }
        self.at = At::Over;
        let (action, tried, next_step) = (self.wish.action, self.tried.clone(), self.remedy());
        Step { told: [told, vec![Fact::PowerUnconfirmed { action, tried, next_step }]].concat(), next: Next::Over }
    }

    /// Its end, since another change was asked for before it was seen.
    fn give_way(&mut self, to: Action) -> Step {
        let said = format!("accepted; power {} was asked for before it was seen", to.name());
        self.tried.push(Tried { method: self.method(), said });
        self.at = At::Over;
        let (action, tried) = (self.wish.action, self.tried.clone());
        let next_step = format!("see what came of power {}", to.name());
        Step { told: vec![Fact::PowerUnconfirmed { action, tried, next_step }], next: Next::Over }
    }

    /// What the machine shows proves the change. A running machine also sends, asks and logs: it proves that it is on, and
    /// not that it began anew.
    fn proves(&self, begins: bool) -> bool {
        match self.wish.action {
            Action::On => true,
            // In its set-up it is silent; what it shows is that it is not there.
            Action::Off | Action::Setup => false,
            Action::Reset | Action::Cycle | Action::Pxe => begins || self.wish.was == Some(PowerState::Off),
        }
    }

    /// Whether what is known is enough, before time is over.
    fn judge(&mut self, now: Duration) -> Step {
        let until = match self.at {
            At::Over => return Step { told: Vec::new(), next: Next::Over },
            // An answer comes first.
            At::Asked => return Step { told: Vec::new(), next: Next::Wait { until: Duration::MAX } },
            At::Waiting { until, .. } => until,
        };
        match (self.wish.action, self.state, self.seen) {
            (Action::Off, Some(PowerState::Off), _) | (Action::Setup, Some(PowerState::On), _) => {
                self.confirm(now, Evidence::State)
            }
            (_, _, Some((Evidence::Link, at))) if now < at + MOMENT => {
                Step { told: Vec::new(), next: Next::Wait { until: until.min(at + MOMENT) } }
            }
            (_, _, Some((evidence, at))) => self.confirm(at, evidence),
            _ => Step { told: Vec::new(), next: Next::Wait { until } },
        }
    }

    /// The usual time is over.
    fn overdue(&mut self, now: Duration) -> Step {
        if let Some((evidence, at)) = self.seen {
            return self.confirm(at, evidence);
        }
        let At::Waiting { since, gently, .. } = self.at else { return self.judge(now) };
        match (self.wish.action, self.state) {
            (Action::Off, _) if gently => self.ask(Vec::new()),
            (Action::On, Some(PowerState::On)) => self.confirm(now, Evidence::State),
            (Action::Reset | Action::Cycle, Some(PowerState::On)) if self.went_off => {
                self.confirm(now, Evidence::State)
            }
            _ => {
                let error = self.nothing_followed(now.saturating_sub(since));
                let next_step = self.remedy();
                self.failed(PowerError { error, next_step })
            }
        }
    }

    fn confirm(&mut self, at: Duration, evidence: Evidence) -> Step {
        self.at = At::Over;
        let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        let confirmed = Fact::PowerConfirmed { action: self.wish.action, method: self.method(), evidence, millis };
        Step { told: vec![confirmed], next: Next::Over }
    }

    /// What is said of a rung that accepted, and that the machine did not follow.
    fn nothing_followed(&self, waited: Duration) -> String {
        let seconds = waited.as_secs();
        match (self.wish.action, self.state) {
            (Action::Off, Some(_)) => format!("accepted, and it is still on after {seconds} s"),
            (Action::Off, None) => "accepted, and nothing tells whether it is off: its silence is no proof".to_owned(),
            (_, Some(PowerState::Off)) => format!("accepted, and it is off after {seconds} s"),
            (Action::On | Action::Setup, _) => {
                format!("accepted, and nothing was seen of the machine within {seconds} s")
            }
            (Action::Pxe, Some(PowerState::On)) => {
                format!("accepted and on, and it looked for no address within {seconds} s")
            }
            _ => format!("accepted, and nothing shows within {seconds} s that it began anew"),
        }
    }

    fn remedy(&self) -> String {
        let doctor = format!("go through what switches it: pxelator power doctor {}", self.wish.machine);
        match (self.wish.action, self.state) {
            (Action::Off, None) if self.tried.last().is_none_or(|tried| tried.said.starts_with("accepted")) => {
                "look at the machine; a line of amt, redfish or ipmi in its `power` would tell".to_owned()
            }
            (Action::Pxe, Some(PowerState::On)) => {
                "see on its screen that it boots from the network, and that its MAC is the one of conf".to_owned()
            }
            _ => doctor,
        }
    }
}
