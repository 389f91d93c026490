//! Text to a condition. One pass over the characters; each error says where.

use super::{Fault, FilterError, Here, Node, Term, field};

/// The longest filter, in characters.
const LONGEST: usize = 4096;
/// Parentheses and `not` in each other.
const DEEPEST: usize = 32;
/// Longest first, so that `<=` is not read as `<`.
const OPERATORS: [&str; 8] = ["!=", "!~", "<=", ">=", "=", "~", "<", ">"];

/// A value with its place.
pub struct Value {
    pub text: String,
    /// It was in quotes: neither wildcards nor alternatives.
    pub quoted: bool,
    /// The first character, from 0, and how many.
    pub at: usize,
    pub length: usize,
}

/// A comparison with its places.
pub struct Comparison {
    pub field: String,
    pub field_at: usize,
    pub operator: &'static str,
    pub operator_at: usize,
    /// Never empty; several for `=` and `!=` alone.
    pub values: Vec<Value>,
}

/// What is wrong, with its place.
pub struct Wrong {
    pub at: usize,
    pub length: usize,
    pub fault: Fault,
}

impl Wrong {
    pub fn new(at: usize, length: usize, fault: Fault) -> Wrong {
        Wrong { at, length, fault }
    }
}

/// Reads a whole filter.
pub fn parse(text: &str, here: &Here<'_>) -> Result<Node, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    let mut parser = Parser { chars: &chars, at: 0, here };
    parser.whole().map_err(|wrong| FilterError {
        line: chars.iter().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { *c }).collect(),
        column: wrong.at + 1,
        length: wrong.length.max(1),
        fault: wrong.fault,
    })
}

struct Parser<'a> {
    chars: &'a [char],
    /// The next character.
    at: usize,
    here: &'a Here<'a>,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Node, Wrong> {
        if self.chars.len() > LONGEST {
            return Err(Wrong::new(LONGEST, 1, Fault::TooLong { most: LONGEST }));
        }
        self.blanks();
        if self.at == self.chars.len() {
            return Ok(Node::default());
        }
        let node = self.any(0)?;
        match self.peek() {
            Some(_) => Err(Wrong::new(self.at, 1, Fault::Closed)),
            None => Ok(node),
        }
    }

    fn any(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut nodes = vec![self.all(depth)?];
        while self.keyword("or") {
            nodes.push(self.all(depth)?);
        }
        Ok(Node::any(nodes))
    }

    fn all(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut nodes = vec![self.one(depth)?];
        loop {
            let between = self.at;
            if self.keyword("and") {
                nodes.push(self.one(depth)?);
                continue;
            }
            let ends = matches!(self.peek(), None | Some(')')) || self.keyword("or");
            self.at = between;
            if ends {
                return Ok(Node::all(nodes));
            }
            nodes.push(self.one(depth)?);
        }
    }

    fn one(&mut self, depth: usize) -> Result<Node, Wrong> {
        let begin = self.at;
        let deeper = |length| match depth < DEEPEST {
            true => Ok(depth + 1),
            false => Err(Wrong::new(begin, length, Fault::TooDeep { most: DEEPEST })),
        };
        if self.keyword("not") {
            return Ok(Node::Not(Box::new(self.one(deeper(3)?)?)));
        }
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.blanks();
                let node = self.any(deeper(1)?)?;
                if self.peek() != Some(')') {
                    return Err(Wrong::new(begin, 1, Fault::Open));
                }
                self.at += 1;
                self.blanks();
                Ok(node)
            }
            None | Some(')') => Err(Wrong::new(begin, 1, Fault::NoTerm { after: self.before() })),
            Some('"') => {
                let word = self.quoted()?;
                self.blanks();
                Ok(Node::Is(Term::Line(word.text.to_lowercase())))
            }
            Some(_) => self.term(),
        }
    }

    /// A comparison, or a bare word.
    fn term(&mut self) -> Result<Node, Wrong> {
        let begin = self.at;
        if self.keyword("or") || self.keyword("and") {
            self.at = begin;
            return Err(Wrong::new(begin, self.word_length(), Fault::NoTerm { after: self.before() }));
        }
        if let Some(operator) = self.operator() {
            return Err(Wrong::new(begin, operator.len(), Fault::NoField { operator }));
        }
        let name = self.name();
        self.blanks();
        let operator_at = self.at;
        if !name.is_empty()
            && let Some(operator) = self.operator()
        {
            self.blanks();
            let several = matches!(operator, "=" | "!=");
            let values = self.values(operator, several)?;
            self.blanks();
            let comparison = Comparison { field: name, field_at: begin, operator, operator_at, values };
            return field::node(&comparison, self.here);
        }
        self.at = begin;
        let length = self.word_length();
        let word: String = self.chars[begin..begin + length].iter().collect();
        self.at += length;
        self.blanks();
        Ok(Node::Is(Term::Line(word.to_lowercase())))
    }

    fn values(&mut self, operator: &'static str, several: bool) -> Result<Vec<Value>, Wrong> {
        let mut values = Vec::new();
        let mut after = operator;
        loop {
            if self.peek() == Some('"') {
                values.push(self.quoted()?);
            } else {
                let at = self.at;
                let ends = |c: &char| ends_word(*c) || (several && *c == ',');
                let length = self.chars[at..].iter().take_while(|c| !ends(c)).count();
                if length == 0 || self.operator().is_some() {
                    return Err(Wrong::new(at, 1, Fault::NoValue { after }));
                }
                let text = self.chars[at..at + length].iter().collect();
                self.at = at + length;
                values.push(Value { text, quoted: false, at, length });
            }
            if !several || self.peek() != Some(',') {
                return Ok(values);
            }
            self.at += 1;
            after = ",";
        }
    }

    fn quoted(&mut self) -> Result<Value, Wrong> {
        let at = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(Wrong::new(at, 1, Fault::OpenQuote)),
                Some('"') => {
                    self.at += 1;
                    return Ok(Value { text, quoted: true, at, length: self.at - at });
                }
                Some('\\') => match self.chars.get(self.at + 1) {
                    Some(c @ ('"' | '\\')) => {
                        text.push(*c);
                        self.at += 2;
                    }
                    _ => return Err(Wrong::new(self.at, 1, Fault::Escape)),
                },
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// A field's name; empty where there is none.
    fn name(&mut self) -> String {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let is_later = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let begin = self.at;
        if self.peek().is_some_and(is_first) {
            while self.peek().is_some_and(is_later) {
                self.at += 1;
            }
        }
        self.chars[begin..self.at].iter().collect()
    }

    fn operator(&mut self) -> Option<&'static str> {
        let found = OPERATORS.into_iter().find(|operator| {
            let mut next = self.chars[self.at..].iter();
            operator.chars().all(|c| next.next() == Some(&c))
        })?;
        self.at += found.len();
        Some(found)
    }

    /// Passes over a keyword, with the blanks behind it.
    fn keyword(&mut self, keyword: &str) -> bool {
        let length = self.word_length();
        let word = &self.chars[self.at..self.at + length];
        let is_it = word.iter().collect::<String>().eq_ignore_ascii_case(keyword);
        if is_it {
            self.at += length;
            self.blanks();
        }
        is_it
    }

    /// How long the bare word here is.
    fn word_length(&self) -> usize {
        self.chars[self.at..].iter().take_while(|c| !ends_word(**c)).count()
    }

    /// What stands before this place, for errors.
    fn before(&self) -> String {
        let before: String = self.chars[..self.at].iter().collect();
        match before.split_whitespace().last() {
            None => "the beginning".to_owned(),
            Some(word) if word.ends_with('(') => "`(`".to_owned(),
            Some(word) => format!("`{word}`"),
        }
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}
