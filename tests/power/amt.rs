//! AMT against a device of our own: a real boot through it, and each fault with its words.

use crate::support::{
    Machine, PYPI_AMT, Program, Segment,
    amt::{Device, Drive, Fault, LOGIN},
    can_run, drive, run, vm, wait_for, with_pypi_amt,
};
use jiff::{SignedDuration, Timestamp};
use pxelator::{
    conf,
    event::{Action, Fact, Manner, PowerState},
    net::Interface,
    power::{Alarm, Ill, Power, PowerError, Steps, Target, Ways, certificate},
};
use std::{fs, future::Future, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

const MAC: &str = "52:54:00:77:00:60";

/// A device on loopback and a conf tree that names it.
struct Lab {
    folder: tempfile::TempDir,
    device: Device,
    ways: Ways,
}

impl Lab {
    fn new(tls: bool, drive: Drive) -> Lab {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let device = if tls { Device::start_tls(listener, MAC, drive) } else { Device::start(listener, MAC, drive) };
        let lab = Lab { folder: tempfile::tempdir().unwrap(), device, ways: Ways::default() };
        lab.conf("mac", MAC);
        lab.conf("hostname", "kiosk");
        lab.conf("power", &format!("amt {}127.0.0.1:{}", if tls { "tls " } else { "" }, lab.device.port));
        lab.conf("amt.secret", &format!("{}:{}", LOGIN.0, LOGIN.1));
        lab
    }

    fn conf(&self, file: &str, value: &str) {
        write(&self.folder.path().join("10.77.0.1/10.77.0.60").join(file), value);
    }

    fn target(&self) -> Target {
        let read = conf::read(self.folder.path(), None);
        assert_eq!(read.mistakes, []);
        let segment = read.conf.segments.values().next().unwrap().clone();
        let machine = segment.machines.values().next().unwrap().clone();
        let interface = Interface::named("lo").unwrap().unwrap();
        Target {
            segment,
            machine,
            interface,
            run: self.folder.path().join("run"),
            vms: self.folder.path().join("vm"),
            owner: None,
        }
    }

    /// Does something with the way that conf names, which is kept from one call to the next.
    fn with<T>(&self, work: impl AsyncFnOnce(Arc<dyn Power>, Target) -> T) -> T {
        let target = self.target();
        let way = self.ways.of(&target).remove(0);
        wait(work(way, target))
    }

    fn switch(&self, action: Action) -> Result<Manner, PowerError> {
        self.with(async |way, target| way.switch(&target, action, true).await)
    }

    fn observe(&self) -> Result<Option<PowerState>, PowerError> {
        self.with(async |way, target| way.observe(&target).await)
    }

    /// Each step of an examination: its name and words, and the next step of one that is wrong.
    fn examine(&self) -> Vec<(String, String, Option<String>)> {
        let mut told = Vec::new();
        let mut tell = |fact| match fact {
            Fact::PowerExamined { method, step, words, next_step } if method == "amt" => {
                told.push((step, words, next_step))
            }
            other => panic!("{other}"),
        };
        let came = self.with(async |way, target| way.examine(&target, &mut Steps::new("amt", &mut tell)).await);
        assert_eq!(came.is_err(), told.last().unwrap().2.is_some());
        assert!(matches!(came, Ok(()) | Err(Ill)));
        told
    }
}

/// Secrets are nobody else's to read.
fn write(path: &Path, value: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("{value}\n")).unwrap();
    if path.extension().is_some_and(|end| end == "secret") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

thread_local! {
    // One for all calls of a test, so that connections are kept from one to the next.
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

#[test]
fn on_through_amt_boots_a_machine() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("amt");
    vm::equip(&segment);
    let machine = Machine::new(&segment, 60, "kiosk");
    let listener = segment.inside(|| TcpListener::bind("10.77.0.1:16992").unwrap());
    let device = Device::start(listener, &machine.mac, drive(&segment, &machine));
    segment.conf(&machine.value("power"), "amt 10.77.0.1");
    write(&segment.conf_dir().join(machine.value("amt.secret")), &format!("{}:{}", LOGIN.0, LOGIN.1));
    assert!(!device.is_on());
    let program = Program::launch(&segment, &["--power-on", "kiosk"]);
    program.wait(
        "it is accepted",
        |event| matches!(&event.fact, Fact::PowerAccepted { action: Action::On, method, .. } if method == "amt"),
    );
    let seen = program.wait_for(
        "it is seen",
        vm::PATIENCE,
        |event| matches!(&event.fact, Fact::PowerConfirmed { method, .. } if method == "amt"),
    );
    assert_eq!(seen.machine, Some(machine.address));
    machine.wait_until_up();
    assert_eq!(device.asked("RequestPowerStateChange"), 1);
    assert!(device.is_on());
    let words = fs::read_to_string(format!("/proc/{}/cmdline", program.pid())).unwrap();
    let told = format!("{:?}{}{words}", program.events(), program.words());
    assert!(!told.contains(LOGIN.1), "the password was told");
}

#[test]
fn all_that_amt_does() {
    let lab = Lab::new(false, Drive::imagined(false));
    assert_eq!(lab.observe(), Ok(Some(PowerState::Off)));
    assert_eq!(lab.switch(Action::Off), Ok(Manner::Already));
    assert_eq!(lab.switch(Action::Reset), Err(error("it is off", "switch it on")));
    assert_eq!(lab.switch(Action::On), Ok(Manner::Done));
    assert_eq!(lab.switch(Action::On), Ok(Manner::Already));
    assert_eq!(lab.observe(), Ok(Some(PowerState::On)));
    for action in [Action::Reset, Action::Cycle] {
        assert_eq!(lab.switch(action), Ok(Manner::Done));
    }
    assert_eq!(lab.switch(Action::Pxe), Ok(Manner::Done));
    assert_eq!(lab.device.next_boot().as_deref(), Some("Intel(r) AMT: Force PXE Boot"));
    assert_eq!(lab.switch(Action::Setup), Ok(Manner::Done));
    assert_eq!(lab.device.next_boot().as_deref(), Some("setup"));
    // What is left of before is taken back.
    assert_eq!(lab.switch(Action::Pxe), Ok(Manner::Done));
    assert_eq!(lab.device.next_boot().as_deref(), Some("Intel(r) AMT: Force PXE Boot"));
    assert_eq!(lab.switch(Action::Off), Ok(Manner::Gently));
    assert!(!lab.device.is_on());
    lab.device.button(true);
    lab.device.fault(Fault::OnlyHard);
    assert_eq!(lab.switch(Action::Off), Ok(Manner::Done));
    assert_eq!(lab.observe(), Ok(Some(PowerState::Off)));
}

/// That the device answers as AMT does is not said by our own client alone.
#[test]
fn another_client_gets_on_with_the_device() {
    if !can_run(&[PYPI_AMT]) {
        return;
    }
    let lab = Lab::new(false, Drive::imagined(false));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/amt/client.py");
    let words = [&lab.device.port.to_string(), LOGIN.0, LOGIN.1];
    let told = run(with_pypi_amt().arg(script).args(words));
    let expected = ["state 8", "on 0", "state 2", "cycle 0", "off 0", "state 8"];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    assert_eq!(lab.device.next_boot().as_deref(), Some("Intel(r) AMT: Force PXE Boot"));
}

#[test]
fn a_poll_is_one_request_on_a_kept_connection() {
    let lab = Lab::new(false, Drive::imagined(true));
    lab.observe().unwrap();
    let (requests, refused) = (lab.device.asked("requests"), lab.device.asked("refused"));
    for _ in 0..20 {
        assert_eq!(lab.observe(), Ok(Some(PowerState::On)));
    }
    assert_eq!(lab.device.asked("requests"), requests + 20);
    assert_eq!(lab.device.asked("refused"), refused);
    // One, but for those that were not back in their place when the next request came, as on a busy host.
    assert!(lab.device.asked("connections") < 5, "{}", lab.device.asked("connections"));
    // A nonce that ran out is asked for once more, and costs one request.
    lab.device.expire_nonces();
    assert_eq!(lab.observe(), Ok(Some(PowerState::On)));
    assert_eq!((lab.device.asked("requests"), lab.device.asked("refused")), (requests + 22, refused + 1));
}

fn error(error: &str, next_step: &str) -> PowerError {
    PowerError { error: error.to_owned(), next_step: next_step.to_owned() }
}

/// What each fault is said to be, and what to do.
#[test]
fn each_fault_has_its_words() {
    for (fault, words, next_step) in [
        (Fault::OtherPassword, "it refuses the name or the password", "conf/10.77.0.1/10.77.0.60/amt.secret, mode 600"),
        (Fault::NoDigest, "asks for a password, and not by Digest", "is its amt"),
        (Fault::Hangs, "did not answer within 10 s", "its amt hangs"),
        (Fault::Closes, "its answer broke off", "try again"),
        (
            Fault::Returns(1),
            "it is not ready: its firmware failed at it (RequestPowerStateChange returned 1)",
            "in a minute",
        ),
        (
            Fault::Returns(2),
            "cannot do that in its present state (RequestPowerStateChange returned 2)",
            "whether it is on",
        ),
        (Fault::Returns(77), "it refuses (RequestPowerStateChange returned 77)", "what this version of AMT can do"),
        (Fault::Garbage, "its answer makes no sense", "what is between"),
        (Fault::Long, "longer than 1 MiB", "is its amt"),
        (Fault::LongUnsaid, "longer than 1 MiB", "is its amt"),
    ] {
        let lab = Lab::new(false, Drive::imagined(false));
        lab.device.fault(fault.clone());
        let told = lab.switch(Action::On).unwrap_err();
        assert!(told.error.contains(words), "{fault:?}: {told:?}");
        assert!(told.next_step.contains(next_step), "{fault:?}: {told:?}");
        assert!(!lab.device.is_on(), "{fault:?}");
        // Put right, the same way works again.
        lab.device.fault(Fault::None);
        assert_eq!(lab.switch(Action::On), Ok(Manner::Done), "{fault:?}");
    }
    let lab = Lab::new(false, Drive::imagined(false));
    lab.device.fault(Fault::NoEffect);
    assert_eq!(lab.switch(Action::On), Ok(Manner::Done));
    assert_eq!(lab.observe(), Ok(Some(PowerState::Off)));
}

#[test]
fn what_is_not_there_has_its_words() {
    let lab = Lab::new(false, Drive::imagined(false));
    lab.conf("power", "amt nowhere.invalid");
    let told = lab.switch(Action::On).unwrap_err();
    assert!(told.error.contains("the name nowhere.invalid is not known"), "{told:?}");
    // Its port is free again, so nobody answers there.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    lab.conf("power", &format!("amt 127.0.0.1:{free}"));
    let told = lab.switch(Action::On).unwrap_err();
    assert!(told.error.contains(&format!("127.0.0.1 port {free} cannot be reached")), "{told:?}");
    lab.conf("power", &format!("amt tls 127.0.0.1:{}", lab.device.port));
    let told = lab.switch(Action::On).unwrap_err();
    assert!(told.error.contains("TLS does not come about"), "{told:?}");
    fs::remove_file(lab.folder.path().join("10.77.0.1/10.77.0.60/amt.secret")).unwrap();
    let asked = lab.device.asked("requests");
    lab.conf("power", &format!("amt 127.0.0.1:{}", lab.device.port));
    let told = lab.switch(Action::On).unwrap_err();
    let next_step = "write user:password into conf/10.77.0.1/10.77.0.60/amt.secret, mode 600";
    assert_eq!(told, error("there is no name and password to ask it with", next_step));
    assert_eq!(lab.device.asked("requests"), asked);
}

#[test]
fn a_certificate_is_trusted_and_changes() {
    let lab = Lab::new(true, Drive::imagined(false));
    let told = lab.switch(Action::On).unwrap_err();
    let shown = lab.device.fingerprint();
    assert_eq!(
        told,
        error(
            &format!("its certificate is not trusted yet: it shows {shown}"),
            "if that is its own: pxelator power trust kiosk amt"
        )
    );
    assert_eq!(wait(certificate(&lab.target(), "amt")), Ok(shown.clone()));
    lab.conf("amt.pin", &shown);
    assert_eq!(lab.switch(Action::On), Ok(Manner::Done));
    assert_eq!(lab.observe(), Ok(Some(PowerState::On)));
    lab.device.change_certificate();
    let new = lab.device.fingerprint();
    let told = lab.observe().unwrap_err();
    assert_eq!(told.error, format!("its certificate changed: {shown} was trusted, it shows {new}"));
    assert!(told.next_step.ends_with("pxelator power trust kiosk amt"), "{told:?}");
    let step = lab.examine().pop().unwrap();
    assert_eq!((step.0.as_str(), step.1), ("TLS", told.error));
    // A server that speaks plainly where TLS is, and the other way round.
    lab.conf("power", &format!("amt 127.0.0.1:{}", lab.device.port));
    let told = lab.observe().unwrap_err();
    assert!(told.next_step.contains("whether it wants TLS"), "{told:?}");
}

#[test]
fn an_examination_names_the_first_step_that_is_wrong() {
    let lab = Lab::new(false, Drive::imagined(true));
    let told = lab.examine();
    let steps: Vec<&str> = told.iter().map(|(step, ..)| step.as_str()).collect();
    assert_eq!(steps, ["name", "port", "Digest", "version", "state", "MAC"]);
    assert_eq!(told[3].1, "AMT 16.1.25, which calls itself amt-host");
    assert_eq!(told[4].1, "it is on; its system can be asked to shut down");
    for (fault, step, words) in [
        (Fault::OtherPassword, "Digest", "refuses the name or the password"),
        (Fault::NoDigest, "Digest", "not by Digest"),
        (Fault::Closes, "Digest", "broke off"),
        (Fault::Long, "Digest", "longer than 1 MiB"),
        (Fault::Garbage, "version", "makes no sense"),
        (Fault::OtherMac, "MAC", "its network card is 52:54:00:ff:ff:ff, and kiosk has 52:54:00:77:00:60"),
    ] {
        lab.device.fault(fault.clone());
        let (at, told, next_step) = lab.examine().pop().unwrap();
        assert_eq!(at, step, "{fault:?}: {told}");
        assert!(told.contains(words) && next_step.is_some(), "{fault:?}: {told}");
    }
    lab.device.fault(Fault::None);
    fs::remove_file(lab.folder.path().join("10.77.0.1/10.77.0.60/amt.secret")).unwrap();
    let (at, told, next_step) = lab.examine().pop().unwrap();
    assert_eq!(at, "Digest");
    assert!(told.contains("no name and password") && next_step.unwrap().contains("amt.secret, mode 600"));
    for (power, step) in [("amt nowhere.invalid", "name"), ("amt 127.0.0.1:1", "port")] {
        lab.conf("power", power);
        assert_eq!(lab.examine().pop().unwrap().0, step);
    }
    let lab = Lab::new(true, Drive::imagined(false));
    let (at, told, _) = lab.examine().pop().unwrap();
    assert_eq!(at, "TLS");
    assert!(told.contains(&lab.device.fingerprint()), "{told}");
    lab.conf("amt.pin", &lab.device.fingerprint());
    let steps: Vec<String> = lab.examine().into_iter().map(|(step, ..)| step).collect();
    assert_eq!(steps, ["name", "port", "TLS", "Digest", "version", "state", "MAC"]);
}

#[test]
fn alarms_are_set_and_go_off() {
    let lab = Lab::new(false, Drive::imagined(false));
    let add = |name: &str, due: Timestamp| {
        let alarm = Alarm { name: name.to_owned(), due };
        lab.with(async |way, target| way.alarms().unwrap().add(&target, &alarm).await)
    };
    let list = || lab.with(async |way, target| way.alarms().unwrap().list(&target).await);
    let remove = |name: &str| lab.with(async |way, target| way.alarms().unwrap().remove(&target, name).await);
    assert_eq!(list(), Ok(vec![]));
    let later: Timestamp = "2099-03-29T05:30:00Z".parse().unwrap();
    lab.device.plant_alarm("<another's> & more", later);
    add("pxelator 1", later).unwrap();
    let alarm = |name: &str| Alarm { name: name.to_owned(), due: later };
    assert_eq!(list(), Ok(vec![alarm("<another's> & more"), alarm("pxelator 1")]));
    assert!(add("pxelator 1", later).unwrap_err().error.contains("an alarm \"pxelator 1\" already"));
    for count in 2..5 {
        add(&format!("pxelator {count}"), later).unwrap();
    }
    let told = add("pxelator 5", later).unwrap_err();
    assert_eq!(told.error, "its alarm clock is full: 5 is the firmware's limit");
    remove("pxelator 1").unwrap();
    assert!(remove("pxelator 1").unwrap_err().error.contains("InvalidSelectors"));
    assert_eq!(list().unwrap().len(), 4);
    lab.device.fault(Fault::Returns(1));
    assert!(add("pxelator 6", later).unwrap_err().error.contains("(AddAlarm returned 1)"));
    lab.device.fault(Fault::None);
    assert!(!lab.device.is_on());
    add("pxelator now", Timestamp::now() + SignedDuration::from_secs(1)).unwrap();
    wait_for("the alarm goes off", crate::support::SOON, || lab.device.is_on().then_some(()));
    assert_eq!(list().unwrap().len(), 4);
}
