//! Tells by an HTTP request, in the forms of those who take such.

use super::{
    Message, Notice, TellError,
    error::{chain, is_untrusted},
};
use crate::{
    alert::Status,
    conf::{Secret, alerts::Form},
    event::{Severity, printable},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Client, Method,
    header::{self, HeaderValue},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Characters of an answer that an error shows.
const SAID: usize = 120;
/// Bytes of an answer that are read.
const LARGEST: usize = 4_096;
/// Longer nobody is left alone who asks for it.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Bytes of a message that ntfy shows; what is longer it makes a file of, or refuses.
const NTFY: usize = 4_096;
/// Alertmanager is told that an alert lasts for so long, where conf does not say how often it is told again.
const LASTS: SignedDuration = SignedDuration::from_hours(1);

/// A request: its method, where it goes, its headers, and what is in it.
#[derive(Debug, PartialEq)]
pub struct Request {
    method: Method,
    url: String,
    headers: Vec<(&'static str, HeaderValue)>,
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
    let failed = |error: reqwest::Error| {
        let (place, error) = (place.clone(), error.without_url());
        let said = chain(&error);
        if is_untrusted(&error) { TellError::Untrusted { place, said } } else { TellError::Unreached { place, said } }
    };
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let named = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let after = match status.as_u16() {
        429 | 503 => named(header::RETRY_AFTER).and_then(|value| after(&value, crate::event::now())),
        _ => None,
    };
    let mut said = match named(header::LOCATION).filter(|_| status.is_redirection()) {
        Some(place) => format!("it is at {place}"),
        None => begin(&mut answer).await,
    };
    if let Some(secret) = secret {
        said = said.replace(&secret.0, "…");
    }
    Err(TellError::Refused { place, status: status.as_u16(), said: printable(&said, SAID), after })
}

/// The first bytes of an answer.
async fn begin(answer: &mut reqwest::Response) -> String {
    let mut said = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        said.extend_from_slice(&chunk);
        if said.len() >= LARGEST {
            break;
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// For how long `Retry-After` wants quiet: seconds, or a date (RFC 9110, section 10.2.3).
fn after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse().ok() {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let until = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            Duration::try_from(until.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

/// What is asked in each form.
fn request(form: Form, url: &str, secret: Option<&Secret>, told: Told<'_>, now: Timestamp) -> Request {
    let Told { notice, message, repeat } = told;
    let mut headers: Vec<(&'static str, HeaderValue)> = Vec::new();
    let is_in_url = url.contains("{secret}");
    if let Some(secret) = secret.filter(|_| !is_in_url) {
        headers.push((header::AUTHORIZATION.as_str(), value(&format!("Bearer {}", secret.0))));
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
            headers.push(("Title", value(title)));
            headers.push(("Priority", value(priority(message))));
            headers.push(("Tags", value(tag(message))));
            return Request { method, url, headers, body: cut(text, NTFY) };
        }
    };
    headers.push((header::CONTENT_TYPE.as_str(), value("application/json")));
    Request { method, url, headers, body: body.to_string() }
}

/// A header's value. What is not ASCII goes as UTF-8, as ntfy takes it.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(printable(text, usize::MAX).as_bytes()).unwrap_or_else(|_| HeaderValue::from_static("?"))
}

/// As much of it as has room in so many bytes.
fn cut(text: &str, most: usize) -> String {
    const MORE: &str = "…";
    match text.len() <= most {
        true => text.to_owned(),
        false => format!("{}{MORE}", &text[..text.floor_char_boundary(most.saturating_sub(MORE.len()))]),
    }
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
        // It is no news to who keeps alerts that one lasts.
        "annotations": { "summary": Notice { again: false, ..notice.clone() }.title(), "description": notice.text },
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
        assert_eq!(json.headers[0], ("authorization", value("Bearer hush")));
        let body: Value = serde_json::from_str(&json.body).unwrap();
        assert_eq!(
            (&body["status"], &body["rule"], &body["hostname"]),
            (&json!("firing"), &json!("test"), &json!("web1"))
        );

        let slack = asked(Form::Slack, "https://h/{secret}", Some("T0/B0"), Status::Resolved);
        assert_eq!((slack.url.as_str(), slack.headers.len()), ("https://h/T0/B0", 1), "it is not told twice");
        assert!(slack.body.starts_with(r#"{"text":"*over: web1: test*\n"#), "{}", slack.body);

        let ntfy = asked(Form::Ntfy, "https://ntfy.example.net/lab", None, Status::Firing);
        assert_eq!((ntfy.method, &ntfy.headers[1].1), (Method::POST, &value("urgent")));

        let matrix = asked(Form::Matrix, "https://m/_matrix/client/v3/rooms/!r:m", Some("hush"), Status::Firing);
        assert_eq!(matrix.method, Method::PUT);
        assert!(matrix.url.contains("/rooms/!r:m/send/m.room.message/"), "{}", matrix.url);

        let manager = asked(Form::Alertmanager, "http://am:9093", None, Status::Firing);
        assert_eq!(manager.url, "http://am:9093/api/v2/alerts");
        let body: Value = serde_json::from_str(&manager.body).unwrap();
        assert_eq!(body[0]["labels"]["instance"], json!("web1"));
        assert_eq!(body[0]["endsAt"], json!("1970-01-01T01:00:00Z"));
    }

    #[test]
    fn what_is_told_again_is_the_same_alert() {
        let told = |again| {
            let notice = Notice { status: Status::Firing, again, ..notice() };
            alertmanager(&notice, Some(Duration::from_secs(60)), Timestamp::UNIX_EPOCH)
        };
        assert_eq!(told(true), told(false));
        assert_eq!(told(true)[0]["endsAt"], json!("1970-01-01T00:03:00Z"));
    }

    #[test]
    fn a_header_is_one_line() {
        assert_eq!(value("wéb1: down\r\nX-Y: z").as_bytes(), "wéb1: down  X-Y: z".as_bytes());
    }

    #[test]
    fn a_message_has_room() {
        assert_eq!(cut("äöü", 6), "äöü");
        assert_eq!(cut("äöüß", 7), "äö…");
    }

    #[test]
    fn how_long_to_wait() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for (value, seconds) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Fri, 02 Jan 2026 03:05:05 GMT", Some(60)),
            ("Fri, 02 Jan 2026 03:00:00 GMT", Some(0)),
            ("86400", Some(3_600)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
