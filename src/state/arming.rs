//! What a machine is armed with: a profile that it boots until there is evidence that it is done. Pure.

use crate::{
    boot::{Standing, TokenKey},
    event::{Event, Fact},
    state::{Machine, Stage},
};
use jiff::Timestamp;

/// A machine that is armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arming {
    /// With this profile.
    pub profile: String,
    /// Since then.
    pub since: Timestamp,
    /// When the boots began that came to its kernel; bounded by what the profile allows.
    pub boots: Vec<Timestamp>,
    /// Its secrets were told.
    pub told: bool,
}

/// Boots that are counted; a profile allows fewer.
const COUNTED: usize = 16;

impl Arming {
    fn new(profile: &str, since: Timestamp) -> Arming {
        Arming { profile: profile.to_owned(), since, boots: Vec::new(), told: false }
    }

    /// Conf says what the machine is armed with.
    pub fn agree(arming: &mut Option<Arming>, armed: Option<&str>, now: Timestamp) {
        match armed {
            None => *arming = None,
            Some(profile) if arming.as_ref().is_some_and(|arming| arming.profile == profile) => {}
            Some(profile) => *arming = Some(Arming::new(profile, now)),
        }
    }
}

impl Machine {
    /// Folds in what concerns its arming; its boots have taken the event in already.
    pub(super) fn arm(&mut self, event: &Event) {
        match &event.fact {
            Fact::BootArmed { profile, .. } => self.arming = Some(Arming::new(profile, event.time)),
            Fact::BootDisarmed { .. } => self.arming = None,
            Fact::BootTold { .. } => {
                if let Some(arming) = &mut self.arming {
                    arming.told = true;
                }
            }
            _ => {
                let ran = self.boots.back().filter(|boot| boot.milestones.contains_key(&Stage::Kernel));
                if let (Some(boot), Some(arming)) = (ran, &mut self.arming)
                    && boot.began >= arming.since
                    && !arming.boots.contains(&boot.began)
                    && arming.boots.len() < COUNTED
                {
                    arming.boots.push(boot.began);
                }
            }
        }
    }

    /// How it stands for what it asks next. It is armed for `tries` boots; one that is under way is not over.
    pub fn standing(&self, key: &TokenKey, tries: u32, now: Timestamp) -> Standing {
        let began = self.boots.back().map(|boot| boot.began);
        let others = |arming: &Arming| arming.boots.iter().filter(|boot| Some(**boot) != began).count();
        Standing {
            token: key.token(self.mac, began),
            firmware: self.firmware,
            spent: self.arming.as_ref().is_some_and(|arming| others(arming) >= tries as usize),
            told: self.arming.as_ref().is_some_and(|arming| arming.told),
            climb: self.ladder.ahead(),
            looped: self.ladder.is_looped(now),
        }
    }
}
