//! Pieces of Markdown (CommonMark 0.31) whose content is anything: no text ends the piece that it stands in. Pure.

use super::sh::is_odd;

/// Text in a line, as code. What is not printable is shown by its escape.
pub fn code(text: &str) -> String {
    let text: String = text.chars().flat_map(shown).collect();
    let fence = "`".repeat(longest(&text, '`') + 1);
    let space = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A path below the root, as code.
pub fn path(below: &[u8]) -> String {
    code(&format!("/{}", printable(below)))
}

/// Bytes as text in which nothing misleads.
pub fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().flat_map(shown).collect()
}

fn shown(c: char) -> Vec<char> {
    if is_odd(c) { c.escape_default().collect() } else { vec![c] }
}

/// Text in a line, as words: what has a meaning in Markdown or HTML has none.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            c if is_odd(c) => out.extend(c.escape_default()),
            c if c.is_ascii_punctuation() && !".,:;/-+=()'%@\"|".contains(c) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    // At the begin of a line these would begin a list.
    let digits = out.chars().take_while(char::is_ascii_digit).count();
    if let Some('-' | '+' | '=' | '.' | ')') = out[digits..].chars().next() {
        out.insert(digits, '\\');
    }
    out
}

/// A block of code. `language` is `sh`, `diff`, or none.
pub fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest(text, '`') + 1).max(3));
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n\n")
}

/// A row of a table, of cells that are Markdown already.
pub fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A table's head.
pub fn head(names: &[&str]) -> String {
    let line: Vec<&str> = names.iter().map(|_| "---").collect();
    format!("| {} |\n| {} |\n", names.join(" | "), line.join(" | "))
}

/// The longest row of a character.
fn longest(text: &str, wanted: char) -> usize {
    let (mut most, mut now) = (0, 0);
    for c in text.chars() {
        now = if c == wanted { now + 1 } else { 0 };
        most = most.max(now);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    fn texts(markdown: &str) -> Vec<String> {
        let events = Parser::new_ext(markdown, Options::ENABLE_TABLES);
        events
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.into_string()),
                Event::Html(text) | Event::InlineHtml(text) => panic!("html: {text}"),
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::List(_)) => {
                    panic!("it has a meaning: {markdown}")
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn nothing_gets_out_of_its_piece() {
        for text in
            ["`", "``x`", "<script>", "a|b", "```\n# x\n```", "[a](b) ![x](y) *z* _u_", "&lt; # 1. x", "- x", "1) y"]
        {
            assert_eq!(texts(&block("", text)).concat(), format!("{text}\n"));
            let line = text.replace('\n', " ");
            assert_eq!(texts(&code(&line)).concat(), line, "{}", code(&line));
            assert_eq!(texts(&words(&line)).concat().trim(), line.trim(), "{}", words(&line));
            let table = format!("{}{}", head(&["a"]), row(&[code(&line)]));
            assert_eq!(texts(&table).concat(), format!("a{line}"), "{table}");
        }
        assert_eq!(path(b"etc/a\nb\xff"), "`/etc/a\\nb\u{fffd}`");
    }
}
