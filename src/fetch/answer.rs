//! What an answer of HTTP says of the part that it brings. Pure.

use reqwest::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, LAST_MODIFIED};

/// The part of the file that an answer brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    /// From this byte on, up to the end of the file; its whole size, where it is said.
    From(u64, Option<u64>),
    /// Nothing: the file has but this many bytes, where it is said (416).
    Beyond(Option<u64>),
    /// Nothing: the server refuses.
    Refused,
}

/// What an answer to a request from byte `from` on brings; or why it makes no sense.
pub fn brings(status: u16, headers: &HeaderMap, from: u64) -> Result<Brings, String> {
    let number = |name| headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    match status {
        200 => Ok(Brings::From(0, number(CONTENT_LENGTH))),
        206 => {
            let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (first, last, size) =
                content_range(range).ok_or_else(|| format!("a part without its place: {range:?}"))?;
            match (first == from, size) {
                (false, _) => Err(format!("the part from {first} on, where the one from {from} on was asked for")),
                (true, Some(size)) if last.checked_add(1) != Some(size) => {
                    Err(format!("a part that ends at {last}, where {size} bytes were to come"))
                }
                (true, size) => Ok(Brings::From(first, size)),
            }
        }
        416 => {
            let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            Ok(Brings::Beyond(range.strip_prefix("bytes */").and_then(|size| size.parse().ok())))
        }
        204 | 205 | 304 => Err(format!("{status} to a request for a file")),
        _ => Ok(Brings::Refused),
    }
}

/// `bytes 200-1023/146515`, or `/*` (RFC 9110, section 14.4).
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let size = if size == "*" { None } else { Some(size.trim().parse().ok()?) };
    (first <= last).then_some((first, last, size))
}

/// What `If-Range` may name this version by (RFC 9110, section 13.1.5): a strong entity tag, else the date; none where the
/// server gives no parts.
pub fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if text(ACCEPT_RANGES) == Some("none") {
        return None;
    }
    match text(ETAG) {
        Some(tag) if tag.starts_with('"') => Some(tag.to_owned()),
        // A weak tag names no bytes, and a date beside it would not either.
        Some(_) => None,
        None => text(LAST_MODIFIED).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_part_that_comes() {
        for (status, lines, from, expected) in [
            (200, vec![("content-length", "10")], 0, Ok(Brings::From(0, Some(10)))),
            (200, vec![], 5, Ok(Brings::From(0, None))),
            (206, vec![("content-range", "bytes 5-9/10")], 5, Ok(Brings::From(5, Some(10)))),
            (206, vec![("content-range", "bytes 5-9/*")], 5, Ok(Brings::From(5, None))),
            (416, vec![("content-range", "bytes */10")], 10, Ok(Brings::Beyond(Some(10)))),
            (416, vec![], 10, Ok(Brings::Beyond(None))),
            (404, vec![], 0, Ok(Brings::Refused)),
            (503, vec![], 0, Ok(Brings::Refused)),
            (206, vec![("content-range", "bytes 4-9/10")], 5, Err("the part from 4 on")),
            (206, vec![("content-range", "bytes 5-8/10")], 5, Err("a part that ends at 8")),
            (206, vec![("content-range", "bytes 9-5/10")], 9, Err("a part without its place")),
            (206, vec![], 5, Err("a part without its place")),
            (
                206,
                vec![("content-range", "bytes 0-18446744073709551615/18446744073709551615")],
                0,
                Err("a part that ends"),
            ),
            (204, vec![], 0, Err("204 to a request for a file")),
        ] {
            let found = brings(status, &headers(&lines), from);
            match expected {
                Ok(expected) => assert_eq!(found, Ok(expected), "{status} {lines:?}"),
                Err(words) => {
                    assert!(found.as_ref().is_err_and(|error| error.starts_with(words)), "{status}: {found:?}")
                }
            }
        }
    }

    #[test]
    fn versions_are_named_by_what_is_strong() {
        for (lines, expected) in [
            (vec![("etag", "\"a\""), ("last-modified", "Tue, 24 Nov 2026 09:20:05 GMT")], Some("\"a\"")),
            (vec![("etag", "W/\"a\""), ("last-modified", "Tue, 24 Nov 2026 09:20:05 GMT")], None),
            (vec![("last-modified", "Tue, 24 Nov 2026 09:20:05 GMT")], Some("Tue, 24 Nov 2026 09:20:05 GMT")),
            (vec![("etag", "\"a\""), ("accept-ranges", "none")], None),
            (vec![], None),
        ] {
            assert_eq!(validator(&headers(&lines)).as_deref(), expected, "{lines:?}");
        }
    }
}
