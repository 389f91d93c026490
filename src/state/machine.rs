//! One machine as it stands.

use super::{Alarms, Arming, Boot, Ladder, Press, Spoken, Tracked, checked::CheckResult};
use crate::{
    event::{Architecture, Event, PowerState, Role},
    net::Mac,
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    sync::Arc,
};

/// A machine of the conf tree, or one that was only seen.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its hardware address.
    pub mac: Mac,
    /// Its address: of the conf tree, else its lease's or the last it used.
    pub address: Option<Ipv4Addr>,
    /// Its name of the conf tree, else what it calls itself.
    pub hostname: Option<String>,
    /// It is in the conf tree; otherwise it is *seen* and can be adopted.
    pub in_conf: bool,
    /// The profile it boots.
    pub profile: Option<String>,
    /// What is the last that it is given, where nothing is to be heard of a system then.
    pub last: Option<Role>,
    /// Its firmware: of the conf tree, else learned from option 93.
    pub firmware: Option<Architecture>,
    /// Conf says the firmware, so that nothing is learned.
    pub firmware_in_conf: bool,
    /// How it is switched: `qemu`, `wol`.
    pub power_method: Option<String>,
    /// Whether it has power, where that is known.
    pub power: Option<PowerState>,
    /// Why its power is not known, where it could be: what its ways of switching say.
    pub power_trouble: Option<String>,
    /// The last change of power that was asked for.
    pub press: Option<Press>,
    /// When a change was last not begun, and why.
    pub refused: Option<(Timestamp, String)>,
    /// What its own alarm clock holds of ours.
    pub alarms: Alarms,
    /// What it is armed with.
    pub arming: Option<Arming>,
    /// What it was armed with before, the newest last; bounded.
    pub armings: VecDeque<Arming>,
    /// What it said by names that are commands, the newest last; bounded.
    pub spoken: VecDeque<Spoken>,
    /// The record of its files and its recipes; by the name of a container where it is not itself.
    pub tracked: BTreeMap<Option<String>, Tracked>,
    /// How its checks stand.
    pub checks: super::checked::Checks,
    /// Who made its card, where that is known.
    pub vendor: Option<String>,
    /// When it was first heard of; none for one that is only in the conf tree.
    pub first_seen: Option<Timestamp>,
    /// When it last logged something.
    pub last_logged: Option<Timestamp>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
    /// The last event about it that says something (no progress).
    pub last_word: Option<Arc<Event>>,
    /// Which boot files its firmware got on with.
    pub ladder: Ladder,
    /// Its boots, the newest last; bounded.
    pub boots: VecDeque<Boot>,
}

impl Machine {
    /// What it is called: its host name, else its hardware address.
    pub fn name(&self) -> String {
        self.hostname.clone().unwrap_or_else(|| self.mac.to_string())
    }

    /// A change of power that is under way, in words.
    pub fn power_word(&self) -> Option<String> {
        self.press.as_ref().and_then(Press::word)
    }

    /// Since when nothing shows that it is there: its ping fails, or what stands in its place.
    pub fn silent_since(&self) -> Option<Timestamp> {
        let signs = ["ping", "arp"].into_iter().filter_map(|sign| self.checks.get(sign));
        let failed = signs.filter(|checked| checked.result == CheckResult::Failed);
        failed.map(|checked| checked.since).min().filter(|_| self.in_conf)
    }

    /// The boot that is under way or was the last.
    pub fn boot(&self) -> Option<&Boot> {
        self.boots.back()
    }
}
