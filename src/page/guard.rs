//! Stands before all of the page: who asks, from where, by which name; and what every answer has in its head.

use super::{
    Site,
    access::{Kind, Person, Proof, Visit, Way},
    csrf,
    denied::Denied,
    password, sessions,
};
use crate::conf::{Conf, page::User};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Instant,
};

/// The cookie. It holds 32 random bytes: a login's, or those of who has not logged in.
const COOKIE: &str = "pxelator";
/// With TLS: no other host of the domain, and no page without TLS, can set it (RFC 6265bis, section 4.1.3.2).
const TLS_COOKIE: &str = "__Host-pxelator";
/// Digits of a cookie.
const DIGITS: usize = 64;

/// In the head of every answer. Scripts and styles are files of ours; no page is shown in another's frame; a form goes nowhere else.
const HEAD: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With no-referrer browsers would not say of a form where it comes from.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Lets a request through, with a [`Visit`]; or answers it.
pub async fn guard(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let way = way(&request);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let kind = if path.starts_with("/api") || path.starts_with("/metrics") { Kind::Program } else { Kind::Html };
    let tls = matches!(way, Way::Tcp { tls: true, .. });
    let cookie_name = if tls { TLS_COOKIE } else { COOKIE };
    let jar = CookieJar::from_headers(request.headers());
    let known = jar.get(cookie_name).map(|cookie| cookie.value().to_owned()).filter(|value| is_cookie(value));
    let is_new = known.is_none();
    let cookie = match known.map_or_else(sessions::random, Ok) {
        Ok(cookie) => cookie,
        Err(_) => return axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let here = site.is_here(way, request.headers());
    let csrf = site.key.token(&cookie);
    let mut visit = Visit { way, here, person: None, kind, path, csrf };
    let conf = site.source.conf.borrow().clone();
    let let_in = name_is_known(&site, &conf, way, &request)
        .and_then(|()| site.limits.may_ask(&visit))
        .and_then(|()| who(&site, &conf, &request, &visit, &cookie));
    let mut response = match let_in {
        Err(denied) => site.deny(&visit, denied),
        Ok(person) => {
            visit.person = person;
            // An anonymous cookie is for who sees a form.
            let shows_forms = kind == Kind::Html && accepts_html(request.headers());
            request.extensions_mut().insert(visit.clone());
            request.extensions_mut().insert(Browser(cookie.clone()));
            let mut response = next.run(request).await;
            if is_new && shows_forms && !response.headers().contains_key(header::SET_COOKIE) {
                set_cookie(&mut response, visit.way, &cookie);
            }
            response
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEAD {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// The value of the browser's cookie, among the request's extensions.
#[derive(Clone)]
pub struct Browser(pub String);

/// Tells the browser its cookie.
pub fn set_cookie(response: &mut Response, way: Way, value: &str) {
    let tls = matches!(way, Way::Tcp { tls: true, .. });
    let cookie = Cookie::build((if tls { TLS_COOKIE } else { COOKIE }, value.to_owned()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(tls)
        .path("/")
        .build();
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn way(request: &Request) -> Way {
    let extensions = request.extensions();
    let plain = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(client)| client.ip().to_canonical());
    // Without either it is a stranger.
    let client = plain.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    extensions.get::<Way>().copied().unwrap_or(Way::Tcp { client, tls: false })
}

fn is_cookie(value: &str) -> bool {
    value.len() == DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A browser here may be led to ask us by a name of another's (DNS rebinding): then what it is told would be told to that other.
fn name_is_known(site: &Site, conf: &Conf, way: Way, request: &Request) -> Result<(), Denied> {
    let asked = csrf::authority(request.headers(), request.uri());
    let Some(asked) = asked else {
        return if way == Way::Unix { Ok(()) } else { Err(Denied::Name("that was not said".to_owned())) };
    };
    let host = without_port(&asked);
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_ours = || {
        let own = [&*site.hostname, "pxelator"];
        let in_domain = |domain: &str| own.iter().any(|own| format!("{own}.{domain}") == host) || domain == host;
        host == "localhost"
            || own.contains(&host)
            || conf.page.names.iter().any(|name| name == host)
            || conf.segments.values().any(|segment| in_domain(&segment.domain))
    };
    if is_address || way == Way::Unix || is_ours() { Ok(()) } else { Err(Denied::Name(host.to_owned())) }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => authority,
    }
}

/// Who asks, by token or by cookie.
fn who(
    site: &Site,
    conf: &Conf,
    request: &Request,
    visit: &Visit,
    cookie: &str,
) -> Result<Option<(Person, Proof)>, Denied> {
    let person = |user: &User| Person { name: user.name.clone(), read_only: user.read_only };
    if let Some(said) = request.headers().get(header::AUTHORIZATION) {
        let token = said.to_str().ok().and_then(|said| said.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        return match token.and_then(|token| password::user_of_token(&conf.page.users, token)) {
            Some(user) => Ok(Some((person(user), Proof::Token))),
            None => Err(site.limits.may_guess(visit).err().unwrap_or(Denied::WrongToken)),
        };
    }
    let user = site.sessions.user(&conf.page, cookie, Instant::now());
    Ok(user.map(|user| (person(user), Proof::Session)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (authority, host) in [
            ("10.77.0.1", "10.77.0.1"),
            ("10.77.0.1:8080", "10.77.0.1"),
            ("web:1x", "web:1x"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(without_port(authority), host);
        }
    }
}
