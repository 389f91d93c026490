//! Going through all that must be right for AMT, to the first step that is wrong.

use super::{
    session::{AmtError, Session},
    state::{self, Now},
    xml::Element,
};
use crate::{
    net::Mac,
    power::{Ill, PowerError, Steps, Target},
};

/// Name, port, TLS where it is asked by it, Digest, version, state, MAC.
pub async fn examine(session: &Session, target: &Target, steps: &mut Steps<'_>) -> Result<(), Ill> {
    let web = session.web();
    let found = web.name().await.map_err(|error| web.told(&error));
    let addresses = steps.step("name", found, |found| {
        let found: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
        found.join(", ")
    })?;
    let found = web.port(&addresses).await.map_err(|error| web.told(&error));
    steps.step("port", found, |address| format!("{address} takes connections"))?;
    if web.is_tls() {
        let found = web.trusted().await.map_err(|error| web.told(&error));
        steps.step("TLS", found, |shown| format!("its certificate is the trusted one, {shown}"))?;
    }
    let found = told(session, general(session).await);
    let unsure = steps.step("Digest", found, |_| "it takes the name and the password".to_owned())?;
    let found = told(session, version(session, unsure).await);
    steps.step("version", found, |(version, name)| format!("AMT {version}, which calls itself {name}"))?;
    let found = told(session, state::ask(session).await);
    steps.step("state", found, |stand| {
        let now = match stand.now {
            Now::On => "it is on",
            Now::Asleep => "it is asleep",
            Now::Off => "it is off",
        };
        let gently = if stand.can_gently() { "; its system can be asked to shut down" } else { "" };
        format!("{now}{gently}")
    })?;
    let found = told(session, session.list("AMT_EthernetPortSettings").await);
    let found = found.and_then(|ports| own_port(&ports, target.machine.mac, &target.machine.hostname));
    steps.step("MAC", found, |()| format!("its network card is {}", target.machine.mac))
}

fn told<T>(session: &Session, found: Result<T, AmtError>) -> Result<T, PowerError> {
    found.map_err(|error| session.told(&error))
}

/// The general settings, or that they make no sense: with which the door was passed all the same.
async fn general(session: &Session) -> Result<Result<Element, AmtError>, AmtError> {
    match session.get("AMT_GeneralSettings").await {
        Err(error @ AmtError::Web(_)) => Err(error),
        other => Ok(other),
    }
}

/// Version and host name.
async fn version(session: &Session, general: Result<Element, AmtError>) -> Result<(String, String), AmtError> {
    let name = general?.value("HostName").filter(|name| !name.is_empty()).unwrap_or("nothing").to_owned();
    let parts = session.list("CIM_SoftwareIdentity").await?;
    let amt = parts.iter().find(|part| part.value("InstanceID") == Some("AMT"));
    let version = amt.and_then(|amt| amt.value("VersionString")).filter(|version| !version.is_empty());
    let version = version.ok_or_else(|| AmtError::Garbled("it does not say its version".to_owned()))?;
    let shown = |text: &str| crate::event::printable(text, 80);
    Ok((shown(version), shown(&name)))
}

/// Sees that one of its ports has the machine's hardware address.
fn own_port(ports: &[Element], mac: Mac, hostname: &str) -> Result<(), PowerError> {
    // AMT writes them with hyphens; ports that are not there have zeros.
    let told = ports.iter().filter_map(|port| port.value("MACAddress"));
    let told: Vec<String> = told.map(|text| text.replace('-', ":").to_ascii_lowercase()).collect();
    if told.iter().any(|text| text.parse() == Ok(mac)) {
        return Ok(());
    }
    let cards = told.iter().filter(|text| text.chars().any(|c| !matches!(c, '0' | ':')));
    let cards: Vec<String> = cards.map(|text| crate::event::printable(text, 20)).collect();
    let cards = if cards.is_empty() { "none that it tells of".to_owned() } else { cards.join(", ") };
    Err(PowerError::new(
        format!("it is another machine: its network card is {cards}, and {hostname} has {mac}"),
        "correct the machine's `mac`, or the address in its `power`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        let port = |mac: &str| {
            let address = Element { name: "MACAddress".into(), text: mac.into(), ..Element::default() };
            Element { children: vec![address], ..Element::default() }
        };
        let mac = "52:54:00:00:00:0a".parse().unwrap();
        let nothing = port("00-00-00-00-00-00");
        assert_eq!(own_port(&[nothing.clone(), port("52-54-00-00-00-0A")], mac, "kiosk"), Ok(()));
        let error = own_port(&[nothing.clone(), port("52-54-00-00-00-01")], mac, "kiosk").unwrap_err().error;
        assert!(error.contains("is 52:54:00:00:00:01, and kiosk has 52:54:00:00:00:0a"), "{error}");
        assert!(own_port(&[nothing], mac, "kiosk").unwrap_err().error.contains("none that it tells of"));
    }
}
