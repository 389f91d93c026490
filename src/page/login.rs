//! Logging in and out: `/pxelator/login`, `/pxelator/logout`.

use super::{
    Site,
    access::{Kind, Visit, visit},
    csrf,
    denied::Denied,
    forms,
    guard::{Browser, set_cookie},
    layout, password,
};
use crate::event::printable;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Form, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// What a password check waits for others to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// The start of all views.
pub const HOME: &str = "/pxelator";

/// Below `/pxelator`.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/login", get(show).post(login))
        .route("/logout", post(logout))
        .layer(DefaultBodyLimit::max(16 << 10))
}

#[derive(Deserialize)]
struct To {
    to: Option<String>,
}

#[derive(Deserialize)]
struct Login {
    csrf: String,
    user: String,
    password: String,
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
struct Logout {
    csrf: String,
}

/// A path of ours where somebody comes back to; else the start. What browsers take for another host (`//host`, `/\host`) is none.
pub fn way_back(to: &str) -> &str {
    let is_ours = to.strip_prefix(HOME).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    let is_plain = to.len() <= 1024 && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_login = to.starts_with("/pxelator/login") || to.starts_with("/pxelator/act/");
    if is_ours && is_plain && !is_login { to } else { HOME }
}

async fn show(State(site): State<Site>, Extension(visit): Extension<Visit>, Query(To { to }): Query<To>) -> Response {
    form(&site, &visit, way_back(&to.unwrap_or_default()), None).into_response()
}

fn form(site: &Site, visit: &Visit, to: &str, wrong: Option<&Denied>) -> Markup {
    let conf = site.source.conf.borrow().clone();
    let body = html! {
        @if let Some(denied) = wrong {
            p role="alert" class="wrong" { (denied) "; " (denied.next_step()) "." }
        }
        @if let Some((person, _)) = &visit.person {
            p { "You are logged in as " strong { (person.name) } "." }
        }
        @if conf.page.users.is_empty() {
            p { "There is nobody who could log in yet. Make a user on the host: " code { "pxelator user add NAME" } "." }
        } @else {
            @if !visit.way.is_private(visit.here) {
                p class="note" {
                    "This connection is not encrypted: who can read along on the network can read the password. With "
                    code { "listen ADDRESS:443 tls" } " in conf/page it is."
                }
            }
            (forms::login(&visit.csrf, to))
        }
    };
    layout::bare("Log in", &body)
}

async fn login(
    State(site): State<Site>,
    Extension(visit): Extension<Visit>,
    Extension(Browser(cookie)): Extension<Browser>,
    headers: HeaderMap,
    uri: Uri,
    Form(said): Form<Login>,
) -> Response {
    let to = way_back(&said.to).to_owned();
    let wanted = format!("login as {}", printable(&said.user, 40));
    let denied = match check(&site, &visit, &cookie, &headers, &uri, said).await {
        Ok(new) => {
            let mut response = Redirect::to(&to).into_response();
            set_cookie(&mut response, visit.way, &new);
            return response;
        }
        Err(denied) => denied,
    };
    site.refusals.note(&site.source, &visit, &wanted, &denied);
    if matches!(denied, Denied::WrongLogin) {
        return (StatusCode::UNAUTHORIZED, form(&site, &visit, &to, Some(&denied))).into_response();
    }
    denied.response(&visit)
}

/// The cookie of a new session. The browser's old one is worth nothing, so that nobody can have told it one that they know.
async fn check(
    site: &Site,
    visit: &Visit,
    cookie: &str,
    headers: &HeaderMap,
    uri: &Uri,
    said: Login,
) -> Result<String, Denied> {
    if !csrf::is_same_origin(headers, uri) || !site.key.is_of(cookie, &said.csrf) {
        return Err(Denied::Forged);
    }
    site.limits.may_guess(visit)?;
    if said.password.len() > password::LONGEST {
        return Err(Denied::WrongLogin);
    }
    let busy = Denied::Limited { wait: PATIENCE.as_secs() };
    // A check takes some memory and much time of a processor: not many at once, however many ask.
    let turn = timeout(PATIENCE, site.checking.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(busy) };
    let conf = site.source.conf.borrow().clone();
    let checked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        password::user_of(&conf.page.users, &said.user, &said.password).cloned()
    });
    let user = checked.await.ok().flatten().ok_or(Denied::WrongLogin)?;
    let new = site.sessions.begin(&user, Instant::now()).map_err(|_| busy)?;
    site.sessions.end(cookie);
    site.source.tell_entered(&user.name, visit);
    Ok(new)
}

async fn logout(
    State(site): State<Site>,
    Extension(visit): Extension<Visit>,
    Extension(Browser(cookie)): Extension<Browser>,
    headers: HeaderMap,
    uri: Uri,
    Form(said): Form<Logout>,
) -> Response {
    if !csrf::is_same_origin(&headers, &uri) || !site.key.is_of(&cookie, &said.csrf) {
        return site.deny(&visit, Denied::Forged);
    }
    site.sessions.end(&cookie);
    Redirect::to("/pxelator/login").into_response()
}

/// What is below `/pxelator` and is nothing.
pub async fn nothing(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match visit(&parts) {
        Ok(visit) if visit.kind == Kind::Program => {
            let problem = super::denied::Problem {
                error: "there is nothing here".to_owned(),
                next_step: "see /api/v1/openapi.json".to_owned(),
            };
            (StatusCode::NOT_FOUND, axum::Json(problem)).into_response()
        }
        Ok(_) => {
            let body = html! { p { "There is no such page." } p { a href=(HOME) { "All segments" } } };
            (StatusCode::NOT_FOUND, layout::bare("Not found", &body)).into_response()
        }
        Err(response) => response,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_led_away() {
        for to in ["/pxelator", "/pxelator/machines?x=1", "/pxelator?filter=a%20b", "/pxelator#x"] {
            assert_eq!(super::way_back(to), to);
        }
        for to in [
            "",
            "/",
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "/pxelator\\..",
            "/pxelatorx",
            "/pxelator/\r\nSet-Cookie: a",
            "/pxelator/login?to=/pxelator/login",
            "javascript:1",
            "/boot/x",
        ] {
            assert_eq!(super::way_back(to), "/pxelator", "{to:?}");
        }
    }
}
