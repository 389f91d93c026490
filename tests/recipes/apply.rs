//! What is changed and what is not, what is told, what goes wrong.

use crate::{
    does, ended, recipe, stat,
    support::{self, Debian, Program, Segment, can_run, debian, run},
};
use pxelator::event::{Came, Event, Fact};
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

#[test]
fn only_what_differs_is_changed() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("recipe");
    let web1 = Debian::start(&segment, 60, "web1");
    recipe(
        &segment,
        "web.sh",
        "# title: A greeting\n# needs: sed\n# files: /etc/motd 0644 root:root\n#   /etc/px/a\\040b 0600 daemon:daemon\n\
         #   /etc/px/link\n#   /etc/px/data 0750 root:daemon\n# variables: PORT=80\n\
         check() { grep -q \"^port $PXE_PORT $PXE_HOSTNAME\\$\" /etc/px.conf; }\n\
         apply() {\n  echo \"writing px.conf\"\n  echo \"port $PXE_PORT $PXE_HOSTNAME\" > /etc/px.conf\n  echo \"put: $PXE_PUT\"\n}\n\
         verify() { test -s /etc/px.conf; }\n",
    );
    recipe(&segment, "web/etc/motd", "hello\n");
    recipe(&segment, "web/etc/px/a b", "secret\n");
    std::os::unix::fs::symlink("../motd", segment.conf_dir().join("recipes/web/etc/px/link")).unwrap();
    fs::create_dir_all(segment.conf_dir().join("recipes/web/etc/px/data")).unwrap();
    web1.does("echo hello > /etc/motd; chmod 600 /etc/motd; mkdir -p /etc/px; echo old > '/etc/px/a b'");

    // What it would do is said, and nothing is done.
    let before = stat(&web1, "/etc /etc/motd /etc/px /etc/px/* /var/lib");
    let told = does(&segment, &["recipe", "apply", "web", "web1", "--dry-run"], 0);
    assert!(told.contains("/etc/motd: 600 root:root is to be 644 root:root"), "{told}");
    assert!(told.contains("/etc/px/a b: its content differs; it is not shown"), "{told}");
    assert!(told.contains("/etc/px/link: is to be a link to ../motd"), "{told}");
    assert!(told.contains("web1: recipe web: would change something\n  /etc/motd\n"), "{told}");
    assert_eq!(stat(&web1, "/etc /etc/motd /etc/px /etc/px/* /var/lib"), before);
    let told = does(&segment, &["recipe", "status", "web", "web1"], 1);
    assert!(told.contains("web1     web     lacks it"), "{told}");

    // A file of which only the mode differs keeps its time.
    let motd = web1.does("stat -c '%i %y' /etc/motd");
    let told = does(&segment, &["recipe", "apply", "web", "web1"], 0);
    assert!(told.contains("writing px.conf\n") && told.contains("web1: recipe web: applied"), "{told}");
    for path in ["/etc/motd", "/etc/px.conf", "/etc/px/a b", "/etc/px/link"] {
        assert!(told.contains(&format!("\n  {path}\n")), "{path} in {told}");
    }
    assert_eq!(web1.does("stat -c '%i %y' /etc/motd"), motd);
    let is = web1.does("stat -c '%n %a %U:%G' /etc/motd '/etc/px/a b' /etc/px/data; readlink /etc/px/link; cat '/etc/px/a b' /etc/px.conf");
    let expected = "/etc/motd 644 root:root\n/etc/px/a b 600 daemon:daemon\n/etc/px/data 750 root:daemon\n../motd\nsecret\nport 80 web1\n";
    assert_eq!(is, expected);

    // Again: nothing is touched.
    let before = stat(&web1, "/etc /etc/motd /etc/px /etc/px/* /etc/px.conf /var/lib /var/lib/pxelator/recipes/*");
    let (came, changed) = ended(&does(&segment, &["recipe", "apply", "web", "web1", "--json"], 0));
    assert_eq!((came, changed.len()), (Came::Unchanged, 0));
    assert_eq!(
        stat(&web1, "/etc /etc/motd /etc/px /etc/px/* /etc/px.conf /var/lib /var/lib/pxelator/recipes/*"),
        before
    );

    // Drift by hand is seen with its file, and mended; what did not drift is not touched.
    web1.does("echo other > /etc/motd");
    let told = does(&segment, &["recipe", "status"], 1);
    assert!(told.contains("drifted") && told.contains("/etc/motd") && !told.contains("px.conf"), "{told}");
    let others = stat(&web1, "/etc/px/*");
    segment.conf("10.77.0.1/10.77.0.60/recipes", "web");
    let (came, changed) = ended(&does(&segment, &["recipe", "enforce", "web1", "--json"], 0));
    assert_eq!((came, changed.contains(&"/etc/motd".to_owned())), (Came::Applied, true));
    assert_eq!((web1.does("cat /etc/motd").as_str(), stat(&web1, "/etc/px/*")), ("hello\n", others));
    let told = does(&segment, &["recipe", "status"], 0);
    assert!(told.contains("has it"), "{told}");

    // A newer version is told from drift.
    recipe(&segment, "web/etc/motd", "hello again\n");
    let told = does(&segment, &["recipe", "status", "web1"], 1);
    assert!(told.contains("older version"), "{told}");
    let told = does(&segment, &["recipe", "apply", "web", "web1", "--dry-run"], 0);
    assert!(told.contains("-hello\n+hello again\n") && told.contains("--- /etc/motd (as it is)"), "{told}");
}

#[test]
fn a_plain_how_to_works_as_it_is() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("howto");
    let mut web1 = Debian::start(&segment, 60, "web1");
    recipe(
        &segment,
        "ntp.sh",
        "# Servers of time.\nmkdir -p /etc/ntp.d\necho server ntp.test.lan > /etc/ntp.d/servers\ncat /dev/stdin\necho done\n",
    );
    let told = does(&segment, &["recipe", "apply", "ntp", "web1"], 0);
    assert!(told.contains("done\nweb1: recipe ntp: applied\n  /etc/ntp.d/servers\n"), "{told}");
    let before = stat(&web1, "/etc/ntp.d /etc/ntp.d/servers");
    assert_eq!(ended(&does(&segment, &["recipe", "apply", "ntp", "web1", "--json"], 0)).0, Came::Unchanged);
    assert_eq!(stat(&web1, "/etc/ntp.d /etc/ntp.d/servers"), before);
    assert_eq!(ended(&does(&segment, &["recipe", "apply", "ntp", "web1", "--again", "--json"], 0)).0, Came::Applied);
    assert_ne!(stat(&web1, "/etc/ntp.d /etc/ntp.d/servers"), before);
    // What it changed is known from the first time on, also where the last did not change it.
    web1.does("echo server other > /etc/ntp.d/servers");
    let told = does(&segment, &["recipe", "status"], 1);
    assert!(told.contains("drifted") && told.contains("/etc/ntp.d/servers"), "{told}");
    assert_eq!(ended(&does(&segment, &["recipe", "apply", "ntp", "web1", "--json"], 0)).0, Came::Applied);
    assert_eq!(web1.does("cat /etc/ntp.d/servers"), "server ntp.test.lan\n");

    // A machine that is away is unknown, with what was known of it.
    web1.down();
    let told = does(&segment, &["recipe", "status"], 1);
    assert!(told.contains("unknown") && told.contains("it was: applied"), "{told}");
    let told = does(&segment, &["recipe", "apply", "ntp", "web1"], 1);
    assert!(told.contains("Connection refused"), "{told}");
}

#[test]
fn what_goes_wrong_is_said() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("wrong");
    let web1 = Debian::start(&segment, 60, "web1");
    recipe(
        &segment,
        "fails.sh",
        "apply() {\n  echo one\n  echo two >&2\n  touch /etc/half\n  ls /nowhere\n  touch /etc/whole\n}\n",
    );
    recipe(&segment, "unverified.sh", "apply() { :; }\nverify() { echo nobody listens; return 3; }\n");
    recipe(&segment, "weak.sh", "check() { test -e /etc/never; }\napply() { :; }\n");
    recipe(&segment, "lacks.sh", "# needs: sed px-nowhere\ntrue\n");
    recipe(&segment, "base.sh", "touch /etc/base\n");
    recipe(
        &segment,
        "top.sh",
        "# needs: recipe:base\ncheck() { test -e /etc/base && test -e /etc/top; }\napply() { test -e /etc/base; touch /etc/top; }\n",
    );
    recipe(&segment, "broken.sh", "apply() {\n  if true; then\n}\n");
    recipe(&segment, "user.sh", "# files: /etc/x 0644 nobody-here:root\n");
    recipe(&segment, "user/etc/x", "x\n");
    for (words, code, said) in [
        (&["apply", "fails", "web1"][..], 1, "one\ntwo\nls: cannot access"),
        (
            &["apply", "fails", "web1"],
            1,
            "pxelator: web1: recipe fails: apply ended with exit code 2: one / two / ls: cannot access",
        ),
        (
            &["apply", "unverified", "web1"],
            1,
            "verify ended with exit code 3: nobody listens; mend conf/recipes/unverified.sh",
        ),
        (&["apply", "weak", "web1"], 1, "it was applied, and something still differs: check says 1"),
        (&["apply", "lacks", "web1"], 1, "it needs px-nowhere, which the machine has not"),
        (&["apply", "user", "web1"], 1, "/etc/x cannot be put there: chown: invalid user"),
        (&["apply", "broken", "web1"], 1, "conf/recipes/broken.sh, line 3: "),
        (
            &["apply", "brokn", "web1"],
            2,
            "no recipe of conf/recipes is called brokn; broken is; write conf/recipes/brokn.sh",
        ),
        (&["apply", "weak", "wbe1"], 2, "no machine of conf is called wbe1; web1 is"),
        (&["apply", "weak", "db@web1"], 2, "no container of web1 is called db"),
        (&["enforce", "web1"], 2, "web1 is to have no recipe; name some in conf/10.77.0.1/10.77.0.60/recipes"),
        (&["show", "weka"], 2, "weak is"),
        (&["list"], 1, "conf/recipes/broken.sh, line 3"),
        (&["status", "waek"], 2, "no machine and no recipe of conf is called waek"),
        (&["apply", "top", "web1"], 0, "web1: recipe base: applied"),
    ] {
        let words: Vec<&str> = ["recipe"].into_iter().chain(words.iter().copied()).collect();
        let told = does(&segment, &words, code);
        assert!(told.contains(said), "{words:?}: {told}");
    }
    segment.conf("10.77.0.1/10.77.0.60/recipes", "base\nbsae");
    let told = does(&segment, &["check"], 1);
    assert!(
        told.contains("conf/recipes/broken.sh, line 3: ")
            && told.contains("web1 is to have recipe bsae, which is not in"),
        "{told}"
    );
    let there = web1.does("ls /etc/half /etc/top /etc/base; ls -A /etc | grep pxelator; ls -d /tmp/pxelator* 2>&1 | grep -v 'cannot access'; true");
    assert_eq!(there, "/etc/base\n/etc/half\n/etc/top\n", "nothing is left behind");
    assert!(!web1.sh("test -e /etc/whole").status.success(), "a command that fails ends it");
}

#[test]
fn through_a_running_program_and_into_containers() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("run");
    // Who refuses a connection further down is to have refused a recipe, not a check.
    segment.conf("10.77.0.1/checks", "off");
    let mut web1 = Debian::start(&segment, 60, "web1");
    let web2 = Debian::start(&segment, 61, "web2");
    // A root with busybox alone is as good as a container.
    web1.does(
        "set -e; mkdir -p /srv/db && cd /srv/db && mkdir bin dev tmp etc run var; cp /bin/busybox bin
        ldd /bin/busybox | grep -o '/[^ ]*' | xargs cp --parents -Lt .; for name in $(busybox --list); do ln -sf busybox bin/$name; done
        mknod -m 666 dev/null c 1 3; mknod -m 666 dev/urandom c 1 9; echo root:x:0:0::/:/bin/sh > etc/passwd; echo root:x:0: > etc/group",
    );
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/db");
    recipe(&segment, "motd.sh", "# files: /etc/motd\n#   /etc/link\n");
    recipe(&segment, "motd/etc/motd", "hello\n");
    std::os::unix::fs::symlink("motd", segment.conf_dir().join("recipes/motd/etc/link")).unwrap();
    recipe(&segment, "howto.sh", "echo one > /etc/one\n");
    recipe(
        &segment,
        "slow.sh",
        "check() { test -e /etc/slow; }\napply() {\n  echo first\n  mkfifo /run/go\n  cat /run/go\n  echo last\n  touch /etc/slow\n  (sleep 600 &)\n}\n",
    );
    let wish = |words: &[&str]| {
        let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
        command.current_dir(segment.folder.path()).args(words).args(["recipe", "apply", "slow", "web1", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let out = |child: std::process::Child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();

    // Two at once without a program that both ask: the machine itself lets one wait for the other.
    let first = wish(&[]);
    support::wait_for("it is in the middle", support::SOON, || {
        web1.sh("test -p /run/go").status.success().then_some(())
    });
    let second = wish(&["--journal", "other.sqlite", "--run-dir", "other"]);
    let waits = "pgrep -f '^flock -w 3600' || true";
    support::wait_for("the second waits", support::SOON, || (!web1.does(waits).is_empty()).then_some(()));
    web1.does("echo between > /run/go");
    assert_eq!((ended(&out(first)).0, ended(&out(second)).0), (Came::Applied, Came::Unchanged));
    web1.does("rm -f /etc/slow /run/go");

    let program = Program::start(&segment);
    let told = does(&segment, &["recipe", "apply", "motd", "db@web1", "web*", "-q"], 0);
    assert!(told.contains("db@web1: recipe motd: applied") && told.contains("web2: recipe motd: applied"), "{told}");
    assert_eq!(web1.does("cat /srv/db/etc/motd; readlink /srv/db/etc/link"), "hello\nmotd\n");
    let came = |name: &str| ended(&does(&segment, &["recipe", "apply", name, "db@web1", "--json"], 0));
    assert_eq!(came("motd").0, Came::Unchanged);
    assert_eq!(came("howto"), (Came::Applied, vec!["/etc/one".to_owned()]));
    assert_eq!(came("howto").0, Came::Unchanged);
    web1.does("echo two > /srv/db/etc/one");
    let told = does(&segment, &["recipe", "status", "howto", "*@web1"], 1);
    assert!(told.contains("db@web1") && told.contains("drifted") && told.contains("/etc/one"), "{told}");

    // Output is heard while it runs; a second wish waits for the first, and finds nothing to do; a service that goes on holds nothing up.
    let first = wish(&[]);
    let said = |text: &'static str| move |event: &Event| matches!(&event.fact, Fact::RecipeSaid { text: said, .. } if said == text);
    program.wait("its first line is heard", said("first"));
    assert!(!program.events().iter().any(said("last")));
    let second = wish(&[]);
    web1.does("echo between > /run/go");
    program.wait("its last line is heard", said("last"));
    let first = first.wait_with_output().unwrap();
    let second = second.wait_with_output().unwrap();
    assert!(first.status.success() && second.status.success());
    assert_eq!(ended(&String::from_utf8(first.stdout).unwrap()).0, Came::Applied);
    program.wait(
        "the second found nothing to do",
        |event| matches!(&event.fact, Fact::RecipeEnded { recipe, came: Came::Unchanged, .. } if recipe == "slow"),
    );

    // The plug is pulled in the middle of it.
    web1.does("rm -f /etc/slow /run/go");
    let mark = program.mark();
    let child = wish(&[]);
    program.wait_since(mark, "it is in the middle", said("first"));
    web1.down();
    let failed = program.wait_since(mark, "it broke", |event| matches!(event.fact, Fact::RecipeFailed { .. }));
    assert!(failed.fact.to_string().contains("how far it came is not known"), "{}", failed.fact);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    web1.up();

    // In its pace: drift is mended without being asked, and a machine that is away is caught up with.
    web2.does("echo other > /etc/motd");
    let mark = program.mark();
    segment.conf("10.77.0.1/10.77.0.61/recipes", "motd\nevery 1m");
    let ended = program.wait_since(mark, "it is mended", |event| matches!(event.fact, Fact::RecipeEnded { .. }));
    assert!(
        matches!(&ended.fact, Fact::RecipeEnded { came: Came::Applied, changed, .. } if changed == &["/etc/motd"]),
        "{ended:?}"
    );
    assert_eq!(web2.does("cat /etc/motd"), "hello\n");

    web1.does("echo other > /etc/motd");
    web1.down();
    let refused = || {
        let counters = fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
        let of_tcp: Vec<&str> = counters.lines().filter_map(|line| line.strip_prefix("Tcp: ")).collect();
        let at = of_tcp[0].split(' ').position(|name| name == "OutRsts").unwrap();
        of_tcp[1].split(' ').nth(at).unwrap().parse::<u64>().unwrap()
    };
    let before = web1.host.inside(refused);
    let mark = program.mark();
    segment.conf("10.77.0.1/10.77.0.60/recipes", "motd\nevery 1d");
    support::wait_for("it was looked for", support::SOON * 2, || (web1.host.inside(refused) > before).then_some(()));
    web1.up();
    support::wait_for("it is mended when it shows itself", support::SOON * 3, || {
        run(web1.host.command("logger").args(["-n", "10.77.0.1", "-d", "-P", "514", "I am here"]));
        let is_it = |event: &Event| matches!(&event.fact, Fact::RecipeEnded { came: Came::Applied, .. });
        program.since(mark).iter().any(is_it).then_some(())
    });
    let away = program.since(mark).into_iter().filter(|event| matches!(event.fact, Fact::RecipeFailed { .. }));
    assert_eq!(away.count(), 0, "that it is away is no failure");
    assert_eq!(web1.does("cat /etc/motd"), "hello\n");
}

#[test]
fn shipped_recipes_make_sense() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/recipes");
    let names = pxelator::recipe::names(&folder).unwrap();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let loaded = pxelator::recipe::load(&folder, &name).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(
            loaded.recipe.title != name && !loaded.recipe.about.is_empty(),
            "{name} has a title and says what it is about"
        );
        for function in ["check", "apply", "verify"] {
            assert!(loaded.recipe.functions.contains(&function), "{name} has {function}");
        }
        let mode = fs::metadata(folder.join(format!("{name}.sh"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0, "{name}.sh is not run here");
    }
}

#[test]
fn shipped_recipes_work() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("shipped");
    let web1 = Debian::start(&segment, 60, "web1");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/recipes");
    std::os::unix::fs::symlink(shipped, segment.conf_dir().join("recipes")).unwrap();
    segment.conf("10.77.0.1/10.77.0.60/greeting", "This is");
    for name in ["motd", "ssh-keys-only"] {
        assert_eq!(ended(&does(&segment, &["recipe", "apply", name, "web1", "--json"], 0)).0, Came::Applied, "{name}");
        assert_eq!(
            ended(&does(&segment, &["recipe", "apply", name, "web1", "--json"], 0)).0,
            Came::Unchanged,
            "{name}"
        );
    }
    assert_eq!(
        web1.does("cat /etc/motd; sshd -T | grep '^passwordauth'"),
        "This is web1.test.lan (10.77.0.60)\npasswordauthentication no\n"
    );
    // Nobody is locked out.
    web1.does("echo > /etc/ssh/sshd_config.d/10-keys-only.conf; mv /root/.ssh/authorized_keys /root/.ssh/k; echo AuthorizedKeysFile .ssh/k > /etc/ssh/sshd_config.d/k.conf; pkill -HUP -o sshd");
    support::wait_for("sshd is there again", support::SOON, || web1.sh("true").status.success().then_some(()));
    let told = does(&segment, &["recipe", "apply", "ssh-keys-only", "web1"], 1);
    assert!(told.contains("root has no key in /root/.ssh/authorized_keys: put one there first"), "{told}");
    assert!(!web1.sh("test -e /etc/ssh/sshd_config.d/10-keys-only.conf").status.success());
}
