//! The texts that loaders read: an iPXE script, a PXELINUX configuration.

use super::template::Rendered;
use crate::conf::{Profile, Segment};
use std::fmt::Write;

/// An iPXE script that boots `rendered`. Where that fails it says so on the machine's screen and tries again.
pub fn ipxe(rendered: &Rendered, segment: &Segment, profile: &Profile) -> String {
    let url = |path: &str| {
        if is_url(path) {
            path.to_owned()
        } else {
            format!("http://{}/{}", segment.server, path.trim_start_matches('/'))
        }
    };
    let mut script = format!("#!ipxe\necho PXElator {}: profile {}\n", segment.server, profile.name);
    // A UEFI kernel finds its initrds by these names; a BIOS kernel passes them over.
    let names: Vec<String> = (0..rendered.initrd.len()).map(|i| format!("initrd{i}")).collect();
    let mut append = rendered.append.clone();
    for name in &names {
        let _ = write!(append, " initrd={name}");
    }
    let _ = writeln!(script, "kernel {} {} || goto failed", url(&rendered.kernel), append.trim());
    for (name, path) in names.iter().zip(&rendered.initrd) {
        let _ = writeln!(script, "initrd --name {name} {} || goto failed", url(path));
    }
    script.push_str(concat!(
        "boot || goto failed\n",
        ":failed\n",
        "echo This machine could not boot; the console of PXElator says why. Trying again in 5 seconds\n",
        "imgfree\n",
        "sleep 5\n",
    ));
    // Fetched anew, so that what was put right meanwhile counts.
    let _ =
        writeln!(script, "chain --replace http://{}/boot.ipxe?mac=${{netX/mac:hexhyp}} || goto failed", segment.server);
    script
}

/// A PXELINUX configuration that boots `rendered` at once.
pub fn pxelinux(rendered: &Rendered, profile: &Profile) -> String {
    let path = |path: &str| if is_url(path) { path.to_owned() } else { format!("/{}", path.trim_start_matches('/')) };
    let mut text =
        format!("DEFAULT {0}\nPROMPT 0\nTIMEOUT 0\nLABEL {0}\n  KERNEL {1}\n", profile.name, path(&rendered.kernel));
    if !rendered.initrd.is_empty() {
        let initrd: Vec<String> = rendered.initrd.iter().map(|p| path(p)).collect();
        let _ = writeln!(text, "  INITRD {}", initrd.join(","));
    }
    if !rendered.append.is_empty() {
        let _ = writeln!(text, "  APPEND {}", rendered.append);
    }
    text
}

/// True where a profile's path is a URL, of this server or another.
pub fn is_url(path: &str) -> bool {
    path.contains("://")
}
