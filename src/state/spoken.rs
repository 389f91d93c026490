//! What a machine said by names that are commands: each once a boot. Pure.

use super::Machine;
use crate::event::{Event, Fact};
use jiff::Timestamp;

/// What is kept of a machine, over all its boots.
const KEPT: usize = 256;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// When the boot began whose token it was.
    pub boot: Option<Timestamp>,
    /// `done`, `stage`, or a script's name.
    pub verb: String,
    /// Empty for none.
    pub argument: String,
    /// When.
    pub at: Timestamp,
    /// It is a script.
    pub script: bool,
    /// The script ended, and whether well.
    pub ran: Option<bool>,
}

impl Machine {
    /// Folds a command in.
    pub(super) fn speak(&mut self, event: &Event) {
        match &event.fact {
            Fact::DnsObeyed { verb, argument, script, boot } => {
                if self.spoken.len() == KEPT {
                    self.spoken.pop_front();
                }
                let (verb, argument) = (verb.clone(), argument.clone());
                let spoken = Spoken { boot: *boot, verb, argument, at: event.time, script: *script, ran: None };
                self.spoken.push_back(spoken);
            }
            Fact::DnsRan { verb, argument, boot, code, .. } => {
                let is_it = |said: &&mut Spoken| said.boot == *boot && said.verb == *verb && said.argument == *argument;
                if let Some(said) = self.spoken.iter_mut().rev().find(is_it) {
                    said.ran = Some(*code == Some(0));
                }
            }
            _ => {}
        }
    }

    /// The same command, where it was obeyed in this boot already.
    pub fn said(&self, boot: Option<Timestamp>, verb: &str, argument: &str) -> Option<&Spoken> {
        let is_it = |said: &&Spoken| said.boot == boot && said.verb == verb && said.argument == argument;
        self.spoken.iter().rev().find(is_it)
    }

    /// The stages that the machine told of this boot, the first first.
    pub fn stages(&self, boot: Timestamp) -> impl Iterator<Item = &Spoken> {
        self.spoken.iter().filter(move |said| said.boot == Some(boot) && said.verb == "stage" && !said.script)
    }
}
