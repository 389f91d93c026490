//! For `./dev bench power`: many AMT devices in one process, and the program's own client asking all of them.
//!
//!     power devices PORT COUNT          COUNT devices on loopback from PORT on, until stdin ends
//!     power poll PORT COUNT ROUNDS AT   asks all of them, AT at the same time; a line a round: seconds, and how many are on

#[path = "../../tests/support/amt/mod.rs"]
mod amt;

use amt::{Device, Drive, LOGIN};
use futures_util::{StreamExt, stream};
use pxelator::{
    conf::{self, Machine, Segment},
    event::PowerState,
    net::Interface,
    power::{Target, Ways},
};
use std::{fs, io::Read, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words[at].parse::<usize>().expect("a number");
    match words.first().map(String::as_str) {
        Some("devices") if words.len() == 3 => devices(number(1), number(2)),
        Some("poll") if words.len() == 5 => poll(number(1), number(2), number(3), number(4)),
        _ => panic!("power devices PORT COUNT, or power poll PORT COUNT ROUNDS AT"),
    }
}

fn mac(index: usize) -> String {
    format!("52:54:00:77:{:02x}:{:02x}", index / 256, index % 256)
}

fn devices(port: usize, count: usize) {
    let listen = |port: usize| TcpListener::bind(("127.0.0.1", port as u16)).expect("the port is free");
    // Each second one is on.
    let start = |index| Device::start(listen(port + index), &mac(index), Drive::imagined(index % 2 == 0));
    let devices: Vec<Device> = (0..count).map(start).collect();
    println!("{} devices", devices.len());
    let _ = std::io::stdin().read(&mut [0]);
}

fn poll(port: usize, count: usize, rounds: usize, at: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    for index in 0..count {
        // As many segments as their addresses take.
        let net = format!("10.77.{}", index / 250);
        let segment = folder.path().join(format!("{net}.1"));
        let machine = segment.join(format!("{net}.{}", 2 + index % 250));
        fs::create_dir_all(&machine).expect("a folder");
        write(&machine.join("mac"), &mac(index));
        write(&machine.join("power"), &format!("amt 127.0.0.1:{}", port + index));
        let secret = segment.join("amt.secret");
        write(&secret, &format!("{}:{}", LOGIN.0, LOGIN.1));
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let read = conf::read(folder.path(), None);
    assert_eq!(read.mistakes, []);
    let interface = Interface::named("lo").expect("interfaces").expect("loopback");
    let target = |segment: &Arc<Segment>, machine: &Arc<Machine>| Target {
        segment: segment.clone(),
        machine: machine.clone(),
        interface: interface.clone(),
        run: folder.path().join("run"),
        vms: folder.path().join("vm"),
        owner: None,
    };
    let segments = read.conf.segments.values();
    let targets: Vec<Target> =
        segments.flat_map(|segment| segment.machines.values().map(|m| target(segment, m))).collect();
    assert_eq!(targets.len(), count);
    let ways = Ways::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for _ in 0..rounds {
        let began = Instant::now();
        let looks = targets.iter().map(|target| {
            let way = ways.of(target).remove(0);
            async move { way.observe(target).await }
        });
        let states = runtime.block_on(stream::iter(looks).buffer_unordered(at).collect::<Vec<_>>());
        let seconds = began.elapsed().as_secs_f64();
        let on = states.iter().filter(|state| matches!(state, Ok(Some(PowerState::On)))).count();
        if let Some(Err(error)) = states.iter().find(|state| state.is_err()) {
            panic!("{error}");
        }
        println!("{seconds:.3} {on}");
    }
}

fn write(path: &Path, value: &str) {
    fs::write(path, format!("{value}\n")).expect("a file");
}
