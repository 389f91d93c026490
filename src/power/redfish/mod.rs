//! Redfish: a baseboard management controller by HTTP and JSON (DMTF DSP0266). Knows no screen and no schedule.

mod plan;
mod said;

use super::{
    Ill, Power, PowerError, Steps, Target,
    web::{Answer, Ask, Scheme, Web},
};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
    net::Mac,
};
use parking_lot::Mutex;
use said::System;
use serde_json::{Value, json};
use std::time::Duration;

/// How often its state is asked.
const PACE: Duration = Duration::from_secs(30);
/// The root of the service (DSP0266, section 6.4).
const ROOT: &str = "/redfish/v1/";
const SYSTEMS: &str = "/redfish/v1/Systems";
const JSON: &str = "application/json";
/// What a system gets to be off, between off and on.
const OFF: Duration = Duration::from_secs(20);
/// How often it is asked whether it is.
const LOOK: Duration = Duration::from_millis(500);
/// Network cards that are read.
const CARDS: usize = 16;

pub struct Redfish {
    web: Web,
    /// The path of conf; none where it names the service alone.
    path: Option<String>,
    /// That of the only system, once it is known.
    found: Mutex<Option<String>>,
}

impl Redfish {
    pub fn new(target: &Target, conf: &power::Redfish) -> Redfish {
        let path = conf.url.path().trim_end_matches('/');
        let path = (!matches!(path, "" | "/redfish" | "/redfish/v1" | SYSTEMS)).then(|| path.to_owned());
        Redfish { web: Web::of(target, "redfish", &conf.url, Scheme::Basic), path, found: Mutex::default() }
    }

    async fn send(&self, ask: Ask<'_>) -> Result<Answer, PowerError> {
        let mut ask = ask;
        ask.headers.extend([("Accept", JSON.to_owned()), ("OData-Version", "4.0".to_owned())]);
        self.web.send(&ask).await.map_err(|error| self.web.told(&error))
    }

    /// What is at `path`, and its version as the header says it.
    async fn get(&self, path: &str) -> Result<(Value, Option<String>), PowerError> {
        let Answer { status, headers, body } = self.send(Ask::get(path)).await?;
        if status != 200 {
            return Err(said::trouble(status, &body, path));
        }
        let etag = headers.get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let value = serde_json::from_slice(&body).map_err(|_| {
            PowerError::new(
                format!("what it answers at {path} is no JSON"),
                "see that the URL in `power` is that of a Redfish service",
            )
        })?;
        Ok((value, etag))
    }

    /// Where its system is.
    async fn path(&self) -> Result<String, PowerError> {
        let known = self.path.clone().or_else(|| self.found.lock().clone());
        if let Some(path) = known {
            return Ok(path);
        }
        let path = said::only_system(&self.get(SYSTEMS).await?.0)?;
        *self.found.lock() = Some(path.clone());
        Ok(path)
    }

    async fn system(&self) -> Result<(String, System), PowerError> {
        let path = self.path().await?;
        let read = self.get(&path).await;
        // It may have another name the next time.
        let (value, etag) = read.inspect_err(|_| *self.found.lock() = None)?;
        let mut system = System::read(&value, &path)?;
        system.etag = etag.or(system.etag);
        Ok((path, system))
    }

    /// Tells it what it boots from once.
    async fn boot(&self, path: &str, etag: Option<String>, target: &str) -> Result<(), PowerError> {
        let boot = json!({ "Boot": { "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": target } });
        let change = |etag: Option<String>| {
            let mut ask = Ask::patch(path, JSON, boot.to_string());
            ask.headers.extend(etag.map(|etag| ("If-Match", etag)));
            self.send(ask)
        };
        let mut answer = change(etag).await?;
        // It changed since, or wants to be told that it did not (RFC 9110, 13.1.1; RFC 6585, 3).
        if matches!(answer.status, 412 | 428) {
            let (value, etag) = self.get(path).await?;
            let etag = etag.or(System::read(&value, path)?.etag);
            answer = change(etag.or(Some("*".to_owned()))).await?;
        }
        well(&answer, path)
    }

    async fn wait_until_off(&self) -> Result<(), PowerError> {
        let off = async {
            while self.system().await?.1.state != Some(PowerState::Off) {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        tokio::time::timeout(OFF, off).await.unwrap_or_else(|_| {
            Err(PowerError::new(
                format!("it is not off {} s after it was asked to be", OFF.as_secs()),
                "see what the controller says of it, and switch it on",
            ))
        })
    }

    /// Hardware addresses of its cards.
    async fn macs(&self, system: &System) -> Result<Vec<Mac>, PowerError> {
        let Some(cards) = &system.cards else { return Ok(Vec::new()) };
        let mut macs = Vec::new();
        for card in said::members(&self.get(cards).await?.0).iter().take(CARDS) {
            macs.extend(said::mac(&self.get(card).await?.0));
        }
        Ok(macs)
    }
}

fn well(answer: &Answer, path: &str) -> Result<(), PowerError> {
    match answer.status {
        200..=299 => Ok(()),
        status => Err(said::trouble(status, &answer.body, path)),
    }
}

#[async_trait::async_trait]
impl Power for Redfish {
    fn method(&self) -> &'static str {
        "redfish"
    }

    async fn switch(&self, _target: &Target, action: Action, gently: bool) -> Result<Manner, PowerError> {
        let (path, mut system) = self.system().await?;
        if let (None, Some(info)) = (&system.types, &system.info) {
            system.types = said::types_of(&self.get(info).await?.0);
        }
        let plan = plan::plan(&system, action, gently)?;
        if let Some(target) = plan.boot {
            self.boot(&path, system.etag.clone(), target).await?;
        }
        for (at, kind) in plan.resets.iter().enumerate() {
            if at > 0 {
                self.wait_until_off().await?;
            }
            let body = json!({ "ResetType": kind }).to_string();
            well(&self.send(Ask::post(&system.reset, JSON, body)).await?, &system.reset)?;
        }
        Ok(plan.manner)
    }

    async fn observe(&self, _target: &Target) -> Result<Option<PowerState>, PowerError> {
        Ok(self.system().await?.1.state)
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        let told = |error| self.web.told(&error);
        let addresses = steps.step("name", self.web.name().await.map_err(told), |found| {
            found.first().map(|at| format!("its address is {}", at.ip())).unwrap_or_default()
        })?;
        steps.step("port", self.web.port(&addresses).await.map_err(told), |at| format!("{at} takes connections"))?;
        if self.web.is_tls() {
            let trusted = self.web.trusted().await.map_err(told);
            steps.step("TLS", trusted, |shown| format!("its certificate is the trusted one: {shown}"))?;
        } else {
            steps.step("TLS", Ok(()), |()| "it is not used, so that the password goes over in the clear".to_owned())?;
        }
        // The root answers everybody, so that it says whether this is Redfish at all.
        let root =
            self.get(ROOT).await.and_then(|(root, _)| match root.get("RedfishVersion").and_then(Value::as_str) {
                Some(version) => Ok(version.to_owned()),
                None => Err(PowerError::new("it is no Redfish service", "correct host and port in `power`")),
            });
        let version = steps.step("service", root, |version| format!("it speaks Redfish {version}"))?;
        let (path, system) = steps.step("login", self.system().await, |(path, _)| format!("it lets us read {path}"))?;
        steps.step("version", Ok(()), |()| match system.model.as_str() {
            "" => format!("Redfish {version}"),
            model => format!("{model}, Redfish {version}"),
        })?;
        let state = system.state.ok_or_else(|| {
            PowerError::new(format!("{path} does not say whether it is on"), "see what the controller's own page says")
        });
        steps.step("state", state, |state| format!("the machine is {}", state.name()))?;
        let macs = self.macs(&system).await;
        let own = target.machine.mac;
        let macs = macs
            .and_then(|macs| if macs.is_empty() || macs.contains(&own) { Ok(macs) } else { Err(foreign(own, &macs)) });
        steps.step("MAC", macs, |macs| match macs.len() {
            0 => "it does not list its network cards".to_owned(),
            _ => format!("{own} is one of its cards"),
        })?;
        Ok(())
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

fn foreign(own: Mac, macs: &[Mac]) -> PowerError {
    let macs: Vec<String> = macs.iter().map(Mac::to_string).collect();
    PowerError::new(
        format!("none of its cards is {own}: {}", macs.join(", ")),
        "correct the machine's `mac`, or the URL in `power`: it is another machine's",
    )
}
