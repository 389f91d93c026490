//! What a form is and who may send it: only one that this page made for this browser is taken. The actions: `/pxelator/act/…`.

use super::{
    Site,
    access::{Actor, visit},
    csrf,
    denied::Denied,
    guard::Browser,
};
use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};

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
                let status = if error.status().is_client_error() { error.status() } else { StatusCode::BAD_REQUEST };
                return Err((status, format!("{}\n", error.body_text())).into_response());
            }
        };
        if !site.key.is_of(&cookie, &csrf) {
            return Err(forged());
        }
        Ok(Act { actor, back: super::login::way_back(&back).to_owned(), said })
    }
}
