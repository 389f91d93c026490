//! Files of profiles that are being fetched, and how the last fetching of each profile ended. Pure.

use crate::event::{Event, Fact};
use std::collections::BTreeMap;

/// A profile whose files are looked after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetching {
    /// The file that is on its way: its path, bytes there, and bytes of the whole where that is known.
    pub underway: Option<(String, u64, Option<u64>)>,
    /// How it ended, in words; none while it is under way.
    pub ended: Option<Result<String, String>>,
}

/// By profile.
pub type Fetches = BTreeMap<String, Fetching>;

/// Folds one event in.
pub fn apply(fetches: &mut Fetches, event: &Event) {
    match &event.fact {
        Fact::FetchBegun { profile, file, size, bytes, .. }
        | Fact::FetchProgressed { profile, file, size, bytes, .. } => {
            let fetching = fetches.entry(profile.clone()).or_default();
            *fetching = Fetching { underway: Some((file.clone(), *bytes, *size)), ended: None };
        }
        Fact::FetchFailed { profile, file, error, next_step, .. } => {
            let fetching = fetches.entry(profile.clone()).or_default();
            *fetching = Fetching { underway: None, ended: Some(Err(format!("{file}: {error}; {next_step}"))) };
        }
        Fact::FetchRefused { profile, error, next_step } => {
            let fetching = fetches.entry(profile.clone()).or_default();
            *fetching = Fetching { underway: None, ended: Some(Err(format!("{error}; {next_step}"))) };
        }
        Fact::FetchEnded { profile, fetched, found, failed: 0 } => {
            let words = format!("{fetched} fetched, {found} were there");
            fetches.insert(profile.clone(), Fetching { underway: None, ended: Some(Ok(words)) });
        }
        // What was under way when the program ended is no longer.
        Fact::ProgramStarted { .. } => fetches.clear(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_its_begin_to_its_end() {
        let mut fetches = Fetches::new();
        let mut tell = |fact| {
            apply(&mut fetches, &Event::new(None, fact));
            fetches.get("debian").cloned()
        };
        let (profile, file, url) = ("debian".to_owned(), "debian/linux".to_owned(), "http://x/linux".to_owned());
        let begun = Fact::FetchBegun {
            profile: profile.clone(),
            file: file.clone(),
            url: url.clone(),
            size: Some(9),
            bytes: 0,
        };
        assert_eq!(tell(begun).unwrap().underway, Some((file.clone(), 0, Some(9))));
        let on =
            Fact::FetchProgressed { profile: profile.clone(), file: file.clone(), size: Some(9), bytes: 4, millis: 1 };
        assert_eq!(tell(on.clone()).unwrap().underway, Some((file.clone(), 4, Some(9))));
        let (error, next_step) = ("404".to_owned(), "see its files".to_owned());
        let failed = Fact::FetchFailed { profile: profile.clone(), file, url, error, next_step, kept: 0 };
        let failure = Some(Err("debian/linux: 404; see its files".to_owned()));
        assert_eq!(tell(failed).unwrap().ended, failure);
        let ended = |failed| Fact::FetchEnded { profile: profile.clone(), fetched: 1, found: 2, failed };
        assert_eq!(tell(ended(1)).unwrap().ended, failure, "why it failed stays");
        assert_eq!(tell(ended(0)).unwrap().ended, Some(Ok("1 fetched, 2 were there".to_owned())));
        tell(on);
        assert_eq!(tell(Fact::ProgramStarted { version: "1".into() }), None);
    }
}
