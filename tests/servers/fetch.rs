//! `pxelator fetch` against a web server that breaks off, corrupts, changes its mind, sends elsewhere and falls silent: a file
//! is in its place whole and right, or as it was; what came is kept, and what is wrong is named with the next step.

use crate::support::{
    Program, SOON, Screen, Segment, can_run, noise,
    origin::{Answer, Origin},
    wait_for,
};
use pxelator::event::{Fact, Service};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// What would lead past the server.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

fn without_proxy(command: &mut Command) {
    for proxy in PROXIES {
        command.env_remove(proxy);
    }
}

/// A conf tree with one profile, `live`, and what is fetched for it.
struct Place(tempfile::TempDir);

/// How it ended, and what it said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    /// With these lines of `files`.
    fn new(files: &[String]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        let profile = place.path("conf/boot/live");
        fs::create_dir_all(&profile).unwrap();
        fs::write(profile.join("kernel"), "live/vmlinuz\n").unwrap();
        fs::write(profile.join("files"), files.join("\n") + "\n").unwrap();
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pxelator"));
        command.current_dir(self.0.path()).arg("fetch").args(words).stdin(Stdio::null());
        without_proxy(&mut command);
        command
    }

    fn fetch(&self, words: &[&str]) -> Said {
        said(self.command(words))
    }

    fn start(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What is in tftpboot/live, sorted.
    fn there(&self) -> Vec<String> {
        let entries =
            fs::read_dir(self.path("tftpboot/live")).map(|entries| entries.flatten().collect()).unwrap_or(vec![]);
        let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn content(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(&format!("tftpboot/{path}"))).unwrap()
    }
}

fn said(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

fn line(path: &str, url: &str, content: &[u8]) -> String {
    format!("{path} {url} {}", sha256(content))
}

#[test]
fn what_is_named_comes_whole_and_but_once() {
    let (kernel, image) = (noise(70_000), noise(900_000));
    let (a, b) = (kernel.clone(), image.clone());
    let origin = Origin::new(move |asked, _| Answer::good(asked, if asked.path == "/k" { &a } else { &b }, "1"));
    let sized = format!("{} {}", line("live/sub/image", &origin.url("i"), &image), image.len());
    let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &kernel), "# a remark".into(), sized]);
    let said = place.fetch(&["live"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(place.content("live/vmlinuz") == kernel && place.content("live/sub/image") == image);
    assert_eq!(place.there(), ["sub", "vmlinuz"], "nothing is left beside them");
    assert!(said.out.contains("live/vmlinuz: fetched, 70.0 kB"), "{}", said.out);
    assert!(said.out.contains("live: 2 fetched, 0 were there, 0 missing"), "{}", said.out);
    assert!(!said.out.contains('\r') && !said.err.contains('\r'), "no bar where there is no terminal");

    // What is right is not fetched again; what was changed is, and its digest tells.
    fs::write(place.path("tftpboot/live/vmlinuz"), noise(69_999)).unwrap();
    let said = place.fetch(&["live", "--json"]);
    assert_eq!((said.code, origin.asked().len()), (Some(0), 3));
    assert!(place.content("live/vmlinuz") == kernel);
    let kinds: Vec<String> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .filter(|kind| kind != "fetch.progressed")
        .collect();
    assert_eq!(kinds, ["fetch.begun", "fetch.completed", "fetch.found", "fetch.ended"]);
}

#[test]
fn what_breaks_off_goes_on_where_it_was() {
    let content = noise(500_000);
    let body = content.clone();
    // Three connections of which none lasts, then one that does.
    let origin = Origin::new(move |asked, before| {
        let answer = Answer::good(asked, &body, "v1");
        if before < 3 { answer.cut(100_000) } else { answer }
    });
    let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &content)]);
    let said = place.fetch(&["live"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(place.content("live/vmlinuz") == content);
    let asked = origin.asked();
    let from: Vec<_> = asked.iter().map(crate::support::origin::Asked::from).collect();
    assert_eq!(from, [None, Some(100_000), Some(200_000), Some(300_000)]);
    assert!(asked[1..].iter().all(|asked| asked.headers["if-range"] == "\"v1\""), "{asked:?}");
    assert!(said.out.contains("100.0 kB of it are there"), "{}", said.out);
}

#[test]
fn a_server_that_gives_no_parts_or_another_version_is_begun_anew_with() {
    let (old, new) = (noise(300_000), noise(300_001));
    for ignores_ranges in [true, false] {
        let (first, then) = (old.clone(), new.clone());
        let origin = Origin::new(move |asked, before| match (before, ignores_ranges) {
            (0, _) => Answer::good(asked, if ignores_ranges { &then } else { &first }, "v1").cut(90_000),
            (_, true) => Answer::whole(&then),
            (_, false) => Answer::good(asked, &then, "v2"),
        });
        let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &new)]);
        let said = place.fetch(&["live"]);
        assert_eq!(said.code, Some(0), "{ignores_ranges}: {}{}", said.out, said.err);
        assert!(place.content("live/vmlinuz") == new);
        let from: Vec<_> = origin.asked().iter().map(crate::support::origin::Asked::from).collect();
        assert_eq!(from, [None, Some(90_000)]);
    }
}

#[test]
fn a_part_of_something_else_is_found_out() {
    let content = noise(200_000);
    let body = content.clone();
    // It names no version, so that nothing tells the parts apart but the digest.
    let origin = Origin::new(move |asked, _| {
        let mut answer = Answer::good(asked, &body, "");
        answer.headers.retain(|(name, _)| name != "ETag");
        answer
    });
    let url = origin.url("k");
    let place = Place::new(&[line("live/vmlinuz", &url, &content)]);
    fs::create_dir_all(place.path("tftpboot/live")).unwrap();
    fs::write(place.path("tftpboot/live/vmlinuz.part"), vec![7; 50_000]).unwrap();
    fs::write(place.path("tftpboot/live/vmlinuz.part.of"), format!("{}\n{url}\n\n", sha256(&content))).unwrap();
    let said = place.fetch(&["live"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let from: Vec<_> = origin.asked().iter().map(crate::support::origin::Asked::from).collect();
    assert_eq!(from, [Some(50_000), None], "it went on, saw that it is wrong, and began anew");
    assert!(place.content("live/vmlinuz") == content);
    assert_eq!(place.there(), ["vmlinuz"]);
}

#[test]
fn a_wrong_digest_or_size_is_refused_with_both() {
    let (right, wrong) = (noise(100_000), noise(100_001));
    let body = wrong.clone();
    let origin = Origin::new(move |asked, _| Answer::good(asked, &body, "1"));
    let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &right)]);
    // What was there before stays: an older version is better than none.
    fs::create_dir_all(place.path("tftpboot/live")).unwrap();
    fs::write(place.path("tftpboot/live/vmlinuz"), "old").unwrap();
    let said = place.fetch(&["live"]);
    assert_eq!(said.code, Some(1));
    let expected = format!("live/vmlinuz: its SHA-256 is {}, and not {}", sha256(&wrong), sha256(&right));
    assert!(said.out.contains(&expected), "{}", said.out);
    assert!(said.out.contains("nothing of it was kept"), "{}", said.out);
    assert_eq!((place.content("live/vmlinuz"), place.there()), (b"old".to_vec(), vec!["vmlinuz".to_owned()]));

    let place = Place::new(&[format!("{} 99", line("live/vmlinuz", &origin.url("k"), &wrong))]);
    let said = place.fetch(&["live"]);
    assert_eq!((said.code, place.there()), (Some(1), vec![]));
    assert!(said.out.contains("live/vmlinuz: it has 100001 bytes there, and not 99"), "{}", said.out);
}

#[test]
fn what_a_server_refuses_is_named() {
    let content = noise(1_000);
    let body = content.clone();
    let origin = Origin::new(move |asked, before| match asked.path.as_str() {
        "/moved" => Answer::status("302 Found").with("Location", "/there"),
        "/there" => Answer::good(asked, &body, "1"),
        "/round" => Answer::status("302 Found").with("Location", "/round"),
        "/busy" if before < 2 => Answer::status("503 Service Unavailable"),
        "/busy" => Answer::good(asked, &body, "1"),
        "/down" => Answer::status("503 Service Unavailable"),
        _ => Answer::status("404 Not Found"),
    });
    for (path, words) in [
        ("busy", None),
        ("moved", None),
        ("gone", Some("127.0.0.1 answers 404 Not Found; it is not there (any more): take its URL and digest of today")),
        ("down", Some("127.0.0.1 answers 503 Service Unavailable; try again later: pxelator fetch live")),
        ("round", Some("it is sent from one URL to the next, and never comes; name the place where it is")),
    ] {
        let place = Place::new(&[line("live/vmlinuz", &origin.url(path), &content)]);
        let said = place.fetch(&["live"]);
        match words {
            None => assert!(said.code == Some(0) && place.content("live/vmlinuz") == content, "{path}: {}", said.out),
            Some(words) => {
                assert!(said.code == Some(1) && said.out.contains(words), "{path}: {}{}", said.out, said.err);
                assert!(!place.path("tftpboot/live/vmlinuz").exists(), "{path}");
            }
        }
    }
    // Nobody listens there any more.
    let url = origin.url("k");
    drop(origin);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new(&[line("live/vmlinuz", &format!("http://{gone}/k"), &content)]);
    let said = place.fetch(&["live"]);
    assert!(said.out.contains("127.0.0.1 cannot be reached: "), "{url}: {}", said.out);
    assert!(said.out.contains("or put the file at tftpboot/live/vmlinuz yourself"), "{}", said.out);
}

#[test]
fn what_falls_silent_is_kept_for_the_next_time() {
    let content = noise(400_000);
    let body = content.clone();
    let silent = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_silent = silent.clone();
    let origin = Origin::new(move |asked, _| {
        let answer = Answer::good(asked, &body, "1");
        let first = asked.from().is_none();
        match is_silent.load(std::sync::atomic::Ordering::Relaxed) {
            true => answer.stall(if first { 150_000 } else { 0 }),
            false => answer,
        }
    });
    let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &content)]);
    let said = place.fetch(&["live", "--patience", "1"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("127.0.0.1 said nothing for 1 s; what came is kept"), "{}", said.out);
    assert!(said.out.contains("(150.0 kB are kept)"), "{}", said.out);
    assert_eq!(place.there(), ["vmlinuz.part", "vmlinuz.part.of"], "never half a file in place");
    silent.store(false, std::sync::atomic::Ordering::Relaxed);
    let said = place.fetch(&["live"]);
    assert_eq!((said.code, origin.asked().last().unwrap().from()), (Some(0), Some(150_000)), "{}", said.out);
    assert!(place.content("live/vmlinuz") == content);
}

#[test]
fn ctrl_c_keeps_what_came_and_two_do_not_fetch_one_file() {
    let content = noise(400_000);
    let body = content.clone();
    let origin = Origin::new(move |asked, before| {
        let answer = Answer::good(asked, &body, "1");
        if before == 0 { answer.stall(250_000) } else { answer }
    });
    let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &content)]);
    let mut child = place.start(&["live"]);
    let part = place.path("tftpboot/live/vmlinuz.part");
    wait_for("a part", SOON, || fs::metadata(&part).ok().filter(|meta| meta.len() == 250_000));
    let other = place.fetch(&["live"]);
    assert_eq!(other.code, Some(1));
    assert!(other.out.contains("another is fetching it at this moment; wait until it is through"), "{}", other.out);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGINT).unwrap();
    let status = wait_for("its end", SOON, || child.try_wait().unwrap());
    assert_eq!((status.code(), place.there()), (Some(130), vec!["vmlinuz.part".into(), "vmlinuz.part.of".into()]));
    let said = place.fetch(&["live"]);
    assert_eq!((said.code, origin.asked().last().unwrap().from()), (Some(0), Some(250_000)), "{}", said.out);
    assert!(place.content("live/vmlinuz") == content);
}

#[test]
fn a_full_disk_is_said_before_or_as_it_fills() {
    if !can_run(&["unshare", "mount"]) {
        return;
    }
    let content = noise(3_000_000);
    for known in [true, false] {
        let body = content.clone();
        let origin = Origin::new(move |asked, _| Answer { unsized_body: !known, ..Answer::good(asked, &body, "1") });
        let place = Place::new(&[line("live/vmlinuz", &origin.url("k"), &content)]);
        fs::create_dir_all(place.path("tftpboot")).unwrap();
        // A disk of its own, seen by nobody else.
        let mut command = Command::new("unshare");
        let script = format!(
            "mount -t tmpfs -o size=1m none tftpboot && {} fetch live; code=$?; ls tftpboot/live; exit $code",
            env!("CARGO_BIN_EXE_pxelator")
        );
        command.current_dir(place.0.path()).args(["-m", "sh", "-c", &script]).stdin(Stdio::null());
        without_proxy(&mut command);
        let said = said(command);
        assert_eq!(said.code, Some(1), "{known}: {}{}", said.out, said.err);
        assert!(said.out.contains("live/vmlinuz: the disk is full: "), "{known}: {}", said.out);
        assert!(said.out.contains("make room; what came is kept"), "{known}: {}", said.out);
        assert!(!said.out.lines().any(|line| line == "vmlinuz"), "{known}: never half a file in place: {}", said.out);
        assert_eq!(said.out.contains("live/vmlinuz needs 3000000 bytes more"), known, "{}", said.out);
    }
}

#[test]
fn names_that_are_none_are_told() {
    let place = Place::new(&[]);
    fs::write(place.path("conf/boot/live/files"), "live/vmlinuz http://files.test/k 12\n").unwrap();
    let said = place.fetch(&["live"]);
    assert!(said.err.contains("conf/boot/live/files"), "what makes no sense is told: {}{}", said.out, said.err);
    fs::remove_file(place.path("conf/boot/live/files")).unwrap();
    let said = place.fetch(&["lve"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("there is no profile lve in conf/boot; did you mean live?"), "{}", said.err);
    let said = place.fetch(&["live"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("live: it names no files to fetch (conf/boot/live/files)"), "{}", said.out);
}

#[test]
fn a_running_program_fetches_too() {
    if !can_run(&[]) {
        return;
    }
    let content = noise(300_000);
    let segment = Segment::new("fetch");
    let body = content.clone();
    // The server's own host is all that there is to fetch from here.
    let origin = segment.inside(move || Origin::new(move |asked, _| Answer::good(asked, &body, "1")));
    segment.conf("boot/live/kernel", "live/vmlinuz");
    segment.conf("boot/live/files", &line("live/vmlinuz", &origin.url("k"), &content));
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(["run", "--headless", "--json"]);
    without_proxy(&mut command);
    let program = Program::spawn(command);
    program
        .wait("the door is open", |event| matches!(event.fact, Fact::ServiceStarted { service: Service::Program, .. }));
    let mut door = UnixStream::connect(segment.folder.path().join("run/control")).unwrap();
    for profile in ["live", "liv"] {
        writeln!(door, "{{\"fetch\":{{\"profile\":\"{profile}\"}}}}").unwrap();
    }
    program.wait("it is fetched", |event| {
        matches!(&event.fact, Fact::FetchCompleted { profile, file, bytes: 300_000, .. } if profile == "live" && file == "live/vmlinuz")
    });
    program
        .wait("all is over", |event| matches!(&event.fact, Fact::FetchEnded { fetched: 1, found: 0, failed: 0, .. }));
    program.wait(
        "none is of that name",
        |event| matches!(&event.fact, Fact::FetchRefused { profile, .. } if profile == "liv"),
    );
    assert!(fs::read(segment.tftpboot().join("live/vmlinuz")).unwrap() == content);
    let told = BufReader::new(door).lines().map_while(Result::ok).find(|line| line.contains("fetch.ended"));
    assert!(told.is_some(), "who asked by the door is told");
    segment.inside(move || drop(origin));
}

#[test]
fn a_terminal_shows_a_bar() {
    if !can_run(&["tmux"]) {
        return;
    }
    let content = noise(400_000);
    let segment = Segment::new("bar");
    let body = content.clone();
    let origin = segment.inside(move || {
        Origin::new(move |asked, _| {
            let answer = Answer::good(asked, &body, "1");
            // In two pieces with a pause between them, so that there is something under way to be shown.
            if asked.from().is_none() { answer.slow(200_000) } else { answer }
        })
    });
    segment.conf("boot/live/kernel", "live/vmlinuz");
    segment.conf("boot/live/files", &line("live/vmlinuz", &origin.url("k"), &content));
    let command = format!(
        "env -u http_proxy -u HTTP_PROXY -u all_proxy -u ALL_PROXY {} fetch live --patience 60",
        env!("CARGO_BIN_EXE_pxelator")
    );
    let screen = Screen::open(&segment, 100, 10, &command);
    screen.wait("live/vmlinuz  [=");
    origin.go_on();
    let shown = screen.wait("live: 1 fetched, 0 were there, 0 missing");
    assert!(shown.contains("live/vmlinuz: fetched, 400.0 kB") && !shown.contains("[="), "{shown}");
    segment.inside(move || drop(origin));
}
