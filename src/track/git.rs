//! git(1) as a child process: on one repository, by settings of this program alone, with faults told by what they mean.

use super::{Result, TrackError};
use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
};

/// The branch that commits are made on.
pub const MAIN: &str = "refs/heads/main";

/// What git says of a repository whose files are not as it wrote them.
const BROKEN: [&str; 27] = [
    "not a git repository",
    "corrupt",
    "is empty",
    "bad object",
    "bad tree",
    "bad blob",
    "bad commit",
    "bad config",
    "bad signature",
    "bad packed",
    "bad revision 'HEAD'",
    "bad revision 'refs/heads/main'",
    "broken",
    "missing blob",
    "missing tree",
    "missing commit",
    "missing object",
    "unable to read",
    "unable to parse",
    "could not read",
    "could not parse",
    "cannot read",
    "cannot be accessed",
    "inflate",
    "index file smaller than expected",
    "hash mismatch",
    "is not a valid object",
];
/// What git's check says of contents that are none of its business: machines have files with these names too.
pub const UNASKED: [&str; 12] = [
    "gitmodulesBlob",
    "gitmodulesLarge",
    "gitmodulesMissing",
    "gitmodulesName",
    "gitmodulesParse",
    "gitmodulesPath",
    "gitmodulesUpdate",
    "gitmodulesUrl",
    "gitattributesBlob",
    "gitattributesLarge",
    "gitattributesLineLength",
    "gitattributesMissing",
];
/// What it says where its disk is full.
const FULL: [&str; 3] = ["No space left on device", "Out of diskspace", "Disk quota exceeded"];

/// The repository in a folder of machines.
#[derive(Clone, Copy, Debug)]
pub struct Git<'a> {
    /// `hosts`.
    pub dir: &'a Path,
}

impl Git<'_> {
    /// git on this repository, with nothing of its settings from elsewhere: a machine's files are no instructions, and the
    /// record looks the same for everybody.
    pub fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.env_clear().current_dir(self.dir);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in [
            ("LC_ALL", "C"),
            ("HOME", "/nonexistent"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ] {
            command.env(name, value);
        }
        command.args(["--no-pager", "--git-dir=.git", "--work-tree=."]);
        for setting in [
            // Whose folder it is does not matter: root serves.
            "safe.directory=*",
            "core.quotePath=false",
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.attributesFile=/dev/null",
            "core.excludesFile=/dev/null",
            // Names that only other systems trip over.
            "core.protectHFS=false",
            "core.protectNTFS=false",
            "core.ignoreCase=false",
            // Modes are in `.meta`; what is large is not held in memory.
            "core.fileMode=false",
            "core.bigFileThreshold=8m",
            "core.commitGraph=true",
            // Packing is done by `tidy`, in its time.
            "gc.auto=0",
            "maintenance.auto=false",
            "protocol.allow=never",
            "diff.external=",
            "diff.renames=false",
            "log.showSignature=false",
        ] {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What it prints for these words.
    pub fn ask<T: AsRef<OsStr>>(&self, words: &[T]) -> Result<Vec<u8>> {
        let mut command = self.command();
        command.args(words);
        self.output(&mut command, words.first().map(AsRef::as_ref))
    }

    /// The same, with a file of its index of its own.
    pub fn ask_with_index<T: AsRef<OsStr>>(&self, index: &Path, words: &[T]) -> Result<Vec<u8>> {
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index).args(words);
        self.output(&mut command, words.first().map(AsRef::as_ref))
    }

    fn output(&self, command: &mut Command, doing: Option<&OsStr>) -> Result<Vec<u8>> {
        let doing = doing.unwrap_or_default().to_string_lossy().into_owned();
        let Output { status, stdout, stderr } = command.output().map_err(|error| self.not_run(error))?;
        if status.success() { Ok(stdout) } else { Err(self.trouble(&doing, &stderr)) }
    }

    /// Whether these words end well; an error only where something is broken.
    pub fn succeeds(&self, words: &[&str]) -> Result<bool> {
        let output = self.command().args(words).output().map_err(|error| self.not_run(error))?;
        match output.status.success() {
            true => Ok(true),
            false => match self.trouble(words.first().unwrap_or(&""), &output.stderr) {
                TrackError::Git { .. } => Ok(false),
                error => Err(error),
            },
        }
    }

    /// The newest commit.
    pub fn tip(&self) -> Result<String> {
        let tip = self.ask(&["rev-parse", "--verify", "-q", "--end-of-options", "refs/heads/main^{commit}"]);
        match tip {
            Ok(hash) => Ok(String::from_utf8_lossy(&hash).trim().to_owned()),
            // A branch that is always there, since the repository begins with a commit.
            Err(TrackError::Git { error, .. }) => {
                let error = if error.is_empty() { format!("{MAIN} is no commit") } else { error };
                Err(TrackError::Broken { dir: self.dir.to_owned(), error })
            }
            Err(error) => Err(error),
        }
    }

    /// What an error of git means.
    pub fn trouble(&self, doing: &str, stderr: &[u8]) -> TrackError {
        let text = String::from_utf8_lossy(stderr);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let error = lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join("; ");
        if FULL.iter().any(|known| text.contains(known)) {
            return TrackError::File { path: self.dir.to_owned(), source: io::ErrorKind::StorageFull.into() };
        }
        if BROKEN.iter().any(|known| text.contains(known)) {
            return TrackError::Broken { dir: self.dir.to_owned(), error };
        }
        TrackError::Git { doing: doing.to_owned(), error }
    }

    /// Why git did not start.
    pub fn not_run(&self, error: io::Error) -> TrackError {
        match error.kind() {
            io::ErrorKind::NotFound if self.dir.is_dir() => TrackError::Missing { program: "git" },
            _ => TrackError::File { path: self.dir.to_owned(), source: error },
        }
    }

    /// Contents one after the other, of one process.
    pub fn cat(&self) -> Result<Cat> {
        let mut command = self.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.not_run(error))?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = pipes else { return Err(self.not_run(io::ErrorKind::BrokenPipe.into())) };
        Ok(Cat { dir: self.dir.to_owned(), child, stdin, stdout: BufReader::new(stdout) })
    }
}

/// `git cat-file --batch`.
pub struct Cat {
    dir: PathBuf,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Cat {
    /// The bytes of `COMMIT:PATH` or of a blob, without line breaks in its name; none where there is no such thing.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        Ok(self
            .copy(name, &mut |part| {
                bytes.extend_from_slice(part);
                Ok(())
            })?
            .then_some(bytes))
    }

    /// Hands its bytes on, part by part; false where there is no such thing.
    pub fn copy(&mut self, name: &str, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<bool> {
        let asked = writeln!(self.stdin, "{name}").and_then(|()| self.stdin.flush());
        let mut head = String::new();
        let told = asked.and_then(|()| self.stdout.read_line(&mut head));
        let size = match (told, head.split_whitespace().collect::<Vec<_>>().as_slice()) {
            (Ok(_), [.., "missing"]) => return Ok(false),
            (Ok(_), [_, _, size]) => size.parse::<u64>().ok(),
            _ => None,
        };
        let Some(mut left) = size else { return Err(self.ended(&head)) };
        let mut part = vec![0; 64 << 10];
        let mut taken = Ok(());
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(part.len());
            let read = self.stdout.read(part.get_mut(..most).unwrap_or_default()).unwrap_or(0);
            if read == 0 {
                return Err(self.ended(""));
            }
            left -= u64::try_from(read).unwrap_or(0);
            if taken.is_ok() {
                taken = take(part.get(..read).unwrap_or_default());
            }
        }
        let mut end = [0];
        if self.stdout.read_exact(&mut end).is_err() {
            return Err(self.ended(""));
        }
        taken.map(|()| true).map_err(|source| TrackError::File { path: self.dir.clone(), source })
    }

    /// It ended in the midst: what it says.
    fn ended(&mut self, head: &str) -> TrackError {
        let mut said = Vec::new();
        let _ = self.child.kill();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_end(&mut said);
        }
        match (Git { dir: &self.dir }).trouble("cat-file", &said) {
            // It never ends so unless what it reads is bad.
            TrackError::Git { error, .. } => {
                let error = if error.is_empty() { format!("git cat-file ended {}", head.trim()) } else { error };
                TrackError::Broken { dir: self.dir.clone(), error }
            }
            other => other,
        }
    }
}

impl Drop for Cat {
    fn drop(&mut self) {
        // Nothing of it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_means() {
        let git = Git { dir: Path::new("hosts") };
        for (said, meant) in [
            ("fatal: not a git repository: '.git'", "broken"),
            ("error: object file .git/objects/3b/18e is empty\nfatal: loose object 3b18e is corrupt", "broken"),
            ("error: inflate: data stream error (incorrect header check)", "broken"),
            ("fatal: bad config line 1 in file .git/config", "broken"),
            ("error: unable to write file: No space left on device", "full"),
            (
                "fatal: sha1 file 'x' write error. Out of diskspace\nfatal: Unexpected checksum (disk corruption?)",
                "full",
            ),
            ("fatal: Unable to create '.git/index.lock': File exists.", "other"),
        ] {
            let is = match git.trouble("log", said.as_bytes()) {
                TrackError::Broken { .. } => "broken",
                TrackError::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => "full",
                TrackError::Git { .. } => "other",
                _ => "unknown",
            };
            assert_eq!(is, meant, "{said}");
        }
    }
}
