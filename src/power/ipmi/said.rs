//! What ipmitool(1) prints, read. Pure: it starts nothing.

use super::PowerError;
use crate::{
    event::{PowerState, printable},
    net::Mac,
};

/// Characters of its words that are shown.
const SHOWN: usize = 120;

/// What ipmitool ended with a fault for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its name is known to nobody.
    Name,
    /// Nothing answered.
    Silent,
    /// The controller does not take this user or password.
    Login,
    /// The user may not do this.
    Rights,
    /// The controller does not speak this suite of ciphers.
    Cipher,
    /// It has no session free.
    Busy,
    /// It does not know this command, or not these values of it.
    Unsupported,
    /// Not now: a reset of a machine that is off.
    State,
    /// Something else.
    Other,
}

/// Words of ipmitool 1.8.19, of which each names its trouble; the first that is found counts.
const WORDS: &[(&str, Trouble)] = &[
    ("Address lookup for", Trouble::Name),
    ("RAKP 2 HMAC is invalid", Trouble::Login),
    ("unauthorized name", Trouble::Login),
    ("unauthorized GUID", Trouble::Login),
    ("Invalid user name", Trouble::Login),
    ("password is longer", Trouble::Login),
    ("invalid authentication algorithm", Trouble::Cipher),
    ("invalid integrity algorithm", Trouble::Cipher),
    ("invalid confidentiality algorithm", Trouble::Cipher),
    ("no cipher suite match", Trouble::Cipher),
    ("No matching cipher suite", Trouble::Cipher),
    ("insufficient resources", Trouble::Busy),
    ("Node busy", Trouble::Busy),
    ("No session slot", Trouble::Busy),
    ("Insufficient privilege level", Trouble::Rights),
    ("unauthorized role or privilege", Trouble::Rights),
    ("invalid role", Trouble::Rights),
    ("not supported in present state", Trouble::State),
    ("Invalid command", Trouble::Unsupported),
    ("Invalid data field", Trouble::Unsupported),
    ("Parameter out of range", Trouble::Unsupported),
    ("Parameter not supported", Trouble::Unsupported),
    ("Get Auth Capabilities error", Trouble::Silent),
    ("Get Channel Authentication Capabilities request", Trouble::Silent),
    ("No response from remote controller", Trouble::Silent),
    // Of version 1.5, which says no more of a wrong password.
    ("Activate Session command failed", Trouble::Login),
    ("Activate Session error", Trouble::Login),
];

/// What it says while it goes well, too.
const PRATTLE: &[&str] = &[
    "Loading IANA PEN Registry",
    "Failed to load entries from IANA",
    "Failed to initialize the OEM info",
    "Running Get VSO Capabilities",
    "Invalid completion code received",
    "Discovered IPMB address",
    "Get HPM.x Capabilities",
    "Unable to Get Channel Cipher Suites",
];

/// The trouble that it told on its error output.
pub fn trouble(errors: &str) -> Trouble {
    let told: Vec<&str> = telling(errors).collect();
    let has = |words: &str| told.iter().any(|line| line.contains(words));
    WORDS.iter().find(|(words, _)| has(words)).map_or(Trouble::Other, |(_, trouble)| *trouble)
}

/// The last line that tells something, made printable and cut short.
pub fn last_words(errors: &str) -> String {
    let last = telling(errors).last().unwrap_or("it says nothing");
    printable(last.trim_start_matches("Error: "), SHOWN)
}

fn telling(errors: &str) -> impl Iterator<Item = &str> {
    let lines = errors.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !PRATTLE.iter().any(|prattle| line.starts_with(prattle)))
}

/// Whether the machine has power: of `chassis power status`.
pub fn state(output: &str) -> Result<PowerState, PowerError> {
    let mut states = output.lines().filter_map(|line| match line.trim() {
        "Chassis Power is on" => Some(PowerState::On),
        "Chassis Power is off" => Some(PowerState::Off),
        _ => None,
    });
    states.next().ok_or_else(|| garbage("chassis power status", output))
}

/// Firmware and maker: of `mc info`.
pub fn version(output: &str) -> Result<String, PowerError> {
    let firmware = value(output, "Firmware Revision").ok_or_else(|| garbage("mc info", output))?;
    let ipmi = value(output, "IPMI Version").unwrap_or("?");
    let maker = value(output, "Manufacturer Name").filter(|name| !name.starts_with("Unknown"));
    let of = maker.map(|maker| format!(" of {maker}")).unwrap_or_default();
    Ok(format!("firmware {firmware}{of}, IPMI {ipmi}"))
}

/// The controller's own hardware address: of `lan print`. Not each controller tells it.
pub fn mac(output: &str) -> Option<Mac> {
    value(output, "MAC Address")?.parse().ok().filter(|mac| *mac != Mac([0; 6]))
}

/// The value of a line as `Firmware Revision         : 9.08`.
fn value<'a>(output: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = output.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

fn garbage(command: &str, output: &str) -> PowerError {
    let first = output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let first = printable(first, SHOWN);
    let error = match first.as_str() {
        "" => format!("`ipmitool {command}` printed nothing"),
        first => format!("`ipmitool {command}` printed what makes no sense: {first}"),
    };
    PowerError::new(
        error,
        "see that it is Debian's ipmitool and that the controller is well: reset it from its own page",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (output, told) in [
            ("Chassis Power is on\n", Ok(PowerState::On)),
            ("Chassis Power is off\n", Ok(PowerState::Off)),
            ("", Err("`ipmitool chassis power status` printed nothing")),
            (
                "\u{1b}[2JChassis Power is sideways\n",
                Err("`ipmitool chassis power status` printed what makes no sense: [2JChassis Power is sideways"),
            ),
        ] {
            let read = state(output).map_err(|wrong| wrong.error);
            assert_eq!(read, told.map_err(str::to_owned), "{output}");
        }
    }

    /// What ipmitool 1.8.19 of Debian 12 printed, asked with `-v`.
    #[test]
    fn troubles() {
        let prattle = "Loading IANA PEN Registry...\n";
        for (errors, trouble_of, last) in [
            (
                "> RAKP 2 HMAC is invalid\nError: Unable to establish IPMI v2 / RMCP+ session\n",
                Trouble::Login,
                "Unable to establish IPMI v2 / RMCP+ session",
            ),
            (
                "RAKP 2 message indicates an error : unauthorized name\nError: Unable to establish IPMI v2 / RMCP+ session\n",
                Trouble::Login,
                "Unable to establish IPMI v2 / RMCP+ session",
            ),
            (
                "Error in open session response message : invalid authentication algorithm\n\nError: Unable to establish IPMI v2 / RMCP+ session\n",
                Trouble::Cipher,
                "Unable to establish IPMI v2 / RMCP+ session",
            ),
            (
                "Error in open session response message : insufficient resources for session\n",
                Trouble::Busy,
                "Error in open session response message : insufficient resources for session",
            ),
            (
                "Get Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\nError: Unable to establish IPMI v2 / RMCP+ session\n",
                Trouble::Silent,
                "Unable to establish IPMI v2 / RMCP+ session",
            ),
            (
                "Activate Session command failed\nError: Unable to establish LAN session\nError: Unable to establish IPMI v1.5 / RMCP session\n",
                Trouble::Login,
                "Unable to establish IPMI v1.5 / RMCP session",
            ),
            (
                "Address lookup for no.such.host.test failed\nCould not open socket!\nError: Unable to establish IPMI v2 / RMCP+ session\n",
                Trouble::Name,
                "Unable to establish IPMI v2 / RMCP+ session",
            ),
            (
                "Get HPM.x Capabilities request failed, compcode = d4\nRunning Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\nInvalid completion code received: Insufficient privilege level\nDiscovered IPMB address 0x0\nSet Chassis Power Control to Up/On failed: Insufficient privilege level\n",
                Trouble::Rights,
                "Set Chassis Power Control to Up/On failed: Insufficient privilege level",
            ),
            (
                "Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\nInvalid completion code received: Invalid command\nDiscovered IPMB address 0x0\nSet Chassis Power Control to Diag failed: Invalid data field in request\n",
                Trouble::Unsupported,
                "Set Chassis Power Control to Diag failed: Invalid data field in request",
            ),
            (
                "Set Chassis Power Control to Reset failed: Command not supported in present state\n",
                Trouble::State,
                "Set Chassis Power Control to Reset failed: Command not supported in present state",
            ),
            // Which it says where all goes well: no trouble.
            ("Invalid completion code received: Invalid command\n", Trouble::Other, "it says nothing"),
        ] {
            let errors = format!("{prattle}{errors}");
            assert_eq!((trouble(&errors), last_words(&errors).as_str()), (trouble_of, last), "{errors}");
        }
    }

    const INFO: &str = "Device ID                 : 0
Device Revision           : 3
Firmware Revision         : 9.08
IPMI Version              : 2.0
Manufacturer ID           : 4753
Manufacturer Name         : MontaVista Software, Inc.
Product ID                : 3842 (0x0f02)
Product Name              : Unknown (0xF02)
Device Available          : yes
";

    #[test]
    fn versions() {
        let unknown = INFO.replace("MontaVista Software, Inc.", "Unknown (0x1291)");
        assert_eq!(version(INFO).unwrap(), "firmware 9.08 of MontaVista Software, Inc., IPMI 2.0");
        assert_eq!(version(&unknown).unwrap(), "firmware 9.08, IPMI 2.0");
        let wrong = version("Get Device ID").unwrap_err();
        assert_eq!(wrong.error, "`ipmitool mc info` printed what makes no sense: Get Device ID");
    }

    #[test]
    fn hardware_addresses() {
        let head = "Set in Progress         : Set Complete\nAuth Type Enable        : Callback : NONE MD2 MD5 PASSWORD \n                        : User     : NONE MD2 \n";
        let print = format!(
            "{head}IP Address Source       : Static Address\nIP Address              : 10.77.0.200\nMAC Address             : 0c:c4:7a:00:01:02\n"
        );
        assert_eq!(mac(&print), Some(Mac([0x0c, 0xc4, 0x7a, 0, 1, 2])));
        assert_eq!(mac(head), None);
        assert_eq!(mac("MAC Address             : 00:00:00:00:00:00\n"), None);
    }
}
