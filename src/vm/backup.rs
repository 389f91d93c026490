//! A copy of the disk of a machine that runs, as it stands at one moment: QEMU saves each block before the guest writes it
//! anew. With a guest agent all is written before, and nothing while the copy begins. The machine goes on all the time.

use super::{NODE, Qmp, Stillness, Traces, VmError, image, path_from};
use serde_json::{Value, json};
use std::{io, path::Path, time::Duration};
use tokio::time::{sleep, timeout};

/// What QEMU gets to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a guest agent gets to say that it is there; most guests have none.
const THERE: Duration = Duration::from_secs(3);
/// What a guest gets to write all that it has in memory.
const FREEZING: Duration = Duration::from_secs(60);
/// How often is looked how far the copy is.
const LOOK: Duration = Duration::from_millis(100);
/// Begin of the names of our jobs and nodes in QEMU.
const OURS: &str = "snapshot-";

/// Copies `disk`, which the machine runs from, into the new file.
pub async fn backup(traces: &Traces, machine: &str, disk: &Path, new: &Path) -> Result<Stillness, VmError> {
    let chain = image::chain(disk)?;
    let Some(image) = chain.first() else { return Err(VmError::Missing(disk.to_owned())) };
    // A layer is copied as a layer.
    let sync = match &image.hangs_on {
        Some(on) => {
            image::layer(new, &path_from(new.parent().unwrap_or(Path::new("/")), on), Some(image.disk))?;
            "top"
        }
        None => {
            image::empty(new, image.disk)?;
            "full"
        }
    };
    let name = format!("{OURS}{}", std::process::id());
    let machine = Running { traces, machine, folder: new.parent().unwrap_or(Path::new("/")) };
    machine.clean_up().await?;
    let target = json!({ "driver": "qcow2", "node-name": name, "file": { "driver": "file", "filename": new } });
    machine.ask("blockdev-add", target).await?;
    let job = json!({ "job-id": name, "device": NODE, "target": name, "sync": sync, "auto-dismiss": false });
    let copied = match machine.begin(job).await {
        Ok(stillness) => machine.finish(&name).await.map(|()| stillness),
        Err(error) => Err(error),
    };
    // Of a machine that is off nothing is left.
    let _ = machine.ask("blockdev-del", json!({ "node-name": name })).await;
    copied
}

/// A machine that runs.
struct Running<'a> {
    traces: &'a Traces,
    machine: &'a str,
    /// Where the copy is made.
    folder: &'a Path,
}

impl Running<'_> {
    /// One question. QEMU talks with one at a time, so the line is not held: others switch the machine by it.
    async fn ask(&self, execute: &str, arguments: Value) -> Result<Value, VmError> {
        let talk = async { Qmp::open(&self.traces.qmp).await?.ask(execute, arguments).await };
        let told = timeout(PATIENCE, talk).await.unwrap_or_else(|_| Err(io::Error::other("no answer")));
        told.map_err(|error| self.error(&error.to_string()))
    }

    fn error(&self, words: &str) -> VmError {
        if self.traces.running().is_none() {
            return VmError::Switched(self.machine.to_owned(), "off");
        }
        if words.contains("No space left on device") {
            return VmError::Full {
                doing: format!("copying the disk of {}", self.machine),
                folder: self.folder.to_owned(),
            };
        }
        VmError::Qemu { machine: self.machine.to_owned(), error: words.to_owned() }
    }

    /// Takes away what an earlier snapshot left that was killed.
    async fn clean_up(&self) -> Result<(), VmError> {
        let jobs = self.ask("query-jobs", Value::Null).await?;
        for job in jobs.as_array().into_iter().flatten().filter(|job| is_ours(job, "id")) {
            if job["status"] != "concluded" {
                return Err(self.error("a snapshot of it is being taken already"));
            }
            self.ask("job-dismiss", json!({ "id": job["id"] })).await?;
        }
        let nodes = self.ask("query-named-block-nodes", json!({ "flat": true })).await?;
        for node in nodes.as_array().into_iter().flatten().filter(|node| is_ours(node, "node-name")) {
            self.ask("blockdev-del", json!({ "node-name": node["node-name"] })).await?;
        }
        Ok(())
    }

    /// Begins the copy: the moment that it will show.
    async fn begin(&self, job: Value) -> Result<Stillness, VmError> {
        let Some(mut agent) = self.agent().await else {
            self.ask("blockdev-backup", job).await?;
            return Ok(Stillness::Running);
        };
        let frozen = timeout(FREEZING, agent.ask("guest-fsfreeze-freeze", Value::Null)).await;
        let begun = self.ask("blockdev-backup", job).await;
        // Whatever came of it.
        let thawed = timeout(FREEZING, agent.ask("guest-fsfreeze-thaw", Value::Null)).await;
        let begun = begun.map(drop);
        match (frozen, thawed) {
            (Ok(Ok(_)), Ok(Ok(_))) => begun.map(|()| Stillness::Frozen),
            // One that cannot hold its file systems is copied as it is.
            (Ok(Err(_)), _) => begun.map(|()| Stillness::Running),
            _ => Err(self.error("its guest agent does not let its file systems go on; reset the machine if it hangs")),
        }
    }

    async fn agent(&self) -> Option<Qmp> {
        timeout(THERE, Qmp::to_agent(&self.traces.agent)).await.ok()?.ok()
    }

    /// Waits until all is copied.
    async fn finish(&self, name: &str) -> Result<(), VmError> {
        loop {
            let jobs = self.ask("query-jobs", Value::Null).await?;
            let job = jobs.as_array().into_iter().flatten().find(|job| job["id"] == name).cloned();
            let Some(job) = job else { return Err(self.error("it forgot the copy")) };
            if job["status"] == "concluded" {
                self.ask("job-dismiss", json!({ "id": name })).await?;
                return job["error"].as_str().map_or(Ok(()), |words| Err(self.error(words)));
            }
            sleep(LOOK).await;
        }
    }
}

fn is_ours(told: &Value, field: &str) -> bool {
    told[field].as_str().is_some_and(|name| name.starts_with(OURS))
}
