//! Renders a profile's values with those of the machine and its segment.

use crate::{
    conf::{Machine, Profile, Segment},
    event::Refusal,
    net::Mac,
};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use std::net::Ipv4Addr;

/// A profile with every value rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// A path below `tftpboot` or a URL.
    pub kernel: String,
    /// Likewise.
    pub initrd: Vec<String>,
    /// The kernel's command line.
    pub append: String,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

/// The parts of a profile that are no valid template: the file and what is wrong, with line and column.
pub fn faults(profile: &Profile) -> Vec<(&'static str, String)> {
    let environment = environment();
    parts(profile)
        .into_iter()
        .filter_map(|(file, text)| environment.template_from_str(text).err().map(|error| (file, words(&error))))
        .collect()
}

fn parts(profile: &Profile) -> Vec<(&'static str, &str)> {
    let kernel = profile.kernel.iter().map(|text| ("kernel", text.as_str()));
    let initrd = profile.initrd.iter().map(|text| ("initrd", text.as_str()));
    kernel.chain(initrd).chain([("append", profile.append.as_str())]).collect()
}

/// Renders `profile` for who boots it: a machine of the conf tree, or an address of the pool.
pub fn render(
    profile: &Profile,
    segment: &Segment,
    machine: Option<&Machine>,
    address: Ipv4Addr,
    mac: Option<Mac>,
) -> Result<Rendered, Refusal> {
    let values = values(segment, machine, address, mac);
    let environment = environment();
    let broken = |error: String| Refusal::BrokenProfile { profile: profile.name.clone(), error };
    let one = |file: &str, text: &str| {
        let rendered = environment
            .render_str(text, &values)
            .map_err(|e| broken(format!("conf/boot/{}/{file}: {}", profile.name, words(&e))))?;
        // A value with a line break would be a command of its own in the script.
        if rendered.chars().any(char::is_control) {
            return Err(broken(format!(
                "conf/boot/{}/{file}: a line break or control character in a value",
                profile.name
            )));
        }
        Ok(rendered.trim().to_owned())
    };
    let kernel = profile.kernel.as_deref().ok_or_else(|| {
        broken(format!(
            "conf/boot/{}/kernel is not there; write the kernel's path below tftpboot into it",
            profile.name
        ))
    })?;
    Ok(Rendered {
        kernel: one("kernel", kernel)?,
        initrd: profile.initrd.iter().map(|text| one("initrd", text)).collect::<Result<_, _>>()?,
        append: one("append", &profile.append)?,
    })
}

fn values(segment: &Segment, machine: Option<&Machine>, address: Ipv4Addr, mac: Option<Mac>) -> Value {
    let hostname =
        machine.map_or_else(|| format!("m-{}", address.to_string().replace('.', "-")), |m| m.hostname.clone());
    let mut of_machine: std::collections::BTreeMap<String, String> =
        machine.map(|machine| machine.extra.clone()).unwrap_or_default();
    of_machine.insert("address".to_owned(), machine.map_or(address, |m| m.address).to_string());
    if let Some(mac) = machine.map(|m| m.mac).or(mac) {
        of_machine.insert("mac".to_owned(), mac.to_string());
    }
    of_machine.insert("fqdn".to_owned(), format!("{hostname}.{}", segment.domain));
    of_machine.insert("domain".to_owned(), segment.domain.clone());
    of_machine.insert("hostname".to_owned(), hostname);
    if let Some(firmware) = machine.and_then(|m| m.firmware) {
        of_machine.insert("firmware".to_owned(), firmware.to_string());
    }
    let list = |addresses: &[Ipv4Addr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    context! {
        machine => of_machine,
        segment => context! {
            server => segment.server.to_string(),
            domain => segment.domain.clone(),
            prefix => segment.prefix,
            netmask => segment.network().netmask().to_string(),
            gateway => segment.gateway.map(|g| g.to_string()),
            dns => list(&segment.dns),
            ntp => list(&segment.ntp),
        },
    }
}

/// What is wrong, with the line and the column.
fn words(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    match (error.line(), error.range()) {
        (Some(line), Some(range)) => format!("line {line}, column {}: {what}", range.start + 1),
        (Some(line), None) => format!("line {line}: {what}"),
        _ => what,
    }
}
