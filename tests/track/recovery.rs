//! A machine is destroyed, and another is made like it: by the commands of its recovery document, run by hand, and by a recipe that was
//! written from what was done to it. The two are compared file by file.

use crate::support::{Debian, Program, Segment, can_run, debian, run};
use jiff::Timestamp;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use pxelator::{
    event::Fact,
    track::{Entry, Kind, Repository},
};
use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// What is kept of the machines.
const TRACK: &str = "/etc\n/srv\n/usr/local\n/opt\n";

/// What a look may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command line where the server is, beside its conf; it has to succeed. What it printed.
fn pxelator(segment: &Segment, words: &[&str]) -> String {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    let output = command.current_dir(segment.folder.path()).args(words).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{words:?}: {text}");
    text
}

/// An archive of one package, which has a conffile, packed as text for a shell.
fn archive(segment: &Segment) -> String {
    let folder = segment.folder.path().join("archive");
    let put = |path: &str, text: &str| {
        let path = folder.join("package").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put(
        "DEBIAN/control",
        "Package: px-shop\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a shop\n",
    );
    put("DEBIAN/conffiles", "/etc/shop.conf\n/etc/shop/menu.conf\n");
    put("etc/shop.conf", "open = 9\n");
    put("etc/shop/menu.conf", "soup\n");
    put("usr/bin/px-shop", "#!/bin/sh\necho open\n");
    run(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(folder.join("package")));
    run(Command::new("chmod").arg("755").arg(folder.join("package/usr/bin/px-shop")));
    let served = folder.join("served");
    fs::create_dir_all(&served).unwrap();
    let package = folder.join("package");
    run(Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zgzip", "-b"])
        .arg(package)
        .arg(served.join("px-shop.deb")));
    let size = fs::metadata(served.join("px-shop.deb")).unwrap().len();
    let sum = run(Command::new("sha256sum").arg(served.join("px-shop.deb")));
    let sum = sum.split_whitespace().next().unwrap();
    let control = fs::read_to_string(folder.join("package/DEBIAN/control")).unwrap();
    fs::write(served.join("Packages"), format!("{control}Filename: ./px-shop.deb\nSize: {size}\nSHA256: {sum}\n"))
        .unwrap();
    run(Command::new("sh").args(["-c", "tar -C \"$0\" -cz . | base64 -w0"]).arg(served))
}

/// A Debian that reaches the archive and no other.
fn fresh(segment: &Segment, last: u8, hostname: &str, archive: &str) -> Debian {
    let machine = Debian::start(segment, last, hostname);
    machine.does(&format!(
        "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; mkdir -p /var/local/archive; echo {archive} | base64 -d | tar -xz -C \
         /var/local/archive"
    ));
    segment.conf(&format!("10.77.0.1/10.77.0.{last}/track"), TRACK);
    machine
}

/// Waits until the program has looked at a machine.
fn looked(program: &Program, last: u8) {
    let address = Some(Ipv4Addr::new(10, 77, 0, last));
    program.wait_for(&format!("a look at {last}"), PATIENCE, |event| {
        event.machine == address && matches!(event.fact, Fact::TrackLooked { .. } | Fact::TrackChanged { .. })
    });
}

/// Waits until a document is written of what changed after `mark`.
fn documented(program: &Program, mark: usize, last: u8) {
    let address = Some(Ipv4Addr::new(10, 77, 0, last));
    let is_it =
        |event: &pxelator::event::Event| event.machine == address && matches!(event.fact, Fact::TrackDocumented { .. });
    program.wait_since(mark, "its document", is_it);
}

/// One package, a user, files of all kinds, a changed conffile and a service.
const DONE: &str = r#"set -e
echo 'deb [trusted=yes] file:/var/local/archive ./' > /etc/apt/sources.list.d/shop.list
apt-get update >/dev/null
apt-get install -y px-shop >/dev/null 2>&1
groupadd -g 1500 deploy
useradd -u 1500 -g deploy -G adm -d /srv/deploy -s /bin/sh -c 'Puts it there' deploy
install -d -m 2750 -o deploy -g adm /srv/deploy
odd=$(printf '/srv/deploy/it'"'"'s\012od\377d ')
printf 'END\n```\n$(reboot) `reboot`\n' > "$odd"
chown deploy:adm "$odd"
chmod 4750 "$odd"
head -c 3000 /bin/ls > /usr/local/bin/binary
chmod 755 /usr/local/bin/binary
ln -s ../../srv/deploy /etc/shop/current
ln /etc/shop/menu.conf /etc/shop/twin
echo 'open = 7' > /etc/shop.conf
chmod 640 /etc/shop.conf
printf 'no end' > /opt/note
rm /etc/issue.net
mkfifo -m 600 /opt/pipe
cat > /etc/systemd/system/shop.service <<'UNIT'
[Service]
ExecStart=/usr/bin/px-shop
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable shop.service
"#;

/// The commands of a document that are run on the new machine.
fn commands(markdown: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut within = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) if &*kind == "sh" => {
                within = true;
                found.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => within = false,
            Event::Text(text) if within => found.last_mut().unwrap().push_str(&text),
            _ => {}
        }
    }
    found
}

/// A machine's files as they are kept, but for what says which machine it is, for copies that programs make, and for times.
fn files(segment: &Segment, host: &str) -> BTreeMap<String, Entry> {
    let folder = segment.folder.path();
    let repository = Repository::new(&folder.join("hosts"), &folder.join("run"));
    let newest = repository.newest(host).unwrap().unwrap();
    let entries = repository.entries(host, &newest).unwrap();
    let own = ["etc/hostname", "etc/hosts", "etc/machine-id", "etc/ssh/ssh_host_ed25519_key.pub", "etc/ld.so.cache"];
    let is_own = |path: &str| own.contains(&path) || (path.starts_with("etc/") && path.ends_with('-'));
    let named = entries.into_iter().map(|entry| {
        let entry = Entry { mtime: (0, 0), ..entry };
        (pxelator::track::shown(&entry.path), entry)
    });
    named.filter(|(path, _)| !is_own(path)).collect()
}

/// All files are equal, those with and those without a change.
fn equal(old: &BTreeMap<String, Entry>, new: &BTreeMap<String, Entry>) {
    assert!(old.len() > 100, "{} files are no Debian", old.len());
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let other: Vec<String> = paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| format!("{path}\n  was {:?}\n  is  {:?}", old.get(path), new.get(path)))
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
}

fn document(folder: &Path) -> String {
    fs::read_to_string(folder.join("hosts/web1.md")).unwrap()
}

#[test]
fn a_destroyed_machine_is_made_anew_from_its_document_and_by_a_recipe() {
    if !can_run(debian::NEEDED) || !can_run(&["dpkg-deb"]) {
        return;
    }
    let segment = Segment::new("recovery");
    let folder = segment.folder.path().to_owned();
    let archive = archive(&segment);
    let program = Program::start(&segment);
    let mut web1 = fresh(&segment, 60, "web1", &archive);
    looked(&program, 60);
    documented(&program, 0, 60);
    let page = document(&folder);
    assert_eq!(commands(&page), Vec::<String>::new(), "nothing was done to it yet: {page}");
    let before = Timestamp::now();
    segment.conf("10.77.0.1/10.77.0.60/about", "It sells *soup*.");
    web1.does(DONE);
    let mark = program.mark();
    pxelator(&segment, &["track", "pull", "web1"]);
    documented(&program, mark, 60);
    let old = files(&segment, "web1");
    for path in ["etc/shop.conf", "usr/local/bin/binary", "opt/pipe", r"srv/deploy/it's\x0aod\xffd "] {
        assert!(old.contains_key(path), "{path}: {:?}", old.keys().collect::<Vec<_>>());
    }
    // The page is current without having been asked for.
    let page = document(&folder);
    assert!(pxelator(&segment, &["doc", "web1"]).contains("is as it was"));
    assert!(page.contains("px-shop") && page.contains("It sells \\*soup\\*"), "{page}");
    let html = fs::read_to_string(folder.join("hosts/web1.html")).unwrap();
    assert!(html.contains("<ins>+open = 7\n</ins>") || html.contains("open = 7"), "{html}");

    // It is destroyed, with all that it had.
    web1.down();
    let layer = web1.upper();
    drop(web1);
    fs::remove_dir_all(layer.parent().unwrap()).unwrap();

    let web2 = fresh(&segment, 61, "web2", &archive);
    looked(&program, 61);
    let blocks = commands(&page);
    assert!(blocks.len() >= 5, "{page}");
    for block in &blocks {
        web2.does(&format!("set -e\n{block}"));
    }
    assert_eq!(web2.does("px-shop; id -nG deploy; systemctl is-enabled shop.service"), "open\ndeploy adm\nenabled\n");
    pxelator(&segment, &["track", "pull", "web2"]);
    equal(&old, &files(&segment, "web2"));
    // Once more, as a person would who is not sure: nothing changes.
    for block in &blocks {
        web2.does(&format!("set -e\n{block}"));
    }
    pxelator(&segment, &["track", "pull", "web2"]);
    equal(&old, &files(&segment, "web2"));
    drop(web2);

    let _web3 = fresh(&segment, 62, "web3", &archive);
    looked(&program, 62);
    let (since, until) = (before.to_string(), Timestamp::now().to_string());
    let said = pxelator(&segment, &["recipe", "from", "web1", "--since", &since, "--until", &until, "--name", "shop"]);
    assert!(said.contains("shop.sh"), "{said}");
    pxelator(&segment, &["recipe", "apply", "shop", "web3"]);
    pxelator(&segment, &["track", "pull", "web3"]);
    let mut new = files(&segment, "web3");
    let mut old = old;
    // A recipe takes no special files along.
    assert!(matches!(old.remove("opt/pipe").unwrap().kind, Kind::Pipe));
    new.remove("opt/pipe");
    // Nor that two names are one file.
    for files in [&mut old, &mut new] {
        files.values_mut().for_each(|entry| entry.same_as = None);
    }
    equal(&old, &new);
}
