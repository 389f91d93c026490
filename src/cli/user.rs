//! `user`: who may log in to the page, and act by it: the lines of `page.users`.

use super::Places;
use crate::{
    conf::page::{self, User, UserSecret},
    page::password,
};
use clap::Subcommand;
use color_eyre::eyre::{Result, bail, eyre};
use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, IsTerminal, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// The file's name in the tree.
const FILE: &str = "page.users";
/// Characters of a password at least (NIST SP 800-63B, section 3.1.1.2, for one beside nothing else says 15; the login is slow and
/// few tries are let through).
const SHORTEST: usize = 10;

/// What is done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Make a user, or give one another password: it is asked for, or the first line of standard input
    Add {
        /// The name
        name: String,
        /// A token for programs in the place of a password: it is printed once
        #[arg(long)]
        token: bool,
        /// May look, and not act
        #[arg(long)]
        read_only: bool,
    },
    /// Those that there are
    List,
    /// Take a user away; who is logged in as them is out at once
    Remove {
        /// The name
        name: String,
    },
}

/// Does it; the result is the exit code.
pub fn user(what: &What, places: &Places) -> Result<u8> {
    let file = places.conf.join(FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => bail!("{}: {error}", file.display()),
    };
    let users = read(&text).map_err(|expected| eyre!("{} is not {expected}", file.display()))?;
    match what {
        What::List => {
            for User { name, secret, read_only } in &users {
                let kind = if matches!(secret, UserSecret::Token(_)) { "token" } else { "password" };
                say!("{name}  {kind}{}", if *read_only { "  read-only" } else { "" });
            }
        }
        What::Remove { name } => {
            if !users.iter().any(|user| user.name == *name) {
                let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
                let near = crate::nearest::nearest(name, names).map_or(String::new(), |near| format!("; {near} is"));
                bail!("there is no user {name}{near}");
            }
            write(&file, &with(&text, name, None))?;
            say!("{name} may not log in any more");
        }
        What::Add { name, token, read_only } => {
            let name = page::user_name(name).map_err(|expected| eyre!("{name} is not {expected}"))?;
            let there = users.iter().any(|user| user.name == name);
            let (secret, shown) = if *token {
                let (token, digest) = password::token()?;
                (UserSecret::Token(digest), Some(token))
            } else {
                let said = ask(&name)?;
                (UserSecret::Password(password::hash(&said).map_err(|error| eyre!(error))?), None)
            };
            let line = format!("{name} {}{}", secret.text(), if *read_only { " read-only" } else { "" });
            write(&file, &with(&text, &name, Some(&line)))?;
            eprintln!("{name} {} in {}", if there { "is written anew" } else { "is a user now" }, file.display());
            if let Some(token) = shown {
                say!("{token}");
            }
        }
    }
    Ok(0)
}

/// The users of a file with comments.
fn read(text: &str) -> Result<Vec<User>, String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    page::users(&lines.collect::<Vec<_>>().join("\n"))
}

/// The text with this line for the user, at its place; without one, without the user. All else stays as it is.
fn with(text: &str, name: &str, line: Option<&str>) -> String {
    let mut lines = Vec::new();
    let mut new = line;
    for old in text.lines() {
        match old.split_whitespace().next() == Some(name) {
            true => lines.extend(new.take()),
            false => lines.push(old),
        }
    }
    lines.extend(new);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The new password, twice where somebody sits there.
fn ask(name: &str) -> Result<String> {
    let said = if io::stdin().is_terminal() {
        let said = rpassword::prompt_password(format!("Password of {name}: "))?;
        if rpassword::prompt_password("Once more: ")? != said {
            bail!("these were two different passwords; nothing was changed");
        }
        said
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    };
    if said.chars().count() < SHORTEST {
        bail!("a password has at least {SHORTEST} characters: some words that do not belong together are one");
    }
    if said.len() > password::LONGEST {
        bail!("a password has at most {} bytes", password::LONGEST);
    }
    Ok(said)
}

/// Writes it for its owner alone. The file appears whole; who had it has it still.
fn write(file: &Path, text: &str) -> Result<()> {
    let new = file.with_file_name(format!(".{FILE}.new"));
    let owner = fs::metadata(file).or_else(|_| fs::metadata(file.parent().unwrap_or(Path::new("."))));
    let written = || -> io::Result<()> {
        let _ = fs::remove_file(&new);
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        opened.write_all(text.as_bytes())?;
        opened.sync_all()?;
        if let Ok(owner) = owner {
            // Root wrote it for who has the tree.
            let _ = std::os::unix::fs::lchown(&new, Some(owner.uid()), Some(owner.gid()));
        }
        fs::rename(&new, file)
    };
    written().map_err(|error| {
        let _ = fs::remove_file(&new);
        eyre!("{} cannot be written: {error}", file.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_changed() {
        let text = "# who\nanna a\nben b\n";
        for (name, line, expected) in [
            ("anna", Some("anna c"), "# who\nanna c\nben b\n"),
            ("ben", None, "# who\nanna a\n"),
            ("carl", Some("carl c"), "# who\nanna a\nben b\ncarl c\n"),
            ("an", None, text),
        ] {
            assert_eq!(with(text, name, line), expected);
        }
        assert_eq!(with("", "anna", Some("anna a")), "anna a\n");
    }
}
