//! Tells by an HTTP request, in the forms of those who take such.

use super::{Message, Notice, TellError, error::chain};
use crate::{
    alert::Status,
    conf::{Secret, alerts::Form},
    event::{Severity, printable},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, header};
use serde_json::{Value, json};
use std::time::Duration;

/// Characters of an answer that an error shows.
const SAID: usize = 120;
/// Bytes of an answer that are read.
const LARGEST: usize = 4_096;
/// Alertmanager is told that an alert lasts for so long, where it is not told again.
const LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A request: its method, where it goes, its headers, and what is in it.
#[derive(Debug, PartialEq)]
pub struct Request {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What is told: a program one alert, people the message.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The alert.
    pub notice: &'a Notice,
    /// It, or several.
    pub message: &'a Message,
    /// How often it is told again.
    pub repeat: Option<Duration>,
}

/// Tells it.
pub async fn tell(
    client: &Client,
    form: Form,
    url: &str,
    secret: Option<&Secret>,
    told: Told<'_>,
) -> Result<(), TellError> {
    let Request { method, url, headers, body } = request(form, url, secret, told, crate::event::now());
    let place = url::Url::parse(&url).ok().and_then(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}{port}", url.host_str()?))
    });
    let place = place.unwrap_or_else(|| "the webhook".to_owned());
    let mut request = client.request(method, url).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    // The URL may have a secret in it.
    let failed =
        |error: reqwest::Error| TellError::Unreached { place: place.clone(), said: chain(&error.without_url()) };
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let mut said = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        said.extend_from_slice(&chunk);
        if said.len() >= LARGEST {
            break;
        }
    }
    let mut said = String::from_utf8_lossy(&said).into_owned();
    if let Some(secret) = secret {
        said = said.replace(&secret.0, "…");
    }
    Err(TellError::Refused { place, status: status.as_u16(), said: printable(&said, SAID) })
}

/// What is asked in each form.
fn request(form: Form, url: &str, secret: Option<&Secret>, told: Told<'_>, now: Timestamp) -> Request {
    let Told { notice, message, repeat } = told;
    let mut headers: Vec<(&'static str, String)> = Vec::new();
    let is_in_url = url.contains("{secret}");
    if let Some(secret) = secret.filter(|_| !is_in_url) {
        headers.push((header::AUTHORIZATION.as_str(), format!("Bearer {}", secret.0)));
    }
    let mut url = url.replace("{secret}", secret.map_or("", |secret| &secret.0));
    let below = |url: &str, path: &str| format!("{}/{path}", url.trim_end_matches('/'));
    let Message { id, title, text, .. } = message;
    let mut method = Method::POST;
    let body = match form {
        Form::Json => json!(notice),
        Form::Slack => {
            let clean = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            json!({ "text": format!("*{}*\n{}", clean(title), clean(text)) })
        }
        Form::Matrix => {
            // The transaction makes a second try of the same no second message (Matrix, client-server API, section 7.2).
            if !url.contains("/send/") {
                url = below(&url, &format!("send/m.room.message/{id}"));
            }
            method = Method::PUT;
            json!({ "msgtype": "m.text", "body": format!("{title}\n{text}") })
        }
        Form::Alertmanager => {
            if !url.contains("/api/") {
                url = below(&url, "api/v2/alerts");
            }
            alertmanager(notice, repeat, now)
        }
        Form::Ntfy => {
            headers.push(("Title", ascii(title)));
            headers.push(("Priority", priority(message).to_owned()));
            headers.push(("Tags", tag(message).to_owned()));
            return Request { method, url, headers, body: text.clone() };
        }
    };
    headers.push((header::CONTENT_TYPE.as_str(), "application/json".to_owned()));
    Request { method, url, headers, body: body.to_string() }
}

/// A header has no other characters.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

fn priority(message: &Message) -> &'static str {
    match (message.status, message.severity) {
        (Status::Firing, Severity::Emerg | Severity::Alert | Severity::Crit) => "urgent",
        (Status::Firing, Severity::Err) => "high",
        (Status::Firing, Severity::Warning) => "default",
        _ => "low",
    }
}

fn tag(message: &Message) -> &'static str {
    match message.status {
        Status::Firing => "rotating_light",
        Status::Resolved => "white_check_mark",
        Status::Test => "bell",
    }
}

fn alertmanager(notice: &Notice, repeat: Option<Duration>, now: Timestamp) -> Value {
    let mut labels = json!({
        "alertname": notice.rule,
        "severity": notice.severity,
        "instance": notice.place(),
        "job": "pxelator",
    });
    let text = |value: Option<String>| value.filter(|value| !value.is_empty());
    for (name, value) in [
        ("subject", text(Some(notice.subject.clone()))),
        ("segment", notice.segment.map(|address| address.to_string())),
        ("address", notice.machine.map(|address| address.to_string())),
        ("mac", notice.mac.map(|mac| mac.to_string())),
    ] {
        if let Some(value) = value {
            labels[name] = value.into();
        }
    }
    let lasts = repeat.and_then(|every| SignedDuration::try_from(every * 3).ok()).unwrap_or(LASTS);
    let ends = match notice.status {
        Status::Firing => now.checked_add(lasts).unwrap_or(now),
        Status::Resolved => notice.resolved.unwrap_or(now),
        Status::Test => now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now),
    };
    json!([{
        "labels": labels,
        "annotations": { "summary": notice.title(), "description": notice.text },
        "startsAt": notice.fired.unwrap_or(notice.since),
        "endsAt": ends,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice { hostname: Some("web1".into()), ..Notice::test([10, 77, 0, 1].into(), Timestamp::UNIX_EPOCH) }
    }

    fn asked(form: Form, url: &str, secret: Option<&str>, status: Status) -> Request {
        let secret = secret.map(|text| Secret(text.to_owned()));
        let notice = Notice { status, severity: Severity::Crit, ..notice() };
        let message = Message::of(std::slice::from_ref(&notice)).unwrap();
        let told = Told { notice: &notice, message: &message, repeat: None };
        request(form, url, secret.as_ref(), told, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn forms() {
        let json = asked(Form::Json, "http://h/hook", Some("hush"), Status::Firing);
        assert_eq!(json.headers[0], ("authorization", "Bearer hush".to_owned()));
        let body: Value = serde_json::from_str(&json.body).unwrap();
        assert_eq!(
            (&body["status"], &body["rule"], &body["hostname"]),
            (&json!("firing"), &json!("test"), &json!("web1"))
        );

        let slack = asked(Form::Slack, "https://h/{secret}", Some("T0/B0"), Status::Resolved);
        assert_eq!((slack.url.as_str(), slack.headers.len()), ("https://h/T0/B0", 1), "it is not told twice");
        assert!(slack.body.starts_with(r#"{"text":"*over: web1: test*\n"#), "{}", slack.body);

        let ntfy = asked(Form::Ntfy, "https://ntfy.example.net/lab", None, Status::Firing);
        assert_eq!((ntfy.method, ntfy.headers[1].1.as_str()), (Method::POST, "urgent"));

        let matrix = asked(Form::Matrix, "https://m/_matrix/client/v3/rooms/!r:m", Some("hush"), Status::Firing);
        assert_eq!(matrix.method, Method::PUT);
        assert!(matrix.url.contains("/rooms/!r:m/send/m.room.message/"), "{}", matrix.url);

        let manager = asked(Form::Alertmanager, "http://am:9093", None, Status::Firing);
        assert_eq!(manager.url, "http://am:9093/api/v2/alerts");
        let body: Value = serde_json::from_str(&manager.body).unwrap();
        assert_eq!(body[0]["labels"]["instance"], json!("web1"));
        assert_eq!(body[0]["endsAt"], json!("1970-01-08T00:00:00Z"));
    }

    #[test]
    fn headers_are_ascii() {
        assert_eq!(ascii("wéb1: down\r\nX-Y: z"), "w?b1: down??X-Y: z");
    }
}
