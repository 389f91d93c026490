//! The places of a view that change by themselves, what is other between two looks at them, and times that go on without a look. Pure.
//!
//! What a part holds does not depend on the moment at which it is made: how long ago something was is left empty, and filled in by
//! [`with_times`] or by the browser. So a part that is the same needs not be sent.

use crate::state::words::span;
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// A place of a view: an element with this `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The element's `id`.
    pub id: &'static str,
    /// What is in it.
    pub content: Content,
}

/// What is in a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Its HTML.
    Whole(String),
    /// Elements in their order, each with the `id` that it has.
    Rows(Vec<(String, String)>),
}

impl Part {
    /// A place that is told as a whole.
    pub fn whole(id: &'static str, content: Markup) -> Part {
        Part { id, content: Content::Whole(content.into_string()) }
    }

    /// A place whose elements are told one by one. Of two with the same `id` the first counts.
    pub fn rows(id: &'static str, rows: impl IntoIterator<Item = (String, Markup)>) -> Part {
        let mut seen = HashSet::new();
        let rows = rows.into_iter().map(|(id, row)| (id, row.into_string()));
        Part { id, content: Content::Rows(rows.filter(|(id, _)| seen.insert(id.clone())).collect()) }
    }

    /// Its HTML.
    pub fn html(&self) -> String {
        match &self.content {
            Content::Whole(html) => html.clone(),
            Content::Rows(rows) => rows.iter().map(|(_, row)| row.as_str()).collect(),
        }
    }
}

/// How long ago a moment is; empty, as it changes by itself.
pub fn since(at: Timestamp) -> Markup {
    html! { time datetime=(exact(at)) data-since {} }
}

/// How long it is until a moment.
pub fn until(at: Timestamp) -> Markup {
    html! { time datetime=(exact(at)) data-until {} }
}

fn exact(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The same HTML with all times filled in as they are at this moment.
pub fn with_times(html: &str, now: Timestamp) -> PreEscaped<String> {
    const BEGIN: &str = "<time datetime=\"";
    let mut filled = String::with_capacity(html.len() + html.len() / 16);
    let mut rest = html;
    while let Some(at) = rest.find(BEGIN) {
        let (before, found) = rest.split_at(at + BEGIN.len());
        filled.push_str(before);
        let (time, behind) = found.split_once('"').unwrap_or((found, ""));
        let time: Option<Timestamp> = time.parse().ok();
        let (tag, text) = [(" data-since>", false), (" data-until>", true)]
            .into_iter()
            .find(|(tag, _)| behind.starts_with(tag))
            .map_or(("", None), |(tag, is_until)| (tag, Some(is_until)));
        let whole = found.len() - behind.len() + tag.len();
        filled.push_str(&found[..whole]);
        match (time, text) {
            (Some(time), Some(false)) => filled.push_str(&span(time, now)),
            (Some(time), Some(true)) => filled.push_str(&span(now, time)),
            _ => {}
        }
        rest = &found[whole..];
    }
    filled.push_str(rest);
    PreEscaped(filled)
}

/// What is other in `after`, for the script in the browser; none where nothing is. Against nothing all is.
///
/// `{"id":…,"html":…}` puts a whole; `{"id":…,"drop":[…],"put":[[id, html, id before it or null]]}` changes rows; with `"order":[…]` they are
/// put into that order.
pub fn difference(before: &[Part], after: &[Part]) -> Vec<Value> {
    let old: HashMap<&str, &Content> = before.iter().map(|part| (part.id, &part.content)).collect();
    let other = after.iter().filter(|part| old.get(part.id) != Some(&&part.content));
    other
        .map(|part| match (&part.content, old.get(part.id)) {
            (Content::Whole(html), _) => json!({ "id": part.id, "html": html }),
            (Content::Rows(rows), Some(Content::Rows(old))) => rows_difference(part.id, old, rows),
            (Content::Rows(rows), _) => {
                let mut all = rows_difference(part.id, &[], rows);
                all["all"] = Value::Bool(true);
                all
            }
        })
        .collect()
}

fn rows_difference(id: &str, before: &[(String, String)], after: &[(String, String)]) -> Value {
    let old: HashMap<&str, &str> = before.iter().map(|(id, row)| (id.as_str(), row.as_str())).collect();
    let new: HashSet<&str> = after.iter().map(|(id, _)| id.as_str()).collect();
    let drop: Vec<&str> = before.iter().map(|(id, _)| id.as_str()).filter(|id| !new.contains(id)).collect();
    let put: Vec<Value> = after
        .iter()
        .enumerate()
        .filter(|(_, (id, row))| old.get(id.as_str()) != Some(&row.as_str()))
        .map(|(at, (id, row))| json!([id, row, at.checked_sub(1).map(|before| &after[before].0)]))
        .collect();
    let mut told = Map::new();
    told.insert("id".to_owned(), id.into());
    told.insert("drop".to_owned(), json!(drop));
    told.insert("put".to_owned(), json!(put));
    let stayed = before.iter().map(|(id, _)| id.as_str()).filter(|id| new.contains(id));
    let order = after.iter().map(|(id, _)| id.as_str()).filter(|id| old.contains_key(id));
    if !stayed.eq(order) {
        let all: Vec<&str> = after.iter().map(|(id, _)| id.as_str()).collect();
        told.insert("order".to_owned(), json!(all));
    }
    Value::Object(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> Vec<Part> {
        vec![Part::rows("list", rows.iter().map(|(id, row)| ((*id).to_owned(), PreEscaped((*row).to_owned()))))]
    }

    #[test]
    fn only_what_is_other_is_told() {
        let whole = |text: &str| vec![Part::whole("head", html! { (text) })];
        for (before, after, told) in [
            (whole("a"), whole("a"), json!([])),
            (whole("a"), whole("<b>"), json!([{ "id": "head", "html": "&lt;b&gt;" }])),
            (vec![], whole("a"), json!([{ "id": "head", "html": "a" }])),
            (
                rows(&[("a", "1"), ("b", "2"), ("c", "3")]),
                rows(&[("n", "0"), ("a", "1"), ("b", "5")]),
                json!([{ "id": "list", "drop": ["c"], "put": [["n", "0", null], ["b", "5", "a"]] }]),
            ),
            (
                rows(&[("a", "1"), ("b", "2")]),
                rows(&[("b", "2"), ("a", "1")]),
                json!([{ "id": "list", "drop": [], "put": [], "order": ["b", "a"] }]),
            ),
            (
                vec![],
                rows(&[("a", "1")]),
                json!([{ "id": "list", "drop": [], "put": [["a", "1", null]], "all": true }]),
            ),
        ] {
            assert_eq!(Value::Array(difference(&before, &after)), told);
        }
        assert_eq!(rows(&[("a", "1"), ("a", "2")]), rows(&[("a", "1")]), "an id is there once");
    }

    #[test]
    fn times_are_filled_in() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let html = html! { "a" (since(at(100))) "b" (until(at(200))) "c" time datetime="x" { "y" } }.into_string();
        assert_eq!(
            with_times(&html, at(130)).into_string(),
            "a<time datetime=\"1970-01-01T00:01:40.000Z\" data-since>30s</time>b<time datetime=\"1970-01-01T00:03:20.000Z\" \
             data-until>1m10</time>c<time datetime=\"x\">y</time>"
        );
    }
}
