//! Why somebody is not let in, in words for people and for programs.

use super::{
    Site,
    access::{Kind, Visit},
    layout,
};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Conf lets this host alone read.
    #[error("the page is read from this host alone")]
    NotHere,
    /// It needs a login.
    #[error("this needs a login")]
    Login,
    /// Name and password, or a token, are not right.
    #[error("the name or the password is wrong")]
    WrongLogin,
    /// The token is nobody's.
    #[error("the token is nobody's")]
    WrongToken,
    /// The user may only read.
    #[error("you may only read")]
    ReadOnly,
    /// The form is not one of ours, or of another login.
    #[error("the form is out of date, or not of this page")]
    Forged,
    /// Too much at once.
    #[error("too many requests")]
    Limited {
        /// Seconds until it goes on.
        wait: u64,
    },
    /// It was asked by a name that is not known to be this host's.
    #[error("this page is not known by the name {0}")]
    Name(String),
}

/// What went wrong, for programs: an answer of every status above 399.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// What is wrong.
    pub error: String,
    /// What helps.
    pub next_step: String,
}

impl Denied {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Denied::Login | Denied::WrongLogin | Denied::WrongToken => StatusCode::UNAUTHORIZED,
            Denied::NotHere | Denied::ReadOnly | Denied::Forged => StatusCode::FORBIDDEN,
            Denied::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Denied::Name(_) => StatusCode::MISDIRECTED_REQUEST,
        }
    }

    /// What helps.
    pub fn next_step(&self) -> String {
        match self {
            Denied::NotHere => {
                "open it on the host itself, or write into conf/page: read users (with users made by pxelator user add)"
                    .to_owned()
            }
            Denied::Login => {
                "log in, or send a token: Authorization: Bearer TOKEN (pxelator user add NAME --token)".to_owned()
            }
            Denied::WrongLogin => "try again; pxelator user list says who there is".to_owned(),
            Denied::WrongToken => "make one on the host: pxelator user add NAME --token".to_owned(),
            Denied::ReadOnly => "log in as somebody who is not read-only".to_owned(),
            Denied::Forged => "go back, load the page anew, and try again".to_owned(),
            Denied::Limited { wait } => format!("try again in {wait} s"),
            Denied::Name(_) => "ask by its address; or write into conf/page: name, and this name".to_owned(),
        }
    }

    /// As JSON.
    pub fn problem(&self) -> Problem {
        Problem { error: self.to_string(), next_step: self.next_step() }
    }

    /// The answer. Who can log in is shown where.
    pub(super) fn response(&self, visit: &Visit) -> Response {
        let mut response = match visit.kind {
            Kind::Program => (self.status(), Json(self.problem())).into_response(),
            Kind::Html if *self == Denied::Login => {
                let to = utf8_percent_encode(&visit.path, NON_ALPHANUMERIC);
                Redirect::to(&format!("/pxelator/login?to={to}")).into_response()
            }
            Kind::Html => {
                let body = html! { p { (self) "." } p { "Next step: " (self.next_step()) "." } };
                (self.status(), layout::bare("Not here", &body)).into_response()
            }
        };
        let headers = response.headers_mut();
        if let Denied::Limited { wait } = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*wait));
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1, and RFC 6750, section 3.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl Site {
    /// The answer to who is not let in; it is told.
    pub(super) fn deny(&self, visit: &Visit, denied: Denied) -> Response {
        // That somebody is first to log in is no refusal.
        if denied != Denied::Login {
            self.refusals.note(&self.source, visit, &visit.path, &denied);
        }
        denied.response(visit)
    }
}
