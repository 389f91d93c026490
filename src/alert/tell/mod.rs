//! Tells a receiver of an alert, in its way. Knows neither rules nor who is to be told.

mod command;
mod desktop;
mod email;
mod error;
mod webhook;

pub use error::TellError;

use super::{Message, Notice};
use crate::{
    conf::alerts::{Form, Receiver, Way},
    event::Means,
};
use parking_lot::Mutex;
use std::{ffi::OsString, time::Duration};

/// What a receiver gets to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How programs are run so that they are the operator's: words before theirs, and what is set in their environment.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    /// `setpriv` and its words; empty where this program is the operator's itself.
    pub words: Vec<OsString>,
    /// His environment, where it is not this program's.
    pub env: Vec<(OsString, OsString)>,
}

/// Tells receivers.
pub struct Teller {
    hand: Hand,
    /// Made when it is first needed: a host that trusts no certificates can be told in other ways.
    client: Mutex<Option<reqwest::Client>>,
    /// This host's name, in mails.
    host: String,
}

impl Teller {
    /// Programs are run by `hand`.
    pub fn new(hand: Hand) -> Teller {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let host = host.filter(|name| !name.is_empty()).unwrap_or("localhost".to_owned());
        Teller { hand, client: Mutex::new(None), host }
    }

    fn client(&self) -> Result<reqwest::Client, TellError> {
        let mut client = self.client.lock();
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        // Who answers with another place is not followed there: the alert, and a secret, are for the place that conf names.
        let made = reqwest::Client::builder()
            .user_agent(concat!("pxelator/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PATIENCE / 2)
            .timeout(PATIENCE)
            .build()
            .map_err(|error| TellError::Client(error::chain(&error)))?;
        Ok(client.insert(made).clone())
    }

    /// Tells one, once: several alerts only where the way [gathers](Way::gathers).
    pub async fn tell(&self, receiver: &Receiver, notices: &[Notice]) -> Result<(), TellError> {
        let (Some(notice), Some(message)) = (notices.first(), Message::of(notices)) else { return Ok(()) };
        match &receiver.way {
            Way::Command(words) => command::tell(&self.hand, words, notice).await,
            Way::Email { server, from, to, login } => {
                let mail = email::Mail { server, from, to, login: login.as_ref(), host: &self.host };
                mail.send(&message).await
            }
            Way::Webhook { form, url, secret } => {
                let told = webhook::Told { notice, message: &message, repeat: receiver.repeat };
                let came = webhook::tell(&self.client()?, *form, url, secret.as_ref(), told).await;
                if matches!(came, Err(TellError::Untrusted { .. })) {
                    // What this host trusts is read when a client is made, and may be other the next time.
                    *self.client.lock() = None;
                }
                came
            }
            Way::Desktop => desktop::tell(&self.hand, &message).await,
            // It rings where it is read that it was told.
            Way::Bell => Ok(()),
        }
    }
}

impl Way {
    /// People read it: what comes up together is one message. Programs are told each alert by itself.
    pub fn gathers(&self) -> bool {
        match self {
            Way::Email { .. } | Way::Desktop => true,
            Way::Webhook { form, .. } => matches!(form, Form::Slack | Form::Matrix | Form::Ntfy),
            Way::Command(_) | Way::Bell => false,
        }
    }

    /// Its kind, as in events.
    pub fn means(&self) -> Means {
        match self {
            Way::Command(_) => Means::Command,
            Way::Email { .. } => Means::Email,
            Way::Webhook { .. } => Means::Webhook,
            Way::Desktop => Means::Desktop,
            Way::Bell => Means::Bell,
        }
    }
}
