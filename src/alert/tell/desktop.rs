//! Tells on the operator's desktop, by notify-send(1).

use super::{Hand, TellError, command};
use crate::{
    alert::{Message, Status},
    event::Severity,
};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// Shows it.
pub async fn tell(hand: &Hand, message: &Message) -> Result<(), TellError> {
    let urgency = match (message.status, message.severity) {
        (Status::Firing, severity) if severity <= Severity::Err => "critical",
        (Status::Firing, _) => "normal",
        _ => "low",
    };
    // What stands in it may be markup to the desktop (Desktop Notifications Specification, section 4.1).
    let text = message.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // And notify-send takes \n, \t, \101 … in a body for what C takes them for.
    let text = text.replace('\\', "\\\\");
    let urgency = format!("--urgency={urgency}");
    let words = ["notify-send", "--app-name=PXElator", &urgency, "--", &message.title, &text].map(str::to_owned);
    command::run(hand, &words, Vec::new(), b"", PATIENCE).await
}
