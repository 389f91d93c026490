//! A device of our own in place of a PC's AMT firmware: WS-Management over HTTP or TLS behind Digest, which drives a machine.
//! Knows neither segments nor the program under test.
#![allow(dead_code)] // each test file uses a part of it

mod door;
mod firmware;
mod http;
mod message;

pub use firmware::{Drive, LOGIN};

use firmware::Firmware;
use http::Line;
use jiff::Timestamp;
use nix::sys::socket::{Shutdown, shutdown};
use std::{
    collections::BTreeMap,
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

/// What is wrong with the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Its password is another.
    OtherPassword,
    /// It asks for a password by Basic.
    NoDigest,
    /// It takes a request and never answers.
    Hangs,
    /// It ends the connection in the middle of an answer.
    Closes,
    /// Each method returns this number, and does nothing.
    Returns(u32),
    /// Its answers are no XML.
    Garbage,
    /// Its answers have 10 MB.
    Long,
    /// Its answers have 10 MB, and do not say how many before.
    LongUnsaid,
    /// It has another network card.
    OtherMac,
    /// Its system cannot be asked to shut down.
    OnlyHard,
    /// It takes changes of power, and nothing follows.
    NoEffect,
}

/// A running device. It ends when it is dropped.
pub struct Device {
    /// Where it listens.
    pub port: u16,
    inside: Arc<Inside>,
    listener: Arc<TcpListener>,
}

/// What the threads of a device share.
pub(crate) struct Inside {
    pub firmware: Mutex<Firmware>,
    pub drive: Drive,
    pub fault: Mutex<Fault>,
    pub stopped: AtomicBool,
    pub tls: Option<Mutex<http::Certificate>>,
    counts: Mutex<BTreeMap<String, usize>>,
    connections: Mutex<Vec<Weak<TcpStream>>>,
}

impl Inside {
    pub fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    pub fn fault(&self) -> Fault {
        self.fault.lock().unwrap().clone()
    }

    fn close_all(&self) {
        for connection in self.connections.lock().unwrap().drain(..).filter_map(|connection| connection.upgrade()) {
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Device {
    /// A device with this network card on a listener, which is bound wherever a test wants it.
    pub fn start(listener: TcpListener, mac: &str, drive: Drive) -> Device {
        Device::new(listener, mac, drive, None)
    }

    /// The same, by TLS with a certificate of its own.
    pub fn start_tls(listener: TcpListener, mac: &str, drive: Drive) -> Device {
        Device::new(listener, mac, drive, Some(Mutex::new(http::Certificate::new())))
    }

    fn new(listener: TcpListener, mac: &str, drive: Drive, tls: Option<Mutex<http::Certificate>>) -> Device {
        let inside = Arc::new(Inside {
            firmware: Mutex::new(Firmware::new(mac)),
            drive,
            fault: Mutex::default(),
            stopped: AtomicBool::new(false),
            tls,
            counts: Mutex::default(),
            connections: Mutex::default(),
        });
        let device = Device { port: listener.local_addr().unwrap().port(), inside, listener: Arc::new(listener) };
        let (inside, listener) = (device.inside.clone(), device.listener.clone());
        thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                if inside.stopped.load(SeqCst) {
                    return;
                }
                inside.count("connections");
                let _ = connection.set_nodelay(true);
                let connection = Arc::new(connection);
                let mut connections = inside.connections.lock().unwrap();
                connections.retain(|other| other.strong_count() > 0);
                connections.push(Arc::downgrade(&connection));
                drop(connections);
                let inside = inside.clone();
                thread::spawn(move || Line::new(&connection, &inside).serve());
            }
        });
        device
    }

    /// Makes something wrong with it, from its next request on.
    pub fn fault(&self, fault: Fault) {
        *self.inside.fault.lock().unwrap() = fault;
    }

    /// How often it was asked this: `Get AMT_GeneralSettings`, `AddAlarm`, `requests`, `refused` (for the password),
    /// `connections`.
    pub fn asked(&self, what: &str) -> usize {
        self.inside.counts.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    /// Takes back all nonces that it gave: those who use one are told that it is stale.
    pub fn expire_nonces(&self) {
        self.inside.firmware.lock().unwrap().door.expire();
    }

    /// Makes itself another certificate, and ends all connections.
    pub fn change_certificate(&self) {
        *self.inside.tls.as_ref().expect("it speaks no TLS").lock().unwrap() = http::Certificate::new();
        self.inside.close_all();
    }

    /// SHA-256 of its certificate in hexadecimal.
    pub fn fingerprint(&self) -> String {
        self.inside.tls.as_ref().expect("it speaks no TLS").lock().unwrap().fingerprint()
    }

    /// Whether its machine is on.
    pub fn is_on(&self) -> bool {
        (self.inside.drive.is_on)()
    }

    /// Switches its machine by hand, as somebody at its button does.
    pub fn button(&self, on: bool) {
        if on {
            (self.inside.drive.on)()
        } else {
            (self.inside.drive.off)()
        };
    }

    /// Name and time of the alarms that are set.
    pub fn alarms(&self) -> Vec<(String, Timestamp)> {
        let firmware = self.inside.firmware.lock().unwrap();
        firmware.alarms.iter().map(|(name, due)| (name.clone(), *due)).collect()
    }

    /// Sets an alarm, as another program does.
    pub fn plant_alarm(&self, name: &str, due: Timestamp) {
        self.inside.firmware.lock().unwrap().alarms.insert(name.to_owned(), due);
        firmware::watch_clock(&self.inside);
    }

    /// Where the next boot goes, if that was asked for: `Intel(r) AMT: Force PXE Boot`, or `setup`.
    pub fn next_boot(&self) -> Option<String> {
        self.inside.firmware.lock().unwrap().next_boot()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.inside.stopped.store(true, SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        self.inside.close_all();
    }
}

/// How often threads look whether something changed.
pub(crate) const TICK: Duration = Duration::from_millis(50);
