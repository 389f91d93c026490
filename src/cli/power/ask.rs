//! A question to who sits at the terminal.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};

/// Somebody sits there who can answer.
pub fn can_ask() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Asks once; anything but yes is no.
pub fn ask(question: &str) -> bool {
    let _ = write!(stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let _ = stdin().read_line(&mut answer);
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
