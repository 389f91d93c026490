//! The same for programs: JSON below `/api/v1`, described by `/api/v1/openapi.json`.

use super::Site;
use axum::Router;

/// All of it.
pub fn routes() -> Router<Site> {
    Router::new()
}
