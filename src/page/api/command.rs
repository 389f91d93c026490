//! Commands, as the command line of the host sends them.

use super::{Actor, Asked, Problem, Sent, Site, problem};
use crate::{command::Command, page::wish::Wrong};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// How a command is written: JSON Schema.
const SCHEMA: &str = include_str!("command.json");

/// A command in the document.
pub struct Wish;

impl PartialSchema for Wish {
    fn schema() -> RefOr<Schema> {
        serde_json::from_str(SCHEMA).unwrap_or_default()
    }
}

impl ToSchema for Wish {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Command")
    }
}

/// A line that is told of it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct By {
    /// The name of a line that is open (`/line`): it is told what comes of the command.
    #[param(max_length = 64)]
    line: Option<String>,
}

/// A command was taken; what comes of it, events tell.
#[derive(Serialize, ToSchema)]
pub struct Taken {
    /// Which: `power`.
    taken: &'static str,
}

/// Has a command carried out. Who asks is who sends it, whatever `by` says
#[utoipa::path(
    post,
    path = "/commands",
    params(By),
    request_body = Wish,
    responses((status = 202, body = Taken), (status = "4XX", body = Problem), (status = 503, body = Problem)),
    security(("token" = []))
)]
pub async fn commands(
    actor: Actor,
    State(site): State<Site>,
    Asked(By { line }): Asked<By>,
    Sent(command): Sent<Command>,
) -> Result<Response, Response> {
    let taken = command.name();
    if let Some(name) = &line
        && !site.lines.note(name, &actor.by, &command)
    {
        return Err(problem(StatusCode::NOT_FOUND, "there is no such line", "open one: GET /api/v1/line"));
    }
    site.carry_out(&actor, command).await.map_err(|wrong| {
        let status = match &wrong {
            Wrong::Machine(..) | Wrong::Segment(_) | Wrong::Profile(_) | Wrong::Name(_) => StatusCode::NOT_FOUND,
            Wrong::NotHere(_) => StatusCode::FORBIDDEN,
            Wrong::Unfit(_) | Wrong::Many | Wrong::Long => StatusCode::UNPROCESSABLE_ENTITY,
            Wrong::Ending => StatusCode::SERVICE_UNAVAILABLE,
        };
        problem(status, wrong.to_string(), "see /api/v1/tree for what conf has")
    })?;
    Ok((StatusCode::ACCEPTED, Json(Taken { taken })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_may_be_sent_is_described() {
        serde_json::from_str::<RefOr<Schema>>(SCHEMA).unwrap();
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let ways = schema["oneOf"].as_array().unwrap();
        assert_eq!(ways.len(), 15);
        for way in ways {
            let example = way["examples"][0].clone();
            let command: Command =
                serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{example}: {error}"));
            assert_eq!(way["required"][0], command.name());
        }
    }
}
