//! Intel AMT: WS-Management over HTTP with Digest authentication.

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
};
use std::time::Duration;

/// How often its state is asked.
const PACE: Duration = Duration::from_secs(30);

pub struct Amt {
    _conf: power::Amt,
}

impl Amt {
    pub fn new(_target: &Target, conf: &power::Amt) -> Amt {
        Amt { _conf: conf.clone() }
    }
}

fn unfinished() -> PowerError {
    PowerError::new("is not written yet", "take another way")
}

#[async_trait::async_trait]
impl Power for Amt {
    fn method(&self) -> &'static str {
        "amt"
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
