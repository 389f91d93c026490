//! `--read-only`: everything is shown, and nothing can be changed from here. Pure.
//!
//! The one place that says what changes something: the help leaves it out, and what leaves the console is held back.

use super::{keys::Wish, update::Effect};
use crate::{
    command::Command,
    desk::{Wanted, What, inside::Act},
};

/// What is said to who wants to change something.
pub const REFUSED: &str = "read-only: nothing is changed from here; start without --read-only for that";

/// True for a wish that does nothing but change something.
pub fn changes(wish: Wish) -> bool {
    matches!(
        wish,
        Wish::Power
            | Wish::PowerOn
            | Wish::Mark
            | Wish::MarkAll
            | Wish::Adopt
            | Wish::Terminal
            | Wish::Profile
            | Wish::DryRun
            | Wish::CheckRecipe
            | Wish::Acknowledge
            | Wish::Silence
    )
}

/// True for what would change something: machines, conf, or what a terminal leads to.
pub fn is_change(effect: &Effect) -> bool {
    match effect {
        Effect::Send(
            Command::Power { .. }
            | Command::Adopt { .. }
            | Command::Trust { .. }
            | Command::Skip { .. }
            | Command::Assign { .. }
            | Command::Arm { .. }
            | Command::Fetch { .. }
            | Command::Recipe { .. }
            | Command::Acknowledge { .. }
            | Command::Silence { .. }
            | Command::Ring { .. }
            | Command::Tell { .. },
        ) => true,
        // A pull only writes down what is so.
        Effect::Send(
            Command::Find { .. }
            | Command::Look { .. }
            | Command::Alarms { .. }
            | Command::Examine { .. }
            | Command::Pull { .. }
            | Command::Check { .. }
            | Command::Quit,
        ) => false,
        Effect::Desk(wanted) => match wanted {
            Wanted::Terminal(What::Machine { .. }) => true,
            // They only show what is told, and what passes by.
            Wanted::Terminal(What::Log(_)) | Wanted::Logs | Wanted::Packets(_) | Wanted::Kept => false,
        },
        // Whatever is typed there; looking back and copying are not.
        Effect::Inside(_, act) => {
            matches!(act, Act::Key(_) | Act::Mouse(_) | Act::Paste(_) | Act::PasteCopied | Act::Again)
        }
        Effect::EndSession(_) | Effect::EndNamed(_) | Effect::OpenSession(_) => true,
        Effect::None | Effect::NextTheme | Effect::Theme(_) | Effect::Go(_) | Effect::At(_) | Effect::Sessions => false,
    }
}
