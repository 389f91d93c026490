//! Values of the conf tree.

use super::segment::{MACHINE, SERVER, conf};
use pxelator::{
    boot::{Asker, Served, serve},
    conf::{Loader, Mode, value},
};

/// Which value, and what its file holds.
pub fn conf_value(data: &[u8]) {
    let Some((&which, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let text = text.trim();
    match which % 15 {
        0 => drop(value::address(text).map(|address| assert_eq!(value::address(&address.to_string()), Ok(address)))),
        1 => drop(value::addresses(text)),
        2 => drop(value::mac(text).map(|mac| assert_eq!(value::mac(&mac.to_string()), Ok(mac)))),
        3 => drop(value::hostname(text).map(|host| assert_eq!(value::hostname(&host), Ok(host.clone())))),
        4 => drop(value::domain(text).map(|domain| assert_eq!(value::domain(&domain), Ok(domain.clone())))),
        5 => drop(value::prefix(text).map(|prefix| assert!((1..=30).contains(&prefix)))),
        6 => drop(value::pool(text).map(|pool| assert!(pool.first <= pool.last))),
        7 => drop(value::lease(text).map(|lease| assert!(lease.as_secs() >= 60))),
        8 => drop(value::mode(text).map(|mode| assert_eq!(mode.name(), text))),
        9 => drop(value::loader(text)),
        10 => drop(value::on_off(text)),
        11 => drop(value::firmware(text).map(|kind| assert_eq!(value::firmware(&kind.to_string()), Ok(kind)))),
        12 => drop(value::name(text).map(|name| assert!(!name.contains('/') && name != ".."))),
        13 => drop(value::lines(text).map(|lines| assert!(lines.iter().all(|line| !line.is_empty())))),
        _ => in_a_script(text),
    }
}

/// A value that a template uses stays within its line.
fn in_a_script(text: &str) {
    let tree = conf(Mode::Authoritative, Loader::Ipxe, text);
    let segment = &tree.segments[&SERVER];
    let machine = segment.machines.get(&MACHINE.0).map(AsRef::as_ref);
    let asker = Asker { address: MACHINE.0, mac: Some(MACHINE.1), machine, standing: Default::default() };
    if let Ok(Served::Text { body, .. }) = serve(&tree, segment, asker, "boot.ipxe") {
        assert_eq!(body.lines().filter(|line| line.starts_with("kernel ")).count(), 1, "{body}");
        assert_eq!(body.lines().count(), 10, "{body}");
    }
}
