//! Intel AMT: WS-Management over HTTP with Digest authentication, by a PC's own firmware. Knows no other way.

mod boot;
mod clock;
mod examine;
mod session;
mod state;
mod wsman;
mod xml;

use super::{Alarm, Alarms, Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
};
use boot::Next;
use session::{AmtError, Session};
use state::{Now, Stand, wanted};
use std::time::Duration;
use url::Url;

/// How often its state is asked.
const PACE: Duration = Duration::from_secs(30);

pub struct Amt {
    /// Or why it cannot be asked.
    session: Result<Session, PowerError>,
}

impl Amt {
    pub fn new(target: &Target, conf: &power::Amt) -> Amt {
        Amt { session: url(target, conf).map(|url| Session::new(target, &url)) }
    }

    fn session(&self) -> Result<&Session, PowerError> {
        self.session.as_ref().map_err(Clone::clone)
    }
}

/// Where AMT answers: at the machine's own address unless conf names another.
pub fn url(target: &Target, conf: &power::Amt) -> Result<Url, PowerError> {
    let (scheme, usual) = if conf.tls { ("https", 16993) } else { ("http", 16992) };
    let host = conf.host.clone().unwrap_or_else(|| target.machine.address.to_string());
    let url = format!("{scheme}://{host}:{}/", conf.port.unwrap_or(usual));
    url.parse().map_err(|_| PowerError::new(format!("{host} is no host"), "write another host into its `power`"))
}

#[async_trait::async_trait]
impl Power for Amt {
    fn method(&self) -> &'static str {
        "amt"
    }

    async fn switch(&self, _target: &Target, action: Action, gently: bool) -> Result<Manner, PowerError> {
        let session = self.session()?;
        let stand = state::ask(session).await.map_err(|error| session.told(&error))?;
        let done = match (action, stand.now) {
            (Action::On, Now::On) | (Action::Off, Now::Off) => return Ok(Manner::Already),
            (Action::Reset | Action::Cycle, Now::Off) => return Err(PowerError::new("it is off", "switch it on")),
            (Action::On, _) => change(session, wanted::ON).await,
            (Action::Off, _) => return off(session, &stand, gently).await,
            (Action::Reset, _) => change(session, wanted::RESET).await,
            (Action::Cycle, _) => change(session, wanted::CYCLE).await,
            (Action::Pxe, _) => boot(session, &stand, Next::Network).await,
            (Action::Setup, _) => boot(session, &stand, Next::Setup).await,
        };
        done.map_err(|error| session.told(&error))
    }

    async fn observe(&self, _target: &Target) -> Result<Option<PowerState>, PowerError> {
        let session = self.session()?;
        let stand = state::ask(session).await.map_err(|error| session.told(&error))?;
        Ok(Some(stand.now.shown()))
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        match self.session() {
            Ok(session) => examine::examine(session, target, steps).await,
            Err(error) => steps.step("name", Err(error), |()| String::new()),
        }
    }

    fn pace(&self) -> Duration {
        PACE
    }

    fn alarms(&self) -> Option<&dyn Alarms> {
        Some(self)
    }
}

/// Asks for a state. What has come there by itself meanwhile is refused by AMT, and well all the same.
async fn change(session: &Session, state: u32) -> Result<Manner, AmtError> {
    match state::request(session, state).await {
        Ok(()) => Ok(Manner::Done),
        Err(error @ AmtError::Refused(..)) => {
            let now = state::ask(session).await?.now;
            let there = matches!((state, now), (wanted::ON, Now::On) | (wanted::OFF, Now::Off));
            if there { Ok(Manner::Already) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Gently where that is asked for and its system can be asked; else at once.
async fn off(session: &Session, stand: &Stand, gently: bool) -> Result<Manner, PowerError> {
    if gently && stand.now == Now::On && stand.can_gently() {
        match state::request(session, wanted::GENTLY).await {
            Ok(()) => return Ok(Manner::Gently),
            // Nothing in its system takes the request.
            Err(AmtError::Refused(..)) => {}
            Err(error) => return Err(session.told(&error)),
        }
    }
    change(session, wanted::OFF).await.map_err(|error| session.told(&error))
}

/// Once to another place than usual: on, or anew where it is on.
async fn boot(session: &Session, stand: &Stand, next: Next) -> Result<Manner, AmtError> {
    boot::next(session, next).await?;
    let state = if stand.now == Now::Off { wanted::ON } else { stand.anew() };
    state::request(session, state).await?;
    Ok(Manner::Done)
}

#[async_trait::async_trait]
impl Alarms for Amt {
    async fn list(&self, _target: &Target) -> Result<Vec<Alarm>, PowerError> {
        let session = self.session()?;
        clock::list(session).await.map_err(|error| session.told(&error))
    }

    async fn add(&self, _target: &Target, alarm: &Alarm) -> Result<(), PowerError> {
        clock::add(self.session()?, alarm).await
    }

    async fn remove(&self, _target: &Target, name: &str) -> Result<(), PowerError> {
        let session = self.session()?;
        clock::remove(session, name).await.map_err(|error| session.told(&error))
    }
}
