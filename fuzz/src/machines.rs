//! What machines tell of themselves over ssh: their inventory, and how a recipe went there.

use super::is_printable;
use pxelator::{recipe::Report, track::Inventory};

/// What a machine is made of: what is kept of it is read back as the same.
pub fn inventory(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Inventory::parse(&text, "web1/.inventory") {
        Ok(read) => assert_eq!(Inventory::parse(&read.to_string(), "web1/.inventory").ok(), Some(read)),
        Err(error) => assert!(error.to_string().starts_with("web1/.inventory, line ")),
    }
}

/// Lines of the harness on a machine.
pub fn recipe_report(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut report = Report::default();
    for line in text.lines() {
        report.tell(line);
        report.said(line);
    }
    for manner in [pxelator::event::RecipeManner::Check, pxelator::event::RecipeManner::Apply] {
        match report.outcome("motd", &[], manner) {
            Ok(outcome) => assert!(outcome.changed.iter().all(|path| is_printable(path))),
            Err(trouble) => assert!(is_printable(&trouble.error) && !trouble.next_step.is_empty(), "{}", trouble.error),
        }
    }
}
