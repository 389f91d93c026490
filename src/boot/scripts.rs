//! The texts that loaders read: an iPXE script, a PXELINUX configuration.

use super::plan::{Entry, Linux, Plan};
use crate::conf::{Profile, Segment};
use std::fmt::Write;

/// An iPXE script that boots `plan`. Where that fails it says so on the machine's screen and tries again.
pub fn ipxe(plan: &Plan, segment: &Segment, profile: &Profile) -> String {
    let mut script = format!("#!ipxe\necho PXElator {}: profile {}\n", segment.server, profile.name);
    match plan {
        Plan::Linux(linux) => ipxe_linux(linux, segment, &mut script),
        Plan::Program { path, append } => {
            let _ = writeln!(script, "chain {} {} || goto failed", url(segment, path), append.trim());
        }
        Plan::Local => script.push_str(concat!(
            "echo Booting from this machine's own disk\n",
            "iseq ${platform} efi && exit 1 ||\n",
            "sanboot --no-describe --drive 0x80 || exit\n",
        )),
        Plan::Shell => script.push_str("shell\n"),
        Plan::Menu { timeout, entries } => ipxe_menu(timeout.as_millis(), entries, segment, &mut script),
    }
    script.push_str(concat!(
        ":failed\n",
        "echo This machine could not boot; the console of PXElator says why. Trying again in 5 seconds\n",
        "imgfree\n",
        "sleep 5\n",
    ));
    // Fetched anew, so that what was put right meanwhile counts.
    let _ = writeln!(script, "chain --replace {} || goto failed", own_script(segment));
    script
}

/// Where iPXE finds the script of the machine that it runs on.
fn own_script(segment: &Segment) -> String {
    format!("http://{}/boot.ipxe?mac=${{netX/mac:hexhyp}}", segment.server)
}

fn url(segment: &Segment, path: &str) -> String {
    if is_url(path) { path.to_owned() } else { format!("http://{}/{}", segment.server, path.trim_start_matches('/')) }
}

fn ipxe_linux(linux: &Linux, segment: &Segment, script: &mut String) {
    // A UEFI kernel finds its initrds by these names; a BIOS kernel passes them over.
    let names: Vec<String> = (0..linux.initrd.len()).map(|i| format!("initrd{i}")).collect();
    let mut append = linux.append.clone();
    for name in &names {
        let _ = write!(append, " initrd={name}");
    }
    let _ = writeln!(script, "kernel {} {} || goto failed", url(segment, &linux.kernel), append.trim());
    for (name, path) in names.iter().zip(&linux.initrd) {
        let _ = writeln!(script, "initrd --name {name} {} || goto failed", url(segment, path));
    }
    script.push_str("boot || goto failed\n");
}

fn ipxe_menu(timeout: u128, entries: &[Entry], segment: &Segment, script: &mut String) {
    let _ = writeln!(script, "menu PXElator {}: what is this machine to boot?", segment.server);
    for entry in entries {
        match &entry.plan {
            Ok(_) => drop(writeln!(script, "item {} {}", entry.profile, entry.title)),
            Err(refusal) => drop(writeln!(script, "item --gap {} cannot be booted: {refusal}", entry.title)),
        }
    }
    let first = entries.iter().find(|entry| entry.plan.is_ok()).map_or("", |entry| entry.profile.as_str());
    let _ = writeln!(script, "choose --default {first} --timeout {timeout} target || goto failed");
    let _ = writeln!(script, "chain --replace {}&choice=${{target}} || goto failed", own_script(segment));
}

/// A PXELINUX configuration that boots `plan`: at once, or of a menu what is chosen.
pub fn pxelinux(plan: &Plan, segment: &Segment, profile: &Profile) -> String {
    let mut text = String::new();
    match plan {
        Plan::Menu { timeout, entries } => {
            let can: Vec<&Entry> = entries.iter().filter(|entry| entry.plan.is_ok()).collect();
            let first = can.first().map_or("", |entry| entry.profile.as_str());
            let _ = writeln!(text, "DEFAULT {first}\nPROMPT 1\nTIMEOUT {}", timeout.as_millis() / 100);
            let _ = writeln!(text, "SAY PXElator {}: type a name, or wait", segment.server);
            for entry in &can {
                let _ = writeln!(text, "SAY   {}  {}", entry.profile, entry.title);
            }
            for entry in can {
                if let Ok(plan) = &entry.plan {
                    label(&entry.profile, plan, &mut text);
                }
            }
        }
        plan => {
            let _ = writeln!(text, "DEFAULT {}\nPROMPT 0\nTIMEOUT 0", profile.name);
            label(&profile.name, plan, &mut text);
        }
    }
    text
}

fn label(name: &str, plan: &Plan, text: &mut String) {
    let path = |path: &str| if is_url(path) { path.to_owned() } else { format!("/{}", path.trim_start_matches('/')) };
    let _ = writeln!(text, "LABEL {name}");
    match plan {
        Plan::Linux(Linux { kernel, initrd, append }) => {
            let _ = writeln!(text, "  KERNEL {}", path(kernel));
            if !initrd.is_empty() {
                let initrd: Vec<String> = initrd.iter().map(|p| path(p)).collect();
                let _ = writeln!(text, "  INITRD {}", initrd.join(","));
            }
            if !append.is_empty() {
                let _ = writeln!(text, "  APPEND {append}");
            }
        }
        Plan::Program { path: program, append } => {
            // By these endings PXELINUX knows what it is; anything else, and `.bin` too, is made as a kernel is.
            let known = [".0", ".c32", ".com", ".bs"].iter().any(|ending| program.ends_with(ending));
            let _ = writeln!(text, "  {} {}", if known { "KERNEL" } else { "LINUX" }, path(program));
            if !append.is_empty() {
                let _ = writeln!(text, "  APPEND {append}");
            }
        }
        // PXELINUX has no command line of its own that is of use.
        Plan::Local | Plan::Shell | Plan::Menu { .. } => text.push_str("  LOCALBOOT 0\n"),
    }
}

/// What a loader that asks for `path` reads where its machine boots in a circle: words on the screen, and no further.
pub fn stopped(path: &str, segment: &Segment) -> String {
    let words =
        "This machine boots in a circle. PXElator gives it nothing until its conf is changed or its power is switched";
    if path.contains("pxelinux.cfg/") {
        return format!("DEFAULT stop\nPROMPT 1\nTIMEOUT 300\nSAY {words}\nLABEL stop\n  LOCALBOOT 0\n");
    }
    if path.rsplit('/').next().is_some_and(|name| name.starts_with("grub.cfg")) {
        return format!("echo '{words}'\nsleep 30\nreboot\n");
    }
    // It asks again, slowly, so that it goes on when it may.
    format!("#!ipxe\necho {words}\nsleep 30\nchain --replace {} || exit 1\n", own_script(segment))
}

/// True where a profile's path is a URL, of this server or another.
pub fn is_url(path: &str) -> bool {
    path.contains("://")
}
