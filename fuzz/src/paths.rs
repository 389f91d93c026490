//! Paths as HTTP and TFTP clients ask for them.

use super::segment::{MACHINE, SERVER, conf};
use pxelator::{
    boot::{Asker, Served, Standing, serve},
    conf::{Loader, Mode},
    servers::http::decoded,
};
use std::net::Ipv4Addr;

/// A path with percent codes and a query.
pub fn http_path(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    ask(&format!("{}?{query}", decoded(path)));
}

/// A file name.
pub fn tftp_path(data: &[u8]) {
    ask(&String::from_utf8_lossy(data));
}

/// The machine of conf, a stranger of the segment and one from elsewhere ask for it.
fn ask(path: &str) {
    let tree = conf(Mode::Authoritative, Loader::Ipxe, "x");
    let segment = &tree.segments[&SERVER];
    let machine = segment.machines.get(&MACHINE.0).map(AsRef::as_ref);
    let known = Asker { address: MACHINE.0, mac: Some(MACHINE.1), machine, standing: Standing::default() };
    let stranger =
        Asker { address: Ipv4Addr::new(10, 77, 0, 103), mac: None, machine: None, standing: Standing::default() };
    let elsewhere =
        Asker { address: Ipv4Addr::new(192, 0, 2, 1), mac: None, machine: None, standing: Standing::default() };
    for asker in [known, stranger, elsewhere] {
        match serve(&tree, segment, asker, path) {
            Ok(Served::File(file)) => {
                assert!(!file.starts_with('/') && !file.contains('\0'), "{file:?}");
                assert!(file.split('/').all(|part| !matches!(part, "" | "." | "..")), "{file:?}");
            }
            Ok(Served::Text { body, .. }) => assert_eq!(body.matches("live/vmlinuz").count(), 1, "{body}"),
            Err(refusal) => drop(refusal.to_string()),
        }
    }
}
