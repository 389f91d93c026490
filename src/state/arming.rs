//! What a machine is armed with: a profile that it boots until there is evidence that it is done. Pure.

use crate::{
    boot::{Standing, TokenKey},
    event::{Event, Fact},
    state::{Machine, Stage},
};
use jiff::Timestamp;
use std::collections::{BTreeSet, VecDeque};

/// One arming of a machine, under way or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arming {
    /// With this profile.
    pub profile: String,
    /// What it boots afterwards, as far as that was told.
    pub then: Option<String>,
    /// Since then.
    pub since: Timestamp,
    /// When the boots began that came to its kernel; bounded by what the profile allows.
    pub boots: Vec<Timestamp>,
    /// Those of them that were told ([`Fact::BootTried`]).
    pub tried: Vec<Timestamp>,
    /// How many it may have; known once one was told.
    pub tries: Option<u32>,
    /// The answer files with secrets that were told.
    pub told: BTreeSet<String>,
    /// It had its boots, and came again without evidence.
    pub spent: Option<Timestamp>,
    /// How it ended. Conf may say it still: the file is being taken away.
    pub over: Option<Over>,
}

/// The end of an arming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// When.
    pub at: Timestamp,
    /// What shows it, in words.
    pub evidence: String,
    /// What the machine boots since.
    pub then: Option<String>,
}

/// Boots and files that are counted; a profile allows and has fewer.
const COUNTED: usize = 16;
const FILES: usize = 64;
/// Armings of a machine that are over and kept.
const KEPT: usize = 8;

impl Arming {
    fn new(profile: &str, then: Option<&str>, since: Timestamp) -> Arming {
        Arming {
            profile: profile.to_owned(),
            then: then.map(str::to_owned),
            since,
            boots: Vec::new(),
            tried: Vec::new(),
            tries: None,
            told: BTreeSet::new(),
            spent: None,
            over: None,
        }
    }

    /// It is still given.
    pub fn is_open(&self) -> bool {
        self.over.is_none() && self.spent.is_none()
    }

    fn count(&mut self, boot: Timestamp) {
        if !self.boots.contains(&boot) && self.boots.len() < COUNTED {
            self.boots.push(boot);
        }
    }
}

/// Puts the arming of a machine, if it has one, to those that are over.
fn close(arming: &mut Option<Arming>, armings: &mut VecDeque<Arming>, at: Timestamp, why: &str) {
    let Some(mut arming) = arming.take() else { return };
    arming.over.get_or_insert_with(|| Over { at, evidence: why.to_owned(), then: None });
    if armings.len() == KEPT {
        armings.pop_front();
    }
    armings.push_back(arming);
}

impl Machine {
    /// Conf says what the machine is armed with.
    pub(super) fn agree(&mut self, armed: Option<&str>, now: Timestamp) {
        let (arming, armings) = (&mut self.arming, &mut self.armings);
        match armed {
            None => close(arming, armings, now, "its boot-once was taken away"),
            // Also of one that is over: its file is on its way out, or could not be written yet.
            Some(profile) if arming.as_ref().is_some_and(|arming| arming.profile == profile) => {}
            Some(profile) => {
                close(arming, armings, now, "it was armed anew");
                *arming = Some(Arming::new(profile, None, now));
            }
        }
    }

    /// Folds in what concerns its arming; its boots have taken the event in already.
    pub(super) fn arm(&mut self, event: &Event) {
        let (arming, armings) = (&mut self.arming, &mut self.armings);
        match &event.fact {
            Fact::BootArmed { profile, then } => {
                close(arming, armings, event.time, "it was armed anew");
                *arming = Some(Arming::new(profile, Some(then), event.time));
            }
            Fact::BootDisarmed { profile, evidence, then } => {
                // Conf may have been read before this is told.
                let it = arming.as_mut().or(armings.back_mut()).filter(|arming| arming.profile == *profile);
                if let Some(arming) = it {
                    let (evidence, then) = (evidence.clone(), Some(then.clone()).filter(|then| !then.is_empty()));
                    arming.over = Some(Over { at: event.time, evidence, then });
                }
            }
            Fact::BootTried { profile, boot, tries, .. } => {
                if let Some(arming) = arming.as_mut().filter(|arming| arming.profile == *profile) {
                    arming.tries = Some(*tries);
                    arming.count(*boot);
                    if !arming.tried.contains(boot) {
                        arming.tried.push(*boot);
                    }
                }
            }
            Fact::BootSpent { profile, tries } => {
                if let Some(arming) = arming.as_mut().filter(|arming| arming.profile == *profile) {
                    (arming.tries, arming.spent) = (Some(*tries), Some(event.time));
                }
            }
            Fact::BootTold { file } => {
                if let Some(arming) = arming.as_mut().filter(|arming| arming.told.len() < FILES) {
                    arming.told.insert(file.clone());
                }
            }
            _ => {
                let last = self.boots.back();
                let ran = last.and_then(|boot| Some((boot.began, boot.milestones.get(&Stage::Kernel)?.at)));
                // The boot may have begun before it was armed: the kernel it came to says which it is.
                if let (Some((began, ran)), Some(arming)) = (ran, arming)
                    && ran >= arming.since
                    && arming.is_open()
                {
                    arming.count(began);
                }
            }
        }
    }

    /// When the boot began whose token counts: the one that is under way or was the last.
    pub fn present_boot(&self) -> Option<Timestamp> {
        let armed = || self.arming.as_ref().and_then(|arming| arming.boots.last().copied());
        self.boots.back().map(|boot| boot.began).or_else(armed)
    }

    /// Its present boot is one of what it is armed with, which is not over.
    pub fn boots_what_it_is_armed_with(&self) -> bool {
        let Some(arming) = self.arming.as_ref().filter(|arming| arming.is_open()) else { return false };
        self.present_boot().is_some_and(|boot| arming.boots.contains(&boot))
    }

    /// How it stands for what it asks next. It is armed for `tries` boots; one that is under way is not over.
    pub fn standing(&self, key: &TokenKey, tries: u32, now: Timestamp) -> Standing {
        let began = self.present_boot();
        let others = |arming: &Arming| arming.boots.iter().filter(|boot| Some(**boot) != began).count();
        let is_spent = |arming: &Arming| !arming.is_open() || others(arming) >= tries as usize;
        Standing {
            token: key.token(self.mac, began),
            firmware: self.firmware,
            spent: self.arming.as_ref().is_some_and(is_spent),
            // Of each answer file by itself: who serves it asks.
            told: false,
            climb: self.ladder.ahead(),
            looped: self.ladder.is_looped(now),
        }
    }

    /// The secrets of this answer file were told to it since it is armed.
    pub fn was_told(&self, file: &str) -> bool {
        self.arming.as_ref().is_some_and(|arming| arming.told.contains(file))
    }
}

#[cfg(test)]
#[path = "arming_tests.rs"]
mod tests;
