//! What of a machine is pulled, as filter rules of rsync(1): the first that fits a name counts. Pure.

use crate::{conf::Track, track::NEVER};

/// What is made anew at each boot or is no configuration, where all of a machine is tracked.
const PASSING: &[&str] = &[
    "/proc/*",
    "/sys/*",
    "/dev/*",
    "/run/*",
    "/tmp/*",
    "/var/tmp/*",
    "/var/cache/**",
    "/var/log/**",
    "/mnt/*",
    "/media/*",
    "lost+found/",
];

/// The rules; with `secrets` also what `secret` names.
pub fn rules(track: &Track, secrets: bool) -> Vec<String> {
    let mut rules = Vec::new();
    let mut say = |rule: String| {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    };
    say("- .git/".to_owned());
    track.without.iter().for_each(|path| say(format!("- {path}")));
    for path in &track.secrets {
        match secrets {
            true => wanted(path, &mut say),
            false => say(format!("- {path}")),
        }
    }
    NEVER.iter().for_each(|path| say(format!("- {path}")));
    track.paths.iter().filter(|path| *path != "/").for_each(|path| wanted(path, &mut say));
    if track.paths.iter().any(|path| path == "/") {
        PASSING.iter().for_each(|path| say(format!("- {path}")));
    } else {
        say("- *".to_owned());
    }
    rules
}

/// A path with the folders that lead to it and all that is in it.
fn wanted(path: &str, say: &mut impl FnMut(String)) {
    let slashes = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
    slashes.filter_map(|at| path.get(..=at)).for_each(|folder| say(format!("+ {folder}")));
    say(format!("+ {path}"));
    say(format!("+ {path}/**"));
}

/// A pattern leads through folders that may hold nothing that is wanted: those do not count as the machine's.
pub fn strays(track: &Track) -> bool {
    let all = track.paths.iter().chain(&track.secrets);
    all.into_iter().any(|path| path.rsplit_once('/').is_some_and(|(folders, _)| folders.contains("**")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str, secrets: bool) -> Vec<String> {
        let known: Vec<String> = NEVER.iter().map(|path| format!("- {path}")).collect();
        rules(&text.parse().unwrap(), secrets).into_iter().filter(|rule| !known.contains(rule)).collect()
    }

    #[test]
    fn rules_of_paths() {
        for (text, expected) in [
            ("/etc", vec!["- .git/", "+ /etc", "+ /etc/**", "- *"]),
            ("/opt/*/conf", vec!["- .git/", "+ /opt/", "+ /opt/*/", "+ /opt/*/conf", "+ /opt/*/conf/**", "- *"]),
            ("/etc\n!/etc/mtab", vec!["- .git/", "- /etc/mtab", "+ /etc", "+ /etc/**", "- *"]),
            ("/etc\nsecret /etc/key", vec!["- .git/", "- /etc/key", "+ /etc", "+ /etc/**", "- *"]),
        ] {
            assert_eq!(own(text, false), expected, "{text}");
        }
        let with = rules(&"secret /etc/shadow".parse().unwrap(), true);
        let at = |rule: &str| with.iter().position(|known| known == rule).unwrap();
        assert!(at("+ /etc/shadow") < at("- /etc/shadow*"), "{with:?}");
        let all = own("/\n/run/kept", false);
        assert!(all.contains(&"- /proc/*".to_owned()) && !all.contains(&"- *".to_owned()));
        let at = |rule: &str| all.iter().position(|known| known == rule).unwrap();
        assert!(at("+ /run/kept") < at("- /run/*"));
        assert!(strays(&"/srv/**/conf".parse().unwrap()) && !strays(&"/srv/**".parse().unwrap()));
    }
}
