//! What all pages have around them.

use super::Viewer;
use maud::{DOCTYPE, Markup, html};

/// A page of somebody who may read.
pub fn page(_viewer: &Viewer, title: &str, body: &Markup) -> Markup {
    bare(title, body)
}

/// A page that tells nothing of the segments: a login, a refusal.
pub fn bare(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · PXElator" }
            }
            body { main { h1 { (title) } (body) } }
        }
    }
}
