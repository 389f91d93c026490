//! XML as WS-Management has it: a tree of elements by their names without prefixes. Knows nothing of AMT.
//!
//! What firmware sends is read with bounds, and what makes no sense is an error in words, never a panic.

use quick_xml::{
    Reader,
    escape::{escape, resolve_predefined_entity},
    events::Event,
};

/// Elements within one another, of what is read.
const DEPTH: usize = 32;
/// Elements of one answer.
const ELEMENTS: usize = 20_000;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Without its prefix.
    pub name: String,
    /// The text that stands in it itself, trimmed.
    pub text: String,
    /// Those in it.
    pub children: Vec<Element>,
}

impl Element {
    /// The first of this name in it.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first of this name below it, however deep.
    pub fn find(&self, name: &str) -> Option<&Element> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// The text of the first of this name in it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The texts of all of this name in it.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.children.iter().filter(move |child| child.name == name).map(|child| child.text.as_str())
    }
}

/// Reads a document: its outermost element, or what is wrong with it in words.
pub fn read(bytes: &[u8]) -> Result<Element, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    // The first stands for the document.
    let mut open = vec![Element::default()];
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        // The document itself is never closed.
        let Some(top) = open.last_mut() else { return Err("it closes more than it opens".to_owned()) };
        match event {
            Event::Start(start) => {
                open.push(Element { name: start.local_name().as_ref().to_owned(), ..Element::default() });
                elements += 1;
            }
            Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                top.children.push(Element { name, ..Element::default() });
                elements += 1;
            }
            Event::End(_) => {
                let mut ended = open.pop().unwrap_or_default();
                ended.text = ended.text.trim().to_owned();
                match open.last_mut() {
                    Some(around) => around.children.push(ended),
                    None => return Err("it closes more than it opens".to_owned()),
                }
            }
            Event::Text(text) => top.text.push_str(&text.xml10_content()),
            Event::CData(text) => top.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => top.text.push(letter),
                Ok(None) => match resolve_predefined_entity(&reference) {
                    Some(text) => top.text.push_str(text),
                    None => return Err(format!("it names what it does not say: &{};", &*reference)),
                },
                Err(error) => return Err(error.to_string()),
            },
            Event::Eof => break,
            _ => {}
        }
        if open.len() > DEPTH || elements > ELEMENTS {
            return Err("it has more elements than firmware says".to_owned());
        }
    }
    let document = if open.len() == 1 { open.pop() } else { return Err("it ends within an element".to_owned()) };
    document.and_then(|mut document| document.children.pop()).ok_or_else(|| "it has no element".to_owned())
}

/// Text, fit to stand in an element or an attribute.
pub fn escaped(text: &str) -> String {
    escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn documents() {
        let found =
            read(b"<?xml version=\"1.0\"?><a:x xmlns:a=\"n\"><a:y>1 &amp; &#50;</a:y><z/><a:y> 2\n</a:y></a:x>")
                .unwrap();
        assert_eq!((found.name.as_str(), found.value("y")), ("x", Some("1 & 2")));
        assert_eq!(found.values("y").collect::<Vec<_>>(), ["1 & 2", "2"]);
        assert!(found.child("z").is_some() && found.child("q").is_none());
        let deep = |depth: usize| ["<a>".repeat(depth), "</a>".repeat(depth)].concat();
        assert!(read(deep(30).as_bytes()).unwrap().find("a").is_some());
        for (wrong, told) in [
            (b"".to_vec(), "no element"),
            (b"garbage".to_vec(), "no element"),
            (b"<a>".to_vec(), "ends within"),
            (b"<a></b>".to_vec(), "expected"),
            (b"</a>".to_vec(), ""),
            (b"<a>&lol;</a>".to_vec(), "&lol;"),
            (b"<a>&#xffffffff;</a>".to_vec(), ""),
            (b"\xff\xfe<\0a\0".to_vec(), "UTF-8"),
            (deep(1000).into_bytes(), "more elements"),
            (["<a>", &"<b/>".repeat(30_000), "</a>"].concat().into_bytes(), "more elements"),
        ] {
            let error = read(&wrong).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn what_is_escaped_reads_back() {
        let all = "a<b>&\"'\u{e4}";
        let document = format!("<x>{}</x>", escaped(all));
        assert_eq!(read(document.as_bytes()).unwrap().text, all);
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn nor_what_looks_like_xml(text in "[<>/&;#!?\\[\\]a-c\"'= \\-xé]{0,120}") {
            let _ = read(text.as_bytes());
        }
    }
}
