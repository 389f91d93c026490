//! QMP, the language that QEMU and its guest agent take orders in: lines of JSON on a socket. Knows no machine.

use serde_json::{Value, json};
use std::{io, path::Path};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// An open line. QEMU talks with one at a time: who holds it makes others wait.
pub struct Qmp {
    answers: Lines<BufReader<OwnedReadHalf>>,
    out: OwnedWriteHalf,
}

impl Qmp {
    /// A line to QEMU, ready for commands.
    pub async fn open(socket: &Path) -> io::Result<Qmp> {
        let mut qmp = Qmp::connect(socket).await?;
        qmp.ask("qmp_capabilities", Value::Null).await?;
        Ok(qmp)
    }

    /// A line to a guest agent. What is left of another's talk is passed over.
    pub async fn to_agent(socket: &Path) -> io::Result<Qmp> {
        let mut agent = Qmp::connect(socket).await?;
        let id = u64::from(std::process::id());
        agent.send("guest-sync", json!({ "id": id })).await?;
        while agent.answer().await?.as_u64() != Some(id) {}
        Ok(agent)
    }

    async fn connect(socket: &Path) -> io::Result<Qmp> {
        let (answers, out) = UnixStream::connect(socket).await?.into_split();
        Ok(Qmp { answers: BufReader::new(answers).lines(), out })
    }

    /// Sends a command and waits for its answer; an error's words are QEMU's own.
    pub async fn ask(&mut self, execute: &str, arguments: Value) -> io::Result<Value> {
        self.send(execute, arguments).await?;
        self.answer().await
    }

    async fn send(&mut self, execute: &str, arguments: Value) -> io::Result<()> {
        let mut command = json!({ "execute": execute });
        if !arguments.is_null() {
            command["arguments"] = arguments;
        }
        self.out.write_all(format!("{command}\n").as_bytes()).await
    }

    /// The next answer; greetings and events are passed over.
    async fn answer(&mut self) -> io::Result<Value> {
        while let Some(line) = self.answers.next_line().await? {
            let mut answer: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(error) = answer.get("error") {
                let words = error.get("desc").and_then(Value::as_str).map_or(error.to_string(), str::to_owned);
                return Err(io::Error::other(words));
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::net::UnixListener,
        thread,
    };

    #[tokio::test]
    async fn greetings_and_events_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qmp");
        let listener = UnixListener::bind(&socket).unwrap();
        let stands_in = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"{\"QMP\": {\"version\": {}}}\n").unwrap();
            let mut asked = Vec::new();
            for answer in [
                "{\"return\": {}}",
                "{\"event\": \"STOP\"}\n{\"return\": {\"status\": \"running\"}}",
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such node\"}}",
            ] {
                asked.push(lines.next().unwrap().unwrap());
                writeln!(stream, "{answer}").unwrap();
            }
            asked
        });
        let mut qmp = Qmp::open(&socket).await.unwrap();
        assert_eq!(qmp.ask("query-status", Value::Null).await.unwrap()["status"], "running");
        let error = qmp.ask("block-job-cancel", json!({ "device": "x" })).await.unwrap_err();
        assert_eq!(error.to_string(), "no such node");
        let asked = stands_in.join().unwrap();
        assert_eq!(asked[1], "{\"execute\":\"query-status\"}");
        assert!(asked[2].contains("\"arguments\":{\"device\":\"x\"}"), "{}", asked[2]);
        assert!(qmp.ask("quit", Value::Null).await.is_err());
    }
}
