//! What shows that an installer came to its end: the lines of a profile's `done` against what happened. Pure.

use crate::{
    conf::Evidence,
    event::{Fact, Step},
    filter::Glob,
};

/// The command by DNS that is always evidence: the machine says so itself, with its token.
const DONE: &str = "done";
/// The one after which it boots its own disk, whatever it was armed to boot then.
pub const LOCAL: &str = "local";

/// What shows that it is done, in words, if this fact does.
pub fn evidence(done: &[Evidence], fact: &Fact) -> Option<String> {
    match fact {
        Fact::DnsObeyed { verb, argument, script: false, .. } => {
            let said = matches!(verb.as_str(), DONE | LOCAL) || is_listed(done, verb, argument);
            said.then(|| format!("it said {} by DNS", spoken(verb, argument)))
        }
        // Of a script only its end is any.
        Fact::DnsRan { verb, argument, code: Some(0), .. } => {
            is_listed(done, verb, argument).then(|| format!("conf/commands/{verb} ended well"))
        }
        Fact::SyslogReceived { tag, text, .. } => {
            let whole = tag.as_ref().map(|tag| format!("{tag}: {text}"));
            let fits = |pattern: &str| {
                let glob = if pattern.contains('*') { Glob::new(pattern) } else { Glob::containing(pattern) };
                glob.matches(text) || whole.as_ref().is_some_and(|whole| glob.matches(whole))
            };
            let shown = done.iter().any(|line| matches!(line, Evidence::Syslog(pattern) if fits(pattern)));
            shown.then(|| format!("it logged {text:?}"))
        }
        fact => {
            let (Step::Completed, transfer) = fact.transfer()? else { return None };
            let fits = |path: &str| Glob::new(path).matches(&transfer.file);
            let shown = done.iter().any(|line| matches!(line, Evidence::Url(path) if fits(path)));
            shown.then(|| format!("it fetched {}", transfer.file))
        }
    }
}

/// The profile says that this command shows it: `dns VERB`, or with its argument `dns stage.finished`.
pub fn is_listed(done: &[Evidence], verb: &str, argument: &str) -> bool {
    let spoken = spoken(verb, argument);
    done.iter().any(|line| matches!(line, Evidence::Dns(what) if what == verb || *what == spoken))
}

fn spoken(verb: &str, argument: &str) -> String {
    if argument.is_empty() { verb.to_owned() } else { format!("{verb}.{argument}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Role, Service, Severity, Transfer};

    #[test]
    fn each_kind() {
        let done = [
            Evidence::Url("answers/finished*".into()),
            Evidence::Dns("stage.finished".into()),
            Evidence::Dns("notify".into()),
            Evidence::Syslog("*installation complete*".into()),
            Evidence::Syslog("rebooting".into()),
        ];
        let transfer = |step: Step<'_>, file: &str| {
            let (file, role, size, bytes, millis) = (file.to_owned(), Role::Other, Some(3), 3, 1);
            Fact::of_transfer(Service::Http, step, Transfer { id: 1, file, role, size, bytes, millis })
        };
        let said = |verb: &str, argument: &str, script| {
            let (verb, argument) = (verb.to_owned(), argument.to_owned());
            Fact::DnsObeyed { verb, argument, script, boot: None }
        };
        let ran = |verb: &str, code| {
            let (verb, argument, output) = (verb.to_owned(), String::new(), String::new());
            Fact::DnsRan { verb, argument, boot: None, code, output, millis: 1 }
        };
        let logged = |tag: Option<&str>, text: &str| Fact::SyslogReceived {
            severity: Severity::Info,
            facility: None,
            tag: tag.map(str::to_owned),
            host: None,
            sent: None,
            text: text.to_owned(),
        };
        for (fact, words) in [
            (transfer(Step::Completed, "answers/finished"), Some("it fetched answers/finished")),
            (transfer(Step::Completed, "answers/finished.txt"), Some("it fetched answers/finished.txt")),
            (transfer(Step::Requested, "answers/finished"), None),
            (transfer(Step::Abandoned("x"), "answers/finished"), None),
            (transfer(Step::Completed, "answers/preseed.cfg"), None),
            (said("done", "", false), Some("it said done by DNS")),
            (said("local", "", false), Some("it said local by DNS")),
            (said("stage", "finished", false), Some("it said stage.finished by DNS")),
            (said("stage", "partman", false), None),
            (said("log", "x", false), None),
            (said("notify", "x", true), None),
            (ran("notify", Some(0)), Some("conf/commands/notify ended well")),
            (ran("notify", Some(1)), None),
            (ran("notify", None), None),
            (ran("other", Some(0)), None),
            (
                logged(Some("d-i"), "the Installation complete at last"),
                Some("it logged \"the Installation complete at last\""),
            ),
            (logged(None, "now Rebooting"), Some("it logged \"now Rebooting\"")),
            (logged(None, "installing"), None),
        ] {
            assert_eq!(evidence(&done, &fact).as_deref(), words, "{fact:?}");
        }
        assert_eq!(evidence(&[], &said("done", "", false)).as_deref(), Some("it said done by DNS"));
    }
}
