//! The part of the conf tree that a command line elsewhere needs to know machines and recipes by name. No secrets.

use super::{Actor, Problem, Site, broken};
use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use std::{collections::BTreeMap, fs, io::Read, path::Path};
use utoipa::ToSchema;

/// Values of machines and segments that are told. What may hold a password, a URL with one, or the text of an installer is not.
const TOLD: [&str; 22] = [
    "mac",
    "hostname",
    "boot",
    "boot-once",
    "loader",
    "firmware",
    "interface",
    "prefix",
    "domain",
    "gateway",
    "dns",
    "pool",
    "lease",
    "mode",
    "schedule",
    "skip",
    "timezone",
    "holidays",
    "recipes",
    "track",
    "checks",
    "depends",
];
/// Files at most, and bytes of one.
const FILES: usize = 50_000;
const LARGEST: u64 = 64 << 10;

/// Files of the tree.
#[derive(Default, Serialize, ToSchema)]
pub struct Tree {
    /// What each holds, by its path.
    files: BTreeMap<String, String>,
}

impl Tree {
    fn take(&mut self, dir: &Path, path: &str) {
        if self.files.len() >= FILES {
            return;
        }
        let file = dir.join(path);
        // A FIFO would hold the reader up.
        if !fs::metadata(&file).is_ok_and(|meta| meta.is_file()) {
            return;
        }
        let mut text = String::new();
        let read = fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        if read.is_ok() {
            self.files.insert(path.to_owned(), text);
        }
    }
}

fn names(folder: &Path) -> Vec<(String, bool)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // Links lead elsewhere, and a FIFO has no end.
    let kept = entries.filter_map(|entry| {
        let kind = entry.file_type().ok().filter(|kind| kind.is_dir() || kind.is_file())?;
        Some((entry.file_name().into_string().ok()?, kind.is_dir()))
    });
    kept.filter(|(name, _)| !name.starts_with('.')).collect()
}

/// A machine, and its ways of being switched.
type Named = (String, Vec<String>);

fn read(dir: &Path, machines: &[(String, Vec<Named>)], profiles: &[String]) -> Tree {
    let mut tree = Tree::default();
    for (segment, machines) in machines {
        TOLD.iter().for_each(|name| tree.take(dir, &format!("{segment}/{name}")));
        for (machine, ways) in machines {
            TOLD.iter().for_each(|name| tree.take(dir, &format!("{segment}/{machine}/{name}")));
            if !ways.is_empty() {
                tree.files.insert(format!("{segment}/{machine}/power"), ways.join("\n"));
            }
            for (container, _) in names(&dir.join(segment).join(machine).join("containers")) {
                let folder = format!("{segment}/{machine}/containers/{container}");
                ["exec", "ssh", "track", "recipes"].iter().for_each(|name| tree.take(dir, &format!("{folder}/{name}")));
            }
        }
    }
    // That there is such a profile is all that is needed.
    for profile in profiles {
        tree.files.insert(format!("boot/{profile}/action"), "local".to_owned());
    }
    for (name, is_folder) in names(&dir.join("recipes")) {
        let path = format!("recipes/{name}");
        if !is_folder {
            tree.take(dir, &path);
            continue;
        }
        for (file, inner) in names(&dir.join(&path)) {
            if !inner {
                tree.take(dir, &format!("{path}/{file}"));
            }
        }
    }
    tree
}

/// Machines and recipes as conf has them, for who may act
#[utoipa::path(
    get,
    path = "/tree",
    responses((status = 200, body = Tree), (status = "4XX", body = Problem), (status = 503, body = Problem))
)]
pub async fn tree(_: Actor, State(site): State<Site>) -> Result<Json<Tree>, Response> {
    let conf = site.source.conf.borrow().clone();
    let machines: Vec<_> = conf
        .segments
        .values()
        .map(|segment| {
            let machines = segment.machines.values().map(|machine| {
                // Without its URL, which may have a password in it.
                let ways = machine.power.iter().map(|rung| rung.method().to_owned()).collect();
                (machine.address.to_string(), ways)
            });
            (segment.server.to_string(), machines.collect())
        })
        .collect();
    let profiles: Vec<String> = conf.profiles.keys().cloned().collect();
    let (turn, dir) = (site.turn().await?, site.source.tree.clone());
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        read(&dir, &machines, &profiles)
    });
    Ok(Json(read.await.map_err(broken)?))
}
