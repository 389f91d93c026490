//! The value `ssh`: how a machine is reached to read and change its files. Its words become words of ssh(1), never of a shell here.

use super::value::{self, Expected};

/// How a machine is reached. What is not said here is as ssh's own settings of the operator say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ssh {
    /// `user`: who logs in; root unless given.
    pub user: Option<String>,
    /// `port`: 22 unless given.
    pub port: Option<u16>,
    /// `host`: another name or address than the machine's own.
    pub host: Option<String>,
    /// `jump`: hosts to go through: `[USER@]HOST[:PORT]`, several with commas.
    pub jump: Option<String>,
    /// `identity`: the file of a private key.
    pub identity: Option<String>,
}

const EXPECTED: &str = "lines of: user NAME, port NUMBER, host NAME, jump [USER@]HOST[:PORT], identity FILE";

/// A word a line with its value.
pub fn ssh(text: &str) -> Result<Ssh, Expected> {
    let mut ssh = Ssh::default();
    for line in text.lines() {
        let wrong = |why: &str| format!("{EXPECTED}: {line:?} {why}");
        let (word, given) = line.split_once(char::is_whitespace).ok_or_else(|| wrong("has no value"))?;
        let given = given.trim();
        // What begins with a hyphen would be an option.
        let fits = |more: &str| {
            let fit = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !given.is_empty() && !given.starts_with('-') && given.chars().all(fit)
        };
        let is_new = match word {
            "user" if fits("._@+\\-") => ssh.user.replace(given.to_owned()).is_none(),
            "host" if fits(".-:_") => ssh.host.replace(given.to_owned()).is_none(),
            "jump" if fits(".-:_@,[]+") => ssh.jump.replace(given.to_owned()).is_none(),
            "identity" if fits("./_-+@~ ") => ssh.identity.replace(given.to_owned()).is_none(),
            "port" => {
                let port = given.parse().ok().filter(|port| *port != 0);
                ssh.port.replace(port.ok_or_else(|| wrong("has no port of 1 to 65535"))?).is_none()
            }
            _ => return Err(wrong("makes no sense")),
        };
        if !is_new {
            return Err(wrong("is said twice"));
        }
    }
    Ok(ssh)
}

/// `ssh.pin`: public keys of the machine, one a line, as ssh-keyscan(1) prints them without the name.
pub fn keys(text: &str) -> Result<Vec<String>, Expected> {
    let expected = || "public keys of the machine, one a line: ssh-ed25519 AAAA…".to_owned();
    let key = |line: &str| {
        let mut words = line.split_whitespace();
        let (kind, key) = words.next().zip(words.next()).ok_or_else(expected)?;
        let is_kind = ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|begin| kind.starts_with(begin));
        let is_key = key.len() > 20 && key.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
        if is_kind && is_key { Ok(format!("{kind} {key}")) } else { Err(expected()) }
    };
    text.lines().map(key).collect()
}

/// `exec`: the words that run a command in a container: `podman exec -i NAME`.
pub fn exec(text: &str) -> Result<Vec<String>, Expected> {
    let line = value::line(text)?;
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let fit = |c: char| c.is_ascii_alphanumeric() || "._-/=:@+,".contains(c);
    if words.iter().all(|word| word.chars().all(fit)) {
        Ok(words)
    } else {
        Err("words without quotes that run a command in the container: podman exec -i NAME".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_said_once() {
        let told =
            ssh("user ann\nport 2222\nhost web1.example.net\njump ann@gate:22,gate2\nidentity ~/.ssh/id lab").unwrap();
        assert_eq!((told.user.as_deref(), told.port), (Some("ann"), Some(2222)));
        assert_eq!(told.jump.as_deref(), Some("ann@gate:22,gate2"));
        assert_eq!(told.identity.as_deref(), Some("~/.ssh/id lab"));
        for (text, why) in [
            ("user", "has no value"),
            ("user -oProxyCommand=x", "makes no sense"),
            ("host a;reboot", "makes no sense"),
            ("port 0", "has no port"),
            ("port 1\nport 2", "said twice"),
            ("password x", "makes no sense"),
        ] {
            assert!(ssh(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn keys_and_words() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPQ";
        assert_eq!(keys(&format!("{key} root@web1\n{key}")).unwrap(), [key, key]);
        assert!(keys("10.77.0.60 ssh-ed25519 AAAA").is_err());
        assert_eq!(exec("podman exec -i db").unwrap().len(), 4);
        assert!(exec("podman exec -i 'db'").is_err() && exec("a\nb").is_err());
    }
}
