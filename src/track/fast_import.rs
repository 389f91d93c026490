//! `git fast-import`: contents streamed into the repository, and a commit made of them. Knows no machines.

use super::{
    Result, TrackError,
    git::{Git, MAIN},
};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

/// A running `git fast-import`.
pub struct FastImport<'a> {
    git: Git<'a>,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    marks: u64,
}

/// What a commit is made of.
pub struct Draft<'a> {
    /// The commit before it; none for the first.
    pub from: Option<&'a str>,
    /// Who made the changes: name and address of mail.
    pub author: (&'a str, &'a str),
    /// Seconds since 1970.
    pub time: i64,
    /// Its words.
    pub message: &'a str,
    /// Paths that go.
    pub remove: Vec<Vec<u8>>,
    /// Paths with git's name of their content.
    pub put: Vec<(Vec<u8>, String)>,
}

impl<'a> FastImport<'a> {
    /// Starts it.
    pub fn start(git: Git<'a>) -> Result<FastImport<'a>> {
        let mut command = git.command();
        command.args(["fast-import", "--quiet", "--done", "--date-format=raw"]).stdin(Stdio::piped());
        let mut child = command.spawn().map_err(|error| git.not_run(error))?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = pipes else { return Err(git.not_run(io::ErrorKind::BrokenPipe.into())) };
        Ok(FastImport { git, child, stdin, stdout: BufReader::new(stdout), marks: 0 })
    }

    /// Streams `size` bytes into it; git's name of them, and whether there were so many. What lacks is made of zeros, since git
    /// was told how many come: the caller throws that content away.
    pub fn stream(&mut self, size: u64, content: &mut dyn Read) -> Result<(String, bool)> {
        self.marks += 1;
        let mark = self.marks;
        let mut is_whole = true;
        let sent = (|| -> io::Result<String> {
            write!(self.stdin, "blob\nmark :{mark}\ndata {size}\n")?;
            let mut left = size;
            let mut part = vec![0; usize::try_from(size).unwrap_or(usize::MAX).clamp(1, 64 << 10)];
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(part.len());
                let buffer = part.get_mut(..most).unwrap_or_default();
                // What cannot be read is as what is not there.
                let mut read = if is_whole { content.read(buffer).unwrap_or(0) } else { 0 };
                if read == 0 {
                    is_whole = false;
                    buffer.fill(0);
                    read = most;
                }
                self.stdin.write_all(buffer.get(..read).unwrap_or_default())?;
                left -= u64::try_from(read).unwrap_or(0);
            }
            write!(self.stdin, "\nget-mark :{mark}\n")?;
            self.stdin.flush()?;
            let mut name = String::new();
            self.stdout.read_line(&mut name)?;
            Ok(name.trim().to_owned())
        })();
        match sent {
            Ok(name) if name.len() >= 40 => Ok((name, is_whole)),
            _ => Err(self.ended()),
        }
    }

    /// The same of bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<String> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.stream(size, &mut &*bytes).map(|(name, _)| name)
    }

    /// Makes the commit, and ends; git's name of it.
    pub fn commit(mut self, draft: &Draft) -> Result<String> {
        self.marks += 1;
        let sent = (|| -> io::Result<String> {
            let mut text = format!("commit {MAIN}\nmark :{}\n", self.marks).into_bytes();
            let (name, mail) = (mailable(draft.author.0), mailable(draft.author.1));
            writeln!(text, "author {name} <{mail}> {} +0000", draft.time)?;
            writeln!(text, "committer PXElator <pxelator@localhost> {} +0000", draft.time)?;
            write!(text, "data {}\n{}\n", draft.message.len(), draft.message)?;
            if let Some(from) = draft.from {
                writeln!(text, "from {from}")?;
            }
            // First what goes: a folder may come where a file was.
            for path in &draft.remove {
                writeln!(text, "D {}", quoted(path))?;
            }
            for (path, blob) in &draft.put {
                writeln!(text, "M 100644 {blob} {}", quoted(path))?;
            }
            write!(text, "\nget-mark :{}\ndone\n", self.marks)?;
            self.stdin.write_all(&text)?;
            self.stdin.flush()?;
            let mut name = String::new();
            self.stdout.read_line(&mut name)?;
            Ok(name.trim().to_owned())
        })();
        match sent {
            Ok(name) if name.len() >= 40 => self.end().map(|()| name),
            _ => Err(self.ended()),
        }
    }

    /// Ends without a commit. What was streamed lies there unused until it is swept.
    pub fn leave(mut self) -> Result<()> {
        match self.stdin.write_all(b"done\n").and_then(|()| self.stdin.flush()) {
            Ok(()) => self.end(),
            Err(_) => Err(self.ended()),
        }
    }

    fn end(mut self) -> Result<()> {
        let status = self.child.wait().map_err(|error| self.git.not_run(error))?;
        if status.success() { Ok(()) } else { Err(self.ended()) }
    }

    /// It ended by itself: what it says.
    fn ended(&mut self) -> TrackError {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_end(&mut said);
        }
        let _ = self.child.wait();
        // It writes down all that it was told, and leaves half a pack behind.
        let inner = self.git.dir.join(".git");
        let _ = std::fs::remove_file(inner.join(format!("fast_import_crash_{}", self.child.id())));
        let text = String::from_utf8_lossy(&said);
        let half =
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("tmp_pack_"));
        half.for_each(|half| _ = std::fs::remove_file(inner.join("objects/pack").join(half)));
        self.git.trouble("fast-import", &said)
    }
}

/// Without what ends a name or an address.
fn mailable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect()
}

/// In C's quotes, as fast-import reads a path of any bytes.
fn quoted(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len() + 2);
    text.push('"');
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_quotes() {
        for (path, text) in [
            (&b"web1/etc/motd"[..], r#""web1/etc/motd""#),
            (b"a b", r#""a b""#),
            (b"a\nb\"c\\d", r#""a\012b\"c\\d""#),
            (b"\xff", r#""\377""#),
        ] {
            assert_eq!(quoted(path), text);
        }
    }
}
