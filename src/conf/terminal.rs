//! The value `terminal`: what a terminal on a machine runs. Its words become words of ssh(1), never of a shell.

use super::{Terminal, value::Expected};

/// Options of ssh that stand alone, and those with a value.
const ALONE: &str = "46AaCGgKkNnqsTtVvXxYy";
const VALUED: &str = "bciJlmop";
/// Settings of `-o` that would run a program here.
const RUNNING: [&str; 7] = [
    "proxycommand",
    "localcommand",
    "permitlocalcommand",
    "knownhostscommand",
    "pkcs11provider",
    "securitykeyprovider",
    "xauthlocation",
];

/// `ssh`, `ssh root`, `ssh -p 2222 root`, `serial` or `shell`.
pub fn terminal(text: &str) -> Result<Terminal, Expected> {
    let expected = || "ssh, ssh USER, ssh -p PORT USER, serial or shell".to_owned();
    let mut words = text.split_whitespace();
    let kind = words.next();
    let rest: Vec<&str> = words.collect();
    match (kind, rest.as_slice()) {
        (Some("serial"), []) => Ok(Terminal::Serial),
        (Some("shell"), []) => Ok(Terminal::Shell),
        (Some("ssh"), rest) => ssh(rest).map_err(|why| format!("{}{why}", expected())),
        _ => Err(expected()),
    }
}

fn ssh(words: &[&str]) -> Result<Terminal, String> {
    let (mut options, mut user) = (Vec::new(), None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-') else {
            if user.is_some() || !is_user(word) {
                return Err(format!(": {word:?} is no user's name; the address comes by itself"));
            }
            user = Some((*word).to_owned());
            continue;
        };
        options.push((*word).to_owned());
        let Some(at) = letters.find(|letter| !ALONE.contains(letter)) else {
            if letters.is_empty() {
                return Err(": - is no option".to_owned());
            }
            continue;
        };
        let (letter, given) = letters.split_at(at).1.split_at_checked(1).unwrap_or_default();
        if letter.is_empty() || !VALUED.contains(letter) {
            return Err(format!(": {word} is none of ssh's options {} that can stand here", listed()));
        }
        let value = match given {
            "" => words.next().copied().inspect(|value| options.push((*value).to_owned())),
            given => Some(given),
        };
        let value = value.ok_or_else(|| format!(": {word} needs a value"))?;
        let name = value.split(['=', ' ']).next().unwrap_or_default().to_ascii_lowercase();
        if letter == "o" && RUNNING.contains(&name.as_str()) {
            return Err(format!(": {value} would run a program here; write it into ~/.ssh/config"));
        }
    }
    Ok(Terminal::Ssh { options, user })
}

fn listed() -> String {
    let of = |letters: &str| letters.chars().map(|letter| format!("-{letter}")).collect::<Vec<_>>().join(" ");
    format!("({} {})", of(ALONE), of(VALUED))
}

/// A name as useradd(8) takes it, and those of directories: `ann@example.com`, `CORP\ann`.
fn is_user(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@+\\-".contains(c);
    word.len() <= 64 && word.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(options: &[&str], user: Option<&str>) -> Result<Terminal, String> {
        let options = options.iter().map(|word| (*word).to_owned()).collect();
        Ok(Terminal::Ssh { options, user: user.map(ToOwned::to_owned) })
    }

    #[test]
    fn values_that_make_sense() {
        for (text, wanted) in [
            ("serial", Ok(Terminal::Serial)),
            ("shell", Ok(Terminal::Shell)),
            ("ssh", ssh(&[], None)),
            ("ssh root", ssh(&[], Some("root"))),
            ("ssh -p 2222 root", ssh(&["-p", "2222"], Some("root"))),
            ("ssh root -p2222", ssh(&["-p2222"], Some("root"))),
            ("ssh -4A -vp 22", ssh(&["-4A", "-vp", "22"], None)),
            ("ssh -o StrictHostKeyChecking=no root", ssh(&["-o", "StrictHostKeyChecking=no"], Some("root"))),
        ] {
            assert_eq!(terminal(text), wanted, "{text}");
        }
    }

    #[test]
    fn values_that_make_none() {
        let expected = "ssh, ssh USER, ssh -p PORT USER, serial or shell";
        for (text, why) in [
            ("telnet", ""),
            ("serial now", ""),
            ("shell -c reboot", ""),
            ("ssh root web1", ": \"web1\" is no user's name; the address comes by itself"),
            ("ssh $(reboot)", ": \"$(reboot)\" is no user's name; the address comes by itself"),
            ("ssh ;reboot", ": \";reboot\" is no user's name; the address comes by itself"),
            ("ssh -p", ": -p needs a value"),
            ("ssh -", ": - is no option"),
            (
                "ssh -oProxyCommand=reboot",
                ": ProxyCommand=reboot would run a program here; write it into ~/.ssh/config",
            ),
            (
                "ssh -4o proxycommand=reboot",
                ": proxycommand=reboot would run a program here; write it into ~/.ssh/config",
            ),
        ] {
            assert_eq!(terminal(text), Err(format!("{expected}{why}")), "{text}");
        }
        for text in ["ssh -F x", "ssh -S x", "ssh --", "ssh -E x", "ssh -ä"] {
            assert!(terminal(text).unwrap_err().contains("is none of ssh's options"), "{text}");
        }
    }
}
