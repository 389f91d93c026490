//! What of a machine's changes is not for another: who it is, and what is made anew from something else. Pure.

/// Exactly these, or all below those that end in `/`.
const LEFT: &[(&str, &str)] = &[
    ("etc/hostname", "it says who the machine is"),
    ("etc/machine-id", "it says who the machine is"),
    ("etc/machine-info", "it says who the machine is"),
    ("etc/mailname", "it says who the machine is"),
    ("etc/hosts", "it says who the machine is"),
    ("etc/fstab", "it names the machine's disks"),
    ("etc/adjtime", "it is of the machine's clock"),
    ("var/lib/dbus/machine-id", "it says who the machine is"),
    ("etc/resolv.conf", "it is made by the network"),
    ("etc/mtab", "it is made anew at each boot"),
    ("etc/ld.so.cache", "it is made from other files"),
    ("etc/alternatives/", "packages make it"),
    ("etc/ssl/certs/", "packages make it"),
    ("etc/.pwd.lock", "it is a lock"),
    ("etc/passwd", "its users are made by commands"),
    ("etc/passwd-", "it is a copy"),
    ("etc/group", "its groups are made by commands"),
    ("etc/group-", "it is a copy"),
    ("etc/shadow", "passwords are not taken along; give them by passwd(1)"),
    ("etc/shadow-", "it is a copy"),
    ("etc/gshadow", "its groups are made by commands"),
    ("etc/gshadow-", "it is a copy"),
    ("etc/subuid", "it is made with its users"),
    ("etc/subuid-", "it is a copy"),
    ("etc/subgid", "it is made with its users"),
    ("etc/subgid-", "it is a copy"),
    ("var/lib/dpkg/", "packages are installed by commands"),
    ("var/lib/apt/", "packages are installed by commands"),
    ("var/lib/pxelator/", "it is of recipes"),
    ("var/lib/systemd/", "it is made by the system"),
    ("var/cache/", "it is made from other files"),
    ("var/log/", "it is a log"),
    ("var/tmp/", "it is of the moment"),
    ("tmp/", "it is of the moment"),
    ("run/", "it is of the moment"),
    ("proc/", "it is of the moment"),
    ("sys/", "it is of the moment"),
    ("dev/", "it is of the moment"),
];

/// Why a path is left out, if it is. Where packages come and go, what is theirs alone comes and goes with them.
pub fn left_out(path: &[u8], packages: bool) -> Option<&'static str> {
    let text = String::from_utf8_lossy(path);
    let is = |(known, _): &&(&str, &str)| match known.strip_suffix('/') {
        Some(folder) => text == folder || text.starts_with(known),
        None => text == *known,
    };
    if let Some((_, why)) = LEFT.iter().find(is) {
        return Some(why);
    }
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", &text));
    if folder == "etc/ssh" && name.starts_with("ssh_host_") {
        return Some("it says who the machine is");
    }
    if name.ends_with(".dpkg-old") || name.ends_with(".dpkg-dist") || name.ends_with(".dpkg-new") {
        return Some("packages make it");
    }
    let is_of_system = ["usr/", "lib/", "lib64/", "bin/", "sbin/", "boot/"].iter().any(|top| text.starts_with(top));
    if packages && is_of_system && !text.starts_with("usr/local/") {
        return Some("packages bring it");
    }
    let is_run_level = text.starts_with("etc/rc") && text.get(7..10) == Some(".d/");
    is_run_level.then_some("systemctl makes it")
}

#[cfg(test)]
mod tests {
    use super::left_out;

    #[test]
    fn what_is_for_another() {
        for (path, packages, is_left) in [
            ("etc/hostname", false, true),
            ("etc/hostname.d/x", false, false),
            ("etc/ssh/ssh_host_ed25519_key.pub", false, true),
            ("etc/ssh/sshd_config.d/a.conf", false, false),
            ("etc/alternatives/vi", false, true),
            ("etc/motd", true, false),
            ("usr/bin/vim", true, true),
            ("usr/bin/vim", false, false),
            ("usr/local/bin/px", true, false),
            ("etc/rc2.d/S01px", true, true),
            ("etc/rc.local", true, false),
            ("var/lib/dpkg/status", false, true),
            ("etc/passwd-", false, true),
        ] {
            assert_eq!(left_out(path.as_bytes(), packages).is_some(), is_left, "{path}");
        }
    }
}
