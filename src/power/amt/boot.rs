//! What a machine boots next, once, as AMT is told: from the network, or into the set-up of its firmware.

use super::{
    session::{AmtError, Session},
    wsman::reference,
    xml::Element,
};

const SETTINGS: &str = "AMT_BootSettingData";

/// Where the next boot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// From the network.
    Network,
    /// Into the set-up of the firmware.
    Setup,
}

/// Tells AMT. The machine still has to be switched on or reset.
pub async fn next(session: &Session, next: Next) -> Result<(), AmtError> {
    let found = session.get(SETTINGS).await?;
    let values = settings(&found, next).ok_or_else(|| AmtError::Fault("it cannot boot into its set-up".to_owned()))?;
    session.put(SETTINGS, values).await?;
    // Without a source the order of before is dropped.
    let source = match next {
        Next::Network => {
            let source = reference("CIM_BootSourceSetting", &[("InstanceID", "Intel(r) AMT: Force PXE Boot")]);
            format!("<r:Source>{source}</r:Source>")
        }
        Next::Setup => String::new(),
    };
    session.invoke("CIM_BootConfigSetting", "ChangeBootOrder", source).await?;
    let config = reference("CIM_BootConfigSetting", &[("InstanceID", "Intel(r) AMT: Boot Configuration 0")]);
    // Role 1: for the next boot alone.
    let role = format!("<r:BootConfigSetting>{config}</r:BootConfigSetting><r:Role>1</r:Role>");
    session.invoke("CIM_BootService", "SetBootConfigRole", role).await
}

/// The values to be put, made from those that were found: all that another has asked of the next boot is taken back. None
/// where the firmware has no such boot.
fn settings(found: &Element, next: Next) -> Option<Vec<(String, String)>> {
    // Told by the firmware, and refused in a message to it.
    const READ_ONLY: [&str; 12] = [
        "BIOSLastStatus",
        "BootguardStatus",
        "OptionsCleared",
        "PlatformErase",
        "RPEEnabled",
        "RSEPassword",
        "SecureBootControlEnabled",
        "UEFIHTTPSBootEnabled",
        "UEFILocalPBABootEnabled",
        "UefiBootNumberOfParams",
        "UefiBootParametersArray",
        "WinREBootEnabled",
    ];
    const ASKED: [&str; 16] = [
        "BIOSPause",
        "BIOSSetup",
        "ConfigurationDataReset",
        "ForcedProgressEvents",
        "LockKeyboard",
        "LockPowerButton",
        "LockResetButton",
        "LockSleepButton",
        "ReflashBIOS",
        "SecureErase",
        "UseIDER",
        "UseSOL",
        "UseSafeMode",
        "UserPasswordBypass",
        "BootMediaIndex",
        "IDERBootDevice",
    ];
    let value = |element: &Element| match element.name.as_str() {
        "BIOSSetup" => (next == Next::Setup).to_string(),
        "BootMediaIndex" | "IDERBootDevice" => "0".to_owned(),
        name if ASKED.contains(&name) => "false".to_owned(),
        _ => element.text.clone(),
    };
    if next == Next::Setup && found.child("BIOSSetup").is_none() {
        return None;
    }
    let kept = found.children.iter().filter(|element| !READ_ONLY.contains(&element.name.as_str()));
    Some(kept.map(|element| (element.name.clone(), value(element))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::amt::xml;

    #[test]
    fn what_another_asked_is_taken_back() {
        let found = xml::read(
            b"<x><BIOSLastStatus>0</BIOSLastStatus><BIOSSetup>true</BIOSSetup><BootMediaIndex>3</BootMediaIndex>\
              <InstanceID>a &amp; b</InstanceID><UseIDER>true</UseIDER></x>",
        )
        .unwrap();
        for (next, setup) in [(Next::Network, "false"), (Next::Setup, "true")] {
            let put = settings(&found, next).unwrap();
            let put: Vec<(&str, &str)> = put.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let expected =
                [("BIOSSetup", setup), ("BootMediaIndex", "0"), ("InstanceID", "a & b"), ("UseIDER", "false")];
            assert_eq!(put, expected);
        }
        let old = Element::default();
        assert_eq!((settings(&old, Next::Setup), settings(&old, Next::Network)), (None, Some(Vec::new())));
    }
}
