//! How checks stand, folded from events. Pure.

use crate::event::{Event, Fact};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Checks by name: `ping`, `tcp 22`.
pub type Checks = BTreeMap<String, Checked>;

/// How a check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What came of it.
    pub result: CheckResult,
    /// Since when.
    pub since: Timestamp,
    /// What was found, in words.
    pub said: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckResult {
    /// It came through.
    Passed,
    /// It did not.
    Failed,
    /// It is not done for now.
    Paused,
}

/// Folds an event in.
pub fn apply(checks: &mut Checks, event: &Event) {
    let (check, result, said) = match &event.fact {
        Fact::CheckPassed { check, said } | Fact::CheckRecovered { check, said, .. } => {
            (check, CheckResult::Passed, said)
        }
        Fact::CheckFailed { check, said, .. } => (check, CheckResult::Failed, said),
        Fact::CheckPaused { check, reason } => (check, CheckResult::Paused, reason),
        _ => return,
    };
    let since = match checks.get(check) {
        Some(known) if known.result == result => known.since,
        _ => event.time,
    };
    checks.insert(check.clone(), Checked { result, since, said: said.clone() });
}
