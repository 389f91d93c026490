//! What a form is and who may send it: only one that this page made for this browser is taken. The actions: `/pxelator/act/…`.

use super::{
    Site,
    access::{Actor, visit},
    csrf,
    denied::Denied,
    guard::Browser,
    layout,
    login::{HOME, way_back},
};
use crate::{
    command::{AlertKey, Command},
    event::{self, Action, printable},
    net::Mac,
};
use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use maud::html;
use serde::{Deserialize, de::DeserializeOwned};
use std::{net::Ipv4Addr, str::FromStr, time::Duration};

/// What a form of ours says, and who sends it.
pub struct Act<T> {
    /// Who.
    pub actor: Actor,
    /// Where they come back to; a path of ours.
    pub back: String,
    /// What the form says.
    pub said: T,
}

#[derive(Deserialize)]
struct Envelope<T> {
    csrf: String,
    #[serde(default)]
    back: String,
    #[serde(flatten)]
    said: T,
}

impl<T: DeserializeOwned> FromRequest<Site> for Act<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Act<T>, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = visit(&parts)?;
        let actor = Actor::from_request_parts(&mut parts, site).await?;
        let forged = || site.deny(&visit, Denied::Forged);
        let Some(Browser(cookie)) = parts.extensions.get::<Browser>().cloned() else { return Err(forged()) };
        if !csrf::is_same_origin(&parts.headers, &parts.uri) {
            return Err(forged());
        }
        let read = Form::<Envelope<T>>::from_request(Request::from_parts(parts, body), site).await;
        let Form(Envelope { csrf, back, said }) = match read {
            Ok(read) => read,
            // A form without our word is another's.
            Err(error) if error.body_text().contains("missing field `csrf`") => return Err(forged()),
            Err(error) => {
                return Err(Unfit(error.body_text()).into_response());
            }
        };
        if !site.key.is_of(&cookie, &csrf) {
            return Err(forged());
        }
        Ok(Act { actor, back: way_back(&back).to_owned(), said })
    }
}

/// Below `/pxelator`.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/act/power", post(power))
        .route("/act/profile", post(profile))
        .route("/act/arm", post(arm))
        .route("/act/disarm", post(disarm))
        .route("/act/adopt", post(adopt))
        .route("/act/check", post(check))
        .route("/act/acknowledge", post(acknowledge))
        .route("/act/silence", post(silence))
        .layer(DefaultBodyLimit::max(16 << 10))
}

#[derive(Deserialize)]
struct Machine {
    segment: Ipv4Addr,
    machine: Ipv4Addr,
}

#[derive(Deserialize)]
struct Power {
    #[serde(flatten)]
    machine: Machine,
    action: Action,
}

#[derive(Deserialize)]
struct Boots {
    #[serde(flatten)]
    machine: Machine,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    then: String,
}

#[derive(Deserialize)]
struct Adopted {
    segment: Ipv4Addr,
    mac: Mac,
    address: String,
    hostname: String,
}

#[derive(Deserialize)]
struct Checked {
    segment: Ipv4Addr,
    #[serde(default)]
    machine: String,
}

#[derive(Deserialize)]
struct Alerted {
    #[serde(default)]
    segment: String,
    #[serde(default)]
    mac: String,
    rule: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    span: String,
}

/// None for an empty field; an error where it is neither empty nor what it should be.
fn given<T: FromStr>(text: &str) -> Result<Option<T>, Unfit> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| Unfit(format!("{text} makes no sense"))) }
}

fn filled(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}

/// A form that says something that cannot be.
pub struct Unfit(pub String);

impl IntoResponse for Unfit {
    fn into_response(self) -> Response {
        let body = html! {
            p role="alert" { (printable(&self.0, 200)) "." }
            p { "Nothing was done. " a href=(HOME) { "All segments" } }
        };
        (StatusCode::UNPROCESSABLE_ENTITY, layout::bare("That cannot be done", &body)).into_response()
    }
}

impl Alerted {
    fn key(&self) -> Result<AlertKey, Unfit> {
        let (segment, mac) = (given(&self.segment)?, given(&self.mac)?);
        Ok(AlertKey { segment, mac, rule: self.rule.clone(), subject: self.subject.clone() })
    }
}

async fn power(State(site): State<Site>, act: Act<Power>) -> Result<Redirect, Unfit> {
    let Power { machine, action } = act.said;
    let by = act.actor.by.clone();
    let machines = vec![(machine.segment, machine.machine)];
    let command = Command::Power { machines, action, stagger: Duration::ZERO, by };
    send(&site, &act.actor, command, &act.back).await
}

async fn profile(State(site): State<Site>, act: Act<Boots>) -> Result<Redirect, Unfit> {
    let machine = (act.said.machine.segment, act.said.machine.machine);
    let command = Command::Assign { machine, profile: filled(act.said.profile) };
    send(&site, &act.actor, command, &act.back).await
}

async fn arm(State(site): State<Site>, act: Act<Boots>) -> Result<Redirect, Unfit> {
    let machine = (act.said.machine.segment, act.said.machine.machine);
    let Some(profile) = filled(act.said.profile) else { return Err(Unfit("no profile was chosen".to_owned())) };
    let command = Command::Arm { machine, profile: Some(profile), then: filled(act.said.then) };
    send(&site, &act.actor, command, &act.back).await
}

async fn disarm(State(site): State<Site>, act: Act<Machine>) -> Result<Redirect, Unfit> {
    let command = Command::Arm { machine: (act.said.segment, act.said.machine), profile: None, then: None };
    send(&site, &act.actor, command, &act.back).await
}

async fn adopt(State(site): State<Site>, act: Act<Adopted>) -> Result<Redirect, Unfit> {
    let Adopted { segment, mac, address, hostname } = act.said;
    let address = given(address.trim())?.ok_or_else(|| Unfit("no address was given".to_owned()))?;
    let command = Command::Adopt { segment, mac, address, hostname: hostname.trim().to_owned() };
    send(&site, &act.actor, command, &act.back).await
}

async fn check(State(site): State<Site>, act: Act<Checked>) -> Result<Redirect, Unfit> {
    let machines = given(&act.said.machine)?.into_iter().collect();
    let command = Command::Check { segment: act.said.segment, machines };
    send(&site, &act.actor, command, &act.back).await
}

async fn acknowledge(State(site): State<Site>, act: Act<Alerted>) -> Result<Redirect, Unfit> {
    let note = filled(printable(&act.said.note, 200));
    let command = Command::Acknowledge { alerts: vec![act.said.key()?], note, by: act.actor.by.clone() };
    send(&site, &act.actor, command, &act.back).await
}

async fn silence(State(site): State<Site>, act: Act<Alerted>) -> Result<Redirect, Unfit> {
    let AlertKey { segment, mac, rule, subject } = act.said.key()?;
    let until = match given::<jiff::SignedDuration>(&act.said.span.replace("1d", "24h").replace("7d", "168h"))? {
        Some(span) if !span.is_positive() => return Err(Unfit("a silence lasts some time".to_owned())),
        Some(span) => {
            let until = event::now().checked_add(span);
            Some(until.map_err(|_| Unfit("that silence would have no end".to_owned()))?)
        }
        None => None,
    };
    let by = act.actor.by.clone();
    let command = Command::Silence { segment, mac, rule: Some(rule), subject: Some(subject), until, by };
    send(&site, &act.actor, command, &act.back).await
}

async fn send(site: &Site, actor: &Actor, command: Command, back: &str) -> Result<Redirect, Unfit> {
    site.carry_out(actor, command).await.map_err(|wrong| Unfit(wrong.to_string()))?;
    Ok(Redirect::to(back))
}
