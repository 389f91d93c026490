//! The program without a screen: events as lines on stderr.

use crate::{bus::Delivery, event::Event};
use std::{io::Write, time::Duration};
use tokio::sync::mpsc;

/// Prints what comes in `queue` until it is closed. A stderr that is gone ends nothing.
pub async fn print(mut queue: mpsc::Receiver<Delivery>, json: bool) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, 1024).await > 0 {
        let mut lines = Vec::new();
        for delivery in batch.drain(..) {
            if let Delivery::Event(event) = delivery {
                if json {
                    let _ = serde_json::to_writer(&mut lines, &*event);
                } else {
                    let _ = write!(lines, "{}", line(&event));
                }
                lines.push(b'\n');
            }
        }
        let _ = std::io::stderr().write_all(&lines);
        // Nobody reads faster, and what comes meanwhile is one write.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// `2026-11-24T09:20:05.123Z info dhcp 10.77.0.60 offered …`
fn line(event: &Event) -> String {
    let who = event.machine.map(|m| m.to_string()).or(event.mac.map(|m| m.to_string())).unwrap_or("-".into());
    format!("{:.3} {:7} {:6} {who} {}", event.time, event.severity(), event.service(), event.fact)
}
