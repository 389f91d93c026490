//! `root list` and `root diff`: what there is, and what a machine has otherwise.

use super::{Stopped, Which, bytes, own};
use crate::{
    cli::Places,
    conf,
    event::printable,
    roots::{Attributes, Change, Difference, bases, compare, find_base, owns},
};
use std::{collections::BTreeMap, net::Ipv4Addr};

/// Bases and machines.
pub fn list(json: bool, places: &Places) -> Result<(), Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let machines = conf.segments.values().flat_map(|segment| segment.machines.values());
    let names: BTreeMap<Ipv4Addr, String> = machines.map(|m| (m.address, m.hostname.clone())).collect();
    let owns = owns(&places.overlay)?;
    let bases = bases(&places.roots)?;
    for base in &bases {
        let on_it = owns.iter().filter(|own| own.base().is_ok_and(|name| name == base.name)).count();
        if json {
            say!("{}", serde_json::json!({ "base": base, "machines": on_it }));
        } else {
            let kernel = base.kernel.as_ref().map_or("no kernel".to_owned(), |version| format!("Linux {version}"));
            let made = base.made.map_or(String::new(), |made| format!("  {}", made.strftime("%Y-%m-%d")));
            let machines = if on_it == 1 { "machine" } else { "machines" };
            say!("base     {:<16} {kernel:<28}{made}  {on_it} {machines}", base.name);
        }
    }
    if bases.is_empty() && !json {
        say!("no base in {}; make one: pxelator root new debian", places.roots.display());
    }
    for own in &owns {
        let (base, size, snapshots, in_use) = (own.base().ok(), own.size(), own.snapshots(), own.is_in_use());
        let name = names.get(&own.address).cloned().unwrap_or_default();
        if json {
            let machine = serde_json::json!({
                "machine": own.address, "hostname": name, "base": base, "files": size.files, "bytes": size.bytes,
                "in_use": in_use, "snapshots": snapshots,
            });
            say!("{machine}");
            continue;
        }
        let state = if in_use { "mounted" } else { "at rest" };
        let base = base.unwrap_or_else(|| "nothing changed".to_owned());
        let name = if name.is_empty() { "not in conf".to_owned() } else { name };
        say!("machine  {name:<16} {:<15} {base:<16} {state}  {} files, {}", own.address, size.files, bytes(size.bytes));
        for snapshot in snapshots {
            let made = snapshot.made.strftime("%Y-%m-%d %H:%M");
            say!("           snapshot {}  of {made}, over {}", snapshot.name, snapshot.base);
        }
    }
    Ok(())
}

/// What the machine has otherwise.
pub fn diff(which: &Which, json: bool, places: &Places) -> Result<(), Stopped> {
    let (own, _) = own(which, places)?;
    let base = find_base(&places.roots, &own.base()?)?;
    compare(&own.upper(), &base, &mut |difference| match json {
        true => say!("{}", serde_json::to_string(&difference).unwrap_or_default()),
        false => say!("{}", line(&difference)),
    })?;
    Ok(())
}

/// `~ -rw-r--r--     0:0        1290  etc/passwd  (content, mode)`
fn line(difference: &Difference) -> String {
    let sign = match difference.change {
        Change::Added => '+',
        Change::Changed => '~',
        Change::Removed => '-',
    };
    let about = difference.now.as_ref().or(difference.was.as_ref()).map(attributes).unwrap_or_default();
    let aspects: Vec<String> = difference.aspects.iter().map(|aspect| format!("{aspect:?}").to_lowercase()).collect();
    let aspects = if aspects.is_empty() { String::new() } else { format!("  ({})", aspects.join(", ")) };
    // Names are a machine's to choose, and a terminal obeys what it is shown.
    format!("{sign} {about}  {}{aspects}", printable(&difference.path, 4096))
}

fn attributes(file: &Attributes) -> String {
    let bit = |at: u32, letter: char| if file.mode >> at & 1 == 1 { letter } else { '-' };
    let mut mode: String = (0..9).rev().map(|at| bit(at, ['x', 'w', 'r'][at as usize % 3])).collect();
    for (at, place, [with, without]) in [(11, 2, ['s', 'S']), (10, 5, ['s', 'S']), (9, 8, ['t', 'T'])] {
        if file.mode >> at & 1 == 1 {
            let letter = if mode.get(place..=place) == Some("x") { with } else { without };
            mode.replace_range(place..=place, &letter.to_string());
        }
    }
    format!("{}{mode} {:>11} {:>10}", file.kind, format!("{}:{}", file.uid, file.gid), file.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_one_line() {
        let file = |kind, mode, uid, size| Attributes { kind, mode, uid, gid: 0, size };
        for (kind, mode, expected) in [
            ('-', 0o644, "-rw-r--r--"),
            ('-', 0o4755, "-rwsr-xr-x"),
            ('-', 0o2640, "-rw-r-S---"),
            ('d', 0o1777, "drwxrwxrwt"),
            ('l', 0o777, "lrwxrwxrwx"),
        ] {
            assert!(attributes(&file(kind, mode, 0, 1)).starts_with(expected), "{mode:o}");
        }
        let difference = Difference {
            change: Change::Changed,
            path: "etc/\u{1b}[2Jx".to_owned(),
            aspects: vec![crate::roots::Aspect::Content, crate::roots::Aspect::Mode],
            now: Some(file('-', 0o600, 1000, 12)),
            was: Some(file('-', 0o644, 1000, 10)),
        };
        let line = line(&difference);
        assert!(line.starts_with("~ -rw-------      1000:0         12  etc/"), "{line}");
        assert!(line.ends_with("(content, mode)") && !line.contains('\u{1b}'), "{line}");
    }
}
