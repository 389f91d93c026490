//! The child `rrdtool -`: commands in, answers out. Knows nothing of what is written.

use std::{io, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// What a command gets: a disk may be slow, but not dead.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer to one command: the lines before its `OK`, or its error.
pub type Answer = Result<Vec<String>, String>;

/// The child. It ends when this is dropped.
pub struct Tool {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    child: Child,
}

impl Tool {
    /// Starts it in this folder.
    pub fn start(folder: &Path) -> io::Result<Tool> {
        let mut child = Command::new("rrdtool")
            .arg("-")
            .current_dir(folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What a terminal sends on ctrl-c is for the program, which ends its child itself.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let none = || io::Error::other("it has no pipes");
        let input = child.stdin.take().ok_or_else(none)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(none)?).lines();
        Ok(Tool { input, output, child })
    }

    /// Has commands carried out, in their order, without waiting for each: the answers, and why there are not as many as commands.
    /// After an error it is to be dropped, since answers that are still to come would be taken for others'.
    pub async fn ask(&mut self, commands: &[String]) -> (Vec<Answer>, io::Result<()>) {
        let mut answers = Vec::with_capacity(commands.len());
        let text: String = commands.iter().flat_map(|command| [command.as_str(), "\n"]).collect();
        let (input, output) = (&mut self.input, &mut self.output);
        let send = async {
            input.write_all(text.as_bytes()).await?;
            input.flush().await
        };
        let read = async {
            let mut lines = Vec::new();
            while answers.len() < commands.len() {
                let line = tokio::time::timeout(PATIENCE, output.next_line());
                let line =
                    line.await.map_err(|_| io::Error::other(format!("it does not answer for {PATIENCE:?}")))??;
                let line = line.ok_or(io::ErrorKind::UnexpectedEof)?;
                if let Some(error) = line.strip_prefix("ERROR: ") {
                    lines.clear();
                    answers.push(Err(error.to_owned()));
                } else if line.starts_with("OK u:") {
                    answers.push(Ok(std::mem::take(&mut lines)));
                } else {
                    lines.push(line);
                }
            }
            Ok(())
        };
        let came = tokio::try_join!(send, read).map(|_| ());
        let came = match came {
            Ok(()) => Ok(()),
            Err(error) => Err(self.why(error).await),
        };
        (answers, came)
    }

    /// How it ended says more than that its pipe is broken.
    async fn why(&mut self, error: io::Error) -> io::Error {
        match tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(Ok(status)) => io::Error::other(format!("it ended: {status}")),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn commands_are_answered_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut tool = Tool::start(folder.path()).unwrap();
        let create =
            |name: &str| format!("create {name} --step 10 --start 1000000000 DS:x:GAUGE:130:U:U RRA:AVERAGE:0.5:1:5");
        let mut commands = vec![create("a.rrd"), "last a.rrd".into(), "last none.rrd".into()];
        // More than fits into the pipes.
        commands.extend((1..=5000).map(|step| format!("update a.rrd {}:{step}", 1_000_000_000 + step * 10)));
        commands.push("last a.rrd".into());
        let (answers, came) = tool.ask(&commands).await;
        came.unwrap();
        assert_eq!(answers.len(), commands.len());
        assert_eq!(answers[..2], [Ok(vec![]), Ok(vec!["1000000000".to_owned()])]);
        assert!(answers[2].as_ref().is_err_and(|error| error.contains("No such file")), "{:?}", answers[2]);
        assert_eq!(answers.last(), Some(&Ok(vec!["1000050000".to_owned()])));
    }

    #[tokio::test]
    async fn its_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut tool = Tool::start(folder.path()).unwrap();
        let (answers, came) = tool.ask(&["last none.rrd".into(), "quit".into(), "last none.rrd".into()]).await;
        assert_eq!(answers.len(), 1);
        assert!(came.unwrap_err().to_string().contains("it ended"));
    }
}
