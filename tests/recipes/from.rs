//! A recipe that is written from what was changed on one machine makes another like it; and all recipes of one for another.

use crate::{
    does, ended, recipe,
    support::{Debian, Program, Segment, can_run, debian, run},
};
use pxelator::event::{Came, Fact};
use sha2::{Digest, Sha256};
use std::{fs, path::Path, process::Command};

/// Puts a package, and the index that apt asks for, below `tftpboot/repository`.
fn publish(segment: &Segment) {
    let folder = segment.folder.path().join("package");
    for (path, body) in [
        (
            "DEBIAN/control",
            "Package: px-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@test.lan>\nDescription: hello\n",
        ),
        ("DEBIAN/conffiles", "/etc/px-hello/shipped\n/etc/px-hello/mine\n"),
        ("etc/px-hello/shipped", "as it came\n"),
        ("etc/px-hello/mine", "as it came\n"),
        ("usr/bin/px-hello", "#!/bin/sh\ncat /etc/px-hello/mine\n"),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, body).unwrap();
    }
    run(Command::new("chmod").args(["755", "usr/bin/px-hello"]).current_dir(&folder));
    let repository = segment.tftpboot().join("repository");
    fs::create_dir_all(&repository).unwrap();
    let package = repository.join("px-hello_1.0_all.deb");
    run(Command::new("dpkg-deb").args(["--build", "--root-owner-group", "-Znone"]).arg(&folder).arg(&package));
    let (bytes, control) = (fs::read(&package).unwrap(), fs::read_to_string(folder.join("DEBIAN/control")).unwrap());
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let about = format!("Filename: ./px-hello_1.0_all.deb\nSize: {}\nSHA256: {digest}\n", bytes.len());
    fs::write(repository.join("Packages"), format!("{control}{about}")).unwrap();
}

/// What is to be the same of both machines.
const SHOWN: &str = "cat /etc/px-hello/mine /etc/px-hello/shipped; stat -c '%n %a %U:%G %s' /etc/px-hello/* /srv/px /srv/px/*; \
    readlink /srv/px/link; getent passwd web; getent group web; id -nG web; px-hello; systemctl is-enabled px.service; \
    systemctl is-enabled ssh.service; ls /etc/issue.net 2>&1; true";

#[test]
fn what_was_done_by_hand_is_done_on_another_and_told() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("from");
    publish(&segment);
    let mut web1 = Debian::start(&segment, 60, "web1");
    let web2 = Debian::start(&segment, 61, "web2");
    segment.conf("10.77.0.1/track", "/etc\n/srv");
    let program = Program::start(&segment);
    for machine in [&web1, &web2] {
        machine.does("echo 'deb [trusted=yes] http://10.77.0.1/repository ./' > /etc/apt/sources.list");
    }
    recipe(&segment, "motd.sh", "# files: /etc/motd\n");
    recipe(&segment, "motd/etc/motd", "hello\n");
    does(&segment, &["track", "pull", "web1", "web2"], 0);
    let told = does(&segment, &["recipe", "apply", "motd", "web1"], 0);
    assert!(told.contains("web1: recipe motd: applied (pxelator changes web1: "), "{told}");
    program.wait(
        "the record knows by what",
        |event| matches!(&event.fact, Fact::TrackChanged { cause: Some(cause), .. } if cause == "recipe motd"),
    );
    let since = jiff::Timestamp::now().to_string();
    let told = does(&segment, &["recipe", "from", "web1", "--since", &since], 1);
    assert!(told.contains("nothing was changed on web1 since then"), "{told}");

    // A package, a user with a group, a service, files, a link, and one that is gone: by hand.
    web1.does(
        "set -e; apt-get -q update; apt-get -q -y install px-hello; echo mine > /etc/px-hello/mine
        groupadd --gid 1700 web; useradd --uid 1700 --gid 1700 --groups adm --home-dir /srv/px --shell /bin/sh --comment \"It's web\" web
        mkdir -p /srv/px; echo page > '/srv/px/a page'; ln -s 'a page' /srv/px/link; chown -R web:web /srv/px; chmod 2750 /srv/px
        printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/px.service
        systemctl enable px.service; systemctl enable ssh.service; rm /etc/issue.net; echo web1-only > /etc/hostname",
    );
    let told = does(&segment, &["recipe", "from", "web1", "--since", &since, "--name", "px"], 0);
    for said in [
        "conf/recipes/px.sh was written",
        "  /srv/px/a page\n",
        "/etc/hostname",
        "a package brought it so: /etc/px-hello/shipped",
    ] {
        assert!(told.contains(said), "{said} in {told}");
    }
    let script = fs::read_to_string(segment.conf_dir().join("recipes/px.sh")).unwrap();
    assert!(!Path::new(&segment.conf_dir().join("recipes/px/etc/hostname")).exists(), "{script}");
    assert!(
        does(&segment, &["recipe", "from", "web1", "--since", &since, "--name", "px"], 1).contains("is there already")
    );

    // web1 has it as it is; web2 gets it, and has it then.
    let told = does(&segment, &["recipe", "status", "px"], 1);
    assert!(told.lines().any(|line| line.starts_with("web1") && line.contains("has it")), "{told}\n{script}");
    assert!(told.lines().any(|line| line.starts_with("web2") && line.contains("lacks it")), "{told}");
    let (came, changed) = ended(&does(&segment, &["recipe", "apply", "px", "web2", "--json"], 0));
    assert!(came == Came::Applied && changed.contains(&"/etc/issue.net".to_owned()), "{changed:?}");
    assert_eq!(web2.does(SHOWN), web1.does(SHOWN), "{script}");
    assert_eq!(web2.does("cat /etc/hostname"), "web2\n");
    assert_eq!(ended(&does(&segment, &["recipe", "apply", "px", "web2", "--json"], 0)).0, Came::Unchanged);

    // All recipes of one for another, and what they do not explain.
    let told = does(&segment, &["same", "web1", "web2", "--dry-run"], 0);
    assert!(told.contains("web2: recipe motd: would change something\n  /etc/motd"), "{told}");
    let told = does(&segment, &["same", "web1", "web2"], 0);
    let at = |words: &str| told.find(words).unwrap_or_else(|| panic!("{words} in {told}"));
    assert!(
        at("web2: recipe motd: applied") < at("web2: recipe px: nothing differs"),
        "in the order in which web1 got them: {told}"
    );
    assert!(!told.contains("outside of recipes"), "recipes explain all of it: {told}");
    assert_eq!(web2.does("cat /etc/motd"), "hello\n");
    web1.does("echo more > /etc/more.conf");
    does(&segment, &["track", "pull", "web1"], 0);
    let told = does(&segment, &["same", "web1", "web2"], 0);
    assert!(told.contains("changed on web1 outside of recipes: /etc/more.conf\n"), "{told}");
    let words = told.lines().find_map(|line| line.strip_prefix("to take that along as well: pxelator ")).unwrap();
    let mut words: Vec<&str> = words.split_whitespace().collect();
    // Of a machine that is away the record is enough.
    web1.down();
    words.push("--print");
    assert!(does(&segment, &words, 0).contains("# files: /etc/more.conf 0644 root:root\n"));
    for (words, code, said) in [
        (&["same", "web1", "web1"][..], 2, "web1 is to be made like itself"),
        (&["same", "web*", "web1"], 2, "web* are 2 machines: one is the pattern"),
        (&["recipe", "from", "web1", "--since", "soon"], 2, "\"soon\" is not a moment: -2h"),
        (&["recipe", "from", "web*", "--since", "2h"], 2, "web* are 2 machines: one at a time"),
    ] {
        let told = does(&segment, words, code);
        assert!(told.contains(said), "{words:?}: {told}");
    }
}
