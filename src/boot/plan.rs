//! What a machine boots, with every value rendered: the same for all loaders.

use super::{
    policy::{Asker, find},
    template::Values,
};
use crate::{
    conf::{Conf, Profile, Segment},
    event::Refusal,
};
use std::time::Duration;

/// A profile with every value rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A kernel.
    Linux(Linux),
    /// A firmware program: an EFI application, or what a BIOS loader runs.
    Program {
        /// A path below `tftpboot` or a URL.
        path: String,
        /// Its command line.
        append: String,
    },
    /// The machine's own disk.
    Local,
    /// The loader's own command line.
    Shell,
    /// What the machine's user chooses on its screen.
    Menu {
        /// After so long the first entry is taken.
        timeout: Duration,
        /// The entries, in order.
        entries: Vec<Entry>,
    },
}

/// A kernel with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linux {
    /// A path below `tftpboot` or a URL.
    pub kernel: String,
    /// Likewise.
    pub initrd: Vec<String>,
    /// The kernel's command line.
    pub append: String,
}

/// A line of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The profile.
    pub profile: String,
    /// What stands on the screen.
    pub title: String,
    /// What it boots; or why it cannot.
    pub plan: Result<Plan, Refusal>,
}

/// Where the answer files of a profile are: of one chosen in a menu its name is in the path, since the machine's conf does
/// not say it.
pub fn answers(segment: &Segment, chosen: Option<&str>) -> String {
    match chosen {
        None => format!("http://{}/answers", segment.server),
        Some(profile) => format!("http://{}/answers/@{profile}", segment.server),
    }
}

/// Renders `profile` for `asker`; `chosen` where it comes from a menu.
pub fn plan(
    conf: &Conf,
    segment: &Segment,
    asker: &Asker<'_>,
    profile: &Profile,
    chosen: bool,
) -> Result<Plan, Refusal> {
    let base = answers(segment, chosen.then_some(profile.name.as_str()));
    let values = Values::of(profile, segment, asker, None, &base);
    let firmware = asker.firmware();
    let line = |name: &str| profile.text(name, firmware).map(|text| values.line(text)).transpose();
    let kind = profile.kind(firmware);
    Ok(match kind {
        Some("kernel") => Plan::Linux(Linux {
            kernel: line("kernel")?.unwrap_or_default(),
            initrd: profile.text("initrd", firmware).map_or(Ok(Vec::new()), |text| values.lines(text))?,
            append: line("append")?.unwrap_or_default(),
        }),
        Some("program") => {
            Plan::Program { path: line("program")?.unwrap_or_default(), append: line("append")?.unwrap_or_default() }
        }
        Some("action") => match line("action")?.as_deref() {
            Some("shell") => Plan::Shell,
            _ => Plan::Local,
        },
        Some("menu") => {
            let titles = profile.text("menu", firmware).map_or(Ok(Vec::new()), |text| values.lines(text))?;
            let named = profile.entries(firmware).into_iter().zip(titles);
            let entries = named.map(|((name, _), line)| {
                let title = line.split_once(char::is_whitespace).map_or(line.as_str(), |(_, title)| title.trim());
                let plan = match find(conf, &name) {
                    None => Err(Refusal::UnknownProfile { profile: name.clone() }),
                    // A menu in a menu is asked for by itself.
                    Some(inner) if inner.kind(firmware) == Some("menu") => {
                        Err(Refusal::NotAllowed { request: format!("the menu {name} in a menu") })
                    }
                    Some(inner) => plan(conf, segment, asker, inner, true),
                };
                Entry { title: title.to_owned(), profile: name, plan }
            });
            Plan::Menu { timeout: profile.timeout(), entries: entries.collect() }
        }
        _ => {
            let for_it = firmware.map_or(String::new(), |firmware| format!(" for {firmware}"));
            let error = format!(
                "conf/boot/{0} does not say what to boot{for_it}: write the kernel's path below tftpboot into conf/boot/{0}/kernel",
                profile.name
            );
            return Err(Refusal::BrokenProfile { profile: profile.name.clone(), error });
        }
    })
}
