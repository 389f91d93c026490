//! What a Redfish service says, read: its systems, what they can be told, its errors (DMTF DSP0266 and DSP2046). Pure: it asks
//! nobody.

use super::PowerError;
use crate::{
    event::{PowerState, printable},
    net::Mac,
};
use serde_json::Value;

/// Characters of a service's words that are shown.
const SHOWN: usize = 200;

/// One computer system, as far as it matters here (DSP2046, ComputerSystem).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// None where it does not say, or neither.
    pub state: Option<PowerState>,
    /// Where a reset is posted to.
    pub reset: String,
    /// The types of reset that it has; none where it does not list them.
    pub types: Option<Vec<String>>,
    /// Where they are listed instead (ActionInfo).
    pub info: Option<String>,
    /// What it can be told to boot from once; none where it does not list that.
    pub targets: Option<Vec<String>>,
    /// Where its network cards are listed.
    pub cards: Option<String>,
    /// Maker, model and version of the BIOS.
    pub model: String,
    /// The version of what was read, for a change of it.
    pub etag: Option<String>,
}

impl System {
    /// Reads it. `path` is its own.
    pub fn read(value: &Value, path: &str) -> Result<System, PowerError> {
        let text = |at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let list = |at: &str| value.pointer(at).and_then(strings);
        if value.get("PowerState").is_none() && value.get("Actions").is_none() {
            return Err(PowerError::new(
                format!("what is at {path} is no computer system"),
                "correct the URL in `power`, or leave its path away",
            ));
        }
        let reset = "/Actions/#ComputerSystem.Reset";
        let words = ["/Manufacturer", "/Model"].iter().filter_map(|at| text(at)).filter(|word| !word.is_empty());
        let mut model: Vec<String> = words.collect();
        model.extend(text("/BiosVersion").map(|version| format!("BIOS {version}")));
        Ok(System {
            state: text("/PowerState").and_then(|state| power_state(&state)),
            reset: text(&format!("{reset}/target")).unwrap_or(format!("{path}/Actions/ComputerSystem.Reset")),
            types: list(&format!("{reset}/ResetType@Redfish.AllowableValues")),
            info: text(&format!("{reset}/@Redfish.ActionInfo")),
            targets: list("/Boot/BootSourceOverrideTarget@Redfish.AllowableValues"),
            cards: text("/EthernetInterfaces/@odata.id"),
            model: printable(&model.join(" "), SHOWN),
            etag: text("/@odata.etag"),
        })
    }

    /// It can be told so, as far as is known.
    pub fn has_type(&self, kind: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.iter().any(|one| one == kind))
    }
}

/// One that is about to change still has what it had.
fn power_state(state: &str) -> Option<PowerState> {
    match state {
        "On" | "PoweringOff" | "Paused" => Some(PowerState::On),
        "Off" | "PoweringOn" => Some(PowerState::Off),
        _ => None,
    }
}

/// The types of reset of an ActionInfo.
pub fn types_of(info: &Value) -> Option<Vec<String>> {
    let parameters = info.get("Parameters")?.as_array()?;
    let reset = parameters.iter().find(|one| one.get("Name").and_then(Value::as_str) == Some("ResetType"))?;
    strings(reset.get("AllowableValues")?)
}

/// Where the members of a collection are.
pub fn members(value: &Value) -> Vec<String> {
    let members = value.get("Members").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(|member| Some(member.get("@odata.id")?.as_str()?.to_owned())).collect()
}

/// The only system of a collection.
pub fn only_system(value: &Value) -> Result<String, PowerError> {
    let mut members = members(value);
    match members.len() {
        1 => Ok(members.remove(0)),
        0 => Err(PowerError::new("it has no computer system", "see that the user in redfish.secret may see systems")),
        count => Err(PowerError::new(
            format!("it has {count} computer systems: {}", printable(&members.join(", "), SHOWN)),
            "write the path of the machine's own behind the host in `power`",
        )),
    }
}

/// The hardware address of a network card.
pub fn mac(card: &Value) -> Option<Mac> {
    let named = ["PermanentMACAddress", "MACAddress"].iter().filter_map(|name| card.get(name)?.as_str());
    named.filter_map(|mac| mac.parse().ok()).next()
}

/// What a service says of an error (DSP0266, section 8.6): the messages of its list, else its own.
pub fn words(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = value.get("error").unwrap_or(&value);
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let told = error.get("@Message.ExtendedInfo").and_then(Value::as_array).into_iter().flatten();
    let messages: Vec<String> = told.filter_map(|info| text(info, "Message")).collect();
    let words = if messages.is_empty() { text(error, "message").or(text(error, "code"))? } else { messages.join(" ") };
    Some(printable(words.trim_end_matches('.'), SHOWN))
}

/// What the operator is told of an answer that is none of success.
pub fn trouble(status: u16, body: &[u8], path: &str) -> PowerError {
    let said = words(body).map(|words| format!(": {words}")).unwrap_or_default();
    let (error, next_step) = match status {
        403 => (
            format!("the user may not do this{said}"),
            "give the user in redfish.secret the role of an operator in the controller's settings",
        ),
        404 => (format!("{path} is not there{said}"), "correct the URL in `power`, or leave its path away"),
        409 => (format!("it cannot do this now{said}"), "wait until it has done what it does, and try again"),
        300..=399 => {
            (format!("it sends elsewhere from {path} (status {status})"), "write the URL that it sends to into `power`")
        }
        503 => (format!("it is busy{said}"), "try again in a minute; where it stays so, reset the controller"),
        500.. => (format!("it failed (status {status}){said}"), "try again; where it stays so, reset the controller"),
        _ => (format!("it refuses (status {status}){said}"), "see that it is the machine's own service"),
    };
    PowerError::new(error, next_step)
}

fn strings(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PATH: &str = "/redfish/v1/Systems/437XR1138R2";

    /// After the mock-up of DSP2043.
    fn mockup() -> Value {
        json!({
            "@odata.etag": "W/\"7\"", "Manufacturer": "Contoso", "Model": "3500", "BiosVersion": "P79 v1.45", "PowerState": "On",
            "Boot": { "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "BiosSetup"] },
            "EthernetInterfaces": { "@odata.id": format!("{PATH}/EthernetInterfaces") },
            "Actions": { "#ComputerSystem.Reset": {
                "target": format!("{PATH}/Actions/ComputerSystem.Reset"),
                "ResetType@Redfish.AllowableValues": ["On", "ForceOff", "GracefulShutdown"],
            } },
        })
    }

    #[test]
    fn a_system() {
        let system = System::read(&mockup(), PATH).unwrap();
        assert_eq!(system.state, Some(PowerState::On));
        assert_eq!(system.reset, format!("{PATH}/Actions/ComputerSystem.Reset"));
        assert_eq!(system.model, "Contoso 3500 BIOS P79 v1.45");
        assert_eq!(system.etag.as_deref(), Some("W/\"7\""));
        assert!(system.has_type("GracefulShutdown") && !system.has_type("PowerCycle"));
        // The least that makes one.
        let bare = System::read(&json!({ "PowerState": null }), PATH).unwrap();
        assert_eq!((bare.state, bare.types.clone(), bare.targets.clone()), (None, None, None));
        assert!(bare.has_type("PowerCycle"), "what is not listed may be there");
        assert_eq!(bare.reset, format!("{PATH}/Actions/ComputerSystem.Reset"));
        for wrong in [json!({}), json!([]), json!("On"), json!({ "Members": [] })] {
            let error = System::read(&wrong, PATH).unwrap_err().error;
            assert_eq!(error, "what is at /redfish/v1/Systems/437XR1138R2 is no computer system", "{wrong}");
        }
    }

    #[test]
    fn states() {
        for (word, state) in [
            ("On", Some(PowerState::On)),
            ("PoweringOff", Some(PowerState::On)),
            ("Off", Some(PowerState::Off)),
            ("PoweringOn", Some(PowerState::Off)),
            ("Sideways", None),
        ] {
            assert_eq!(power_state(word), state, "{word}");
        }
    }

    #[test]
    fn types_that_are_listed_elsewhere() {
        let info =
            json!({ "Parameters": [{ "Name": "Other" }, { "Name": "ResetType", "AllowableValues": ["On", 7] }] });
        assert_eq!(types_of(&info), Some(vec!["On".to_owned()]));
        assert_eq!(types_of(&json!({ "Parameters": [] })), None);
    }

    #[test]
    fn the_only_system() {
        let of =
            |ids: &[&str]| json!({ "Members": ids.iter().map(|id| json!({ "@odata.id": id })).collect::<Vec<_>>() });
        assert_eq!(only_system(&of(&["/a"])).unwrap(), "/a");
        assert_eq!(only_system(&of(&["/a", "/b"])).unwrap_err().error, "it has 2 computer systems: /a, /b");
        assert_eq!(only_system(&json!({ "Members": "none" })).unwrap_err().error, "it has no computer system");
    }

    #[test]
    fn cards() {
        let card = |permanent: &str, now: &str| json!({ "PermanentMACAddress": permanent, "MACAddress": now });
        let found = Some(Mac([0x52, 0x54, 0, 0x77, 0, 0x3c]));
        assert_eq!(mac(&card("52:54:00:77:00:3C", "02:00:00:00:00:01")), found);
        assert_eq!(mac(&card("", "52:54:00:77:00:3c")), found);
        assert_eq!(mac(&card("", "none")), None);
    }

    #[test]
    fn errors_in_words() {
        let extended = json!({ "error": {
            "code": "Base.1.8.GeneralError", "message": "A general error has occurred. See ExtendedInfo for more information.",
            "@Message.ExtendedInfo": [
                { "MessageId": "Base.1.8.ActionNotSupported", "Message": "The action Reset is not supported by the resource." },
                { "MessageId": "Base.1.8.None" },
                { "Message": "Switch it on first." },
            ],
        } });
        // As sushy-tools says it, whose list has no messages.
        let bare = json!({ "error": { "code": "Base.1.0.GeneralError", "message": "Fake system nope was not found",
            "@Message.ExtendedInfo": [{ "MessageId": "Base.1.0.GeneralError" }] } });
        for (status, body, error) in [
            (
                400,
                extended.to_string(),
                "it refuses (status 400): The action Reset is not supported by the resource. Switch it on first",
            ),
            (404, bare.to_string(), "/x is not there: Fake system nope was not found"),
            (403, "<html>".to_owned(), "the user may not do this"),
            (500, String::new(), "it failed (status 500)"),
            (503, json!({ "error": { "message": "\u{1b}[2J" } }).to_string(), "it is busy: [2J"),
            (301, String::new(), "it sends elsewhere from /x (status 301)"),
        ] {
            assert_eq!(trouble(status, body.as_bytes(), "/x").error, error);
        }
    }
}
