//! A recipe's text: the fields of its head, and which functions it has. Pure.
//!
//! ```sh
//! # title: A web server
//! # about: nginx with one page.
//! # needs: apt-get, recipe:base
//! # files: /var/www/html/index.html 0644 root:root
//! # variables: PORT=80
//! check() { dpkg-query -W nginx; }
//! apply() { apt-get install -y nginx; }
//! ```

use super::escape;
use crate::nearest::nearest;
use std::time::Duration;

/// What a recipe gets on a machine, unless it says so.
const LIMIT: Duration = Duration::from_secs(3600);
/// The fields of a head.
const FIELDS: [&str; 6] = ["title", "about", "needs", "files", "variables", "limit"];
/// The functions that mean something.
const FUNCTIONS: [&str; 3] = ["check", "apply", "verify"];
/// Shells that know the functions of the harness.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ksh", "zsh"];

/// A recipe as its text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its name: that of its file, without `.sh`.
    pub name: String,
    /// `title`; its name unless given.
    pub title: String,
    /// `about`; several lines.
    pub about: String,
    /// `needs`: commands that must be on the machine.
    pub commands: Vec<String>,
    /// `needs: recipe:NAME`: what is carried through before it.
    pub recipes: Vec<String>,
    /// `files`: what it puts onto the machine.
    pub files: Vec<Placed>,
    /// `variables`: `NAME=value`, given to it as `PXE_NAME` where the machine's folder has no file `name`.
    pub variables: Vec<(String, String)>,
    /// `limit`: how long it may take; an hour unless given.
    pub limit: Duration,
    /// The shell of its first line; sh unless given.
    pub shell: &'static str,
    /// Which of check, apply and verify it has; of a plain how-to all of it is apply.
    pub functions: Vec<&'static str>,
    /// A plain how-to: commands without functions.
    pub is_whole: bool,
    /// It calls `put_files` itself, where its files are due.
    pub puts_itself: bool,
}

/// A file that a recipe puts onto machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Below the machine's root, without a leading `/`; any bytes.
    pub path: Vec<u8>,
    /// Its mode; else 0755 of a folder and of what may be executed here, 0644 of others.
    pub mode: Option<u32>,
    /// Who owns it: `USER:GROUP`, names or numbers; `root:root` unless given.
    pub owners: String,
    /// The line of the head.
    pub line: usize,
}

/// What makes no sense in a recipe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub wrong: String,
}

/// Reads it; all faults where there is one.
pub fn parse(name: &str, text: &str) -> Result<Recipe, Vec<Fault>> {
    let mut recipe = Recipe {
        name: name.to_owned(),
        title: name.to_owned(),
        about: String::new(),
        commands: Vec::new(),
        recipes: Vec::new(),
        files: Vec::new(),
        variables: Vec::new(),
        limit: LIMIT,
        shell: "sh",
        functions: Vec::new(),
        is_whole: false,
        puts_itself: false,
    };
    let mut faults = Vec::new();
    let mut fault = |line, wrong: String| faults.push(Fault { line, wrong });
    if let Some(line) = text.lines().next().and_then(|line| line.strip_prefix("#!")) {
        let last = line.split_whitespace().next_back().unwrap_or_default();
        let shell = last.rsplit('/').next().unwrap_or_default();
        match SHELLS.into_iter().find(|known| *known == shell) {
            Some(shell) => recipe.shell = shell,
            None => fault(1, format!("a recipe is shell: #!/bin/sh or #!/bin/bash was expected, not {shell:?}")),
        }
    }
    let mut field = None;
    let mut body = 0;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let Some(comment) = line.strip_prefix('#') else {
            if line.trim().is_empty() {
                field = None;
                continue;
            }
            body = at;
            break;
        };
        body = number;
        if at == 0 && comment.starts_with('!') {
            continue;
        }
        match split(comment) {
            Some((word, value)) if FIELDS.contains(&word) => {
                field = FIELDS.into_iter().find(|known| *known == word);
                if let Err(wrong) = recipe.take(word, value, number) {
                    fault(number, wrong);
                }
            }
            Some((word, _)) if field != Some("about") && nearest(word, FIELDS).is_some() => {
                let near = nearest(word, FIELDS).unwrap_or_default();
                fault(
                    number,
                    format!("a head has no field {word}: {} were expected; {near} is one", FIELDS.join(", ")),
                );
            }
            _ => {
                let goes_on = comment.starts_with("  ") || comment.starts_with('\t');
                match field {
                    Some("about") => recipe.go_on(comment.trim()),
                    Some(known) if goes_on && known != "title" => {
                        if let Err(wrong) = recipe.take(known, comment.trim(), number) {
                            fault(number, wrong);
                        }
                    }
                    _ => field = None,
                }
            }
        }
    }
    recipe.about = recipe.about.trim().to_owned();
    recipe.read_body(text, body, &mut fault);
    if faults.is_empty() { Ok(recipe) } else { Err(faults) }
}

/// ` word: value` of a comment.
fn split(comment: &str) -> Option<(&str, &str)> {
    let (word, value) = comment.strip_prefix(' ').unwrap_or(comment).split_once(':')?;
    (!word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase())).then(|| (word, value.trim()))
}

impl Recipe {
    fn go_on(&mut self, line: &str) {
        self.about.push('\n');
        self.about.push_str(line);
    }

    /// A value of a field, also one of several.
    fn take(&mut self, field: &str, value: &str, line: usize) -> Result<(), String> {
        if value.is_empty() {
            return Ok(());
        }
        match field {
            "title" => self.title = value.to_owned(),
            "about" => self.about = value.to_owned(),
            "needs" => {
                for word in value.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
                    let fit = |text: &str| {
                        !text.is_empty()
                            && !text.starts_with(['.', '-'])
                            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+@:".contains(c))
                    };
                    match word.strip_prefix("recipe:") {
                        Some(recipe) if fit(recipe) => self.recipes.push(recipe.to_owned()),
                        None if fit(word) => self.commands.push(word.to_owned()),
                        _ => return Err(format!("commands, or recipe:NAME, were expected, not {word:?}")),
                    }
                }
            }
            "files" => self.files.push(placed(value, line)?),
            "variables" => {
                let expected = || format!("NAME=value was expected, not {value:?}");
                let (name, given) = value.split_once('=').ok_or_else(expected)?;
                let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                let is_name = name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_uppercase());
                if !is_name {
                    return Err(expected());
                }
                self.variables.push((name.to_owned(), given.to_owned()));
            }
            _ => {
                let limit = value.parse::<jiff::SignedDuration>().ok().and_then(|limit| Duration::try_from(limit).ok());
                let limit = limit.filter(|limit| !limit.is_zero());
                self.limit = limit.ok_or_else(|| format!("a time as 90s, 30m or 2h was expected, not {value:?}"))?;
            }
        }
        Ok(())
    }

    /// Which functions there are. `begin` is the first line that is not of the head.
    fn read_body(&mut self, text: &str, begin: usize, fault: &mut impl FnMut(usize, String)) {
        let mut documents: Vec<(String, bool)> = Vec::new();
        let (mut others, mut is_empty) = (Vec::new(), true);
        for (at, line) in text.lines().enumerate().skip(begin) {
            if let Some((end, tabs)) = documents.first() {
                let line = if *tabs { line.trim_start_matches('\t') } else { line };
                if line == end {
                    documents.remove(0);
                }
                continue;
            }
            let code = line.trim();
            if code.is_empty() || code.starts_with('#') {
                continue;
            }
            is_empty = false;
            self.puts_itself |=
                code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "put_files");
            if let Some(name) = function(line) {
                match FUNCTIONS.into_iter().find(|known| *known == name) {
                    Some(name) if self.functions.contains(&name) => fault(at + 1, format!("{name} is there twice")),
                    Some(name) => self.functions.push(name),
                    None => others.push((at + 1, name)),
                }
            }
            documents = here_documents(line);
        }
        if self.functions.is_empty() && !is_empty {
            self.is_whole = true;
            self.functions.push("apply");
        }
        for (line, name) in others {
            let missing = FUNCTIONS.into_iter().filter(|known| self.is_whole || !self.functions.contains(known));
            if let Some(near) = nearest(name, missing) {
                fault(
                    line,
                    format!("the function {name} means nothing here: check, apply and verify do; {near} is one"),
                );
            }
        }
        if is_empty && self.files.is_empty() {
            let wrong = "it does nothing: commands, the functions check, apply and verify, or `files` were expected";
            fault(begin.max(1), wrong.to_owned());
        }
    }
}

/// `/etc/motd [0644] [root:root]`.
fn placed(value: &str, line: usize) -> Result<Placed, String> {
    let expected = |wrong: &str| format!("/PATH [MODE] [USER[:GROUP]] was expected: {wrong}");
    let mut words = value.split_whitespace();
    let word = words.next().unwrap_or_default();
    let path = escape::bytes(word).ok_or_else(|| expected(&format!("{word:?} has a backslash without \\040")))?;
    let path = path.strip_prefix(b"/").ok_or_else(|| expected(&format!("{word:?} does not begin with /")))?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let is_sound = path.split(|byte| *byte == b'/').all(|part| !part.is_empty() && part != b"." && part != b"..");
    if !is_sound || path.contains(&0) {
        return Err(expected(&format!("{word:?} is no plain path")));
    }
    let mut placed = Placed { path: path.to_owned(), mode: None, owners: "root:root".to_owned(), line };
    let mut next = words.next();
    if let Some(word) = next.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains(':')) {
        let mode = u32::from_str_radix(word, 8).ok().filter(|mode| *mode <= 0o7777 && word.len() <= 5);
        placed.mode = Some(mode.ok_or_else(|| expected(&format!("{word:?} is no mode as 0644")))?);
        next = words.next();
    }
    if let Some(word) = next {
        let (user, group) = word.split_once(':').unwrap_or((word, word));
        let fit = |name: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_.$".contains(c);
            !name.is_empty() && !name.starts_with('-') && name.chars().all(fits)
        };
        if !fit(user) || !fit(group) {
            return Err(expected(&format!("{word:?} is no owner as root:root")));
        }
        placed.owners = format!("{user}:{group}");
    }
    match words.next() {
        Some(more) => Err(expected(&format!("{more:?} is one word too many; a blank in a path is \\040"))),
        None => Ok(placed),
    }
}

/// The name of a function that a line begins, at its first column: `check() {`, `function check`.
fn function(line: &str) -> Option<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(rest) = line.strip_prefix("function ") {
        let name = rest.trim_start().split(|c| !is_word(c)).next()?;
        return (!name.is_empty()).then_some(name);
    }
    let (name, rest) = line.split_once('(')?;
    let is_function = rest.trim_start().starts_with(')') && !name.is_empty() && name.trim_end().chars().all(is_word);
    is_function.then(|| name.trim_end())
}

/// The last lines of here-documents that begin in a line, and whether tabs before them do not count: `<< END`, `<<-'END'`.
fn here_documents(line: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once("<<") {
        rest = after;
        if after.starts_with('<') {
            rest = after.trim_start_matches('<');
            continue;
        }
        let tabs = after.starts_with('-');
        let word = after.strip_prefix('-').unwrap_or(after).trim_start();
        let end: String = match word.chars().next() {
            Some(quote @ ('\'' | '"')) => word.chars().skip(1).take_while(|c| *c != quote).collect(),
            _ => word.chars().filter(|c| *c != '\\').take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect(),
        };
        // A number is shifted in arithmetic: $((1 << 3)).
        if !end.is_empty() && !end.starts_with(|c: char| c.is_ascii_digit()) {
            found.push((end, tabs));
        }
    }
    found
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
