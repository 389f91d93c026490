//! HTTP/1.1 messages as far as a proxy needs them: where one ends.

use std::{
    cell::RefCell,
    io::{self, BufRead, Read, Write},
};

/// More than a head of ours ever has.
const HEAD: u64 = 65_536;
/// Bytes that are passed on at once.
const PIECE: usize = 16_384;

/// The head of a request or a reply.
#[derive(Clone, Debug)]
pub struct Head {
    /// With the empty line at its end.
    pub bytes: Vec<u8>,
    lines: Vec<String>,
}

/// How a body's end is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Each chunk has its length before it.
    Chunked,
    /// Everything until the connection ends.
    UntilEnd,
}

impl Head {
    /// Reads one; none where the connection ends instead.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Head>> {
        let mut bytes = Vec::new();
        let mut from = from.take(HEAD);
        loop {
            let read = from.read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return if bytes.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if bytes.ends_with(b"\r\n\r\n") {
                let lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
                return Ok(Some(Head { bytes, lines }));
            }
        }
    }

    /// A word of the first line: `POST`, `/db/_bulk_docs` or, of a reply, `200`.
    pub fn word(&self, number: usize) -> &str {
        self.lines[0].split(' ').nth(number).unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<&str> {
        let fields = self.lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// The end of a request's body.
    pub fn request_body(&self) -> Body {
        if self.is_chunked() { Body::Chunked } else { self.length().map_or(Body::None, Body::Length) }
    }

    /// The end of the body of the reply to a request with this method.
    pub fn reply_body(&self, method: &str) -> Body {
        if method == "HEAD" || matches!(self.word(1), "204" | "304") || self.word(1).starts_with('1') {
            Body::None
        } else if self.is_chunked() {
            Body::Chunked
        } else {
            self.length().map_or(Body::UntilEnd, Body::Length)
        }
    }

    /// True where whoever sent it closes the connection after it.
    pub fn closes(&self) -> bool {
        self.value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    fn is_chunked(&self) -> bool {
        self.value("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn length(&self) -> Option<u64> {
        self.value("content-length")?.parse().ok()
    }
}

/// What is done with a piece of a body: passed on, or the end of it all.
pub type Pass<'a> = &'a mut dyn FnMut(&mut Vec<u8>) -> io::Result<()>;

impl Body {
    /// Hands on a body as it comes. `pass` gets the pieces of its content; chunks' lengths go to `frame`.
    pub fn copy(
        self,
        from: &mut impl BufRead,
        mut frame: impl FnMut(&[u8]) -> io::Result<()>,
        pass: Pass<'_>,
    ) -> io::Result<()> {
        match self {
            Body::None => Ok(()),
            Body::Length(length) => pieces(from, length, pass),
            Body::UntilEnd => loop {
                let mut piece = from.fill_buf()?.to_vec();
                if piece.is_empty() {
                    return Ok(());
                }
                from.consume(piece.len());
                pass(&mut piece)?;
            },
            Body::Chunked => loop {
                let line = line(from)?;
                let length = String::from_utf8_lossy(&line);
                let length = length.trim().split(';').next().unwrap_or_default();
                let length = u64::from_str_radix(length, 16).map_err(io::Error::other)?;
                if length == 0 {
                    // Nobody here sends trailers.
                    let end = self::line(from)?;
                    return frame(&[line, end].concat());
                }
                frame(&line)?;
                pieces(from, length, pass)?;
                frame(&self::line(from)?)?;
            },
        }
    }

    /// The whole of it as it came, chunks' lengths included.
    pub fn read(self, from: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let whole = RefCell::new(Vec::new());
        let add = |bytes: &[u8]| whole.borrow_mut().write_all(bytes);
        self.copy(from, add, &mut |piece| add(piece))?;
        Ok(whole.into_inner())
    }
}

fn line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(HEAD).read_until(b'\n', &mut line)?;
    if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn pieces(from: &mut impl BufRead, mut left: u64, pass: Pass<'_>) -> io::Result<()> {
    while left > 0 {
        let most = left.min(PIECE as u64) as usize;
        let mut piece = vec![0; most];
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        left -= read as u64;
        pass(&mut piece)?;
    }
    Ok(())
}
