//! Changes of power as sentences.

use super::{Alarm, Asker, Evidence, Fact, Manner, Tried};
use std::fmt;

/// The sentence of a fact about power, schedules or alarms; of another nothing.
pub fn sentence(fact: &Fact, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match fact {
        Fact::PowerRequested { action, method, by: Asker::Operator } => {
            write!(f, "power {} asked of {method}", action.name())
        }
        Fact::PowerRequested { action, method, by: Asker::Schedule(line) } => {
            write!(f, "power {} asked of {method} by the schedule ({line})", action.name())
        }
        Fact::PowerRequested { action, method, by: by @ Asker::User(_) } => {
            write!(f, "power {} asked of {method} by {by}", action.name())
        }
        Fact::PowerAccepted { action, method, manner } => match manner {
            Manner::Done => write!(f, "power {} accepted by {method}", action.name()),
            Manner::Gently => {
                write!(f, "power {} accepted by {method}: its system was asked to shut down", action.name())
            }
            Manner::Already => write!(f, "power {}: {method} says that it is so already", action.name()),
        },
        Fact::PowerFailed { action, method, error, next_step } => {
            write!(f, "power {} by {method} failed: {error}; {next_step}", action.name())
        }
        Fact::PowerRefused { action, error, next_step } => {
            write!(f, "power {} not begun: {error}; {next_step}", action.name())
        }
        Fact::PowerConfirmed { action, method, evidence, millis } => write!(
            f,
            "power {} by {method} seen after {}.{} s: {}",
            action.name(),
            millis / 1000,
            millis % 1000 / 100,
            evidence.words()
        ),
        Fact::PowerUnconfirmed { action, tried, next_step } => {
            let said: Vec<String> = tried.iter().map(|Tried { method, said }| format!("{method}: {said}")).collect();
            write!(f, "power {} was not followed: {}; {next_step}", action.name(), said.join("; "))
        }
        Fact::PowerObserved { state, method } => write!(f, "is {} ({method})", state.name()),
        Fact::PowerUnobserved { method, error, next_step } => {
            write!(f, "{method} does not tell whether it is on: {error}; {next_step}")
        }
        Fact::PowerExamined { method, step, words, next_step: None } => write!(f, "{method}: {step}: {words}"),
        Fact::PowerExamined { method, step, words, next_step: Some(next) } => {
            write!(f, "{method}: {step} is wrong: {words}; {next}")
        }
        Fact::PowerDiagnosed { well, ill: 0 } => {
            write!(f, "all is well with what switches it ({well} way{})", if *well == 1 { "" } else { "s" })
        }
        Fact::PowerDiagnosed { well, ill } => write!(f, "{ill} of {} ways to switch it have a fault", well + ill),
        Fact::PowerTrusted { method, fingerprint } => {
            write!(f, "the certificate of its {method} is trusted: {fingerprint}")
        }
        Fact::ScheduleMissed { line, due, late, .. } => {
            let now = match late {
                true => "done now, late",
                false if line.contains(" late ") => "not done: too late, or another line came after it",
                false => "not done: the line does not say late",
            };
            write!(f, "the schedule's {line} of {due} was missed: the program did not run; {now}")
        }
        Fact::ScheduleSkipped { line, due, reason, .. } => {
            write!(f, "the schedule's {line} of {due} was passed over: {reason}")
        }
        Fact::AlarmSet { due, method } => write!(f, "the alarm clock of its {method} will switch it on at {due}"),
        Fact::AlarmRemoved { due, method } => {
            write!(f, "the alarm of {due} was taken out of the clock of its {method}")
        }
        Fact::AlarmRefused { method, error, next_step, .. } => {
            write!(f, "the alarm clock of its {method} cannot be set: {error}; {next_step}")
        }
        Fact::AlarmListed { method, alarms } if alarms.is_empty() => {
            write!(f, "no alarm is set in the clock of its {method}")
        }
        Fact::AlarmListed { method, alarms } => {
            let named: Vec<String> = alarms.iter().map(|Alarm { name, due }| format!("{due} ({name})")).collect();
            write!(f, "alarms in the clock of its {method}: {}", named.join(", "))
        }
        Fact::AlarmUnlisted { method, error, next_step } => {
            let by = method.as_ref().map_or(String::new(), |method| format!("{method}: "));
            write!(f, "its alarms are not told: {by}{error}; {next_step}")
        }
        _ => Ok(()),
    }
}

impl Evidence {
    /// What was seen, in words.
    pub fn words(self) -> &'static str {
        match self {
            Evidence::State => "what switches it says so",
            Evidence::Link => "its network card sent a frame",
            Evidence::Discover => "it looked for an address",
            Evidence::Request => "it asked for a file or a name",
            Evidence::Syslog => "its system logged",
        }
    }
}
