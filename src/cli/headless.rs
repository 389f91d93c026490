//! The program without a screen: events as lines on stderr.

use super::line::Style;
use crate::bus::Delivery;
use std::{
    io::{Write, stderr},
    time::Duration,
};
use tokio::sync::mpsc;

/// Prints what comes in `queue` until it is closed. A stderr that is gone ends nothing.
pub async fn print(mut queue: mpsc::Receiver<Delivery>, json: bool) {
    let style = Style::of(&stderr(), json);
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, 1024).await > 0 {
        let mut lines = String::new();
        for delivery in batch.drain(..) {
            if let Delivery::Event(event) = delivery {
                lines.push_str(&style.line(&event));
                lines.push('\n');
            }
        }
        let _ = stderr().write_all(lines.as_bytes());
        // Nobody reads faster, and what comes meanwhile is one write.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
