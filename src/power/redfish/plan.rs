//! What a system is asked for a change of its power. Pure.

use super::{PowerError, said::System};
use crate::event::{Action, Manner, PowerState};

/// Requests in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it boots from once (DSP2046, BootSourceOverrideTarget), to be set before.
    pub boot: Option<&'static str>,
    /// Types of reset to be posted; before a second one the machine is off.
    pub resets: Vec<&'static str>,
    /// What came of it, then.
    pub manner: Manner,
}

/// How `action` is done by a system that stands so. A state that is not known is taken for the other one.
pub fn plan(system: &System, action: Action, gently: bool) -> Result<Plan, PowerError> {
    let is_on = system.state == Some(PowerState::On);
    let is_off = system.state == Some(PowerState::Off);
    let first = |types: &[&'static str]| types.iter().find(|kind| system.has_type(kind)).copied();
    let (on, off) = (first(&["On", "ForceOn"]), first(&["ForceOff"]));
    let one = |kind: Option<&'static str>| kind.map(|kind| vec![kind]);
    let cycle = || off.zip(on).map(|(off, on)| vec![off, on]);
    let reset = || one(first(&["ForceRestart", "PowerCycle"])).or_else(cycle);
    let mut manner = Manner::Done;
    let resets = match action {
        Action::On if is_on => return Ok(already()),
        Action::Off if is_off => return Ok(already()),
        Action::Reset | Action::Cycle if is_off => return Err(PowerError::new("it is off", "switch it on")),
        Action::On => one(on),
        Action::Off if gently && system.has_type("GracefulShutdown") => {
            manner = Manner::Gently;
            Some(vec!["GracefulShutdown"])
        }
        Action::Off => one(off),
        Action::Reset => reset(),
        Action::Cycle => one(first(&["PowerCycle"])).or_else(cycle),
        Action::Pxe | Action::Setup if is_on => reset(),
        Action::Pxe | Action::Setup => one(on),
    };
    let resets = resets.ok_or_else(|| {
        let types = system.types.as_deref().unwrap_or_default().join(", ");
        PowerError::new(
            format!("its service cannot switch {}; it has {types}", action.name()),
            "do it on the machine itself, or take another way in `power`",
        )
    })?;
    let boot = match action {
        Action::Pxe => Some("Pxe"),
        Action::Setup => Some("BiosSetup"),
        _ => None,
    };
    if let (Some(boot), Some(targets)) = (boot, &system.targets)
        && !targets.iter().any(|target| target == boot)
    {
        return Err(PowerError::new(
            format!("its service cannot tell it to boot {boot} once; it has {}", targets.join(", ")),
            "do it on the machine itself, or take another way in `power`",
        ));
    }
    Ok(Plan { boot, resets, manner })
}

fn already() -> Plan {
    Plan { boot: None, resets: Vec::new(), manner: Manner::Already }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PowerState::{Off, On};

    fn system(state: Option<PowerState>, types: Option<&str>, targets: Option<&str>) -> System {
        let list = |words: &str| words.split_whitespace().map(str::to_owned).collect();
        System {
            state,
            reset: String::new(),
            types: types.map(list),
            info: None,
            targets: targets.map(list),
            cards: None,
            model: String::new(),
            etag: None,
        }
    }

    #[test]
    fn changes() {
        const ALL: &str = "On ForceOff GracefulShutdown GracefulRestart ForceRestart PowerCycle";
        const SUSHY: &str = "On ForceOff GracefulShutdown GracefulRestart ForceRestart Nmi ForceOn";
        const FEW: &str = "ForceOn ForceOff";
        let boots = Some("Pxe BiosSetup");
        for (state, types, action, gently, boot, resets, manner) in [
            (Some(Off), Some(ALL), Action::On, false, None, "On", Manner::Done),
            (None, Some(ALL), Action::On, false, None, "On", Manner::Done),
            (Some(Off), Some(FEW), Action::On, false, None, "ForceOn", Manner::Done),
            (Some(On), Some(ALL), Action::On, false, None, "", Manner::Already),
            (Some(Off), Some(ALL), Action::Off, true, None, "", Manner::Already),
            (Some(On), Some(ALL), Action::Off, true, None, "GracefulShutdown", Manner::Gently),
            (Some(On), Some(ALL), Action::Off, false, None, "ForceOff", Manner::Done),
            (Some(On), Some(FEW), Action::Off, true, None, "ForceOff", Manner::Done),
            (Some(On), Some(ALL), Action::Reset, false, None, "ForceRestart", Manner::Done),
            (Some(On), Some(FEW), Action::Reset, false, None, "ForceOff ForceOn", Manner::Done),
            (Some(On), Some(ALL), Action::Cycle, false, None, "PowerCycle", Manner::Done),
            (Some(On), Some(SUSHY), Action::Cycle, false, None, "ForceOff On", Manner::Done),
            (Some(On), None, Action::Cycle, false, None, "PowerCycle", Manner::Done),
            (Some(On), Some(ALL), Action::Pxe, false, Some("Pxe"), "ForceRestart", Manner::Done),
            (Some(Off), Some(ALL), Action::Pxe, false, Some("Pxe"), "On", Manner::Done),
            (Some(Off), Some(ALL), Action::Setup, false, Some("BiosSetup"), "On", Manner::Done),
        ] {
            let planned = plan(&system(state, types, boots), action, gently).unwrap();
            let resets = resets.split_whitespace().collect();
            assert_eq!(planned, Plan { boot, resets, manner }, "{state:?} {types:?} {action:?}");
        }
        for (state, types, targets, action, error) in [
            (Some(Off), Some(ALL), boots, Action::Reset, "it is off"),
            (Some(Off), Some(ALL), boots, Action::Cycle, "it is off"),
            (Some(Off), Some("ForceOff"), boots, Action::On, "its service cannot switch on; it has ForceOff"),
            (Some(On), Some("On"), boots, Action::Off, "its service cannot switch off; it has On"),
            (
                Some(Off),
                Some(ALL),
                Some("Pxe Cd Hdd"),
                Action::Setup,
                "its service cannot tell it to boot BiosSetup once; it has Pxe, Cd, Hdd",
            ),
        ] {
            let told = plan(&system(state, types, targets), action, true).unwrap_err();
            assert_eq!(told.error, error, "{action:?}");
        }
    }
}
