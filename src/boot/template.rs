//! Renders a profile's values with those of the machine and its segment.

use super::policy::Asker;
use crate::{
    conf::{Profile, Secrets, Segment, Text},
    event::Refusal,
};
use minijinja::{Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};
use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf};

/// A template is rendered with so many steps at most, so that a loop without end is an error.
const FUEL: u64 = 1_000_000;

/// Values to render with: those of who asks, its segment and the moment.
pub struct Values<'a> {
    environment: Environment<'static>,
    values: Value,
    profile: &'a Profile,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let kept = SyntaxConfig::builder().keep_trailing_newline(true).build();
    kept.into_iter().for_each(|syntax| environment.set_syntax(syntax));
    environment
}

/// The templates of a profile that are none: the file and what is wrong, with line and column.
pub fn faults(profile: &Profile) -> Vec<(PathBuf, String)> {
    let environment = environment();
    let texts = profile.texts.values().chain(profile.answers.values());
    texts
        .filter_map(|text| Some((text.file.clone(), words(&environment.template_from_str(&text.body).err()?))))
        .collect()
}

impl<'a> Values<'a> {
    /// Those for `asker`; `secrets` are told where it may have them, and `answers` is where its answer files are.
    pub fn of(
        profile: &'a Profile,
        segment: &Segment,
        asker: &Asker<'_>,
        secrets: Option<&Secrets>,
        answers: &str,
    ) -> Values<'a> {
        let list = |addresses: &[Ipv4Addr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
        let secret: Option<BTreeMap<String, String>> =
            secrets.map(|secrets| secrets.iter().map(|(k, v)| (k.clone(), v.0.clone())).collect());
        let values = context! {
            machine => of_machine(segment, asker),
            segment => context! {
                server => segment.server.to_string(),
                domain => segment.domain.clone(),
                prefix => segment.prefix,
                netmask => segment.network().netmask().to_string(),
                gateway => segment.gateway.map(|g| g.to_string()),
                dns => list(&segment.dns),
                ntp => list(&segment.ntp),
            },
            answers,
            root => profile.root_of(asker.machine),
            token => asker.standing.token.to_string(),
            secret => secret.unwrap_or_default(),
        };
        Values { environment: environment(), values, profile }
    }

    /// A text as it is to be read by a machine.
    pub fn text(&self, text: &Text) -> Result<String, Refusal> {
        let rendered = self.environment.render_str(&text.body, &self.values);
        rendered.map_err(|error| {
            let mut words = words(&error);
            if words.contains("`secret.") {
                words.push_str(
                    "; write it into a file NAME.secret of the machine, the profile or the segment, and chmod 600 it",
                );
            }
            self.broken(text, &words)
        })
    }

    /// A text that is one line of a script.
    pub fn line(&self, text: &Text) -> Result<String, Refusal> {
        let rendered = self.text(text)?;
        // A value with a line break would be a command of its own in the script.
        if rendered.chars().any(char::is_control) {
            return Err(self.broken(text, "a line break or control character in a value"));
        }
        Ok(rendered.trim().to_owned())
    }

    /// A text of lines, each rendered by itself.
    pub fn lines(&self, text: &Text) -> Result<Vec<String>, Refusal> {
        let line = |line: &str| self.line(&Text { file: text.file.clone(), body: line.to_owned() });
        text.body.lines().map(str::trim).filter(|l| !l.is_empty()).map(line).collect()
    }

    fn broken(&self, text: &Text, error: &str) -> Refusal {
        Refusal::BrokenProfile {
            profile: self.profile.name.clone(),
            error: format!("conf/{}: {error}", text.file.display()),
        }
    }
}

fn of_machine(segment: &Segment, asker: &Asker<'_>) -> BTreeMap<String, String> {
    let Asker { address, mac, machine, .. } = *asker;
    let hostname =
        machine.map_or_else(|| format!("m-{}", address.to_string().replace('.', "-")), |m| m.hostname.clone());
    let mut of_machine = machine.map(|machine| machine.extra.clone()).unwrap_or_default();
    let mut add = |name: &str, value: String| of_machine.insert(name.to_owned(), value);
    add("address", machine.map_or(address, |m| m.address).to_string());
    if let Some(mac) = machine.map(|m| m.mac).or(mac) {
        add("mac", mac.to_string());
    }
    add("fqdn", format!("{hostname}.{}", segment.domain));
    add("domain", segment.domain.clone());
    add("hostname", hostname);
    if let Some(firmware) = asker.firmware() {
        add("firmware", firmware.to_string());
    }
    of_machine
}

/// What is wrong, with the line and the column.
fn words(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    match (error.line(), error.range()) {
        (Some(line), Some(range)) => format!("line {line}, column {}: {what}", column(error, range.start)),
        (Some(line), None) => format!("line {line}: {what}"),
        _ => what,
    }
}

/// The column of a byte of the template, counted from 1 within its line.
fn column(error: &minijinja::Error, at: usize) -> usize {
    let before = error.template_source().and_then(|source| source.get(..at)).unwrap_or_default();
    match error.template_source() {
        Some(_) => before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
        None => at + 1,
    }
}
