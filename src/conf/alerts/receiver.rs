//! Reads a receiver: its way on the first line, then a word a line with its value.

use super::{
    Form, Receiver, Way,
    rule::{severity, span},
};
use crate::{conf::value::Expected, event::Severity};
use std::{net::IpAddr, time::Duration};

const EXPECTED: &str = "one of: command WORDS, email smtp://HOST[:PORT] ADDRESSES, webhook FORM URL, desktop, bell; \
    then lines of: from ADDRESS, severity warning, repeat 4h";
/// Sooner nobody wants to hear the same.
const SOONEST: Duration = Duration::from_secs(60);

/// How often who keeps alerts is told that one lasts.
const RENEWED: Duration = Duration::from_secs(15 * 60);

/// A receiver's lines, without what its `NAME.secret` holds.
pub fn receiver(text: &str) -> Result<Receiver, Expected> {
    let mut told: Option<Way> = None;
    let (mut sender, mut least, mut repeat) = (None, Severity::Debug, None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = |why: &str| format!("{EXPECTED}: {line:?} {why}");
        let (word, given) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let given = given.trim();
        let way = match word {
            "from" => {
                sender = Some(address(given).map_err(|why| wrong(&why))?);
                continue;
            }
            "severity" => {
                least = severity(given).map_err(|why| wrong(&why))?;
                continue;
            }
            "repeat" => {
                let every = span(given).ok().filter(|every| *every >= SOONEST);
                repeat = Some(every.ok_or_else(|| wrong("has no span of at least a minute"))?);
                continue;
            }
            "command" => Way::Command(words(given).map_err(|why| wrong(&why))?),
            "email" => email(given).map_err(|why| wrong(&why))?,
            "webhook" => webhook(given).map_err(|why| wrong(&why))?,
            "desktop" if given.is_empty() => Way::Desktop,
            "bell" if given.is_empty() => Way::Bell,
            _ => return Err(wrong("makes no sense")),
        };
        if told.replace(way).is_some() {
            return Err(wrong("is a second way: make another receiver of it"));
        }
    }
    let mut way = told.ok_or_else(|| EXPECTED.to_owned())?;
    match (&mut way, sender) {
        (Way::Email { from, .. }, Some(sender)) => *from = sender,
        (_, Some(_)) => return Err(format!("{EXPECTED}: only an email has a sender")),
        _ => {}
    }
    let mut receiver = Receiver { way, severity: least, repeat };
    if receiver.keeps() {
        receiver.repeat.get_or_insert(RENEWED);
    }
    Ok(receiver)
}

/// What is told this server can be read on its way: it is no TLS, and leaves this host.
pub fn is_clear(server: &str) -> bool {
    let Ok(url) = url::Url::parse(&plain(server)) else { return true };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let is_here = host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback());
    matches!(url.scheme(), "smtp" | "http") && !is_here
}

/// A URL with a word where a secret comes in.
fn plain(url: &str) -> String {
    url.replace("{secret}", "secret")
}

/// Words of a command, with quotes as a shell has them and nothing else of one.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("has a quote that does not end".to_owned());
    }
    words.extend(word);
    if words.is_empty() { Err("has no command".to_owned()) } else { Ok(words) }
}

/// `ann@example.net`.
fn address(text: &str) -> Result<String, String> {
    text.parse::<lettre::Address>()
        .map(|address| address.to_string())
        .map_err(|_| format!("has no address as ann@example.net ({text:?})"))
}

fn email(given: &str) -> Result<Way, String> {
    let (server, to) = given.split_once(char::is_whitespace).ok_or("names a server and nobody to write to")?;
    let url = url::Url::parse(server).map_err(|_| "has no server as smtp://127.0.0.1:25")?;
    if !matches!(url.scheme(), "smtp" | "smtps" | "smtp+starttls") || url.host_str().is_none_or(str::is_empty) {
        return Err("has no server as smtp://HOST, smtps://HOST or smtp+starttls://HOST".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a login: write it into NAME.secret as user:password, and chmod 600 it".to_owned());
    }
    let to = to.split_whitespace().map(|to| address(to.trim_matches(','))).collect::<Result<Vec<_>, _>>()?;
    Ok(Way::Email { server: server.to_owned(), from: String::new(), to, login: None })
}

fn webhook(given: &str) -> Result<Way, String> {
    let names = || Form::ALL.map(Form::name).join(", ");
    let (form, url) =
        given.split_once(char::is_whitespace).ok_or_else(|| format!("has no form ({}) and URL", names()))?;
    let form = Form::ALL.into_iter().find(|known| known.name() == form);
    let form = form.ok_or_else(|| format!("has no form; there are {}", names()))?;
    let url = url.trim();
    let read = url::Url::parse(&plain(url)).map_err(|_| "has no URL")?;
    if !matches!(read.scheme(), "http" | "https") || read.host_str().is_none_or(str::is_empty) {
        return Err("has no URL of http or https".to_owned());
    }
    if read.password().is_some() {
        return Err("has a password: write it into NAME.secret, and chmod 600 it".to_owned());
    }
    Ok(Way::Webhook { form, url: url.to_owned(), secret: None })
}
