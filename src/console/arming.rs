//! Arming machines from the console: what is ordered becomes a command. Pure.

use super::{
    marks::Who,
    model::Model,
    power::{is_elsewhere, place},
    update::Effect,
};
use crate::{boot, command::Command, conf::Conf, nearest::nearest, state::State};

/// Arms a machine with `profile`, or disarms it.
pub fn arm(
    model: &mut Model,
    state: &State,
    conf: &Conf,
    who: Who,
    profile: Option<String>,
    then: Option<String>,
) -> Effect {
    if is_elsewhere(model, state, &[who]) {
        return Effect::None;
    }
    if let Some(name) = profile.iter().chain(&then).find(|name| boot::find(conf, name).is_none()) {
        let near = nearest(name, conf.profiles.keys().map(String::as_str));
        let near = near.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
        model.word = Some(format!("there is no profile {name} in conf/boot{near}"));
        return Effect::None;
    }
    let Some(machine) = place(state, who) else { return Effect::None };
    Effect::Send(Command::Arm { machine, profile, then })
}
