//! The value `track`: which files of a machine are kept in the repository, and `recipes`: what it is to have.

use super::value::{self, Expected};
use std::time::Duration;

/// How often a machine is looked at unless it says so.
const DAILY: Duration = Duration::from_secs(24 * 3600);
/// A file beyond this is not kept unless it is said: configuration is small.
const LARGEST: u64 = 16 << 20;

/// What of a machine is kept, and how often it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Absolute paths and patterns (`*`, `?`, `[…]`, `**` as in rsync(1)); a folder means all that is in it.
    pub paths: Vec<String>,
    /// `!PATH`: what is left out of them.
    pub without: Vec<String>,
    /// `secret PATH`: what is kept encrypted for the recipients in `conf/age.recipients`, and else left out.
    pub secrets: Vec<String>,
    /// `every`: daily unless given.
    pub every: Duration,
    /// `largest`: bytes of a file that is kept, 16 MiB unless given.
    pub largest: u64,
}

const EXPECTED: &str = "lines of: /PATH, !/PATH, secret /PATH, every 6h, largest 64M";

/// A path, a pattern or a setting a line.
pub fn track(text: &str) -> Result<Track, Expected> {
    let mut track =
        Track { paths: Vec::new(), without: Vec::new(), secrets: Vec::new(), every: DAILY, largest: LARGEST };
    for line in text.lines() {
        let wrong = |why: &str| format!("{EXPECTED}: {line:?} {why}");
        let path = |text: &str| {
            let text = text.trim();
            let steps_out = text.split('/').any(|part| part == "..");
            if !text.starts_with('/') || steps_out {
                return Err(wrong("is no path from the root"));
            }
            let text = text.trim_end_matches('/');
            Ok(if text.is_empty() { "/".to_owned() } else { text.to_owned() })
        };
        match line.split_once(char::is_whitespace) {
            Some(("every", span)) => {
                track.every = value::lease(span.trim()).map_err(|why| wrong(&format!("is not {why}")))?
            }
            Some(("largest", size)) => track.largest = bytes(size.trim()).ok_or_else(|| wrong("is no size"))?,
            Some(("secret", at)) => track.secrets.push(path(at)?),
            _ => match line.strip_prefix('!') {
                Some(at) => track.without.push(path(at)?),
                None => track.paths.push(path(line)?),
            },
        }
    }
    if track.paths.is_empty() && track.secrets.is_empty() {
        return Err(format!("{EXPECTED}: at least one path"));
    }
    Ok(track)
}

impl std::str::FromStr for Track {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Track, Expected> {
        track(text)
    }
}

/// `65536`, `64K`, `16M`, `1G`.
fn bytes(text: &str) -> Option<u64> {
    let (number, shift) = match text.char_indices().last()? {
        (at, 'K' | 'k') => (text.get(..at)?, 10),
        (at, 'M') => (text.get(..at)?, 20),
        (at, 'G') => (text.get(..at)?, 30),
        _ => (text, 0),
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// What a machine is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names of `conf/recipes`, in the order in which they are applied.
    pub recipes: Vec<String>,
    /// `every`: how often what is other is mended; without it it is only told by `pxelator recipe status`.
    pub every: Option<Duration>,
}

/// A recipe's name or `every 1h` a line.
pub fn recipes(text: &str) -> Result<Wanted, Expected> {
    let mut wanted = Wanted::default();
    for line in text.lines() {
        match line.split_once(char::is_whitespace) {
            Some(("every", span)) => {
                let span = value::lease(span.trim());
                wanted.every = Some(span.map_err(|why| format!("a span after every: {line:?} is not {why}"))?);
            }
            Some(_) => return Err(format!("names of recipes, one a line, and `every 1h`: {line:?} has several words")),
            None => wanted.recipes.push(value::name(line)?),
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_settings() {
        let told = track("/etc/\n!/etc/ssl/private\nsecret /etc/shadow\n/opt/*/conf\nevery 6h\nlargest 64M").unwrap();
        assert_eq!(told.paths, ["/etc", "/opt/*/conf"]);
        assert_eq!((told.without.len(), told.secrets.len()), (1, 1));
        assert_eq!((told.every.as_secs(), told.largest), (6 * 3600, 64 << 20));
        assert_eq!(track("/").unwrap().paths, ["/"]);
        for bad in ["etc", "/etc/../root", "!etc", "every 6h", "/etc\nlargest big", "/etc\nevery never"] {
            assert!(track(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_machine_is_to_have() {
        let told = recipes("base\nnginx\nevery 1h").unwrap();
        assert_eq!((told.recipes.len(), told.every), (2, Some(Duration::from_secs(3600))));
        assert!(recipes("base nginx").is_err() && recipes("../x").is_err());
    }
}
