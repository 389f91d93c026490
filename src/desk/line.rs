//! A command line: what is started, with which environment, where.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, Stdio},
};

/// A program with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// What is set in its environment beside that of this program.
    pub env: Vec<(OsString, OsString)>,
    /// Where it runs; none for where this program does.
    pub folder: Option<PathBuf>,
}

impl CommandLine {
    /// A program with its arguments.
    pub fn new<T: Into<OsString>>(words: impl IntoIterator<Item = T>) -> CommandLine {
        CommandLine { words: words.into_iter().map(Into::into).collect(), ..CommandLine::default() }
    }

    /// The same, ready to be started, with nothing on its standard streams.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.words.first().cloned().unwrap_or_default());
        command.args(self.words.iter().skip(1)).envs(self.env.iter().cloned());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}
