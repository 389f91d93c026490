//! AMT's alarm clock, which switches its machine on by itself: it goes off even while no server runs.

use super::{
    session::{AmtError, Session},
    wsman::namespace,
    xml::{Element, escaped},
};
use crate::power::{Alarm, PowerError};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const OCCURRENCE: &str = "IPS_AlarmClockOccurrence";
const SERVICE: &str = "AMT_AlarmClockService";
const COMMON: &str = "http://schemas.dmtf.org/wbem/wscim/1/common";
/// Alarms that the firmware keeps.
const ROOM: usize = 5;

/// All that are set.
pub async fn list(session: &Session) -> Result<Vec<Alarm>, AmtError> {
    session.list(OCCURRENCE).await?.iter().map(alarm).collect()
}

fn alarm(found: &Element) -> Result<Alarm, AmtError> {
    let name = found.value("InstanceID").unwrap_or_default().to_owned();
    // Some versions wrap the time into <Datetime>.
    let start = found.child("StartTime");
    let text = start.map(|start| start.value("Datetime").unwrap_or(&start.text)).unwrap_or_default();
    let due = text.parse::<Timestamp>().or_else(|_| {
        // In UTC, also where it does not say so.
        text.parse::<DateTime>().and_then(|time| TimeZone::UTC.to_timestamp(time))
    });
    let due = due.map_err(|_| AmtError::Garbled(format!("the time of the alarm {name:?} is {text:?}")))?;
    Ok(Alarm { name, due })
}

/// Sets one that goes off once.
pub async fn add(session: &Session, alarm: &Alarm) -> Result<(), PowerError> {
    let Err(error) = session.invoke(SERVICE, "AddAlarm", template(alarm)).await else { return Ok(()) };
    // It says no more than a number. What is set tells why.
    let set = match &error {
        AmtError::Refused(..) => list(session).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    Err(if set.len() >= ROOM {
        PowerError::new(
            format!("its alarm clock is full: {ROOM} is the firmware's limit"),
            "take an alarm out of it that nobody needs",
        )
    } else if set.iter().any(|other| other.name == alarm.name) {
        PowerError::new(format!("it has an alarm {:?} already", alarm.name), "take that out first")
    } else {
        session.told(&error)
    })
}

/// Takes one out.
pub async fn remove(session: &Session, name: &str) -> Result<(), AmtError> {
    session.delete(OCCURRENCE, &[("InstanceID", name)]).await
}

fn template(alarm: &Alarm) -> String {
    let name = escaped(&alarm.name);
    // Its clock knows whole seconds.
    let due = alarm.due.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "<r:AlarmTemplate><o:InstanceID xmlns:o=\"{0}\">{name}</o:InstanceID><o:ElementName xmlns:o=\"{0}\">{name}</o:ElementName>\
         <o:StartTime xmlns:o=\"{0}\"><c:Datetime xmlns:c=\"{COMMON}\">{due}</c:Datetime></o:StartTime>\
         <o:DeleteOnCompletion xmlns:o=\"{0}\">true</o:DeleteOnCompletion></r:AlarmTemplate>",
        namespace(OCCURRENCE)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::amt::xml;

    #[test]
    fn alarms() {
        let of = |time: &str| alarm(&xml::read(format!("<x><InstanceID>a</InstanceID>{time}</x>").as_bytes()).unwrap());
        let due: Timestamp = "2026-03-29T05:30:00Z".parse().unwrap();
        for time in [
            "<StartTime><p:Datetime>2026-03-29T05:30:00Z</p:Datetime></StartTime>",
            "<StartTime>2026-03-29T05:30:00</StartTime>",
        ] {
            assert_eq!(of(time), Ok(Alarm { name: "a".into(), due }), "{time}");
        }
        assert!(matches!(of("<StartTime>soon</StartTime>"), Err(AmtError::Garbled(_))));
        let sent =
            xml::read(template(&Alarm { name: "pxelator <1>".into(), due }).replace("r:", "").as_bytes()).unwrap();
        assert_eq!(sent.value("InstanceID"), Some("pxelator <1>"));
        assert_eq!(sent.find("Datetime").unwrap().text, "2026-03-29T05:30:00Z");
        assert_eq!(sent.value("DeleteOnCompletion"), Some("true"));
    }
}
