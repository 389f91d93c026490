//! What the harness told of a recipe, line by line, and what came of it. Pure.

use super::Placed;
use crate::event::{Came, RecipeManner, printable};

/// Lines of output that are named where something failed.
const LAST: usize = 3;
/// Changed files that are told.
const TOLD: usize = 200;

/// What helps where something broke off.
pub const AGAIN: &str = "apply it again when the machine is there: it changes only what still differs";

/// Folded from the lines.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is being done: `check`, `files`, `apply`, `verify`.
    step: String,
    /// The last lines that it printed.
    last: Vec<String>,
    lacks: Vec<String>,
    /// Files that differ, by number, and why.
    differs: Vec<(usize, String)>,
    /// The same after all was done.
    still: Vec<(usize, String)>,
    put: Vec<usize>,
    unput: Option<usize>,
    drifted: Vec<String>,
    changed: Vec<String>,
    check: Option<i32>,
    recheck: Option<i32>,
    apply: Option<i32>,
    verify: Option<i32>,
    /// `none`, `same` or `older`.
    receipt: String,
    /// It cannot be asked whether it is there, and nothing shows that it is.
    unasked: bool,
    busy: bool,
    unkept: bool,
    /// Something was, or may have been, changed.
    is_going: bool,
    is_over: bool,
}

/// What came of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// In a word; whether a machine had it before is what the machine itself knows.
    pub came: Came,
    /// Files that were changed, or that differ; printable.
    pub changed: Vec<String>,
    /// The machine keeps that it was given this recipe.
    pub is_known: bool,
}

/// Why a recipe was not carried through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The machine is off or unreachable: it is looked at again.
    pub is_away: bool,
    /// Something was, or may have been, changed.
    pub is_changed: bool,
    /// What went wrong.
    pub error: String,
    /// What helps.
    pub next_step: String,
}

impl Report {
    /// Takes in what stands behind the marker.
    pub fn tell(&mut self, line: &str) {
        let (word, raw) = line.split_once(' ').unwrap_or((line, ""));
        // A machine may print anything, also where the harness does not run.
        let rest = &printable(raw, 500);
        let code = || rest.parse().unwrap_or(-1);
        let numbered = || {
            let (number, why) = rest.split_once(' ').unwrap_or((rest, ""));
            (number.parse().unwrap_or(usize::MAX), why.to_owned())
        };
        let path = || printable(&raw.replace('\u{1}', "\n"), 500);
        match word {
            "begin" => {
                self.step.clone_from(rest);
                self.last.clear();
            }
            "lacks" => self.lacks.push(rest.to_owned()),
            "differs" => self.differs.push(numbered()),
            "still" => self.still.push(numbered()),
            "put" => self.put.push(numbered().0),
            "unput" => self.unput = Some(numbered().0),
            "drift" => self.drifted.push(path()),
            "changed" => self.changed.push(path()),
            "check" => self.check = Some(code()),
            "recheck" => self.recheck = Some(code()),
            "apply" => self.apply = Some(code()),
            "verify" => self.verify = Some(code()),
            "receipt" => self.receipt = rest.to_owned(),
            "unasked" => self.unasked = true,
            "busy" => self.busy = true,
            "unkept" => self.unkept = true,
            "going" => self.is_going = true,
            "end" => self.is_over = true,
            _ => {}
        }
    }

    /// Takes in a line of output.
    pub fn said(&mut self, line: &str) {
        if !line.trim().is_empty() {
            self.last.push(printable(line, 300));
            if self.last.len() > LAST {
                self.last.remove(0);
            }
        }
    }

    /// The harness told all that it had to.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Something was, or may have been, changed.
    pub fn is_going(&self) -> bool {
        self.is_going
    }

    /// What it came to, when it is over.
    pub fn outcome(&self, name: &str, files: &[Placed], manner: RecipeManner) -> Result<Outcome, Trouble> {
        let path = |at: usize| files.get(at).map_or("a file".to_owned(), |placed| shown(&placed.path));
        let trouble = |error: String, next_step: String| {
            Err(Trouble { is_away: false, is_changed: self.is_going, error, next_step })
        };
        let mend = || format!("mend conf/recipes/{name}.sh, and apply it again");
        if !self.lacks.is_empty() {
            let error = format!("it needs {}, which the machine has not", self.lacks.join(", "));
            let next_step = "install it there, or name a recipe that does: # needs: recipe:NAME".to_owned();
            return trouble(error, next_step);
        }
        if self.busy {
            let error = "another recipe has been under way on the machine for an hour".to_owned();
            return trouble(error, "see what holds /run/pxelator-recipe.lock there".to_owned());
        }
        if let Some(at) = self.unput {
            return trouble(format!("{} cannot be put there{}", path(at), self.words()), mend());
        }
        for (step, code) in [("apply", self.apply), ("verify", self.verify)] {
            if let Some(code) = code.filter(|code| *code != 0) {
                return trouble(format!("{step} ended with exit code {code}{}", self.words()), mend());
            }
        }
        if !self.is_over && self.is_going {
            let error = format!("it broke off at {}, and how far it came is not known{}", self.step, self.words());
            return trouble(error, AGAIN.to_owned());
        }
        if !self.is_over {
            let step = if self.step.is_empty() { "before it began".to_owned() } else { format!("at {}", self.step) };
            return trouble(
                format!("it broke off {step}{}", self.words()),
                "see that the machine has room in /tmp".to_owned(),
            );
        }
        if !self.still.is_empty() || self.recheck.is_some_and(|code| code != 0) {
            let files = self.still.iter().map(|(at, why)| format!("{} ({why})", path(*at)));
            let check = self.recheck.filter(|code| *code != 0).map(|code| format!("check says {code}"));
            let still: Vec<String> = files.chain(check).collect();
            return trouble(format!("it was applied, and something still differs: {}", still.join(", ")), mend());
        }
        let differs = !self.differs.is_empty() || self.unasked || self.check.is_some_and(|code| code != 0);
        let is_known = self.receipt == "same" || self.receipt == "older";
        let differing = self.differs.iter().map(|(at, _)| path(*at)).chain(self.drifted.iter().cloned());
        let put = self.put.iter().map(|at| path(*at));
        let (came, mut changed): (Came, Vec<String>) = match manner {
            _ if self.is_going => (Came::Applied, put.chain(self.changed.iter().cloned()).collect()),
            _ if !differs => (Came::Unchanged, Vec::new()),
            RecipeManner::Check if is_known => (Came::Drifted, differing.collect()),
            RecipeManner::Check => (Came::Lacking, differing.collect()),
            _ => (Came::WouldChange, differing.collect()),
        };
        changed.sort();
        changed.dedup();
        changed.truncate(TOLD);
        Ok(Outcome { came, changed, is_known: is_known || self.is_going && !self.unkept })
    }

    fn words(&self) -> String {
        if self.last.is_empty() { ", and said nothing".to_owned() } else { format!(": {}", self.last.join(" / ")) }
    }
}

/// A path of the root for people.
pub fn shown(path: &[u8]) -> String {
    printable(&format!("/{}", String::from_utf8_lossy(path)), 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &str) -> Report {
        let mut report = Report::default();
        for line in lines.split('|').filter(|line| !line.is_empty()) {
            match line.strip_prefix('>') {
                Some(said) => report.said(said),
                None => report.tell(line),
            }
        }
        report
    }

    #[test]
    fn what_came_of_it() {
        let files = [Placed { path: b"etc/motd".to_vec(), mode: None, owners: "root:root".into(), line: 1 }];
        let (check, apply, dry) = (RecipeManner::Check, RecipeManner::Apply, RecipeManner::DryRun);
        for (lines, manner, expected) in [
            ("receipt none|check 0|end", check, Ok((Came::Unchanged, ""))),
            ("receipt none|check 1|end", check, Ok((Came::Lacking, ""))),
            ("receipt same|differs 0 content|end", check, Ok((Came::Drifted, "/etc/motd"))),
            ("receipt same|drift /etc/x|unasked|end", check, Ok((Came::Drifted, "/etc/x"))),
            ("receipt older|unasked|end", check, Ok((Came::Drifted, ""))),
            ("receipt none|unasked|end", dry, Ok((Came::WouldChange, ""))),
            ("receipt none|differs 0 missing|end", dry, Ok((Came::WouldChange, "/etc/motd"))),
            ("receipt none|check 0|end", apply, Ok((Came::Unchanged, ""))),
            (
                "receipt none|check 1|going|put 0 missing|apply 0|verify 0|recheck 0|changed /etc/motd|changed /etc/a\u{1}b|end",
                apply,
                Ok((Came::Applied, "/etc/a b /etc/motd")),
            ),
            ("lacks rsync|lacks git|end", apply, Err("it needs rsync, git, which the machine has not")),
            (
                "receipt none|going|begin files|>no room|unput 0|end",
                apply,
                Err("/etc/motd cannot be put there: no room"),
            ),
            (
                "receipt none|>old|going|begin apply|>one|>two|>three|>four|apply 3|end",
                apply,
                Err("apply ended with exit code 3: two / three / four"),
            ),
            (
                "receipt none|going|apply 0|begin verify|verify 1|end",
                apply,
                Err("verify ended with exit code 1, and said nothing"),
            ),
            (
                "receipt none|going|apply 0|still 0 content|recheck 2|end",
                apply,
                Err("it was applied, and something still differs: /etc/motd (content), check says 2"),
            ),
            (">cannot unpack it", check, Err("it broke off before it began: cannot unpack it")),
            (
                "receipt none|going|begin apply|>half",
                apply,
                Err("it broke off at apply, and how far it came is not known: half"),
            ),
        ] {
            let came = report(lines).outcome("web", &files, manner);
            let came = came.map(|outcome| (outcome.came, outcome.changed.join(" "))).map_err(|trouble| trouble.error);
            assert_eq!(
                came,
                expected.map(|(came, changed)| (came, changed.to_owned())).map_err(str::to_owned),
                "{lines}"
            );
        }
        assert!(report("going|apply 1").outcome("web", &files, apply).unwrap_err().is_changed);
    }
}
