//! A change of power of one machine, from the wish to what was seen of it. Pure.

use crate::event::{Action, Asker, Event, Evidence, Fact, Manner, Tried};
use jiff::Timestamp;

/// The last change of power that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    /// What was asked.
    pub action: Action,
    /// Who asked.
    pub by: Asker,
    /// When.
    pub asked: Timestamp,
    /// The way that is tried, or was last: `amt`; empty where none was.
    pub method: String,
    /// The ways that failed so far, and what each said.
    pub tried: Vec<Tried>,
    /// How far it is.
    pub stage: PressStage,
}

/// How far a change of power is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PressStage {
    /// The way was asked.
    Asked,
    /// The way accepted.
    Accepted(Manner),
    /// This way failed; the next is tried, or the end is told.
    Failed,
    /// The machine was seen to follow.
    Confirmed {
        /// What shows it.
        evidence: Evidence,
        /// Milliseconds since it was asked for.
        millis: u64,
    },
    /// No way brought it about, or none was asked.
    Unconfirmed {
        /// What is wrong, in words; empty where `tried` says it.
        error: String,
        /// What the operator can do.
        next_step: String,
    },
}

impl Press {
    /// It is not over.
    pub fn is_underway(&self) -> bool {
        matches!(self.stage, PressStage::Asked | PressStage::Accepted(_) | PressStage::Failed)
    }

    /// What is waited for before anything can come of it, in words: `switching on`.
    pub fn word(&self) -> Option<String> {
        match self.stage {
            PressStage::Asked | PressStage::Failed => Some(format!("switching {}", self.action.name())),
            PressStage::Accepted(Manner::Gently) => Some("shutting down".to_owned()),
            _ => None,
        }
    }

    /// Folds an event in.
    pub(super) fn apply(press: &mut Option<Press>, event: &Event) {
        match &event.fact {
            Fact::PowerRequested { action, method, by } => match press {
                Some(press) if press.is_underway() && press.action == *action => {
                    (press.method, press.stage) = (method.clone(), PressStage::Asked);
                }
                _ => *press = Some(Press::new(event, *action, by, method)),
            },
            Fact::PowerAccepted { action, method, manner } => {
                let press = press.get_or_insert_with(|| Press::new(event, *action, &Asker::Operator, method));
                if press.is_underway() {
                    press.stage = PressStage::Accepted(*manner);
                }
            }
            Fact::PowerFailed { method, error, .. } => {
                if let Some(press) = press.as_mut().filter(|press| press.is_underway()) {
                    press.tried.push(Tried { method: method.clone(), said: error.clone() });
                    press.stage = PressStage::Failed;
                }
            }
            Fact::PowerConfirmed { evidence, millis, .. } => {
                if let Some(press) = press {
                    press.stage = PressStage::Confirmed { evidence: *evidence, millis: *millis };
                }
            }
            Fact::PowerUnconfirmed { tried, next_step, .. } => {
                if let Some(press) = press {
                    press.tried.clone_from(tried);
                    press.stage = PressStage::Unconfirmed { error: String::new(), next_step: next_step.clone() };
                }
            }
            Fact::PowerRefused { action, error, next_step } if press.as_ref().is_none_or(|p| !p.is_underway()) => {
                let stage = PressStage::Unconfirmed { error: error.clone(), next_step: next_step.clone() };
                *press = Some(Press { stage, ..Press::new(event, *action, &Asker::Operator, "") });
            }
            _ => {}
        }
    }

    fn new(event: &Event, action: Action, by: &Asker, method: &str) -> Press {
        Press {
            action,
            by: by.clone(),
            asked: event.time,
            method: method.to_owned(),
            tried: Vec::new(),
            stage: PressStage::Asked,
        }
    }
}
