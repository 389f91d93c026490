//! The line to the PXElator of another host: the same words as by its socket.

use super::ask::Remote;
use crate::{cli::power::Stopped, command::Command};
use reqwest::Method;
use serde_json::Value;
use std::collections::VecDeque;
use tokio::{sync::mpsc, task::JoinHandle};

/// What is told and waits to be heard.
const WAITING: usize = 1 << 14;

/// An open line; it is closed when it is dropped.
pub struct RemoteLine {
    remote: &'static Remote,
    name: String,
    told: mpsc::Receiver<Result<Value, Stopped>>,
    /// What was answered to commands.
    taken: VecDeque<Value>,
    reader: JoinHandle<()>,
}

impl Drop for RemoteLine {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl RemoteLine {
    /// Opens one.
    pub async fn open(remote: &'static Remote) -> Result<RemoteLine, Stopped> {
        let mut lines = remote.open("line").await?;
        let first = lines.next().await?.unwrap_or_default();
        let hello: Value = serde_json::from_slice(&first).unwrap_or_default();
        let name = hello.get("line").and_then(Value::as_str);
        let name = name.ok_or_else(|| Stopped::Nobody("the server that was asked is of another version".to_owned()))?;
        let (name, (tell, told)) = (name.to_owned(), mpsc::channel(WAITING));
        let reader = tokio::spawn(async move {
            loop {
                let next = match lines.next().await {
                    Ok(Some(line)) => serde_json::from_slice(&line).map_err(|error| Stopped::Broken(error.to_string())),
                    Ok(None) => Err(Stopped::Broken("the PXElator that was asked ended".to_owned())),
                    Err(error) => Err(error),
                };
                let is_over = next.is_err();
                if tell.send(next).await.is_err() || is_over {
                    return;
                }
            }
        });
        Ok(RemoteLine { remote, name, told, taken: VecDeque::new(), reader })
    }

    /// Sends a command.
    pub async fn send(&mut self, command: &Command) -> Result<(), Stopped> {
        let body = serde_json::to_vec(command).map_err(|error| Stopped::Broken(error.to_string()))?;
        self.remote.ask(Method::POST, "commands", &[("line", &self.name)], Some(body)).await?;
        self.taken.push_back(serde_json::json!({ "taken": command.name() }));
        Ok(())
    }

    /// The next that is told. May be dropped and called again.
    pub async fn read(&mut self) -> Result<Value, Stopped> {
        if let Some(taken) = self.taken.pop_front() {
            return Ok(taken);
        }
        let over = || Err(Stopped::Broken("the PXElator that was asked ended".to_owned()));
        self.told.recv().await.unwrap_or_else(over)
    }
}
