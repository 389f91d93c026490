//! The list of terminals: those that are open, then the sessions that run without one.

use crate::desk::{
    Desk, What,
    inside::{Id, Terminal},
};
use jiff::Timestamp;
use std::sync::Arc;

/// A terminal that is open, or a session that runs without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// None for a session that is not shown here.
    pub id: Option<Id>,
    pub session: String,
    pub title: String,
    pub what: Option<What>,
    pub since: Option<Timestamp>,
    /// How its program ended; none while it runs.
    pub ended: Option<String>,
    /// It rang and was not looked at since.
    pub bell: bool,
    /// Others have the session before them.
    pub attached: bool,
}

/// What is open in a desk, then the sessions that run without a terminal here.
pub fn all(desk: &Desk) -> Vec<Listed> {
    let open = desk.terminals().list();
    let mut listed: Vec<Listed> = open
        .iter()
        .map(|(id, terminal)| Listed {
            id: Some(*id),
            session: terminal.plan.session.clone(),
            title: terminal.plan.title.clone(),
            what: terminal.what.clone(),
            since: Some(terminal.since),
            ended: terminal.ended(),
            bell: terminal.look(|emulator| emulator.replies().bell),
            attached: true,
        })
        .collect();
    listed.extend(held(desk, &open));
    listed
}

fn held(desk: &Desk, open: &[(Id, Arc<Terminal>)]) -> Vec<Listed> {
    let mut held = desk.known_sessions();
    held.retain(|held| open.iter().all(|(_, terminal)| terminal.plan.session != held.name));
    let listed = held.into_iter().map(|held| Listed {
        id: None,
        title: held.title,
        what: held.what,
        session: held.name,
        since: None,
        ended: None,
        bell: false,
        attached: held.attached,
    });
    listed.collect()
}
