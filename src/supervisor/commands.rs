//! Carries out what the operator asks for; the answers are events.

use super::segments::Shared;
use crate::command::Command;
use tokio::{sync::mpsc, task::JoinSet};

/// Obeys until shutdown. Slow wishes do not hold up others.
pub async fn obey(mut wishes: mpsc::Receiver<Command>, shared: Shared) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(_) = under_way.join_next() => {}
            wish = wishes.recv() => match wish {
                None | Some(Command::Quit) => shared.shutdown.cancel(),
                Some(command) => { under_way.spawn(carry_out(command, shared.clone())); }
            },
        }
    }
}

async fn carry_out(command: Command, shared: Shared) {
    let _ = (command, shared);
}
