//! Asking AMT: a message by HTTP, its answer as a tree, and what can go wrong as words. Knows no power.

use super::{
    wsman::{self, Said, Verb},
    xml::Element,
};
use crate::{
    event::printable,
    power::{
        PowerError, Target,
        web::{Ask, Scheme, Web, WebError},
    },
};
use std::sync::atomic::{AtomicU64, Ordering};
use url::Url;

/// Messages of one listing that are read.
const PULLS: usize = 32;
/// Bytes of another's words that are shown.
const SHOWN: usize = 200;
/// Where AMT answers.
const PATH: &str = "/wsman";
const KIND: &str = "application/soap+xml;charset=UTF-8";

/// Why AMT was asked in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmtError {
    /// There was no answer.
    Web(WebError),
    /// HTTP said no.
    Status(u16),
    /// The answer is none of WS-Management, or has not what it must have.
    Garbled(String),
    /// It refuses the message.
    Fault(String),
    /// A method came to nothing: its name, and what it returned.
    Refused(&'static str, u32),
}

impl From<WebError> for AmtError {
    fn from(error: WebError) -> AmtError {
        AmtError::Web(error)
    }
}

/// One machine's AMT.
pub struct Session {
    web: Web,
    messages: AtomicU64,
}

impl Session {
    pub fn new(target: &Target, url: &Url) -> Session {
        Session { web: Web::of(target, "amt", url, Scheme::Digest), messages: AtomicU64::new(0) }
    }

    /// How it is asked.
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// The only instance of a class.
    pub async fn get(&self, class: &str) -> Result<Element, AmtError> {
        self.say(&Verb::Get, class, &[]).await
    }

    /// Changes the only instance of a class.
    pub async fn put(&self, class: &str, values: Vec<(String, String)>) -> Result<(), AmtError> {
        self.say(&Verb::Put(values), class, &[]).await.map(drop)
    }

    /// Takes an instance out.
    pub async fn delete(&self, class: &str, selectors: &[(&str, &str)]) -> Result<(), AmtError> {
        self.say(&Verb::Delete, class, selectors).await.map(drop)
    }

    /// All instances of a class.
    pub async fn list(&self, class: &str) -> Result<Vec<Element>, AmtError> {
        let mut found = Vec::new();
        let mut answer = self.say(&Verb::Enumerate, class, &[]).await?;
        for _ in 0..PULLS {
            let context = answer.value("EnumerationContext").map(str::to_owned);
            let context = context.ok_or_else(|| AmtError::Garbled(format!("no context of the list of {class}")))?;
            answer = self.say(&Verb::Pull { context }, class, &[]).await?;
            if let Some(items) = answer.children.iter_mut().find(|child| child.name == "Items") {
                found.append(&mut items.children);
            }
            if answer.child("EndOfSequence").is_some() {
                return Ok(found);
            }
        }
        Err(AmtError::Garbled(format!("its list of {class} has no end")))
    }

    /// Calls a method of the only instance of a class.
    pub async fn invoke(&self, class: &str, method: &'static str, input: String) -> Result<(), AmtError> {
        let output = self.say(&Verb::Invoke { method, input }, class, &[]).await?;
        match output.value("ReturnValue").map(str::parse) {
            Some(Ok(0)) => Ok(()),
            Some(Ok(value)) => Err(AmtError::Refused(method, value)),
            _ => Err(AmtError::Garbled(format!("{method} returned no number"))),
        }
    }

    async fn say(&self, verb: &Verb, class: &str, selectors: &[(&str, &str)]) -> Result<Element, AmtError> {
        if !self.web.has_login() {
            return Err(AmtError::Web(WebError::NoLogin));
        }
        let id = self.messages.fetch_add(1, Ordering::Relaxed);
        let message = wsman::message(id, verb, class, selectors);
        let ask = Ask::post(PATH, KIND, message);
        let answer = match self.web.send(&ask).await {
            // A kept connection may end just as it is used. What changes nothing can be asked once more.
            Err(WebError::Broken(_)) if matches!(verb, Verb::Get | Verb::Enumerate) => self.web.send(&ask).await?,
            other => other?,
        };
        match (answer.status, wsman::answer(&answer.body)) {
            (_, Ok(Said::Fault(words))) => Err(AmtError::Fault(printable(&words, SHOWN))),
            (200, Ok(Said::Body(body))) => Ok(body),
            (200, Err(words)) => Err(AmtError::Garbled(printable(&words, SHOWN))),
            (status, _) => Err(AmtError::Status(status)),
        }
    }

    /// An error for the operator.
    pub fn told(&self, error: &AmtError) -> PowerError {
        match error {
            AmtError::Web(error) => self.web.told(error),
            AmtError::Status(404) => PowerError::new(
                "what answers there is not AMT: it answers 404 to /wsman",
                "see whose address and port that is",
            ),
            AmtError::Status(status) => PowerError::new(
                format!("its AMT answers {status}"),
                "try again; where it stays so, restart its firmware",
            ),
            AmtError::Garbled(words) => PowerError::new(
                format!("its answer makes no sense: {words}"),
                "see that it is AMT which answers there, and what is between",
            ),
            AmtError::Fault(words) => {
                PowerError::new(format!("its AMT refuses the message: {words}"), "see what this version of AMT can do")
            }
            AmtError::Refused(method, value) => refused(method, *value),
        }
    }
}

/// What a method returned, in words: Intel's PT_STATUS, and CIM's own.
fn refused(method: &str, value: u32) -> PowerError {
    let (words, next_step) = match value {
        1 => ("it is not ready: its firmware failed at it", "try again in a minute"),
        2 => ("it cannot do that in its present state", "see whether it is on, and try again"),
        3 | 4096 => ("its AMT is not set up", "set AMT up in its firmware (MEBx)"),
        5 | 36 => ("it does not understand what it is asked", "see what this version of AMT can do"),
        16 => (
            "it does not permit that to this user",
            "give the user the right to it; in client control mode AMT permits no set-up of boots",
        ),
        23 => ("it has no room for more", "take something out first"),
        38 | 2057 => ("it was changed too often in a short time", "try again in an hour"),
        4097 => ("it cannot go there from its present state", "see whether it is on, and try again"),
        6 | 4099 => ("it is busy with another change", "try again in a minute"),
        _ => ("it refuses", "see what this version of AMT can do"),
    };
    PowerError::new(format!("{words} ({method} returned {value})"), next_step)
}
