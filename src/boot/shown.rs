//! All that a machine would get, without the machine: for the command line and for the console. Pure.

use super::{
    plan::{self, Plan},
    policy::{self, Asker, BootFile, Firmware, Named, Served},
    template::Values,
};
use crate::{
    conf::{Conf, Loader, Machine, Secret, Segment},
    event::{Architecture, Refusal},
};

/// What stands in the place of a secret.
const HIDDEN: &str = "…";

/// What a machine would get.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The profile.
    pub profile: String,
    /// Which file of the conf tree says so.
    pub by: String,
    /// What its firmware is told to load first.
    pub boot_file: Result<String, Refusal>,
    /// What it boots.
    pub plan: Result<Plan, Refusal>,
    /// The script that its loader reads, with its name.
    pub script: Option<(String, String)>,
    /// Files below `tftpboot` that it loads.
    pub files: Vec<Named>,
    /// Its answer files, with their URLs; secrets are left out.
    pub answers: Vec<(String, Result<String, Refusal>)>,
}

/// What `machine` would get with this firmware, where neither conf nor its past say another; of the profile `instead`
/// where one is given.
pub fn shown(
    conf: &Conf,
    segment: &Segment,
    machine: &Machine,
    instead: Option<&str>,
    firmware: Option<Architecture>,
) -> Result<Shown, Refusal> {
    let mut machine = machine.clone();
    if let Some(instead) = instead {
        (machine.boot, machine.boot_once) = (Some(instead.to_owned()), None);
    }
    let standing = policy::Standing { firmware, ..policy::Standing::default() };
    let asker = Asker { address: machine.address, mac: Some(machine.mac), machine: Some(&machine), standing };
    let (name, armed) = policy::chosen(segment, &asker).ok_or(Refusal::NoProfile)?;
    let folder = format!("conf/{}/{}", segment.server, machine.address);
    let by = match (armed, instead, &machine.boot) {
        (true, ..) => format!("{folder}/boot-once"),
        (false, Some(_), _) => "--profile".to_owned(),
        (false, None, Some(_)) => format!("{folder}/boot"),
        (false, None, None) => format!("conf/{}/boot", segment.server),
    };
    let found = policy::find(conf, name).ok_or_else(|| Refusal::UnknownProfile { profile: name.to_owned() })?;
    let says = Firmware { architecture: asker.firmware(), ipxe: false };
    let boot_file = policy::boot_file(conf, segment, &asker, machine.mac, says).map(|BootFile(file)| file);
    let script = match machine.loader.unwrap_or(segment.loader) {
        Loader::Pxelinux => format!("pxelinux.cfg/01-{}", machine.mac.hyphened()),
        _ => format!("boot.ipxe?mac={}", machine.mac.hyphened()),
    };
    let body = match policy::serve(conf, segment, asker, &script) {
        Ok(Served::Text { body, .. }) => Some((script, body)),
        _ => None,
    };
    let base = plan::answers(segment, None);
    let mut secrets = policy::secrets(segment, &asker, found);
    secrets.values_mut().for_each(|secret| *secret = Secret(HIDDEN.to_owned()));
    let values = Values::of(found, segment, &asker, Some(&secrets), &base);
    Ok(Shown {
        profile: name.to_owned(),
        by,
        boot_file,
        plan: policy::planned(conf, segment, &asker, None).map(|(_, plan, _)| plan),
        script: body,
        files: policy::files(conf, segment, asker).unwrap_or_default(),
        answers: found.answers.iter().map(|(name, text)| (format!("{base}/{name}"), values.text(text))).collect(),
    })
}
