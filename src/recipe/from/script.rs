//! The text of a recipe that is written from changes. Everything is guarded, so that it can be applied again. Pure.

use super::{Content, Parts, accounts::User};
use crate::{recipe::escape::word, sh::quoted_bytes};

/// Paths that are named as left out.
const NAMED: usize = 50;

/// Where it stands which archives packages come from.
const ARCHIVES: [&str; 2] = ["/etc/apt/", "/usr/share/keyrings/"];

/// What its functions call: packages by whatever installs them there, services also where no systemd runs.
const WORDS: &str = r#"
has_package() {
    if command -v dpkg-query > /dev/null; then dpkg-query -W -f '${db:Status-Status}\n' "$1" 2> /dev/null | grep -qx installed
    elif command -v apk > /dev/null; then apk info -e "$1" > /dev/null
    else rpm -q "$1" > /dev/null; fi
}
add_package() {
    if command -v apt-get > /dev/null; then apt-get -q update || echo "apt-get update failed; going on with what is known"; apt-get -q -y install "$1"
    elif command -v apk > /dev/null; then apk add "$1"
    else dnf -y install "$1"; fi
}
drop_package() {
    if command -v apt-get > /dev/null; then apt-get -q -y remove "$1"
    elif command -v apk > /dev/null; then apk del "$1"
    else dnf -y remove "$1"; fi
}
is_running() { [ -d /run/systemd/system ]; }
is_enabled() { systemctl is-enabled --quiet "$1" 2> /dev/null; }
is_masked() { [ "$(systemctl is-enabled "$1" 2> /dev/null)" = masked ]; }
is_member() { id -nG "$1" 2> /dev/null | tr ' ' '\n' | grep -qx "$2"; }
"#;

fn sh(text: &str) -> String {
    String::from_utf8_lossy(&quoted_bytes(text.as_bytes())).into_owned()
}

/// A path as a word of the script, also one that is no text: printf(1) makes it of octal numbers.
fn path(path: &[u8]) -> String {
    let full = [b"/", path].concat();
    match std::str::from_utf8(&full) {
        Ok(text) if !text.contains('\n') => sh(text),
        _ => {
            let octal: String = full.iter().map(|byte| format!("\\{byte:03o}")).collect();
            format!("\"$(printf '{octal}.' | sed '$ s/[.]$//')\"")
        }
    }
}

/// Writes it.
pub fn script(parts: &Parts, title: &str, about: &str, left: &[(String, &'static str)]) -> String {
    let mut text = format!("#!/bin/sh\n# title: {title}\n# about: {about}\n");
    for (entry, content, owners) in &parts.files {
        let path = format!("/{}", word(&entry.path));
        // A link has all bits.
        let mode = if matches!(content, Content::Link(_)) { 0o777 } else { entry.mode };
        let line = format!("# files: {path} {mode:04o} {owners}\n");
        text.push_str(&line);
    }
    if !left.is_empty() {
        text.push_str("#\n# Changed there as well, and left out:\n");
        for (path, why) in left.iter().take(NAMED) {
            text.push_str(&format!("# - {path}, since {why}\n"));
        }
        if left.len() > NAMED {
            text.push_str(&format!("# - and {} more\n", left.len() - NAMED));
        }
    }
    text.push_str(WORDS);
    let (checks, applies, verifies) = (checks(parts), applies(parts), verifies(parts));
    for (name, lines) in [("check", checks), ("apply", applies), ("verify", verifies)] {
        let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
        let lines = if lines.is_empty() { "    :\n".to_owned() } else { lines };
        text.push_str(&format!("\n{name}() {{\n{lines}}}\n"));
    }
    text
}

fn checks(parts: &Parts) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(parts.packages.iter().map(|name| format!("has_package {}", sh(name))));
    lines.extend(parts.packages_gone.iter().map(|name| format!("if has_package {}; then return 1; fi", sh(name))));
    lines.extend(parts.groups.iter().map(|group| format!("getent group {} > /dev/null", sh(&group.name))));
    lines.extend(parts.users.iter().map(|user| format!("getent passwd {} > /dev/null", sh(&user.name))));
    for (group, user) in members(parts) {
        lines.push(format!("is_member {} {}", sh(&user), sh(&group)));
    }
    lines.extend(parts.unmasked.iter().map(|unit| format!("if is_masked {}; then return 1; fi", sh(unit))));
    lines.extend(parts.enabled.iter().map(|unit| format!("is_enabled {}", sh(unit))));
    lines.extend(parts.disabled.iter().map(|unit| format!("if is_enabled {}; then return 1; fi", sh(unit))));
    lines.extend(parts.masked.iter().map(|unit| format!("is_masked {}", sh(unit))));
    for gone in &parts.gone {
        let path = path(gone);
        lines.push(format!("[ ! -e {path} ] && [ ! -L {path} ]"));
    }
    lines
}

/// All who are to be in groups: who is new, and who was there.
fn members(parts: &Parts) -> Vec<(String, String)> {
    let of_new = parts.users.iter().flat_map(|user| user.groups.iter().map(|group| (group.clone(), user.name.clone())));
    of_new.chain(parts.members.iter().cloned()).collect()
}

fn applies(parts: &Parts) -> Vec<String> {
    let mut lines = Vec::new();
    let of_archives =
        |path: &[u8]| ARCHIVES.iter().any(|folder| path.starts_with(folder.trim_start_matches('/').as_bytes()));
    if !parts.packages.is_empty() && parts.files.iter().any(|(entry, ..)| of_archives(&entry.path)) {
        // They may come from an archive that is not known there yet.
        lines.push(format!("put_files {}", ARCHIVES.join(" ")));
    }
    lines.extend(parts.packages.iter().map(|name| format!("has_package {0} || add_package {0}", sh(name))));
    lines.extend(parts.packages_gone.iter().map(|name| format!("! has_package {0} || drop_package {0}", sh(name))));
    for group in &parts.groups {
        lines.push(format!("getent group {0} > /dev/null || groupadd --gid {1} {0}", sh(&group.name), group.gid));
    }
    lines.extend(parts.users.iter().map(new_user));
    for (group, user) in members(parts) {
        lines.push(format!("is_member {1} {0} || usermod --append --groups {0} {1}", sh(&group), sh(&user)));
    }
    for gone in &parts.gone {
        lines.push(format!("rm -f -- {}", path(gone)));
    }
    if !parts.files.is_empty() {
        // Users that own them are there by now, and packages brought what they bring.
        lines.push("put_files".to_owned());
    }
    let units = [&parts.enabled, &parts.disabled, &parts.masked, &parts.unmasked];
    if units.iter().any(|set| !set.is_empty()) {
        lines.push("! is_running || systemctl daemon-reload".to_owned());
    }
    for unit in &parts.unmasked {
        lines.push(format!("! is_masked {0} || systemctl unmask {0}", sh(unit)));
    }
    for unit in &parts.enabled {
        lines.push(format!("is_enabled {0} || systemctl enable {0}", sh(unit)));
        lines.push(format!("! is_running || systemctl restart {}", sh(unit)));
    }
    for unit in &parts.disabled {
        lines.push(format!("! is_enabled {0} || systemctl disable {0}", sh(unit)));
        lines.push(format!("! is_running || systemctl stop {}", sh(unit)));
    }
    for unit in &parts.masked {
        lines.push(format!("is_masked {0} || systemctl mask {0}", sh(unit)));
        lines.push(format!("! is_running || systemctl stop {}", sh(unit)));
    }
    lines
}

fn new_user(user: &User) -> String {
    let home = if user.uid >= 1000 && user.home.starts_with("/home/") { "--create-home" } else { "--no-create-home" };
    let mut words =
        format!("useradd --uid {} --gid {} {home} --home-dir {}", user.uid, sh(&user.group), sh(&user.home));
    if !user.shell.is_empty() {
        words.push_str(&format!(" --shell {}", sh(&user.shell)));
    }
    if !user.comment.is_empty() {
        words.push_str(&format!(" --comment {}", sh(&user.comment)));
    }
    format!("getent passwd {0} > /dev/null || {words} {0}", sh(&user.name))
}

fn verifies(parts: &Parts) -> Vec<String> {
    let mut lines: Vec<String> = parts.packages.iter().map(|name| format!("has_package {}", sh(name))).collect();
    for (entry, ..) in &parts.files {
        let path = path(&entry.path);
        lines.push(format!("[ -e {path} ] || [ -L {path} ]"));
    }
    for unit in &parts.enabled {
        lines.push(format!("is_enabled {}", sh(unit)));
        lines.push(format!("! is_running || ! systemctl is-failed --quiet {}", sh(unit)));
    }
    lines
}
