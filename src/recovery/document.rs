//! The recovery document of a machine, as Markdown: what it is, what was done to it, and how another is made like it. Pure.

use super::{
    commands::{asked_for, let_go, owner, steps, users},
    known::{Before, Known, Shown},
    markdown::{block, code, head, path, printable, row, words},
    sort::Class,
};
use crate::{
    sh::quoted,
    track::{Entry, Kind},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{collections::BTreeMap, fmt::Write};

/// Paths that are named of those that are left out for one reason.
const NAMED: usize = 20;

/// Writes it. Of the same knowledge it is the same text.
pub fn document(known: &Known) -> String {
    let mut out = String::new();
    begin(&mut out, known);
    what_it_is(&mut out, known);
    how_it_runs(&mut out, known);
    packages(&mut out, known);
    accounts(&mut out, known);
    services(&mut out, known);
    recipes(&mut out, known);
    files(&mut out, known);
    elsewhere(&mut out, known);
    anew(&mut out, known);
    out
}

/// As the page says times: for all readers the same.
fn clock(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn section(out: &mut String, title: &str, body: &str, none: &str) {
    let _ = write!(out, "## {title}\n\n");
    match body.is_empty() {
        true => drop(write!(out, "{none}\n\n")),
        false => drop(write!(out, "{}\n\n", body.trim_end())),
    }
}

fn begin(out: &mut String, known: &Known) {
    let (commit, time) = &known.now;
    let _ = write!(out, "# {}\n\n", words(&known.host));
    let since = match &known.before {
        Before::Commit(from, at) => {
            format!("What was done to it is told from {} on (commit {}). ", clock(*at), code(short(from)))
        }
        Before::Base(base) => format!("What is told is what it has otherwise than its base {}. ", code(base)),
        Before::Nothing => "All that is kept of it is told. ".to_owned(),
    };
    let _ = write!(
        out,
        "How this machine was at {} (commit {} of the repository of machines' files), and how another is made like it. \
         {since}Written by PXElator, and written anew whenever the machine is other.\n\n",
        clock(*time),
        code(short(commit)),
    );
    let about = known.conf.iter().find(|(name, _)| name == "about").map(|(_, text)| text.trim());
    let about = about.map(|text| text.lines().map(|line| format!("> {}\n", words(line))).collect::<String>());
    match about.filter(|about| !about.is_empty()) {
        Some(about) => drop(write!(out, "What it is for:\n\n{about}\n")),
        None => out.push_str("What it is for is not said: a file `about` in its folder of conf would stand here.\n\n"),
    }
}

fn what_it_is(out: &mut String, known: &Known) {
    let system = &known.inventory.1.system;
    let mut body = String::new();
    for (name, value) in system {
        let value = match name.as_str() {
            name if name == "memory" || name.starts_with("disk ") => sized(value),
            _ => words(value),
        };
        body.push_str(&row(&[words(name), value]));
    }
    if !body.is_empty() {
        body = format!("{}{body}", head(&["What", "As it was seen"]));
    }
    section(out, "What it is made of", &body, "Nothing was heard of its hardware.");

    let (segment, machine) = (&known.segment, &known.machine);
    let mut body = head(&["What", "As conf says"]);
    let mut say = |name: &str, value: String| body.push_str(&row(&[name.to_owned(), value]));
    if let Some(container) = &known.container {
        say("container", format!("{} of {}", code(container), code(&machine.hostname)));
    }
    say("address", code(&machine.address.to_string()));
    say("network", code(&segment.network().to_string()));
    say("hardware address", code(&machine.mac.to_string()));
    say("name", code(&format!("{}.{}", machine.hostname, segment.domain)));
    say("server", code(&segment.server.to_string()));
    if let Some(gateway) = segment.gateway {
        say("gateway", code(&gateway.to_string()));
    }
    if !segment.dns.is_empty() {
        say("names", segment.dns.iter().map(|at| code(&at.to_string())).collect::<Vec<_>>().join(", "));
    }
    if !known.containers.is_empty() {
        let named = known.containers.iter().map(|host| format!("[{}]({})", words(host), link(host)));
        say("its containers", named.collect::<Vec<_>>().join(", "));
    }
    section(out, "Addresses", &body, "");
}

/// A document beside this one.
fn link(host: &str) -> String {
    host.chars().filter(|c| c.is_ascii_alphanumeric() || "-._@".contains(*c)).collect::<String>() + ".md"
}

/// Bytes, and what stands behind them.
fn sized(value: &str) -> String {
    let (number, rest) = value.split_once(' ').unwrap_or((value, ""));
    let Ok(bytes) = number.parse::<u64>() else { return words(value) };
    let tenths = |shift: u32| bytes.saturating_mul(10) >> shift;
    let shown = match (bytes >> 20, bytes >> 30) {
        (0, _) => format!("{bytes} bytes"),
        (_, 0) => format!("{}.{} MiB", tenths(20) / 10, tenths(20) % 10),
        _ => format!("{}.{} GiB", tenths(30) / 10, tenths(30) % 10),
    };
    format!("{shown} {}", words(rest)).trim_end().to_owned()
}

fn how_it_runs(out: &mut String, known: &Known) {
    let (segment, machine) = (&known.segment, &known.machine);
    if known.container.is_some() {
        let exec = &machine.containers.get(known.container.as_deref().unwrap_or_default()).map(|c| c.exec.join(" "));
        let exec = exec.clone().filter(|exec| !exec.is_empty());
        let body = match exec {
            Some(exec) => format!("It runs on {}, and is reached there by {}.", code(&machine.hostname), code(&exec)),
            None => format!("It runs on {}, and is reached by ssh.", code(&machine.hostname)),
        };
        section(out, "How it runs", &body, "");
        return;
    }
    let mut body = String::new();
    match segment.profile_of(Some(machine)) {
        Some(profile) => drop(write!(body, "It boots the profile {}: see `conf/boot/{profile}`.", code(profile))),
        None => body.push_str("It is not told what to boot."),
    }
    if let Some(base) = &known.base {
        let _ = write!(body, " Its root comes over NFS: the base {}, with its changes over it.", code(base));
    }
    if let Some(firmware) = machine.firmware {
        let _ = write!(body, " Its firmware is {}.", code(&firmware.to_string()));
    }
    body.push_str("\n\n");
    for (began, how) in &known.boots {
        let _ = writeln!(body, "- Boot of {}: {}", clock(*began), words(how));
    }
    section(out, "How it boots", &body, "");

    let ways: String = machine.power.iter().map(|way| format!("- {}\n", code(&way.to_string()))).collect();
    section(out, "Power", &ways, "Nothing switches it but a hand.");
    let own = known.conf.iter().find(|(name, _)| name == "schedule").map(|(_, text)| text.clone());
    let schedule = match (own, &segment.schedule) {
        (Some(text), _) => block("text", &text),
        (None, Some(_)) => format!("As its segment says: see `conf/{}/schedule`.", segment.server),
        (None, None) => String::new(),
    };
    section(out, "Schedule", &schedule, "It is switched at no fixed times.");
}

fn packages(out: &mut String, known: &Known) {
    let (before, now) = &known.inventory;
    let asked = asked_for(known);
    let mut body = String::new();
    for (name, version) in now.packages.iter().filter(|(name, _)| !before.packages.contains_key(*name)) {
        let why = if asked.contains(&name.as_str()) { "asked for" } else { "brought by others" };
        body.push_str(&row(&[code(name), code(version), why.to_owned()]));
    }
    for (name, version) in &now.packages {
        if let Some(was) = before.packages.get(name).filter(|was| *was != version) {
            body.push_str(&row(&[code(name), code(version), format!("it was {}", code(was))]));
        }
    }
    for name in let_go(known) {
        body.push_str(&row(&[code(name), String::new(), "gone".to_owned()]));
    }
    if !body.is_empty() {
        body = format!("{}{body}", head(&["Package", "Version", ""]));
    }
    section(out, "Packages over the base", &body, "None is other than at first.");
}

fn accounts(out: &mut String, known: &Known) {
    let told = users(known);
    let mut body: String = told.words.iter().map(|line| format!("- {}\n", words(line))).collect();
    if !told.people.is_empty() {
        let _ = write!(
            body,
            "\nPasswords are not on this page: set new ones with `passwd NAME`, or put keys into place.\n"
        );
    }
    section(out, "Users and groups", &body, "None is other than at first.");
}

fn services(out: &mut String, known: &Known) {
    let (before, now) = &known.inventory;
    let mut body: String =
        super::commands::enabled(known).iter().map(|unit| format!("- {} is enabled\n", code(unit))).collect();
    for (unit, how) in now.services.iter().filter(|(unit, how)| before.services.get(*unit) != Some(how)) {
        let line = format!("- {} is {}\n", code(unit), words(how));
        if !body.contains(&line) {
            body.push_str(&line);
        }
    }
    section(out, "Services", &body, "None is other than at first.");
}

fn recipes(out: &mut String, known: &Known) {
    let mut body = String::new();
    for had in &known.recipes {
        let applied = had.applied.map_or_else(|| "not seen when".to_owned(), clock);
        let title = had.title.as_deref().unwrap_or_default();
        body.push_str(&row(&[code(&had.name), words(title), applied]));
    }
    if !body.is_empty() {
        body = format!("{}{body}", head(&["Recipe", "", "Last applied"]));
    }
    section(out, "Recipes", &body, "It has none of `conf/recipes`.");
}

fn files(out: &mut String, known: &Known) {
    let shown = |file: &&Shown| known.is_told(&file.now.path) && !file.brought && file.now.kind != Kind::Removed;
    let mut body = String::new();
    let mut shown: Vec<&Shown> = known.files.iter().filter(shown).collect();
    shown.sort_by(|a, b| a.now.path.cmp(&b.now.path));
    for file in shown {
        let _ = write!(body, "### {}\n\n{}.\n\n", path(&file.now.path), in_words(known, file));
        match (&file.diff, file.content.as_ref().and_then(|content| std::str::from_utf8(content).ok())) {
            (Some(diff), _) => body.push_str(&block("diff", diff)),
            (None, Some(text))
                if file.before.is_none() && file.now.same_as.is_none() && !text.contains('\0') && !text.is_empty() =>
            {
                body.push_str(&block("", &text.replace('\r', "\u{240d}")));
            }
            _ => {}
        }
    }
    let mut gone: Vec<&[u8]> = known.gone().into_iter().map(|(path, _)| path).collect();
    gone.reverse();
    if !gone.is_empty() {
        body.push_str("### Gone\n\n");
        body.extend(gone.into_iter().map(|at| format!("- {}\n", path(at))));
    }
    section(out, "Files changed", &body, "None is other than at first.");
}

/// `new file of 12 bytes, mode 0644, owner root:root`.
fn in_words(known: &Known, file: &Shown) -> String {
    let entry = &file.now;
    let what = match &entry.kind {
        Kind::File { size, .. } => format!("file of {size} bytes"),
        Kind::Secret { .. } => "secret file".to_owned(),
        Kind::Folder => "folder".to_owned(),
        Kind::Link { target } => format!("link to {}", code(&printable(target))),
        Kind::Character(major, minor) => format!("character device {major}, {minor}"),
        Kind::Block(major, minor) => format!("block device {major}, {minor}"),
        Kind::Pipe => "named pipe".to_owned(),
        Kind::Socket => "socket".to_owned(),
        Kind::Removed => "removed".to_owned(),
    };
    let rights = |entry: &Entry| {
        let (user, group) = owner(known, entry);
        match entry.kind {
            Kind::Link { .. } => format!("owner {user}:{group}"),
            _ => format!("mode {:04o}, owner {user}:{group}", entry.mode & 0o7777),
        }
    };
    let mut said = format!("{} {what}, {}", if file.before.is_none() { "New" } else { "Changed" }, rights(entry));
    if let Some(was) = file.before.as_ref().filter(|was| rights(was) != rights(entry)) {
        let _ = write!(said, " (it was {})", rights(was));
    }
    if let Some(same) = &entry.same_as {
        let _ = write!(said, ", another name of {}", path(same));
    }
    said
}

/// What is not on the page, and where it is.
fn elsewhere(out: &mut String, known: &Known) {
    let mut body = String::new();
    for file in known.files.iter().filter(|file| !file.brought) {
        let at = &file.now.path;
        let (user, group) = owner(known, &file.now);
        let rights = format!("-m {:04o} -o {user} -g {group}", file.now.mode & 0o7777);
        let place = super::sh::path(at, "name");
        let into = format!("ssh root@NEW {}", quoted(&format!("install -D {rights} /dev/stdin {}", place.word)));
        let (why, how) = match &file.now.kind {
            Kind::File { blob, size } if known.is_told(at) && file.content.is_none() => {
                (format!("{size} bytes are too many"), format!("git -C hosts cat-file blob {blob} | {into}\n"))
            }
            Kind::Secret { .. } => {
                let name = format!("{}:{}/{}.age", known.now.0, known.host, printable(at));
                (
                    "a secret, encrypted".to_owned(),
                    format!("git -C hosts show {} | age -d -i KEY | {into}\n", quoted(&name)),
                )
            }
            _ => continue,
        };
        let how = format!("{}{how}", place.before.map(|line| format!("# {line}\n")).unwrap_or_default());
        let _ = write!(body, "{}: {why}. Where PXElator runs:\n\n{}", path(at), block("text", &how));
    }
    let mut left: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in &known.files {
        if let Class::Left(why) = known.class(&file.now.path) {
            left.entry(why).or_default().push(path(&file.now.path));
        }
    }
    for (why, paths) in left {
        let more = if paths.len() > NAMED { ", …" } else { "" };
        let some: Vec<&str> = paths.iter().take(NAMED).map(String::as_str).collect();
        let _ = writeln!(body, "- Left out, since {why}: {}{more}", some.join(", "));
    }
    body.push_str(
        "\nWhich machine it is says the new one itself: its name (`/etc/hostname`), `/etc/machine-id` and its ssh host keys are not \
         here. Nor are passwords (`/etc/shadow`) and private keys, unless `track` names them with `secret`: those are kept \
         encrypted for whom `conf/age.recipients` names. Secrets of conf (`*.secret`) are in conf alone.\n",
    );
    section(out, "Files that are not on this page", &body, "");
}

fn anew(out: &mut String, known: &Known) {
    out.push_str("## Make a new machine like it\n\n### With PXElator\n\n");
    let folder = format!("conf/{}/{}", known.segment.server, known.machine.address);
    let host = quoted(&known.host);
    if known.container.is_none() {
        if known.machine.power.iter().any(|way| way.method() == "qemu") {
            let _ = write!(
                out,
                "A virtual machine of an image that has nothing but Debian; its folder in conf comes with it:\n\n{}",
                block("text", "pxelator vm new NAME --image debian.qcow2\n")
            );
        }
        let _ = write!(
            out,
            "Its folder in conf was {}; for another machine make one of its own address, with its own `mac` and `hostname`, and the \
             rest as here:\n\n",
            code(&folder)
        );
        let mut script = String::from("cd conf/SERVER/ADDRESS\n");
        for (name, text) in known.conf.iter().filter(|(name, _)| !matches!(name.as_str(), "mac" | "hostname" | "skip"))
        {
            let text = if text.ends_with('\n') { text.clone() } else { format!("{text}\n") };
            script.push_str(&super::sh::fed(&format!("cat > {}", quoted(name)), text.as_bytes()));
        }
        out.push_str(&block("text", &script));
    }
    let mut lines = String::new();
    for had in &known.recipes {
        let _ = writeln!(lines, "pxelator recipe apply {} NEW", quoted(&had.name));
    }
    if let Before::Commit(_, since) = &known.before {
        // What recipes do not explain, as one of its own.
        let name = quoted(&format!("like-{}", link(&known.host).trim_end_matches(".md").replace('@', "-")));
        let _ = writeln!(lines, "pxelator recipe from {host} --since {since} --until {} --name {name}", known.now.1);
        let _ = writeln!(lines, "pxelator recipe apply {name} NEW");
    }
    let _ = writeln!(
        lines,
        "pxelator restore {host} /PATH --commit {}    # the same machine made anew: a file as it was",
        short(&known.now.0)
    );
    let _ = write!(out, "Then, when it is up and reached by ssh:\n\n{}", block("text", &lines));
    out.push_str(
        "### By hand\n\nOn a fresh Debian of the same release, as root, one block after the other; each can be run again without harm. \
         Nothing of PXElator is needed.\n\n",
    );
    let steps = steps(known);
    if steps.is_empty() {
        out.push_str("Nothing is to be done: the machine is as it was at first.\n");
    }
    for (number, step) in steps.iter().enumerate() {
        let _ = write!(out, "#### {}. {}\n\n", number + 1, step.title);
        if let Some(words) = &step.words {
            let _ = write!(out, "{words}\n\n");
        }
        out.push_str(&block("sh", &step.script));
    }
}
