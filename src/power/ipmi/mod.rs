//! IPMI over LAN, by ipmitool(1). Knows no screen and no schedule.

mod knock;
mod said;
mod tool;

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::{Login, power},
    event::{Action, Architecture, Manner, PowerState},
};
use std::{net::SocketAddr, time::Duration};
use tool::Tool;

/// How often its state is asked. A call costs 12 ms of a processor, most of it for loading the program: 200 machines are
/// under 1 % of a core.
const PACE: Duration = Duration::from_secs(300);

pub struct Ipmi {
    conf: power::Ipmi,
    /// One call at a time: controllers have few sessions.
    turn: tokio::sync::Mutex<()>,
}

impl Ipmi {
    pub fn new(_target: &Target, conf: &power::Ipmi) -> Ipmi {
        Ipmi { conf: conf.clone(), turn: tokio::sync::Mutex::default() }
    }

    fn tool<'a>(&'a self, target: &'a Target) -> Result<Tool<'a>, PowerError> {
        Ok(Tool { conf: &self.conf, login: login(target)?, run: &target.run })
    }

    /// Its first address.
    async fn address(&self) -> Result<SocketAddr, PowerError> {
        let host = self.conf.host.trim_matches(['[', ']']);
        let found = tokio::net::lookup_host((host, self.conf.port)).await;
        found.ok().and_then(|mut found| found.next()).ok_or_else(|| tool::no_name(&self.conf.host))
    }
}

/// Who asks.
fn login(target: &Target) -> Result<&Login, PowerError> {
    let (segment, machine) = target.place();
    target.segment.login_of(&target.machine, "ipmi").ok_or_else(|| {
        PowerError::new(
            "it is not told who asks",
            format!("write user:password into conf/{segment}/{machine}/ipmi.secret, and chmod 600 it"),
        )
    })
}

/// What sets the next boot, and no other one.
fn boot_device(action: Action, firmware: Option<Architecture>) -> Vec<&'static str> {
    let device = if action == Action::Setup { "bios" } else { "pxe" };
    let mut words = vec!["chassis", "bootdev", device];
    // Without it some boards boot once by their BIOS, in compatibility (IPMI 2.0, table 28-14, bit 5).
    if firmware.is_some_and(|firmware| firmware != Architecture::Bios) {
        words.push("options=efiboot");
    }
    words
}

#[async_trait::async_trait]
impl Power for Ipmi {
    fn method(&self) -> &'static str {
        "ipmi"
    }

    async fn switch(&self, target: &Target, action: Action, gently: bool) -> Result<Manner, PowerError> {
        let tool = self.tool(target)?;
        let _turn = self.turn.lock().await;
        let state = said::state(&tool.run(&["chassis", "power", "status"]).await?)?;
        let power = |word| ["chassis", "power", word];
        let words = match (action, state) {
            (Action::On, PowerState::On) | (Action::Off, PowerState::Off) => return Ok(Manner::Already),
            (Action::On, PowerState::Off) => power("on"),
            (Action::Off, PowerState::On) if gently => power("soft"),
            (Action::Off, PowerState::On) => power("off"),
            (Action::Reset, PowerState::On) => power("reset"),
            (Action::Cycle, PowerState::On) => power("cycle"),
            (Action::Reset | Action::Cycle, PowerState::Off) => {
                return Err(PowerError::new("it is off", "switch it on"));
            }
            (Action::Pxe | Action::Setup, _) => {
                tool.run(&boot_device(action, target.machine.firmware)).await?;
                power(if state == PowerState::On { "reset" } else { "on" })
            }
        };
        tool.run(&words).await?;
        Ok(if words == power("soft") { Manner::Gently } else { Manner::Done })
    }

    async fn observe(&self, target: &Target) -> Result<Option<PowerState>, PowerError> {
        let tool = self.tool(target)?;
        let _turn = self.turn.lock().await;
        said::state(&tool.run(&["chassis", "power", "status"]).await?).map(Some)
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        let place = self.conf.place();
        let at = steps.step("name", self.address().await, |at| format!("{} is {}", self.conf.host, at.ip()))?;
        steps.step("port", knock::knock(at, &place).await, |()| format!("{place} (UDP) answers by RMCP"))?;
        let login = login(target);
        let tool = steps.step("secret", self.tool(target), |_| {
            format!("{} asks", login.map(|login| login.user.as_str()).unwrap_or_default())
        })?;
        let _turn = self.turn.lock().await;
        let info = tool.run(&["mc", "info"]).await;
        let info = steps.step("login", info, |_| "user and password are taken".to_owned())?;
        steps.step("version", said::version(&info), String::clone)?;
        let state = tool.run(&["chassis", "power", "status"]).await.and_then(|output| said::state(&output));
        steps.step("state", state, |state| format!("the machine is {}", state.name()))?;
        // Of the controller itself, so that it cannot be checked against the machine's; some do not tell it.
        let mac = tool.run(&["lan", "print"]).await.ok().and_then(|output| said::mac(&output));
        steps.step("MAC", Ok(mac), |mac| match mac {
            Some(mac) => format!("the controller's own is {mac}"),
            None => "the controller does not tell its own".to_owned(),
        })?;
        Ok(())
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_the_next_boot() {
        for (action, firmware, words) in [
            (Action::Pxe, None, "chassis bootdev pxe"),
            (Action::Pxe, Some(Architecture::Bios), "chassis bootdev pxe"),
            (Action::Pxe, Some(Architecture::UefiX64), "chassis bootdev pxe options=efiboot"),
            (Action::Setup, None, "chassis bootdev bios"),
        ] {
            assert_eq!(boot_device(action, firmware).join(" "), words);
        }
    }
}
