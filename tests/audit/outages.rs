//! Whatever goes wrong between the program and its database: in the end every event is there, exactly once.

use crate::support::{Couch, Fault, Host, Program, Proxy, SOON, Segment, can_run, couch::POUCHDB, replica, wait_for};
use serde_json::json;
use std::{net::UdpSocket, time::Duration};

/// The longest pause between two tries, a request that is given up, and then some.
const PATIENCE: Duration = Duration::from_secs(120);

/// A segment with a database behind a proxy, and a machine that has something to say.
struct Scene {
    segment: Segment,
    socket: UdpSocket,
    couch: Couch,
    proxy: Proxy,
    _host: Host,
}

impl Scene {
    fn new(name: &str, couch: Couch) -> Scene {
        let (segment, host) = Segment::with_web1(name);
        let proxy = Proxy::start(couch.address(), Some(&segment));
        replica::configure(segment.folder.path(), &couch.url_at(proxy.address()), couch.login().as_deref());
        Scene { socket: host.udp(0), segment, couch, proxy, _host: host }
    }

    fn log(&self, what: &str, count: u32) {
        for number in 0..count {
            self.socket.send_to(format!("<13>test: {what} {number}").as_bytes(), "10.77.0.1:514").unwrap();
        }
    }

    fn wait_until_whole(&self, what: &str) {
        replica::wait_until_whole(what, &self.couch, self.segment.folder.path(), PATIENCE);
    }
}

#[test]
fn no_fault_of_a_database_loses_or_doubles_an_event() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    for couch in Couch::all() {
        let scene = Scene::new("faults", couch);
        scene.proxy.set(Fault::Refuse);
        let program = Program::start(&scene.segment);
        scene.log("before there is a database", 100);
        program.wait("that nobody is there is told", |event| event.kind() == "audit.failed");
        scene.proxy.heal();
        scene.wait_until_whole("an outage at the start");
        for fault in [
            Fault::Hang,
            Fault::Delay(Duration::from_millis(1500)),
            Fault::CutReply,
            Fault::CorruptReply,
            Fault::CutRequest,
            Fault::Status(401),
            Fault::Status(409),
            Fault::Status(413),
            Fault::Status(500),
            Fault::Status(503),
            Fault::Html,
        ] {
            let what = format!("{fault:?}");
            let mark = program.mark();
            scene.proxy.set_on("_bulk_docs", fault);
            scene.log(&what, 100);
            scene.proxy.wait_until_met(1);
            let is_told = !matches!(fault, Fault::Hang | Fault::Delay(_));
            if is_told {
                program.wait_since(mark, &what, |event| event.kind() == "audit.failed");
            }
            scene.log(&format!("{what}, later"), 10);
            scene.proxy.heal();
            // With a password that was not taken it is patient.
            if is_told && fault != Fault::Status(401) {
                program.wait_since(mark, &what, |event| event.kind() == "audit.recovered");
            }
            scene.wait_until_whole(&what);
        }
    }
}

#[test]
fn a_database_that_is_deleted_is_filled_again() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    for couch in Couch::all() {
        let scene = Scene::new("deleted", couch);
        let program = Program::start(&scene.segment);
        scene.log("at first", 100);
        scene.wait_until_whole("at first");
        let mark = program.mark();
        scene.couch.delete_database();
        scene.log("once it was deleted", 100);
        program.wait_since(mark, "it is filled again", |event| event.kind() == "audit.begun");
        scene.wait_until_whole("deleted");
        let mark = program.mark();
        scene.couch.delete_database();
        scene.couch.create_database();
        scene.couch.put("somebody-elses", &json!({ "events": [] }));
        let gone = scene.couch.get("somebody-elses").1["_rev"].as_str().unwrap().to_owned();
        scene.log("once it was made anew", 100);
        program.wait_since(mark, "it is filled again", |event| event.kind() == "audit.begun");
        scene.couch.ask(
            reqwest::Method::DELETE,
            &format!("/{}/somebody-elses?rev={gone}", scene.couch.database()),
            None,
        );
        scene.wait_until_whole("deleted and made anew");
    }
}

#[test]
fn a_program_that_is_killed_goes_on_where_it_was() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    for couch in Couch::all() {
        let scene = Scene::new("killed", couch);
        replica::write_journal(scene.segment.folder.path(), crate::support::story::Story::new().take(20_000));
        // Slow enough to be in the middle.
        scene.proxy.set_on("_bulk_docs", Fault::Delay(Duration::from_millis(200)));
        for turn in 0..3 {
            let before = scene.proxy.count("POST", "_bulk_docs");
            let program = Program::launch(&scene.segment, &[]);
            // While an answer is on its way that is not noted yet.
            wait_for(&format!("it sends in turn {turn}"), 3 * SOON, || {
                (scene.proxy.count("POST", "_bulk_docs") > before).then_some(())
            });
            std::thread::sleep(Duration::from_millis(70 * turn));
            program.kill();
        }
        scene.proxy.heal();
        let _program = Program::start(&scene.segment);
        scene.log("after all", 50);
        scene.wait_until_whole("killed three times");
    }
}
