//! The one policy: which boot file DHCP names, and what TFTP and HTTP give for a path.

use super::{
    grub,
    plan::{self, Linux, Plan},
    programs::{self, Climb},
    role::role_of,
    scripts, template,
    token::Token,
};
use crate::{
    conf::{Conf, Loader, Machine, Profile, Secrets, Segment, Text},
    event::{Architecture, Refusal, Role},
    net::Mac,
};
use std::{collections::BTreeMap, net::Ipv4Addr, path::Path, sync::Arc, sync::LazyLock};

/// What a DHCP client says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Option 93.
    pub architecture: Option<Architecture>,
    /// It is iPXE already (option 77 or 175), so it gets its script and no loader.
    pub ipxe: bool,
}

/// What DHCP tells a client to load: a name below `tftpboot` (TFTP from the segment's server), or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFile(pub String);

/// What a machine's past says about its next step, as `state` has folded it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of its boot.
    pub token: Token,
    /// What its firmware said it is, where conf does not say it.
    pub firmware: Option<Architecture>,
    /// It is armed, and what it is armed with had its boots: it is not given once more.
    pub spent: bool,
    /// The secrets in the answer file that it asks for were told to it since it is armed.
    pub told: bool,
    /// Which programs of the ladder of boot files its firmware got on with.
    pub climb: Climb,
    /// It loads loader after loader, or script after script, and comes to nothing.
    pub looped: bool,
}

/// Who asks for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker<'a> {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address, where it is known.
    pub mac: Option<Mac>,
    /// The machine of the conf tree that it is.
    pub machine: Option<&'a Machine>,
    /// How it stands.
    pub standing: Standing,
}

impl Asker<'_> {
    /// What its firmware is, as far as that is known.
    pub fn firmware(&self) -> Option<Architecture> {
        self.machine.and_then(|machine| machine.firmware).or(self.standing.firmware)
    }
}

/// What is given for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// A file at this path below `tftpboot`.
    File(String),
    /// A text made for the asker.
    Text {
        /// The whole text.
        body: String,
        /// For HTTP.
        content_type: &'static str,
        /// The entry of a menu that was chosen.
        chosen: Option<String>,
        /// It has secrets in it: they are told once it is sent.
        secret: bool,
    },
}

/// `boot` of a machine that boots its own disk. Always there, with the answer files that say who a machine is.
static LOCAL: LazyLock<Profile> = LazyLock::new(|| {
    let text = |name: &str, body: &str| {
        (name.to_owned(), Text { file: Path::new("boot/local").join(name), body: body.to_owned() })
    };
    let answers = [
        text("meta-data", include_str!("../../conf/boot/local/meta-data")),
        text("user-data", include_str!("../../conf/boot/local/user-data")),
        text("identity", include_str!("../../conf/boot/local/identity")),
    ];
    let texts = BTreeMap::from([text("action", "local")]);
    Profile { name: "local".to_owned(), texts, answers: answers.into(), ..Profile::default() }
});

/// The profile of this name; `local` is there without a folder.
pub fn find<'a>(conf: &'a Conf, name: &str) -> Option<&'a Profile> {
    let built_in = || (name == LOCAL.name).then(|| &*LOCAL);
    conf.profiles.get(name).map(AsRef::as_ref).or_else(built_in)
}

/// Boots that a machine gets that is armed with a profile; 1 where it says nothing.
pub fn tries(profile: Option<&Profile>) -> u32 {
    profile.and_then(|profile| profile.tries).unwrap_or(1)
}

/// True if there is a profile of this name.
pub fn is_known(profiles: &BTreeMap<String, Arc<Profile>>, name: &str) -> bool {
    profiles.contains_key(name) || name == LOCAL.name
}

/// What a machine is to boot next: the profile's name, and whether it is armed with it. None where nothing says it.
pub fn chosen<'a>(segment: &'a Segment, asker: &Asker<'a>) -> Option<(&'a str, bool)> {
    match asker.machine.and_then(|machine| machine.boot_once.as_ref()) {
        Some(once) if !asker.standing.spent => Some((&once.profile, true)),
        // No installer twice, and nothing else that would take it for a new machine.
        Some(once) => Some((&once.then, false)),
        None => segment.profile_of(asker.machine).map(|name| (name, false)),
    }
}

/// What DHCP tells a client to load, or why nothing.
pub fn boot_file(
    conf: &Conf,
    segment: &Segment,
    asker: &Asker<'_>,
    mac: Mac,
    firmware: Firmware,
) -> Result<BootFile, Refusal> {
    let profile = profile(conf, segment, asker)?;
    if asker.standing.looped {
        return Err(Refusal::Looped);
    }
    let machine = asker.machine;
    let loader = machine.and_then(|m| m.loader).unwrap_or(segment.loader);
    let architecture = firmware.architecture.or(machine.and_then(|m| m.firmware));
    let server = segment.server;
    // iPXE runs PXELINUX as any PXE firmware does, so this is no loop.
    let runs_on = matches!(loader, Loader::Pxelinux) && matches!(architecture, None | Some(Architecture::Bios));
    if firmware.ipxe && !runs_on {
        // The MAC in the query finds the machine also where another server gave it its address.
        return Ok(BootFile(format!("http://{server}/boot.ipxe?mac={}", mac.hyphened())));
    }
    let over_http = matches!(architecture, Some(Architecture::UefiHttpX64 | Architecture::UefiHttpArm64));
    if loader == Loader::Grub && over_http {
        // It would come to GRUB's command line; firmware that is refused goes on to PXE.
        return Err(Refusal::NotAllowed {
            request: "UEFI's HTTP boot with GRUB, which has no HTTP where it is signed,".to_owned(),
        });
    }
    let program = programs::pinned(loader, architecture)
        .or_else(|| asker.standing.climb.program(architecture))
        .map(|program| if is_local(profile, architecture) { program.that_leaves() } else { program });
    let Some(program) = program else {
        let architecture = architecture.map_or_else(String::new, |architecture| architecture.to_string());
        return Err(Refusal::NotAllowed { request: format!("booting {architecture}, for which there is no loader,") });
    };
    let name = program.name();
    Ok(BootFile(if over_http { format!("http://{server}/{name}") } else { name.to_owned() }))
}

/// True where the machine is to boot its own disk.
fn is_local(profile: &Profile, architecture: Option<Architecture>) -> bool {
    let action = || profile.text("action", architecture).is_some_and(|text| text.body.trim() == "local");
    profile.kind(architecture) == Some("action") && action()
}

/// What is given for `path` (as asked, with its query if it has one) to `asker`, over whatever protocol.
pub fn serve(conf: &Conf, segment: &Segment, asker: Asker<'_>, path: &str) -> Result<Served, Refusal> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let of_query = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let path = normal(path)?;
    if asker.standing.looped {
        match role_of(&path) {
            Role::Script => return Ok(script(scripts::stopped(&path, segment), None)),
            Role::Loader => return Err(Refusal::Looped),
            _ => {}
        }
    }
    if path == "boot.ipxe" {
        let asker = for_asker(segment, asker, of_query("mac"))?;
        let (profile, plan, chosen) = planned(conf, segment, &asker, of_query("choice"))?;
        return Ok(script(scripts::ipxe(&plan, segment, profile), chosen));
    }
    if let Some(name) = path.strip_prefix("pxelinux.cfg/") {
        // PXELINUX asks for its UUID, 01-<mac>, its address in hexadecimal, shortened digit by digit, then default.
        let whole_address = format!("{:08X}", asker.address.to_bits());
        let claimed = match name.strip_prefix("01-") {
            Some(mac) => Some(mac),
            None if name == "default" || name == whole_address => None,
            None => return Err(Refusal::Missing { path: format!("tftpboot/{path}") }),
        };
        let asker = for_asker(segment, asker, claimed)?;
        let (profile, plan, _) = planned(conf, segment, &asker, None)?;
        return Ok(script(scripts::pxelinux(&plan, segment, profile), None));
    }
    if let Some(asked) = grub::asked(&path, asker.address) {
        let claimed = match asked {
            grub::Asked::Own => None,
            grub::Asked::Of(mac) => Some(mac.to_string()),
            grub::Asked::Nothing => return Err(Refusal::Missing { path: format!("tftpboot/{path}") }),
        };
        let asker = for_asker(segment, asker, claimed.as_deref())?;
        let (profile, plan, _) = planned(conf, segment, &asker, None)?;
        return Ok(script(grub::config(&plan, segment, profile), None));
    }
    if let Some(name) = path.strip_prefix("answers/") {
        return answer(conf, segment, &for_asker(segment, asker, None)?, name);
    }
    Ok(Served::File(path))
}

fn script(body: String, chosen: Option<String>) -> Served {
    Served::Text { body, content_type: "text/plain; charset=utf-8", chosen, secret: false }
}

/// The profile that `asker` boots and what it is, rendered; the entry `choice` of its menu where it chose one.
pub fn planned<'a>(
    conf: &'a Conf,
    segment: &'a Segment,
    asker: &Asker<'a>,
    choice: Option<&str>,
) -> Result<(&'a Profile, Plan, Option<String>), Refusal> {
    let profile = profile(conf, segment, asker)?;
    let Some(choice) = choice else {
        return Ok((profile, plan::plan(conf, segment, asker, profile, false)?, None));
    };
    let profile = entry(conf, profile, asker, choice)?;
    Ok((profile, plan::plan(conf, segment, asker, profile, true)?, Some(choice.to_owned())))
}

/// The profile `name` if it is in the menu that the asker boots.
fn entry<'a>(conf: &'a Conf, menu: &'a Profile, asker: &Asker<'_>, name: &str) -> Result<&'a Profile, Refusal> {
    let offered = menu.entries(asker.firmware()).into_iter().any(|(entry, _)| entry == name);
    if !offered {
        return Err(Refusal::NotAllowed { request: format!("{name}, which the menu {} does not offer,", menu.name) });
    }
    find(conf, name).ok_or_else(|| Refusal::UnknownProfile { profile: name.to_owned() })
}

/// The answer file that is asked for by `path`, one name for each: `answers/preseed.cfg`; none where it is another file.
pub fn answer_file(path: &str) -> Option<String> {
    let path = normal(path.split('?').next().unwrap_or_default()).ok()?;
    let name = path.strip_prefix("answers/")?;
    // Chosen in a menu or not, it is the same file.
    let name = name.strip_prefix('@').and_then(|rest| Some(rest.split_once('/')?.1)).unwrap_or(name);
    Some(format!("answers/{name}"))
}

/// The answer file `name` of the asker's profile, rendered for it.
fn answer(conf: &Conf, segment: &Segment, asker: &Asker<'_>, name: &str) -> Result<Served, Refusal> {
    let booted = profile(conf, segment, asker);
    let mut found = match &booted {
        Ok(found) => *found,
        // One that boots nothing from here may ask who it is.
        Err(Refusal::NoProfile) => find(conf, &LOCAL.name).unwrap_or(&LOCAL),
        Err(refusal) => return Err(refusal.clone()),
    };
    let (mut name, mut choice) = (name, None);
    if let Some((entry_name, rest)) = name.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        // Its own name stands for what it boots without a menu, too.
        if entry_name != found.name {
            found = entry(conf, found, asker, entry_name)?;
        }
        (name, choice) = (rest, Some(entry_name));
    }
    // Who a machine is, it may ask whatever it boots.
    let of_any = || find(conf, &LOCAL.name)?.answers.get(name).or_else(|| LOCAL.answers.get(name));
    let missing = || Refusal::Missing { path: format!("conf/boot/{}/{name}", found.name) };
    let text = found.answers.get(name).or_else(of_any).ok_or_else(|| booted.err().unwrap_or_else(missing))?;
    let armed = chosen(segment, asker).is_some_and(|(_, armed)| armed);
    let base = plan::answers(segment, choice);
    let all = armed.then(|| secrets(segment, asker, found)).filter(|secrets| !secrets.is_empty());
    let plain = template::Values::of(found, segment, asker, None, &base).text(text);
    let (body, secret) = match (plain, all) {
        (Ok(body), None) => (body, false),
        (plain, Some(all)) => {
            let with = template::Values::of(found, segment, asker, Some(&all), &base).text(text)?;
            // It has secrets if it is another text with them, or none without.
            let secret = plain.as_ref().ok() != Some(&with);
            if secret && asker.standing.told {
                return Err(Refusal::Told { file: format!("conf/{}", text.file.display()) });
            }
            (with, secret)
        }
        (Err(refusal), None) if text.body.contains("secret.") => {
            let file = format!("conf/{}", text.file.display());
            return Err(if armed { refusal } else { Refusal::Unarmed { file } });
        }
        (Err(refusal), None) => return Err(refusal),
    };
    Ok(Served::Text { body, content_type: "text/plain; charset=utf-8", chosen: None, secret })
}

/// The secrets that a machine may have: its own, the profile's, the segment's, in this order.
pub fn secrets(segment: &Segment, asker: &Asker<'_>, profile: &Profile) -> Secrets {
    let mut all = segment.secrets.clone();
    all.extend(profile.secrets.clone());
    all.extend(asker.machine.map(|machine| machine.secrets.clone()).unwrap_or_default());
    all
}

/// A file below `tftpboot` that a profile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Kernel, initrd or loader.
    pub role: Role,
    /// The file of the conf tree that names it.
    pub by: String,
    /// Its path below `tftpboot`.
    pub path: String,
}

/// The files below `tftpboot` that the asker's profile names, of a menu those of all its entries.
pub fn files(conf: &Conf, segment: &Segment, asker: Asker<'_>) -> Result<Vec<Named>, Refusal> {
    let (profile, plan, _) = planned(conf, segment, &asker, None)?;
    let mut named = Vec::new();
    match plan {
        Plan::Menu { entries, .. } => {
            for entry in entries {
                let plan = entry.plan?;
                if let Some(inner) = find(conf, &entry.profile) {
                    named_by(&plan, inner, &asker, &mut named)?;
                }
            }
        }
        plan => named_by(&plan, profile, &asker, &mut named)?,
    }
    Ok(named)
}

fn named_by(plan: &Plan, profile: &Profile, asker: &Asker<'_>, into: &mut Vec<Named>) -> Result<(), Refusal> {
    let mut add = |role: Role, name: &str, path: &str| {
        if scripts::is_url(path) {
            return Ok(());
        }
        let file = profile.text(name, asker.firmware()).map(|text| text.file.display().to_string());
        into.push(Named { role, by: format!("conf/{}", file.unwrap_or_default()), path: normal(path)? });
        Ok(())
    };
    match plan {
        Plan::Linux(Linux { kernel, initrd, .. }) => {
            add(Role::Kernel, "kernel", kernel)?;
            initrd.iter().try_for_each(|path| add(Role::Initrd, "initrd", path))
        }
        Plan::Program { path, .. } => add(Role::Kernel, "program", path),
        Plan::Local | Plan::Shell | Plan::Menu { .. } => Ok(()),
    }
}

/// What the file at `path` is for the asker: its profile knows, else the file's name tells.
pub fn role(conf: &Conf, segment: &Segment, asker: Asker<'_>, path: &str) -> Role {
    let files = files(conf, segment, asker).unwrap_or_default();
    let asked = normal(path.split('?').next().unwrap_or_default());
    let named = files.into_iter().find(|named| asked.as_ref() == Ok(&named.path));
    named.map_or_else(|| role_of(path), |named| named.role)
}

fn profile<'a>(conf: &'a Conf, segment: &'a Segment, asker: &Asker<'a>) -> Result<&'a Profile, Refusal> {
    let (name, _) = chosen(segment, asker).ok_or(Refusal::NoProfile)?;
    find(conf, name).ok_or_else(|| Refusal::UnknownProfile { profile: name.to_owned() })
}

/// Who asks. The MAC it claims finds its machine, but only if it is its own as far as that is known.
fn for_asker<'a>(segment: &'a Segment, asker: Asker<'a>, claimed: Option<&str>) -> Result<Asker<'a>, Refusal> {
    let claimed: Option<Mac> = match claimed {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Refusal::NotAllowed { request: format!("mac={text}") })?),
    };
    let known = asker.machine.map(|machine| machine.mac).or(asker.mac);
    if let (Some(claimed), Some(known)) = (claimed, known)
        && claimed != known
    {
        return Err(Refusal::UnknownMachine);
    }
    let mac = known.or(claimed);
    let by_mac = || mac.and_then(|mac| segment.machine_by_mac(mac)).map(AsRef::as_ref);
    let machine = asker.machine.or_else(by_mac);
    if machine.is_none() && !segment.network().contains(&asker.address) {
        return Err(Refusal::UnknownMachine);
    }
    Ok(Asker { mac, machine, ..asker })
}

/// The path without leading slashes, empty parts and `.`; never one that leads out.
fn normal(path: &str) -> Result<String, Refusal> {
    if path.contains('\0') {
        return Err(Refusal::NotAllowed { request: "a NUL in a path".to_owned() });
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(Refusal::Outside),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Err(Refusal::NotAFile) } else { Ok(parts.join("/")) }
}
