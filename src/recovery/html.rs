//! A page of Markdown as one HTML file that needs nothing else: no script, no file beside it, nothing of the network. Pure.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};
use std::fmt::Write;

/// The page's looks: light or dark as the reader's system is, readable on a telephone and on paper.
const STYLE: &str = include_str!("page.css");

/// Makes the page. What stands as HTML in the text is shown, not meant.
pub fn html(title: &str, markdown: &str) -> String {
    let mut contents = String::new();
    let mut body = String::new();
    let mut used = Vec::new();
    let events = parts(markdown);
    let mut marked = Vec::with_capacity(events.len());
    let mut heading: Option<(usize, String)> = None;
    for event in events {
        match &event {
            Event::Start(Tag::Heading { .. }) => heading = Some((marked.len(), String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut heading {
                    words.push_str(text);
                }
            }
            _ => {}
        }
        let end = matches!(event, Event::End(TagEnd::Heading(_)));
        marked.push(event);
        if let Some((at, words)) = heading.take_if(|_| end)
            && let Some(Event::Start(Tag::Heading { level, id, .. })) = marked.get_mut(at)
        {
            let anchor = anchor(&words, &mut used);
            if *level == HeadingLevel::H2 {
                let _ = writeln!(contents, "<li><a href=\"#{anchor}\">{}</a></li>", escaped(&words));
            }
            *id = Some(anchor.into());
        }
    }
    push_html(&mut body, lines_of_diffs(marked).into_iter());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <nav>\n<ul>\n{contents}</ul>\n</nav>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// The pieces of the text, without HTML and without links that lead to anything but documents beside it.
fn parts(markdown: &str) -> Vec<Event<'_>> {
    let plain = |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let is_near = !dest_url.contains([':', '/', '\\']);
            let near = dest_url.strip_suffix(".md").map_or(dest_url.to_string(), |name| format!("{name}.html"));
            Event::Start(Tag::Link { link_type, dest_url: if is_near { near.into() } else { "#".into() }, title, id })
        }
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => Event::Text(CowStr::Borrowed("")),
        other => other,
    };
    Parser::new_ext(markdown, Options::ENABLE_TABLES).map(plain).collect()
}

/// Lines of diffs get their colour; without it they still begin with their sign.
fn lines_of_diffs(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut in_diff = false;
    let mut out = Vec::with_capacity(events.len());
    for event in events {
        match &event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => in_diff = &**language == "diff",
            Event::End(TagEnd::CodeBlock) => in_diff = false,
            Event::Text(text) if in_diff => {
                let mut lines = String::new();
                for line in text.split_inclusive('\n') {
                    let kind = match line.as_bytes().first() {
                        Some(b'+') => "ins",
                        Some(b'-') => "del",
                        _ => {
                            lines.push_str(&escaped(line));
                            continue;
                        }
                    };
                    let _ = write!(lines, "<{kind}>{}</{kind}>", escaped(line));
                }
                out.push(Event::Html(lines.into()));
                continue;
            }
            _ => {}
        }
        out.push(event);
    }
    out
}

/// A name for a heading that no other has.
fn anchor(words: &str, used: &mut Vec<String>) -> String {
    let mut name = String::new();
    for c in words.chars() {
        match c.is_ascii_alphanumeric() {
            true => name.push(c.to_ascii_lowercase()),
            false if !name.ends_with('-') => name.push('-'),
            false => {}
        }
    }
    let name = name.trim_matches('-').to_owned();
    let name = if name.is_empty() { "part".to_owned() } else { name };
    let mut free = name.clone();
    let mut number = 1;
    while used.contains(&free) {
        number += 1;
        free = format!("{name}-{number}");
    }
    used.push(free.clone());
    free
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_hold_is_shown_and_not_meant() {
        let text = "# a <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n```diff\n-<b>old\n+<i>new & \"x\"\n```\n\n\
                    ```\"><script>\nx\n```\n\n[a](javascript:alert(1)) [b](web2.md) ![c](http://x/y)\n\n## Two\n\n## Two\n";
        let page = html("web1 </title><script>", text);
        for bad in ["<script", "<img", "javascript:", "http://x", "onerror=alert(1)>\n"] {
            assert!(!page.contains(bad), "{bad}: {page}");
        }
        for good in [
            "<del>-&lt;b&gt;old\n</del><ins>+&lt;i&gt;new &amp; &quot;x&quot;\n</ins>",
            "href=\"web2.html\"",
            "<h2 id=\"two\">",
            "<h2 id=\"two-2\">",
            "<a href=\"#two-2\">Two</a>",
        ] {
            assert!(page.contains(good), "{good}: {page}");
        }
    }
}
