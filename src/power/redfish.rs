//! Redfish: a baseboard management controller by HTTP and JSON (DMTF DSP0266).

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
};
use std::time::Duration;

/// How often its state is asked.
const PACE: Duration = Duration::from_secs(30);

pub struct Redfish {
    _conf: power::Redfish,
}

impl Redfish {
    pub fn new(_target: &Target, conf: &power::Redfish) -> Redfish {
        Redfish { _conf: conf.clone() }
    }
}

fn unfinished() -> PowerError {
    PowerError::new("is not written yet", "take another way")
}

#[async_trait::async_trait]
impl Power for Redfish {
    fn method(&self) -> &'static str {
        "redfish"
    }

    async fn switch(&self, _target: &Target, _action: Action, _gently: bool) -> Result<Manner, PowerError> {
        Err(unfinished())
    }

    async fn observe(&self, _target: &Target) -> Result<Option<PowerState>, PowerError> {
        Err(unfinished())
    }

    async fn examine(&self, _target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        steps.step("name", Err(unfinished()), |()| String::new())
    }

    fn pace(&self) -> Duration {
        PACE
    }
}
