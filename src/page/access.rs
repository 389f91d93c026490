//! Who may read the page and who may act by it. What is decided here is pure; knows neither cookies nor tokens.
//!
//! A handler that shows something has a [`Viewer`], one that changes something an [`Actor`] (by a form: [`super::Act`]). Without
//! one of these nothing is told of the segments.

use super::{Site, denied::Denied};
use crate::{
    conf::page::{Page, Readers},
    event::Asker,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use std::{fmt, net::IpAddr};

/// The way by which a request came. A listener that is no plain port puts it among the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a TCP port.
    Tcp {
        /// Who asks.
        client: IpAddr,
        /// With TLS.
        tls: bool,
    },
    /// By a Unix socket.
    Unix,
}

/// Somebody of `page.users` who has shown to be it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// May not act.
    pub read_only: bool,
}

/// How somebody has shown to be it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By a cookie, which a browser sends also where another site bade it to.
    Session,
    /// By a token of the request itself.
    Token,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A browser.
    Html,
    /// A program: JSON.
    Program,
}

/// What is known of a request. It is among the request's extensions, put there by the guard.
#[derive(Clone, Debug)]
pub struct Visit {
    /// How it came.
    pub way: Way,
    /// It comes from this host, and not by a proxy.
    pub here: bool,
    /// Who asks, where that was shown.
    pub person: Option<(Person, Proof)>,
    /// What an answer is for.
    pub kind: Kind,
    /// The whole path that was asked for, with its query.
    pub path: String,
    /// What forms have in them, so that no other site can make one.
    pub csrf: String,
}

/// Who may read.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Who has logged in.
    pub name: Option<String>,
    /// Forms that act are shown.
    pub may_act: bool,
    /// There is somebody who could log in.
    pub can_login: bool,
    /// The path that was asked for, with its query: where forms come back to.
    pub path: String,
    /// For the forms.
    pub(super) csrf: String,
}

/// Who may act.
#[derive(Clone, Debug)]
pub struct Actor {
    /// As commands say it.
    pub by: Asker,
    /// Where they are, for the audit.
    pub address: String,
    /// How it was shown; none for who is trusted without.
    pub proof: Option<Proof>,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Tcp { client, .. } => client.fmt(f),
            Way::Unix => f.pad("the Unix socket"),
        }
    }
}

impl Way {
    /// Who reads along learns nothing: it is encrypted, or does not leave this host.
    pub fn is_private(self, here: bool) -> bool {
        match self {
            Way::Tcp { tls, .. } => tls || here,
            Way::Unix => true,
        }
    }
}

/// Whether what conf says lets somebody read.
pub fn may_read(page: &Page, visit: &Visit) -> Result<(), Denied> {
    match page.read {
        _ if visit.here => Ok(()),
        Readers::Here => Err(Denied::NotHere),
        Readers::Users if visit.person.is_none() => Err(Denied::Login),
        Readers::Users | Readers::All => Ok(()),
    }
}

/// As whom conf lets somebody act.
pub fn may_act(page: &Page, visit: &Visit) -> Result<Asker, Denied> {
    may_read(page, visit)?;
    match (&visit.person, visit.way) {
        (Some((person, _)), _) if person.read_only => Err(Denied::ReadOnly),
        (Some((person, _)), _) => Ok(Asker::User(person.name.clone())),
        (None, Way::Tcp { .. }) if page.trust_loopback && visit.here => Ok(Asker::Operator),
        (None, Way::Unix) if page.trust_unix && visit.here => Ok(Asker::Operator),
        (None, _) => Err(Denied::Login),
    }
}

/// What the guard found out. Where it did not run there is none, and nobody gets in.
pub(super) fn visit(parts: &Parts) -> Result<Visit, Response> {
    parts.extensions.get::<Visit>().cloned().ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

impl FromRequestParts<Site> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Viewer, Response> {
        let visit = visit(parts)?;
        let conf = site.source.conf.borrow().clone();
        may_read(&conf.page, &visit).map_err(|denied| site.deny(&visit, denied))?;
        Ok(Viewer {
            may_act: may_act(&conf.page, &visit).is_ok(),
            can_login: !conf.page.users.is_empty(),
            name: visit.person.map(|(person, _)| person.name),
            path: visit.path,
            csrf: visit.csrf,
        })
    }
}

impl FromRequestParts<Site> for Actor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Actor, Response> {
        let visit = visit(parts)?;
        let conf = site.source.conf.borrow().clone();
        let by = may_act(&conf.page, &visit).map_err(|denied| site.deny(&visit, denied))?;
        site.limits.may_act(&visit, &by).map_err(|denied| site.deny(&visit, denied))?;
        Ok(Actor { by, address: visit.way.to_string(), proof: visit.person.map(|(_, proof)| proof) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may() {
        let machine = Way::Tcp { client: IpAddr::from([10, 77, 0, 60]), tls: false };
        let loopback = Way::Tcp { client: IpAddr::from([127, 0, 0, 1]), tls: false };
        let person = |read_only| Some((Person { name: "anna".into(), read_only }, Proof::Session));
        let page = |read, trust_loopback, trust_unix| Page { read, trust_loopback, trust_unix, ..Page::NONE };
        let (operator, anna) = (Ok(Asker::Operator), Ok(Asker::User("anna".into())));
        use Denied::{Login, NotHere, ReadOnly};
        use Readers::{All, Here, Users};
        for (page, way, here, person, read, act) in [
            (page(Here, false, false), machine, false, None, Err(NotHere), Err(NotHere)),
            (page(Here, true, true), machine, false, None, Err(NotHere), Err(NotHere)),
            (page(Here, false, false), machine, false, person(false), Err(NotHere), Err(NotHere)),
            (page(Here, false, false), loopback, true, None, Ok(()), Err(Login)),
            (page(Here, false, false), loopback, true, person(false), Ok(()), anna.clone()),
            (page(Here, true, false), loopback, true, None, Ok(()), operator.clone()),
            (page(Here, true, false), loopback, true, person(true), Ok(()), Err(ReadOnly)),
            // By a proxy on this host.
            (page(All, true, true), loopback, false, None, Ok(()), Err(Login)),
            (page(Here, false, true), Way::Unix, true, None, Ok(()), operator.clone()),
            (page(Here, true, false), Way::Unix, true, None, Ok(()), Err(Login)),
            (page(Users, false, false), machine, false, None, Err(Login), Err(Login)),
            (page(Users, true, true), machine, false, None, Err(Login), Err(Login)),
            (page(Users, false, false), machine, false, person(false), Ok(()), anna.clone()),
            (page(Users, false, false), machine, false, person(true), Ok(()), Err(ReadOnly)),
            (page(All, true, true), machine, false, None, Ok(()), Err(Login)),
            (page(All, false, false), machine, false, person(false), Ok(()), anna.clone()),
        ] {
            let visit = Visit { way, here, person, kind: Kind::Html, path: "/".into(), csrf: String::new() };
            assert_eq!(may_read(&page, &visit), read, "{page:?} {visit:?}");
            assert_eq!(may_act(&page, &visit), act, "{page:?} {visit:?}");
        }
    }
}
