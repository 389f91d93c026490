//! A machine's values as a program's environment: for shells of the operator and for commands of machines. Pure.

use super::{Machine, Segment, power::Rung};

/// `PXE_HOSTNAME`, and `PXE_` with the name of each further file of the machine's folder. No secrets.
pub fn environment(segment: &Segment, machine: &Machine) -> Vec<(String, String)> {
    let methods = || machine.power.iter().map(Rung::method).collect::<Vec<_>>().join(" ");
    let known = [
        ("hostname", Some(machine.hostname.clone())),
        ("fqdn", Some(format!("{}.{}", machine.hostname, segment.domain))),
        ("address", Some(machine.address.to_string())),
        ("mac", Some(machine.mac.to_string())),
        ("segment", Some(segment.server.to_string())),
        ("domain", Some(segment.domain.clone())),
        ("profile", segment.profile_of(Some(machine)).map(ToOwned::to_owned)),
        ("firmware", machine.firmware.map(|firmware| firmware.to_string())),
        ("power", (!machine.power.is_empty()).then(methods)),
    ];
    let extra = machine.extra.iter().filter(|(name, _)| known.iter().all(|(known, _)| name != known));
    let extra = extra.map(|(name, value)| (name.as_str(), Some(value.clone())));
    let all = extra.chain(known.clone());
    all.filter_map(|(name, value)| {
        let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let name: String = name.chars().map(fit).collect();
        Some((format!("PXE_{name}"), value?.replace('\0', "")))
    })
    .collect()
}
