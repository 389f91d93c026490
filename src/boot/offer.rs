//! Profiles, and what a machine would get of one, described for whoever asks: the same at home and from another host. Pure: which files
//! are there says who calls.

use super::{Linux, Plan, shown};
use crate::{
    conf::{Conf, Machine, Segment},
    event::{Architecture, Refusal},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A profile in a list of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Profile)]
pub struct Listed {
    /// Its name.
    pub profile: String,
    /// What kind of boot it is: `kernel`, `program`, `menu`, `local`, …
    pub kind: String,
    /// The profile that it is made from.
    pub from: Option<String>,
    /// The machines that boot it, by name.
    pub machines: Vec<String>,
    /// How many files it names to be fetched.
    pub files: usize,
    /// How many of them are not there.
    pub missing: usize,
}

/// What a machine would get of its profile, or why it would get nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offered {
    /// What it would get.
    pub offer: Option<Offer>,
    /// Why nothing.
    pub refused: Option<String>,
}

/// All that a machine would get. Secrets are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// Its name.
    pub machine: String,
    /// The profile.
    pub profile: String,
    /// Which file of the conf tree says so.
    pub by: String,
    /// What it boots, in words; or why it cannot.
    pub boots: String,
    /// It cannot boot that.
    pub is_refused: bool,
    /// What its firmware is told to load first.
    pub boot_file: Option<String>,
    /// Why it is told nothing.
    pub boot_file_error: Option<String>,
    /// The script that its loader reads.
    pub script: Option<OfferedScript>,
    /// Files below `tftpboot` that it loads.
    pub files: Vec<OfferedFile>,
    /// Its answer files.
    pub answers: Vec<OfferedAnswer>,
}

/// The script of a loader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedScript {
    /// What it is asked for by.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A file below `tftpboot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedFile {
    /// Where it is.
    pub path: String,
    /// The file of the conf tree that names it.
    pub by: String,
    /// `kernel`, `initrd`, `loader`, …
    pub role: String,
    /// Bytes.
    pub size: Option<u64>,
    /// Why it would not be given.
    pub error: Option<String>,
}

/// An answer file: its text, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedAnswer {
    /// Where it is asked for.
    pub url: String,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// All profiles; `is_there` says whether a file below `tftpboot` is.
pub fn listed(conf: &Conf, is_there: impl Fn(&str) -> bool) -> Vec<Listed> {
    let listed = conf.profiles.iter().map(|(name, profile)| {
        let kind = match profile.kind(None) {
            Some("action") => profile.text("action", None).map_or("", |text| text.body.as_str()),
            Some(kind) => kind,
            None if profile.texts.is_empty() => "answers",
            None => "some firmware",
        };
        let machines = conf.segments.values().flat_map(|s| s.machines.values().map(move |m| (s, m)));
        let users = machines.filter(|(segment, machine)| {
            let armed = machine.boot_once.as_ref().is_some_and(|once| once.profile == *name);
            armed || segment.profile_of(Some(machine)) == Some(name)
        });
        Listed {
            profile: name.clone(),
            kind: kind.to_owned(),
            from: profile.from.clone(),
            machines: users.map(|(_, machine)| machine.hostname.clone()).collect(),
            files: profile.files.len(),
            missing: profile.files.iter().filter(|file| !is_there(&file.path)).count(),
        }
    });
    listed.collect()
}

/// What `machine` would get, as [`shown`] says; `size` gives the bytes of a file below `tftpboot`.
pub fn offered(
    conf: &Conf,
    segment: &Segment,
    machine: &Machine,
    instead: Option<&str>,
    firmware: Architecture,
    size: impl Fn(&str) -> Result<u64, Refusal>,
) -> Offered {
    let shown = match shown(conf, segment, machine, instead, Some(firmware)) {
        Ok(shown) => shown,
        Err(refusal) => return Offered { offer: None, refused: Some(refusal.to_string()) },
    };
    let files = shown.files.into_iter().map(|named| {
        let (size, error) = parted(size(&named.path));
        OfferedFile { role: named.role.name().to_owned(), path: named.path, by: named.by, size, error }
    });
    let answers = shown.answers.into_iter().map(|(url, text)| {
        let (text, error) = parted(text);
        OfferedAnswer { url, text, error }
    });
    let (boot_file, boot_file_error) = parted(shown.boot_file);
    let offer = Offer {
        machine: machine.hostname.clone(),
        profile: shown.profile,
        by: shown.by,
        is_refused: shown.plan.is_err(),
        boots: shown.plan.as_ref().map_or_else(ToString::to_string, in_words),
        boot_file,
        boot_file_error,
        script: shown.script.map(|(name, text)| OfferedScript { name, text }),
        files: files.collect(),
        answers: answers.collect(),
    };
    Offered { offer: Some(offer), refused: None }
}

fn parted<T>(said: Result<T, Refusal>) -> (Option<T>, Option<String>) {
    match said {
        Ok(value) => (Some(value), None),
        Err(refusal) => (None, Some(refusal.to_string())),
    }
}

/// What is booted, in a line.
fn in_words(plan: &Plan) -> String {
    match plan {
        Plan::Linux(Linux { kernel, append, .. }) => format!("the kernel {kernel} {append}").trim_end().to_owned(),
        Plan::Program { path, append } => format!("the program {path} {append}").trim_end().to_owned(),
        Plan::Local => "its own disk".to_owned(),
        Plan::Shell => "its loader's command line".to_owned(),
        Plan::Menu { timeout, entries } => {
            let names: Vec<&str> = entries.iter().map(|entry| entry.profile.as_str()).collect();
            format!("what is chosen on its screen: {}; the first after {} s", names.join(", "), timeout.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conf::Profile, net::Mac};
    use std::{net::Ipv4Addr, sync::Arc};

    fn conf() -> Conf {
        let address = Ipv4Addr::new(10, 77, 0, 60);
        let web1 = Machine { boot: Some("live".into()), ..Machine::new(address, Mac([2, 0, 0, 0, 0, 1]), "web1") };
        let mut segment = Segment::new(Ipv4Addr::new(10, 77, 0, 1));
        segment.machines.insert(address, Arc::new(web1));
        let live = Profile::new("live", &[("kernel", "live/vmlinuz"), ("append", "quiet")]);
        let own = Profile::new("own", &[("action", "local")]);
        let profiles = [("live".to_owned(), Arc::new(live)), ("own".to_owned(), Arc::new(own))].into();
        Conf { segments: [(segment.server, Arc::new(segment))].into(), profiles, ..Conf::default() }
    }

    #[test]
    fn who_boots_what() {
        let listed = listed(&conf(), |_| true);
        let told: Vec<_> = listed.iter().map(|l| (l.profile.as_str(), l.kind.as_str(), l.machines.join(" "))).collect();
        assert_eq!(told, [("live", "kernel", "web1".to_owned()), ("own", "local", String::new())]);
    }

    #[test]
    fn what_it_would_get() {
        let conf = conf();
        let segment = conf.segments.values().next().unwrap();
        let machine = segment.machines.values().next().unwrap();
        let there = |_: &str| Ok(7);
        let gone = |path: &str| Err(Refusal::Missing { path: path.to_owned() });
        let of = |instead, size: &dyn Fn(&str) -> Result<u64, Refusal>| {
            offered(&conf, segment, machine, instead, Architecture::Bios, size)
        };
        let offer = of(None, &there).offer.unwrap();
        assert_eq!((offer.boots.as_str(), offer.is_refused), ("the kernel live/vmlinuz quiet", false));
        let kernel = offer.files.iter().find(|file| file.role == "kernel").unwrap();
        assert_eq!((kernel.path.as_str(), kernel.size, &kernel.error), ("live/vmlinuz", Some(7), &None));
        assert!(offer.script.unwrap().text.contains("live/vmlinuz"));
        let offer = of(None, &gone).offer.unwrap();
        let kernel = offer.files.iter().find(|file| file.role == "kernel").unwrap();
        assert!(kernel.size.is_none() && kernel.error.is_some());
        assert_eq!(of(Some("own"), &there).offer.unwrap().boots, "its own disk");
        let none = of(Some("kiosk"), &there);
        assert!(none.offer.is_none() && none.refused.unwrap().contains("kiosk"));
        // It comes back from elsewhere as it was.
        let offered = of(None, &gone);
        let text = serde_json::to_string(&offered).unwrap();
        assert_eq!(serde_json::from_str::<Offered>(&text).unwrap(), offered);
    }
}
