//! Machines that are armed: what shows that they are done, what a crash in between leaves, secrets that are told once, and
//! commands by names. Clients are curl, dig and ping, and one machine that installs itself and reboots.

mod lab;
use crate::support::{
    Program, SOON, Screen, Segment, can_run,
    vm::{self, Vm},
    wait_for,
};
use lab::{Lab, SECRET, ZONE, dig, get};
use pxelator::event::{Event, Fact};
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

fn disarmed(event: &Event) -> bool {
    matches!(event.fact, Fact::BootDisarmed { .. })
}

fn count(program: &Program, is: impl Fn(&Fact) -> bool) -> usize {
    program.events().iter().filter(|event| is(&event.fact)).count()
}

#[test]
fn evidence_disarms_and_a_crash_in_between_installs_nothing_twice() {
    if !can_run(&["curl"]) {
        return;
    }
    let mut lab = Lab::new("arm");
    let (code, told) = lab.cli(&["arm", "web1", "instal"]);
    assert_eq!((code, told.as_str()), (Some(2), "pxelator: no profile of conf/boot is called instal; install is"));
    let (code, told) = lab.cli(&["disarm", "web1"]);
    assert_eq!((code, told.as_str()), (Some(1), "pxelator: web1: it is not armed"));
    assert!(lab.boots().contains("kiosk/vmlinuz"));
    lab.arm();
    assert_eq!(lab.value("boot-once").as_deref(), Some("install then local"));
    // It runs what it ran before: what that fetches shows nothing.
    assert_eq!(lab.get("install/finished").0, "200");
    // Reset before the kernel came: no try.
    assert!(lab.boots().contains("install/vmlinuz"));
    lab.installs();
    let mark = lab.program().mark();
    assert_eq!(lab.get("install/finished-well").0, "404", "what is not there shows nothing");
    assert_eq!(lab.value("boot-once").as_deref(), Some("install then local"));
    assert_eq!(lab.get("install/finished").0, "200");
    let event = lab.program().wait_since(mark, "it is disarmed", disarmed);
    assert_eq!(
        event.fact.to_string(),
        "no longer armed with install: it fetched install/finished; boots local from now on"
    );
    wait_for("its files", SOON, || lab.value("boot-once").is_none().then_some(()));
    assert_eq!(lab.value("boot").as_deref(), Some("local"));
    assert!(lab.boots().contains("own disk"));
    assert_eq!(count(lab.program(), |fact| matches!(fact, Fact::BootDisarmed { .. })), 1);

    // Its files cannot be written when it is done; then the program is gone.
    lab.arm();
    lab.installs();
    let boot = lab.segment.conf_dir().join("10.77.0.1/10.77.0.60/boot");
    fs::remove_file(&boot).unwrap();
    fs::create_dir(&boot).unwrap();
    let mark = lab.program().mark();
    assert_eq!(lab.get("install/finished").0, "200");
    lab.program().wait_since(mark, "it is disarmed", disarmed);
    let unwritten = lab.program().wait_since(
        mark,
        "that is told",
        |event| matches!(&event.fact, Fact::ConfUnwritten { path, .. } if path == "10.77.0.1/10.77.0.60/boot"),
    );
    let told = unwritten.fact.to_string();
    assert!(told.ends_with("see that the machine's folder is there and can be written; it is tried again"), "{told}");
    lab.start();
    assert_eq!(lab.value("boot-once").as_deref(), Some("install then local"));
    assert!(lab.boots().contains("own disk"), "it is not installed once more");
    fs::remove_dir(&boot).unwrap();
    wait_for("its files", SOON, || lab.value("boot-once").is_none().then_some(()));
    assert_eq!(lab.value("boot").as_deref(), Some("local"));
    assert!(lab.boots().contains("own disk"));

    // The program is gone before it could follow what shows it.
    lab.arm();
    lab.installs();
    assert_eq!(lab.get("install/finished").0, "200");
    lab.stored("http.completed", "got install/finished", 4);
    lab.start();
    wait_for("it is disarmed", SOON, || lab.value("boot-once").is_none().then_some(()));
    assert!(lab.boots().contains("own disk"));

    // Taken back, it boots as before; without a program the file alone is written, and found when one starts.
    lab.arm();
    let (code, told) = lab.cli(&["disarm", "web*"]);
    assert_eq!((code, told.as_str()), (Some(0), "web1: no longer armed with install: taken back by the operator"));
    wait_for("the file is gone", SOON, || lab.value("boot-once").is_none().then_some(()));
    assert_eq!(lab.value("boot").as_deref(), Some("local"));
    lab.program.take().unwrap().kill();
    let (code, told) = lab.cli(&["arm", "web1", "install", "--then", "kiosk"]);
    let words = "web1: armed by its file alone, no PXElator runs here: boots install once, then kiosk";
    assert_eq!((code, told.as_str()), (Some(0), words));
    lab.start();
    lab.program().wait("it is told", |event| matches!(&event.fact, Fact::BootArmed { then, .. } if then == "kiosk"));
    lab.installs();
    assert_eq!(lab.get("install/finished").0, "200");
    wait_for("its files", SOON, || lab.value("boot-once").is_none().then_some(()));
    assert!(lab.boots().contains("kiosk/vmlinuz"));
}

#[test]
fn what_had_its_boots_is_not_given_again_until_it_is_armed_anew() {
    if !can_run(&["curl"]) {
        return;
    }
    let mut lab = Lab::new("spent");
    segment_tries(&lab, "2");
    lab.arm();
    lab.installs();
    lab.stored("boot.tried", "try 1 of 2", 1);
    lab.start();
    lab.installs();
    let tried = |event: &Event| matches!(event.fact, Fact::BootTried { number: 2, tries: 2, .. });
    lab.program().wait("the second try", tried);
    lab.stored("boot.tried", "try 2 of 2", 1);
    for restart in [false, false, true] {
        if restart {
            lab.start();
        }
        assert!(lab.boots().contains("own disk"));
    }
    assert_eq!(lab.value("boot-once").as_deref(), Some("install then local"), "who armed it is to see it");
    lab.start();
    assert!(lab.boots().contains("own disk"));
    let log = lab.cli(&["log", "-n", "1000", "kind=boot.spent"]).1;
    assert_eq!(log.lines().count(), 1, "it is told once: {log}");
    assert!(log.contains("install had its 2 boots, and nothing showed that it came to its end; arm the machine anew"));
    lab.arm();
    lab.installs();
}

fn segment_tries(lab: &Lab, tries: &str) {
    let mark = lab.program().mark();
    lab.segment.conf("boot/install/tries", tries);
    lab.program().wait_since(mark, "conf is read", |event| matches!(event.fact, Fact::ConfChanged { .. }));
}

#[test]
fn a_secret_is_told_once() {
    if !can_run(&["curl"]) {
        return;
    }
    let mut lab = Lab::new("secret");
    assert_eq!(lab.get("answers/secret.cfg").0, "404", "kiosk has no such file");
    lab.arm();
    lab.installs();
    let over_tftp = lab.host.sh("curl -s -S -m 10 tftp://10.77.0.1/answers/secret.cfg");
    assert!(!over_tftp.status.success() && !String::from_utf8_lossy(&over_tftp.stdout).contains(SECRET));
    let answers: Vec<(String, String)> = std::thread::scope(|scope| {
        let ask = || get(&lab.host, "answers/secret.cfg");
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (told, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(code, _)| code == "200");
    assert_eq!((told.len(), refused.len()), (1, 5));
    assert_eq!(told[0].1.trim_end(), format!("rootpw {SECRET}"));
    let words = "answers/secret.cfg holds a secret, which was told already; arm the machine anew";
    for (code, body) in refused {
        assert!(code == "403" && body.contains("which was told already; arm the machine anew"), "{code} {body}");
        assert!(!body.contains(SECRET), "{words}");
    }
    lab.program()
        .wait("it is told", |event| matches!(&event.fact, Fact::BootTold { file } if file == "answers/secret.cfg"));
    for path in ["answers/secret.cfg", "answers//secret.cfg", "answers/@install/secret.cfg?x=y", "answers/./secret.cfg"]
    {
        assert_eq!(lab.get(path).0, "403", "{path}");
    }
    let other = lab.get("answers/other.cfg");
    assert_eq!((other.0.as_str(), other.1.trim_end()), ("200", &*format!("again {SECRET}")), "another file");
    let root = lab.segment.folder.path().display().to_string();
    // The recorder writes by the clock, and is ended here as by a crash.
    wait_for("packets are kept, also those of the question", SOON, || {
        let kept = Command::new("grep").args(["-rlaF", "answers/secret.cfg HTTP/1.1", &root]).output().unwrap();
        String::from_utf8(kept.stdout).unwrap().contains(".pcapng").then_some(())
    });
    lab.start();
    assert_eq!(lab.get("answers/secret.cfg").0, "403", "also by the next program");
    let (code, _) = lab.cli(&["disarm", "web1"]);
    assert_eq!(code, Some(0));
    wait_for("disarmed", SOON, || lab.value("boot-once").is_none().then_some(()));
    assert_eq!(lab.get("answers/secret.cfg").0, "404");
    lab.arm();
    assert_eq!(lab.get("answers/secret.cfg").0, "200", "armed anew");
    // It is nowhere but in its file: neither in the journal nor in the packets that are kept.
    lab.program.take();
    let found = Command::new("grep").args(["-rlaF", SECRET, &root]).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.trim(), format!("{root}/conf/boot/install/root.secret"));
}

#[test]
fn commands_by_names() {
    if !can_run(&["curl", "dig", "ping", "busybox"]) {
        return;
    }
    let mut lab = Lab::new("names");
    lab.segment.machine(61, "52:54:00:77:00:61", "web2");
    let other = lab.segment.host("web2", "52:54:00:77:00:61");
    other.address("10.77.0.61");
    script(&lab.segment, "notify", "echo \"$PXE_HOSTNAME says $1\" >> ../../notified; echo noted", 0o755);
    script(&lab.segment, "broken", "echo it is broken; exit 3", 0o755);
    script(&lab.segment, "mine", "true", 0o777);
    lab.arm();
    lab.installs();
    let old = lab.token.clone();
    for (command, address) in [
        ("ask.armed", "127.0.0.1"),
        ("ask.profile-install", "127.0.0.1"),
        ("ask.profile-kiosk", "240.0.0.8"),
        ("ask.weather", "240.0.0.5"),
        ("stage.partman", "127.0.0.1"),
        ("log.disk-is-sda", "127.0.0.1"),
        ("frobnicate", "240.0.0.1"),
        ("mine", "240.0.0.4"),
    ] {
        assert_eq!(lab.says(command), address, "{command}");
    }
    // Other records of a command's name are asked for too, and do nothing.
    let nothing = dig(&lab.host, &format!("done.{}.{ZONE} AAAA", lab.token));
    assert!(nothing.contains("status: NOERROR") && nothing.contains("ANSWER: 0"), "{nothing}");
    let told = dig(&lab.host, &format!("+noall +answer stage.partman.{}.{ZONE} A", lab.token));
    let words: Vec<&str> = told.split_whitespace().skip(1).collect();
    assert!(matches!(words[..], ["0", "IN", "A", "127.0.0.1" | "127.0.0.2"]), "asked again, kept by nobody: {told}");

    // Forged, of another machine, of another boot; none of that is obeyed.
    // Each part begins with a new program: it begins anew to count, and knows what was said.
    lab.start();
    assert_eq!(lab.asks(&format!("done.0123456789abcdef.{ZONE}")), "240.0.0.2");
    assert_eq!(lab.asks(&format!("done.nonsense.{ZONE}")), "240.0.0.2");
    assert_eq!(dig(&other, &format!("+short done.{old}.{ZONE} A")), "240.0.0.2");
    assert_eq!(lab.asks(&format!("done.{ZONE}")), "240.0.0.5");
    assert_eq!(lab.value("boot-once").as_deref(), Some("install then local"));
    let unheeded = lab.program().wait("it is told", |event| {
        matches!(&event.fact, Fact::DnsUnheeded { verb, .. } if verb == "done")
            && event.machine.is_some_and(|machine| machine.to_string() == "10.77.0.61")
    });
    let words = "the command done was not obeyed, 240.0.0.2: its token is not that of the present boot of the machine \
                 that asks";
    assert_eq!(unheeded.fact.to_string(), words);

    // A script is run once, with its argument as a word and nothing else.
    lab.start();
    assert_eq!(lab.says("notify.disk.full"), "127.0.0.1");
    let notified = lab.segment.folder.path().join("notified");
    assert_eq!(fs::read_to_string(&notified).unwrap(), "web1 says disk.full\n");
    let again = lab.says("notify.disk.full");
    assert!(matches!(&*again, "127.0.0.1" | "127.0.0.2"), "asked again: {again}");
    assert_eq!(lab.says("broken"), "240.0.0.4");
    let ran = lab.program().wait("it is told", |event| matches!(&event.fact, Fact::DnsRan { code: Some(3), .. }));
    assert!(ran.fact.to_string().ends_with(": it is broken"), "{}", ran.fact);
    // What ping does with the answers, with this server as its resolver.
    let ping = |program: &str, command: &str| {
        fs::write(lab.host.folder().join("resolv.conf"), "nameserver 10.77.0.1\n").unwrap();
        let line = format!(
            "mount --bind resolv.conf /etc/resolv.conf && timeout 5 {program} -c 1 {command}.{}.{ZONE} 2>&1",
            lab.token
        );
        let out = lab.host.sh(&line);
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    for program in ["ping", "busybox ping"] {
        assert_eq!(ping(program, "stage.partman").0, Some(0), "{program}");
        let (code, said) = ping(program, "ask.profile-kiosk");
        // By a timeout it would be 124.
        assert!(matches!(code, Some(1 | 2)), "{program}: {code:?} {said}");
        assert!(said.contains("240.0.0.8") || said.contains("nreachable"), "{program}: {said}");
    }

    // The next program knows what was said.
    lab.start();
    assert_eq!(lab.says("notify.disk.full"), "127.0.0.2");
    assert_eq!(lab.says("stage.partman"), "127.0.0.2");
    assert_eq!(lab.says("broken"), "240.0.0.4");
    assert_eq!(fs::read_to_string(&notified).unwrap(), "web1 says disk.full\n", "once");
    assert_eq!(count(lab.program(), |fact| matches!(fact, Fact::DnsObeyed { .. })), 0);

    // A flood is answered, and told once.
    lab.start();
    let names: Vec<String> = (0..40).map(|n| format!("log.flood-{n}.{old}.{ZONE} A")).collect();
    let flood = dig(&lab.host, &format!("+short {}", names.join(" ")));
    assert!(flood.lines().filter(|line| *line == "127.0.0.1").count() <= 20, "{flood}");
    assert!(flood.lines().any(|line| line == "240.0.0.3"), "{flood}");
    assert!(count(lab.program(), |fact| matches!(fact, Fact::DnsUnheeded { .. })) <= 2);

    // Said by its stage, it is done; then it says so once more.
    lab.start();
    let mark = lab.program().mark();
    assert_eq!(lab.says("stage.finished"), "127.0.0.1");
    assert_eq!(lab.value("boot-once"), None, "the answer comes when it is so");
    assert_eq!(lab.value("boot").as_deref(), Some("local"));
    let event = lab.program().wait_since(mark, "it is told", disarmed);
    assert!(event.fact.to_string().contains("it said stage.finished by DNS"), "{}", event.fact);
    assert_eq!(lab.says("done"), "127.0.0.1", "there is nothing left to do");
    assert_eq!(lab.says("local"), "127.0.0.1");

    // Another boot has another token; a system of before says nothing about what it is armed with since.
    lab.conf(|| lab.segment.conf("10.77.0.1/10.77.0.60/boot", "kiosk"));
    let script = lab.boots();
    assert!(script.contains("kiosk/vmlinuz"), "{script}");
    assert_ne!(lab.token, old);
    assert_eq!(lab.asks(&format!("stage.partman.{old}.{ZONE}")), "240.0.0.2");
    lab.arm();
    lab.start();
    assert_eq!(lab.says("done"), "240.0.0.7");
    lab.conf(|| assert_eq!(lab.cli(&["disarm", "web1"]).0, Some(0)));
    assert_eq!(lab.says("local"), "127.0.0.1");
    assert_eq!(lab.value("boot").as_deref(), Some("local"));
    assert!(lab.boots().contains("own disk"));
}

fn script(segment: &Segment, name: &str, text: &str, mode: u32) {
    let path = format!("commands/{name}");
    segment.conf(&path, &format!("#!/bin/sh\n{text}"));
    fs::set_permissions(segment.conf_dir().join(path), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_machine_installs_itself_says_so_by_ping_and_boots_its_disk() {
    if !can_run(vm::NEEDED) || !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("once");
    vm::equip(&segment);
    segment.conf("boot/installer/kernel", "practice/vmlinuz");
    segment.conf("boot/installer/initrd", "practice/initrd.img");
    let append = "console=ttyS0 guest=stay hostname={{ machine.hostname }} run=answers/finish";
    segment.conf("boot/installer/append", append);
    let name = |command: &str| format!("{command}.{{{{ token }}}}.do.{{{{ segment.domain }}}}");
    let finish = format!(
        "ping -c 1 {} && ping -c 1 {} && echo INSTALLED > /dev/console\nping -c 1 {} && echo AGAIN > /dev/console\n\
         ping -c 1 {} || echo REFUSED > /dev/console\nreboot -f\n",
        name("stage.partman"),
        name("done"),
        name("done"),
        name("frobnicate"),
    );
    segment.conf("boot/installer/finish", &finish);
    let machine = Vm::new(&segment, 60, "vm1", "bios");
    segment.conf("10.77.0.1/10.77.0.60/boot-once", "installer");
    let program = Program::launch(&segment, &["--power-on", "vm1"]);
    machine.passes(
        &program,
        &[
            vm::got("practice/vmlinuz"),
            vm::stage("a try", |fact| matches!(fact, Fact::BootTried { number: 1, tries: 1, .. })),
            vm::got("answers/finish"),
            vm::stage("its stage", |fact| matches!(fact, Fact::DnsObeyed { argument, .. } if argument == "partman")),
            vm::stage(
                "disarmed",
                |fact| matches!(fact, Fact::BootDisarmed { evidence, .. } if evidence == "it said done by DNS"),
            ),
            vm::stage("refused", |fact| matches!(fact, Fact::DnsUnheeded { verb, .. } if verb == "frobnicate")),
            vm::discovered(true),
            vm::got("boot.ipxe"),
        ],
    );
    let console = machine.console();
    for line in ["INSTALLED", "AGAIN", "REFUSED"] {
        assert!(console.lines().any(|shown| shown == line), "{line}: {console}");
    }
    let conf = segment.conf_dir().join("10.77.0.1/10.77.0.60");
    assert_eq!(fs::read_to_string(conf.join("boot")).unwrap(), "local\n");
    assert!(!conf.join("boot-once").exists());
    assert_eq!(count(&program, |fact| matches!(fact, Fact::BootTried { .. })), 1);
    let kernels = |fact: &Fact| matches!(fact, Fact::HttpCompleted { transfer } if transfer.file == "practice/vmlinuz");
    assert_eq!(count(&program, kernels), 1, "its script says that it boots its disk");
    assert_eq!(count(&program, |fact| matches!(fact, Fact::BootDisarmed { .. })), 1);
    drop(program);
    // The next program shows what was.
    let screen = Screen::open(&segment, 140, 45, &format!("{} run", env!("CARGO_BIN_EXE_pxelator")));
    screen.wait("vm1");
    screen.keys(&["Enter"]);
    let shown = screen.wait("armed with installer at");
    assert!(shown.contains("boot 1 of 1: it said done by DNS at"), "{shown}");
    screen.keys(&["q"]);
}
