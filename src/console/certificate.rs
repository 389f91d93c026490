//! The certificate that what switches a machine showed last, and that is not trusted. Pure.

use super::{marks::Who, power::machine};
use crate::{
    event::{Event, Fact},
    state::State,
};

/// A certificate that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `amt`, `redfish`.
    pub method: String,
    /// SHA-256, in hexadecimal.
    pub fingerprint: String,
}

/// The newest that an error of the machine named, unless one was trusted since.
pub fn certificate(state: &State, who: Who) -> Option<Certificate> {
    let (segment, mac) = (state.segments.get(&who.0)?, machine(state, who)?.mac);
    let of_machine = segment.events.iter().rev().filter(|event| event.mac == Some(mac));
    let mut told = of_machine.filter_map(|event| named(event));
    told.next().flatten()
}

/// What an event says of certificates: one that is not trusted, or none any longer; nothing for another event.
fn named(event: &Event) -> Option<Option<Certificate>> {
    let (method, words) = match &event.fact {
        Fact::PowerTrusted { .. } => return Some(None),
        Fact::PowerFailed { method, error, .. }
        | Fact::PowerUnobserved { method, error, .. }
        | Fact::AlarmRefused { method, error, .. } => (method, error),
        Fact::PowerExamined { method, words, next_step: Some(_), .. } => (method, words),
        _ => return None,
    };
    // Of a certificate that changed the new one stands last.
    let is_print = |word: &&str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let print = words.split(|c: char| !c.is_ascii_alphanumeric()).rfind(is_print)?;
    Some(Some(Certificate { method: method.clone(), fingerprint: print.to_ascii_lowercase() }))
}
