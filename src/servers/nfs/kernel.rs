//! Roots that this host's own NFS server is to serve (`nfs` says `kernel`): what the operator has to run for that is written
//! as a script beside the overlays. Nothing is served by this program then.

use crate::{conf::NfsServer, event::Fact, servers::Context};
use std::{fmt::Write, net::Ipv4Addr, path::Path};

/// Writes the script whenever conf has other such machines; never ends.
pub async fn hand_over(context: Context) {
    let mut conf = context.conf.clone();
    let mut last = Vec::new();
    loop {
        let machines = machines(&context);
        if machines != last {
            tell(&context, &machines);
            last = machines;
        }
        if conf.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Machines whose root the kernel serves, with their bases.
fn machines(context: &Context) -> Vec<(Ipv4Addr, String)> {
    let Some(segment) = context.segment() else { return Vec::new() };
    let conf = context.conf.borrow().clone();
    let base = |(address, machine): (&Ipv4Addr, _)| {
        let profile = conf.profiles.get(segment.profile_of(Some(machine))?)?;
        let root = profile.root.clone().filter(|_| profile.nfs == Some(NfsServer::Kernel))?;
        Some((*address, root))
    };
    segment.machines.iter().filter_map(|(address, machine)| base((address, machine.as_ref()))).collect()
}

fn tell(context: &Context, machines: &[(Ipv4Addr, String)]) {
    let file = context.overlay.join(format!("exports-{}.sh", context.segment));
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = script(&absolute(&context.roots), &absolute(&context.overlay), machines);
    let written = std::fs::create_dir_all(&context.overlay).and_then(|()| std::fs::write(&file, text));
    let file = file.display().to_string();
    context.tell(match written {
        Ok(()) => Fact::NfsHanded { machines: machines.len() as u64, file },
        Err(error) => Fact::NfsFailed {
            doing: format!("writing {file}"),
            error: error.to_string(),
            next_step: "see that the folder can be written, or name another with --overlay".to_owned(),
        },
    });
}

/// Mounts each machine's overlay and exports it to that machine alone.
fn script(roots: &Path, overlay: &Path, machines: &[(Ipv4Addr, String)]) -> String {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let mut text =
        "#!/bin/sh\n# Written by pxelator. Needs Debian's nfs-kernel-server; may be run again.\nset -eu\n".to_owned();
    for (machine, base) in machines {
        let (own, below) = (quoted(&overlay.join(machine.to_string())), quoted(&roots.join(base)));
        // The number tells the kernel one overlay from another.
        let number = machine.to_bits();
        let _ = write!(
            text,
            "mkdir -p {own}/upper {own}/work {own}/merged\necho {base} > {own}/base\nmountpoint -q {own}/merged ||\n    \
             mount -t overlay -o index=on,nfs_export=on,lowerdir={below},upperdir={own}/upper,workdir={own}/work pxelator {own}/merged\n\
             exportfs -o rw,no_root_squash,no_subtree_check,fsid={number} {machine}:{own}/merged\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_alone() {
        let machines = [(Ipv4Addr::new(10, 77, 0, 60), "lab".to_owned())];
        let text = script(Path::new("/srv/roots"), Path::new("/srv/it's"), &machines);
        for line in [
            r"echo lab > '/srv/it'\''s/10.77.0.60'/base",
            r"exportfs -o rw,no_root_squash,no_subtree_check,fsid=172818492 10.77.0.60:'/srv/it'\''s/10.77.0.60'/merged",
        ] {
            assert!(text.lines().any(|is| is == line), "{line}\n{text}");
        }
        let shell = std::process::Command::new("sh").args(["-n", "-c", &text]).status().unwrap();
        assert!(shell.success());
    }
}
