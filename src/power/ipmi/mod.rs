//! IPMI over LAN, by ipmitool(1).

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
};
use std::time::Duration;

/// How often its state is asked.
const PACE: Duration = Duration::from_secs(30);

pub struct Ipmi {
    _conf: power::Ipmi,
}

impl Ipmi {
    pub fn new(_target: &Target, conf: &power::Ipmi) -> Ipmi {
        Ipmi { _conf: conf.clone() }
    }
}

fn unfinished() -> PowerError {
    PowerError::new("is not written yet", "take another way")
}

#[async_trait::async_trait]
impl Power for Ipmi {
    fn method(&self) -> &'static str {
        "ipmi"
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
