//! The same for programs: JSON below `/api/v1`, described by `/api/v1/openapi.json` (OpenAPI 3.1).
//!
//! Whatever goes wrong is told as a [`Problem`]. Who reads is a `Viewer`, who changes anything an `Actor`.

mod command;
mod events;
mod follow;
mod line;
mod profiles;
mod read;
mod shape;
mod track;
mod tree;
mod trends;
mod watched;

pub use line::Lines;

use super::{Actor, Site, Viewer, access::visit, denied::Problem};
use crate::{event, trend};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The largest command: some thousand machines.
const LARGEST: usize = 256 << 10;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "PXElator",
        description = "The segments, machines, events, alerts and trends of a PXElator, and commands for it. Who may read, `conf/page` \
            says; who acts sends a token (`pxelator user add NAME --token`) as `Authorization: Bearer TOKEN`."
    ),
    servers((url = "/api/v1")),
    security((), ("token" = [])),
    modifiers(&Token)
)]
struct About;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// All of it.
pub fn routes() -> Router<Site> {
    let (router, document) = OpenApiRouter::<Site>::with_openapi(About::openapi())
        .routes(routes!(read::segments))
        .routes(routes!(read::segment))
        .routes(routes!(read::machines))
        .routes(routes!(read::machine))
        .routes(routes!(read::leases))
        .routes(routes!(read::changes))
        .routes(routes!(watched::checks))
        .routes(routes!(watched::alerts))
        .routes(routes!(events::events))
        .routes(routes!(events::syslog))
        .routes(routes!(events::lines))
        .routes(routes!(follow::follow))
        .routes(routes!(trends::families))
        .routes(routes!(trends::series))
        .routes(routes!(tree::tree))
        .routes(routes!(track::track))
        .routes(routes!(profiles::profiles))
        .routes(routes!(profiles::offer))
        .routes(routes!(command::commands))
        .routes(routes!(line::line))
        .split_for_parts();
    let text: Arc<str> = document.to_json().unwrap_or_default().into();
    let describe = move |_: Viewer| async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) };
    router
        .route("/openapi.json", get(describe))
        .method_not_allowed_fallback(|| async {
            problem(StatusCode::METHOD_NOT_ALLOWED, "this path is not asked so", "see /api/v1/openapi.json")
        })
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// What is measured now, in the text form of OpenMetrics: `/metrics`.
pub async fn metrics(_: Viewer, State(site): State<Site>) -> Response {
    let text = trend::metrics(&site.source.trends, &site.source.state.read(), event::now());
    ([(header::CONTENT_TYPE, trend::CONTENT_TYPE)], text).into_response()
}

/// What went wrong, as an answer.
fn problem(status: StatusCode, error: impl Into<String>, next_step: impl Into<String>) -> Response {
    (status, Json(Problem { error: error.into(), next_step: next_step.into() })).into_response()
}

fn missing(what: impl Into<String>) -> Response {
    problem(StatusCode::NOT_FOUND, what, "see /api/v1/segments and /api/v1/machines for those that there are")
}

/// Something of ours broke, or the host has no room.
fn broken(error: impl ToString) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), "look at the program's own log: pxelator log")
}

/// What a query says, or what was expected.
struct Asked<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked<T>, Response> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        let unfit = |text| problem(StatusCode::BAD_REQUEST, text, "see /api/v1/openapi.json");
        read.map(|Query(asked)| Asked(asked)).map_err(|error| unfit(error.body_text()))
    }
}

/// What a path names, or what was expected.
struct Named<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named<T>, Response> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(named)| Named(named)).map_err(|error| missing(error.body_text()))
    }
}

/// JSON that was sent, of who may have it read: where a browser sends it, its own page did.
struct Sent<T>(T);

impl<T: DeserializeOwned> FromRequest<Site> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Sent<T>, Response> {
        if !super::csrf::is_same_origin(request.headers(), request.uri()) {
            let (parts, _) = request.into_parts();
            return Err(site.deny(&visit(&parts)?, super::denied::Denied::Forged));
        }
        match Json::<T>::from_request(request, site).await {
            Ok(Json(sent)) => Ok(Sent(sent)),
            Err(error) => {
                let mut response = problem(error.status(), error.body_text(), "see /api/v1/openapi.json");
                if error.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
                    // RFC 9110, section 12.5.1.
                    response.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
                }
                Err(response)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_described() {
        let document = About::openapi();
        let text = document.to_json().unwrap();
        assert!(text.contains(r#""openapi":"3.1"#), "{text}");
        assert!(text.contains(r#""scheme":"bearer""#), "{text}");
        // Overlapping paths would panic.
        let _ = routes();
    }
}
