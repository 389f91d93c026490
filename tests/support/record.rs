//! A record of machines' files, of mirrors that the test writes itself.

use jiff::Timestamp;
use pxelator::track::{Note, Recorded, Repository, Source};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A repository, and mirrors that the test writes itself.
pub struct Record {
    /// All of it.
    pub folder: tempfile::TempDir,
    /// The repository.
    pub repository: Repository,
    second: std::cell::Cell<i64>,
}

impl Record {
    /// Nothing in it yet.
    pub fn new() -> Record {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(&folder.path().join("hosts"), &folder.path().join("run"));
        Record { folder, repository, second: 1_764_000_000.into() }
    }

    /// The mirror of a machine.
    pub fn tree(&self, host: &str) -> PathBuf {
        let tree = self.repository.mirror(host);
        fs::create_dir_all(&tree).unwrap();
        tree
    }

    /// Writes a file of it.
    pub fn write(&self, host: &str, path: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.tree(host).join(Path::new(path.as_ref()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A look, a minute after the one before.
    pub fn note(&self, host: &str) -> Note {
        // A minute later each time.
        self.second.set(self.second.get() + 60);
        Note {
            host: host.to_owned(),
            address: "10.77.0.60".to_owned(),
            time: Timestamp::from_second(self.second.get()).unwrap(),
            cause: None,
            inventory: None,
            recipients: None,
        }
    }

    /// Keeps what is there now.
    pub fn look(&self, host: &str) -> Recorded {
        self.repository.record(&Source::Mirror(self.tree(host)), None, &self.note(host)).unwrap()
    }

    /// Runs git in it as somebody who has it installed: what it prints.
    pub fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").args(["-c", "safe.directory=*", "-C"]);
        let output = command.arg(self.repository.dir()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// How many there are.
    pub fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).trim().parse().unwrap()
    }
}
