//! Whether a machine is on, as AMT says it, and what it can be asked for in that state; pure but for the one question.

use super::{
    session::{AmtError, Session},
    wsman::reference,
    xml::Element,
};
use crate::event::PowerState;

/// Power states of CIM that are asked for.
pub mod wanted {
    /// On.
    pub const ON: u32 = 2;
    /// Off, and on again.
    pub const CYCLE: u32 = 5;
    /// Off at once.
    pub const OFF: u32 = 8;
    /// A hard reset.
    pub const RESET: u32 = 10;
    /// Its system is asked to shut down.
    pub const GENTLY: u32 = 12;
}

/// Where a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// It runs.
    On,
    /// It sleeps: nothing runs, and "on" wakes it.
    Asleep,
    /// It is off, or hibernates.
    Off,
}

impl Now {
    /// As it is shown: what sleeps answers nobody.
    pub fn shown(self) -> PowerState {
        if self == Now::On { PowerState::On } else { PowerState::Off }
    }
}

/// The state, and what can be asked for in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    pub now: Now,
    /// As AMT lists them; old versions list nothing.
    pub available: Vec<u32>,
}

impl Stand {
    /// Its system can be asked to shut down.
    pub fn can_gently(&self) -> bool {
        self.available.contains(&wanted::GENTLY)
    }

    /// How it begins anew: by a reset, else by a cycle, as far as it says what it can.
    pub fn anew(&self) -> u32 {
        let can = |state| self.available.contains(&state);
        if !can(wanted::RESET) && can(wanted::CYCLE) { wanted::CYCLE } else { wanted::RESET }
    }
}

/// Reads `CIM_AssociatedPowerManagementService` (DSP0004's PowerState).
pub fn stand(found: &Element) -> Result<Stand, AmtError> {
    let state = found.value("PowerState").unwrap_or_default();
    let now = match state.parse() {
        // Those which CIM calls "cycle" are passed through on the way to on.
        Ok(2 | 5 | 9..=11 | 14..=16) => Now::On,
        Ok(3 | 4) => Now::Asleep,
        Ok(6..=8 | 12 | 13) => Now::Off,
        Ok(other) => return Err(AmtError::Garbled(format!("it is in the power state {other}, which is none"))),
        Err(_) => return Err(AmtError::Garbled("it does not say its power state".to_owned())),
    };
    let available = found.values("AvailableRequestedPowerStates").filter_map(|state| state.parse().ok()).collect();
    Ok(Stand { now, available })
}

/// Asks for the state: one message.
pub async fn ask(session: &Session) -> Result<Stand, AmtError> {
    stand(&session.get("CIM_AssociatedPowerManagementService").await?)
}

/// Asks for a change to a power state.
pub async fn request(session: &Session, state: u32) -> Result<(), AmtError> {
    let system =
        reference("CIM_ComputerSystem", &[("CreationClassName", "CIM_ComputerSystem"), ("Name", "ManagedSystem")]);
    let input = format!("<r:PowerState>{state}</r:PowerState><r:ManagedElement>{system}</r:ManagedElement>");
    session.invoke("CIM_PowerManagementService", "RequestPowerStateChange", input).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::amt::xml;

    #[test]
    fn states() {
        let of = |body: &str| stand(&xml::read(format!("<x>{body}</x>").as_bytes()).unwrap());
        for (state, now) in
            [(2, Now::On), (3, Now::Asleep), (4, Now::Asleep), (6, Now::Off), (7, Now::Off), (8, Now::Off)]
        {
            assert_eq!(of(&format!("<PowerState>{state}</PowerState>")).unwrap().now, now, "{state}");
        }
        let many = "<AvailableRequestedPowerStates>5</AvailableRequestedPowerStates>\
                    <AvailableRequestedPowerStates>12</AvailableRequestedPowerStates><PowerState>2</PowerState>";
        let stand = of(many).unwrap();
        assert_eq!((stand.available.clone(), stand.can_gently(), stand.anew()), (vec![5, 12], true, wanted::CYCLE));
        assert_eq!(of("<PowerState>2</PowerState>").unwrap().anew(), wanted::RESET);
        for wrong in ["", "<PowerState>on</PowerState>", "<PowerState>99</PowerState>"] {
            assert!(matches!(of(wrong), Err(AmtError::Garbled(_))), "{wrong}");
        }
    }
}
