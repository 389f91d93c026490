//! Power by Redfish: the service of sushy-tools before a QEMU machine, and what is said where something is wrong.

use crate::support::{
    Machine, Program, Segment, Way,
    bmc::{LOGIN, Redfish, SUSHY, SYSTEM, Service, write_secret},
    can_run, hear, vm, wait_for,
};
use pxelator::event::{Action, Fact, Manner, PowerState};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};

fn lab(name: &str, service: Service) -> (Segment, Machine, Redfish) {
    let segment = Segment::new(name);
    let machine = Machine::new(&segment, 60, "web1");
    let redfish = Redfish::start(&segment, &machine, service);
    segment.conf(&machine.value("power"), &redfish.rung());
    (segment, machine, redfish)
}

#[test]
fn on_boots_a_machine_and_off_ends_it() {
    if !can_run(&[vm::NEEDED, &[SUSHY, "openssl"]].concat()) {
        return;
    }
    let (segment, machine, redfish) = lab("redfish-boot", Service { tls: true, ..Service::default() });
    segment.conf(&machine.value("redfish.pin"), &redfish.fingerprint());
    vm::equip(&segment);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    program.wait("it is accepted", |event| {
        matches!(&event.fact, Fact::PowerAccepted { action: Action::On, method, manner: Manner::Done } if method == "redfish")
    });
    machine.wait_until_up();
    program.wait("the boot is through", |event| matches!(event.fact, Fact::BootCompleted { .. }));
    let way = Way::of(&segment, &machine);
    assert_eq!(way.observe(), Ok(Some(PowerState::On)));
    assert_eq!(way.switch(Action::On, true), Ok(Manner::Already));
    assert_eq!(way.switch(Action::Off, true), Ok(Manner::Gently));
    machine.wait_until_off();
    assert_eq!(machine.calls(), ["on", "soft"]);
    assert_eq!(way.switch(Action::Off, true), Ok(Manner::Already));
}

#[test]
fn each_change_reaches_the_machine() {
    if !can_run(&["qemu-system-x86_64", SUSHY]) {
        return;
    }
    let (segment, machine, _redfish) = lab("redfish-all", Service::default());
    let way = Way::of(&segment, &machine);
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)));
    for action in [Action::Reset, Action::Cycle] {
        assert_eq!(way.switch(action, true).unwrap_err().to_string(), "it is off");
    }
    assert_eq!(way.switch(Action::Pxe, true), Ok(Manner::Done));
    let mut pid = machine.wait_until_on();
    assert_eq!(machine.calls(), ["boot Pxe", "on"]);
    for (action, calls) in [
        (Action::Reset, &["reset"][..]),
        // This service has no PowerCycle.
        (Action::Cycle, &["off", "on"]),
        (Action::Pxe, &["boot Pxe", "reset"]),
    ] {
        let before = machine.calls().len();
        assert_eq!(way.switch(action, true), Ok(Manner::Done), "{action:?}");
        pid = wait_for("another boot", crate::support::SOON, || machine.pid().filter(|now| *now != pid));
        assert_eq!(machine.calls()[before..], *calls, "{action:?}");
    }
    let error = way.switch(Action::Setup, true).unwrap_err().error;
    assert_eq!(error, "its service cannot tell it to boot BiosSetup once; it has Pxe, Cd, Hdd, UefiHttp");
    assert_eq!(way.switch(Action::Off, false), Ok(Manner::Done));
    machine.wait_until_off();
    assert_eq!(machine.calls().last().unwrap(), "off");
}

#[test]
fn an_examination_and_what_it_finds_wrong() {
    if !can_run(&[SUSHY]) {
        return;
    }
    let (segment, machine, mut redfish) = lab("redfish-ill", Service::default());
    let way = Way::of(&segment, &machine);
    let power = |line: &str| segment.conf(&machine.value("power"), line);
    let last = || {
        let (step, words, next_step) = way.examine().pop().unwrap();
        (step, words, next_step.unwrap())
    };
    let words: Vec<_> = way.examine().into_iter().map(|(step, words, _)| format!("{step}: {words}")).collect();
    assert_eq!(
        words,
        [
            "name: its address is 127.0.0.1".to_owned(),
            "port: 127.0.0.1:8060 takes connections".to_owned(),
            "TLS: it is not used, so that the password goes over in the clear".to_owned(),
            "service: it speaks Redfish 1.5.0".to_owned(),
            format!("login: it lets us read {SYSTEM}"),
            "version: Sushy Emulator, Redfish 1.5.0".to_owned(),
            "state: the machine is off".to_owned(),
            "MAC: 52:54:00:77:00:3c is one of its cards".to_owned(),
        ]
    );
    power(&redfish.rung_at(SYSTEM));
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)), "by its path");
    power(&redfish.rung_at("/redfish/v1/Systems/9"));
    let (step, words, next_step) = last();
    assert_eq!((step.as_str(), next_step.as_str()), ("login", "correct the URL in `power`, or leave its path away"));
    assert_eq!(words, "/redfish/v1/Systems/9 is not there: Fake system 9 was not found");
    power(&redfish.rung());
    write_secret(&segment, &machine, "redfish.secret", "admin:wrong");
    let (step, words, next_step) = last();
    assert_eq!((step.as_str(), words.as_str()), ("login", "it refuses the name or the password"));
    assert_eq!(next_step, "correct user:password in conf/10.77.0.1/10.77.0.60/redfish.secret, mode 600");
    fs::remove_file(segment.conf_dir().join(machine.value("redfish.secret"))).unwrap();
    assert_eq!(last().2, "write user:password into conf/10.77.0.1/10.77.0.60/redfish.secret, mode 600");
    write_secret(&segment, &machine, "redfish.secret", LOGIN);
    power("redfish http://no-such-bmc.invalid");
    assert_eq!(last().0, "name");
    redfish.end();
    power(&redfish.rung());
    let (step, words, _) = last();
    assert_eq!(step, "port");
    assert!(words.starts_with("127.0.0.1 port 8060 cannot be reached: "), "{words}");
    redfish.restart();
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)), "and back");
}

#[test]
fn another_machines_service() {
    if !can_run(&[SUSHY]) {
        return;
    }
    let service = Service { others: 1, mac: Some("52:54:00:77:00:99"), ..Service::default() };
    let (segment, machine, redfish) = lab("redfish-other", service);
    let way = Way::of(&segment, &machine);
    let (error, next_step) = way.trouble();
    assert!(error.starts_with("it has 2 computer systems: "), "{error}");
    assert_eq!(next_step, "write the path of the machine's own behind the host in `power`");
    segment.conf(&machine.value("power"), &redfish.rung_at(SYSTEM));
    let (step, words, next_step) = way.examine().pop().unwrap();
    assert_eq!((step.as_str(), words.as_str()), ("MAC", "none of its cards is 52:54:00:77:00:3c: 52:54:00:77:00:99"));
    assert_eq!(next_step.unwrap(), "correct the machine's `mac`, or the URL in `power`: it is another machine's");
}

#[test]
fn a_certificate_that_changes() {
    if !can_run(&[SUSHY, "openssl"]) {
        return;
    }
    let (segment, machine, mut redfish) = lab("redfish-tls", Service { tls: true, ..Service::default() });
    let way = Way::of(&segment, &machine);
    let first = redfish.fingerprint();
    let (error, next_step) = way.trouble();
    assert_eq!(error, format!("its certificate is not trusted yet: it shows {first}"));
    assert_eq!(next_step, "if that is its own: pxelator power trust web1 redfish");
    segment.conf(&machine.value("redfish.pin"), &first);
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)));
    redfish.renew_certificate();
    redfish.restart();
    let second = redfish.fingerprint();
    assert_eq!(way.trouble().0, format!("its certificate changed: {first} was trusted, it shows {second}"));
    let (step, _, _) = way.examine().pop().unwrap();
    assert_eq!(step, "TLS");
}

#[test]
fn a_dead_service_is_left_for_the_next_rung() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("redfish-rung");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "redfish.secret", LOGIN);
    segment.conf(&machine.value("power"), "redfish http://127.0.0.1:8060\nwol");
    let sleeper = segment.host("sleeper", &machine.mac);
    sleeper.address("10.77.0.60");
    let ears = sleeper.udp(9);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    let failed = program.wait("the first fails", |event| matches!(event.fact, Fact::PowerFailed { .. }));
    assert!(failed.fact.to_string().contains("127.0.0.1 port 8060 cannot be reached"), "{}", failed.fact);
    program.wait(
        "the next is taken",
        |event| matches!(&event.fact, Fact::PowerAccepted { method, .. } if method == "wol"),
    );
    assert_eq!(hear(&ears, &mut [0; 200]).unwrap().0, 102);
    let told = serde_json::to_string(&program.events()).unwrap() + &program.words();
    assert!(!told.contains("S3cret"), "{told}");
}

/// Answers requests in their order, each with one of `answers` (status, further headers, body); the requests.
fn serve(segment: &Segment, port: u16, answers: &[(&str, &str, &str)], ask: impl FnOnce()) -> Vec<String> {
    let listener = segment.inside(|| TcpListener::bind(("127.0.0.1", port)).unwrap());
    thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let answer = |(status, headers, body): &(&str, &str, &str)| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = Vec::new();
                let mut part = [0; 4096];
                loop {
                    let length = stream.read(&mut part).unwrap();
                    asked.extend_from_slice(&part[..length]);
                    let text = String::from_utf8_lossy(&asked).into_owned();
                    let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head
                        .lines()
                        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if rest.len() >= length.unwrap_or(0) {
                        let length = body.len();
                        let head = format!(
                            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
                        );
                        stream.write_all((head + body).as_bytes()).unwrap();
                        return text;
                    }
                }
            };
            answers.iter().map(answer).collect::<Vec<_>>()
        });
        ask();
        asked.join().unwrap()
    })
}

#[test]
fn a_service_that_wants_to_be_told_of_its_version() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("redfish-etag");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "redfish.secret", LOGIN);
    segment.conf(&machine.value("power"), "redfish http://127.0.0.1:8060/redfish/v1/Systems/1");
    let way = Way::of(&segment, &machine);
    let off = r##"{"PowerState":"Off","Actions":{"#ComputerSystem.Reset":{"target":"/reset"}}}"##;
    let answers = [
        ("200 OK", "ETag: \"1\"\r\n", off),
        ("412 Precondition Failed", "", ""),
        ("200 OK", "ETag: \"2\"\r\n", off),
        ("204 No Content", "", ""),
        ("200 OK", "", "{}"),
    ];
    let asked = serve(&segment, 8060, &answers, || assert_eq!(way.switch(Action::Pxe, true), Ok(Manner::Done)));
    for (asked, first, tag) in [
        (&asked[1], "PATCH /redfish/v1/Systems/1 ", "if-match: \"1\""),
        (&asked[3], "PATCH /redfish/v1/Systems/1 ", "if-match: \"2\""),
    ] {
        assert!(asked.starts_with(first) && asked.to_lowercase().contains(tag), "{asked}");
        assert!(
            asked.ends_with(r#"{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}"#),
            "{asked}"
        );
    }
    assert!(asked[4].starts_with("POST /reset ") && asked[4].ends_with(r#"{"ResetType":"On"}"#), "{}", asked[4]);
}

#[test]
fn what_makes_no_sense() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("redfish-junk");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "redfish.secret", LOGIN);
    segment.conf(&machine.value("power"), "redfish http://127.0.0.1:8060");
    let way = Way::of(&segment, &machine);
    for (answer, error) in [
        (("200 OK", "", "<html>"), "what it answers at /redfish/v1/Systems is no JSON"),
        (("200 OK", "", "[]"), "it has no computer system"),
        (("200 OK", "", r#"{"Members":[{"@odata.id":"http://elsewhere/1"}]}"#), "its answer makes no sense: the path"),
        (
            ("301 Moved", "Location: http://elsewhere/\r\n", ""),
            "it sends elsewhere from /redfish/v1/Systems (status 301)",
        ),
        (("503 Busy", "", r#"{"error":{"message":"Starting up."}}"#), "it is busy: Starting up"),
        (("403 Forbidden", "", ""), "the user may not do this"),
    ] {
        serve(&segment, 8060, &[answer], || {
            let told = way.trouble().0;
            assert!(told.starts_with(error), "{told}");
        });
    }
}
