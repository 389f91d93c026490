//! Tells by a mail (RFC 5322) that is handed over by SMTP (RFC 5321).

use super::{
    PATIENCE, TellError,
    error::{SmtpFault, chain, is_untrusted},
};
use crate::{alert::Message as Told, conf::Login, event::printable};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::authentication::Credentials,
};
use std::time::Duration;

/// Its subject is one line of a list of mails.
const SUBJECT: usize = 120;

/// Where mails go.
pub struct Mail<'a> {
    /// `smtp://`, `smtps://` or `smtp+starttls://`, host and port.
    pub server: &'a str,
    /// Empty for this program on this host.
    pub from: &'a str,
    /// To whom.
    pub to: &'a [String],
    /// Who hands it over.
    pub login: Option<&'a Login>,
    /// This host's name.
    pub host: &'a str,
}

impl Mail<'_> {
    /// Hands it over.
    pub async fn send(&self, told: &Told) -> Result<(), TellError> {
        let message = self.message(told)?;
        let transport = self.transport()?;
        // The library's own limit is one of each step.
        let slow = |_| TellError::Slow { what: self.server.to_owned(), patience: PATIENCE * 3 };
        tokio::time::timeout(PATIENCE * 3, transport.send(message))
            .await
            .map_err(slow)?
            .map_err(|error| self.failed(&error))?;
        Ok(())
    }

    fn failed(&self, error: &lettre::transport::smtp::Error) -> TellError {
        let server = self.server.to_owned();
        let mut said = chain(error);
        if let Some(login) = self.login {
            said = without(&said, login);
        }
        if is_untrusted(error) {
            return TellError::Untrusted { place: server, said };
        }
        let fault = match error.status().map(u16::from) {
            Some(432 | 530 | 534 | 535 | 538) => SmtpFault::Login,
            Some(500..) => SmtpFault::Mail,
            Some(_) => SmtpFault::Later,
            None if error.is_client() => SmtpFault::Offer,
            None => SmtpFault::Absent,
        };
        TellError::Smtp { server, said, fault }
    }

    fn message(&self, told: &Told) -> Result<Message, TellError> {
        let mailbox = |address: &str| {
            let address = address.parse().map_err(|error| TellError::Mail(format!("{address}: {error}")))?;
            Ok::<Mailbox, TellError>(Mailbox::new(None, address))
        };
        let from = if self.from.is_empty() { format!("pxelator@{}", self.host) } else { self.from.to_owned() };
        let mut from = mailbox(&from)?;
        from.name = Some("PXElator".to_owned());
        let id = |id: &str| format!("<{id}@{}>", self.host);
        let mut message = Message::builder()
            .from(from)
            .subject(printable(&told.title, SUBJECT))
            .message_id(Some(id(&told.id)))
            .header(ContentType::TEXT_PLAIN);
        for to in self.to {
            message = message.to(mailbox(to)?);
        }
        if let Some(first) = &told.answers {
            message = message.in_reply_to(id(first)).references(id(first));
        }
        let mut message = message.body(told.body.clone()).map_err(|error| TellError::Mail(error.to_string()))?;
        // So that nobody's absence is told to this program (RFC 3834, section 5).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, TellError> {
        let url = url::Url::parse(self.server).map_err(|error| TellError::Mail(format!("{}: {error}", self.server)))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let builder = match url.scheme() {
            "smtps" => Transport::relay(host),
            "smtp+starttls" => Transport::starttls_relay(host),
            _ => Ok(Transport::builder_dangerous(host).port(25)),
        };
        let mut builder = builder.map_err(|error| TellError::Client(chain(&error)))?;
        if let Some(port) = url.port() {
            builder = builder.port(port);
        }
        if let Some(Login { user, password }) = self.login.cloned() {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(builder.timeout(Some(Duration::from_secs(10))).build())
    }
}

/// Without the password, which a server may repeat: as it is, and as AUTH LOGIN and AUTH PLAIN (RFC 4616) send it.
fn without(said: &str, Login { user, password }: &Login) -> String {
    if password.is_empty() {
        return said.to_owned();
    }
    let forms = [password.clone(), BASE64.encode(password), BASE64.encode(format!("\0{user}\0{password}"))];
    forms.iter().fold(said.to_owned(), |said, form| said.replace(form, "…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_repeated() {
        let login = Login { user: "tim".into(), password: "tanstaaftanstaaf".into() };
        for (said, shown) in [
            ("535 dGltAHRhbnN0YWFmdGFuc3RhYWY is wrong", "535 dGltAHRhbnN0YWFmdGFuc3RhYWY is wrong"),
            ("535 AHRpbQB0YW5zdGFhZnRhbnN0YWFm is wrong", "535 … is wrong"), // RFC 4616, section 4
            ("535 dGFuc3RhYWZ0YW5zdGFhZg== is wrong", "535 … is wrong"),
            ("tanstaaftanstaaf: no", "…: no"),
        ] {
            assert_eq!(without(said, &login), shown);
        }
        assert_eq!(without("as it is", &Login { user: "tim".into(), password: String::new() }), "as it is");
    }
}
