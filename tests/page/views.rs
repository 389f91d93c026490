//! Every view, with a script and without: login, power, filter, graphs, what is typed while all changes, and the keys.

use crate::support::{
    Host, Program, SOON, Segment, WEB1,
    browser::{self, Browser, with_driver},
    can_run, run, wait_for,
};
use fantoccini::Locator;
use std::fs;

const MACHINE: &str = "/pxelator/machines/10.77.0.1/52-54-00-77-00-60";

fn segment(name: &str) -> (Segment, Host) {
    let (segment, host) = Segment::with_web1(name);
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.110");
    (segment, host)
}

fn log(host: &Host, text: &str) {
    assert!(host.sh(&format!("logger -n 10.77.0.1 -d -t test '{text}'")).status.success());
}

/// Text of a path as curl gets it on this host: without a script.
fn plain(segment: &Segment, path: &str) -> String {
    run(segment.command("curl").args(["-sSf", &format!("http://10.77.0.1{path}")]))
}

#[test]
fn all_is_readable_without_a_script_and_from_here_alone() {
    if !can_run(&["curl", "logger", "udhcpc"]) {
        return;
    }
    let (segment, host) = segment("pageplain");
    let program = Program::start(&segment);
    let guest = segment.host("guest", "52:54:00:77:00:99");
    assert!(guest.sh("udhcpc -i eth0 -n -q -t 5 -T 1 -s /bin/true").status.success());
    log(&host, "a <b>bold</b> \"message\" & more");
    program.wait("the message", |event| event.kind() == "syslog.received");
    let has = |path: &str, words: &[&str]| {
        let shown = wait_for(path, SOON, || {
            let shown = plain(&segment, path);
            words.iter().all(|word| shown.contains(word)).then_some(shown)
        });
        assert!(shown.starts_with("<!DOCTYPE html>") && shown.contains("</html>"), "{shown}");
        assert!(!shown.contains("style=") && !shown.contains("onclick"), "{path} keeps its own security policy");
    };
    has("/pxelator", &["10.77.0.1", "test.lan", "web1", "dhcp", "Pool: 1 of 11 in use"]);
    has("/pxelator/machines", &["web1", WEB1, "10.77.0.60", "52:54:00:77:00:99"]);
    has("/pxelator/machines?q=web", &["1 of 2 machines"]);
    has(MACHINE, &["web1", "No boot of it is remembered", "a &lt;b&gt;bold&lt;/b&gt;"]);
    has("/pxelator/leases", &["52:54:00:77:00:99", "pool", "ends in"]);
    has("/pxelator/syslog", &["a &lt;b&gt;bold&lt;/b&gt; &quot;message&quot; &amp; more"]);
    has("/pxelator/audit?q=kind=dhcp.acknowledged", &["dhcp.acknowledged", "1 event"]);
    has("/pxelator/audit?q=kind=dhcp.acknowledge", &["role=\"alert\"", "dhcp.acknowledged"]);
    has("/pxelator/alerts", &["Alerts"]);
    has("/pxelator/graphs", &["PXElator itself", "the segment 10.77.0.1"]);
    has("/pxelator/changes", &["Nothing is kept yet"]);
    for (path, status) in [
        ("/pxelator/machines/10.77.0.1/52-54-00-77-00-11", "404"),
        ("/pxelator/nothing", "404"),
        ("/pxelator/changes/0a1b2c", "403"),
    ] {
        let got = run(segment.command("curl").args([
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            &format!("http://10.77.0.1{path}"),
        ]));
        assert_eq!(got, status, "{path}");
    }
    // A machine of the segment gets its boot files, and not this.
    let got = host.sh("curl -sS -o got -w '%{http_code}' http://10.77.0.1/pxelator");
    assert_eq!(String::from_utf8_lossy(&got.stdout), "403");
    assert!(!fs::read_to_string(host.folder().join("got")).unwrap().contains("test.lan"));
    let got = host.sh("curl -sS -o got -w '%{http_code}' http://10.77.0.1/boot.ipxe");
    assert_ne!(String::from_utf8_lossy(&got.stdout), "403");
}

#[test]
fn somebody_logs_in_and_switches_a_machine() {
    if !can_run(browser::NEEDED) {
        return;
    }
    let (segment, _host) = segment("pagelogin");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let token = run(segment
        .command(env!("CARGO_BIN_EXE_pxelator"))
        .current_dir(segment.folder.path())
        .args(["user", "add", "anna", "--token"]));
    let program = Program::start(&segment);
    with_driver(&segment, async |driver| {
        let browser = driver.browser("anna").await;
        browser.open(MACHINE).await;
        assert!(browser.text(".power").await.is_none(), "who has not logged in cannot act");
        browser.click("a.account").await;
        browser.keys("input[name=user]", "anna").await;
        browser.keys("input[name=password]", token.trim()).await;
        browser.click("form.login button").await;
        browser.wait(".account", |text| text.contains("anna")).await;
        browser.open(MACHINE).await;
        browser.click(".power form button").await;
        browser.open(MACHINE).await;
        browser.wait("#events", |text| text.contains("power on asked of wol by anna")).await;
        browser.click("form.account button").await;
        browser.open(MACHINE).await;
        assert!(browser.text(".power").await.is_none(), "who has logged out cannot act");
    });
    program.wait("who did it is told", |event| event.kind() == "page.acted" && event.fact.to_string().contains("anna"));
}

/// What has the focus: its id, value and the place in it.
async fn focus(browser: &Browser) -> String {
    let script = "const it = document.activeElement; return [it.id, it.value, it.selectionStart].join(' ')";
    browser.ask(script).await.as_str().unwrap().to_owned()
}

#[test]
fn what_changes_disturbs_nobody() {
    if !can_run(&[browser::NEEDED, &["logger"]].concat()) {
        return;
    }
    let (segment, host) = segment("pagelive");
    let program = Program::start(&segment);
    with_driver(&segment, async |driver| {
        let browser = driver.browser("one").await;
        browser.open("/pxelator/syslog").await;
        browser.wait("#live", |text| text.contains("live")).await;
        for number in 0..40 {
            log(&host, &format!("message {number} of the first"));
        }
        browser.wait("#events", |text| text.contains("message 39")).await;
        // Somebody types, and looks at what is further below.
        browser.keys("#q", "severity<").await;
        browser.ask("document.querySelector('#q').setSelectionRange(3, 3); document.querySelector('footer').scrollIntoView()").await;
        let (before, row) = (
            focus(&browser).await,
            "return [scrollY > 0, [...document.querySelectorAll('#events tr')].findLast((row) => row.innerText.includes('message 0')).getBoundingClientRect().top]",
        );
        let at = browser.ask(row).await;
        for number in 0..5 {
            log(&host, &format!("message {number} of the second"));
        }
        browser.wait("#events", |text| text.contains("message 4 of the second")).await;
        assert_eq!(focus(&browser).await, before);
        let moved = |now: &serde_json::Value| (now[1].as_f64().unwrap() - at[1].as_f64().unwrap()).abs();
        let now = browser.ask(row).await;
        assert!(now[0] == true && moved(&now) < 2.0, "what was looked at is where it was: {at} {now}");
        // Each came once, the newest first.
        let script = "return [...document.querySelectorAll('#events td.words')].map((cell) => cell.innerText).filter((text) => text.includes('second'))";
        let shown = browser.ask(script).await;
        assert_eq!(shown, serde_json::json!([4, 3, 2, 1, 0].map(|number| format!("message {number} of the second"))));

        // Paused it stands still, and goes on with all that came meanwhile.
        browser.ask("document.activeElement.blur()").await;
        browser.click("#live").await;
        browser.wait("#live", |text| text.contains("paused")).await;
        log(&host, "while it was paused");
        program.wait("the message", |event| event.fact.to_string().contains("while it was paused"));
        assert!(!browser.text("#events").await.unwrap().contains("while it was paused"));
        browser.click("#live").await;
        browser.wait("#events", |text| text.contains("while it was paused")).await;

        // A filter that makes no sense is told where.
        browser.open("/pxelator/syslog").await;
        browser.keys("#q", "severity<=loud").await;
        browser.click(".search button").await;
        browser.wait("#fault", |text| text.contains('^')).await;
        browser.open("/pxelator/audit").await;
        browser.keys("#q", "machine=web1 text~second").await;
        browser.click(".search button").await;
        browser.wait("#count", |text| text == "5 events").await;
        log(&host, "one more of the second");
        browser.wait("#count", |text| text == "6 events").await;
        log(&host, "not wanted");
        program.wait("the message", |event| event.fact.to_string().contains("not wanted"));
        log(&host, "and the last of the second");
        browser.wait("#count", |text| text == "7 events").await;
        browser.picture("audit").await;
    });
}

#[test]
fn keys_lead_everywhere() {
    if !can_run(browser::NEEDED) {
        return;
    }
    let (segment, _host) = segment("pagekeys");
    let _program = Program::start(&segment);
    with_driver(&segment, async |driver| {
        let browser = driver.browser("one").await;
        browser.open("/pxelator").await;
        for (keys, title) in [
            ("gm", "Machines"),
            ("gs", "Syslog"),
            ("gu", "Audit"),
            ("gl", "Leases"),
            ("ga", "Alerts"),
            ("gg", "Graphs"),
            ("gc", "Changes"),
            ("go", "Overview"),
        ] {
            browser.keys("body", keys).await;
            browser.wait("h1", |text| text == title).await;
            let here = browser.text("nav [aria-current=page]").await;
            assert_eq!(here.as_deref(), Some(title));
        }
        browser.keys("body", "gm").await;
        browser.wait("h1", |text| text == "Machines").await;
        browser.keys("body", "j").await;
        let chosen = browser.0.active_element().await.unwrap();
        assert_eq!(chosen.text().await.unwrap(), "web1");
        chosen.send_keys("\u{e007}").await.unwrap();
        browser.wait("h1", |text| text == "web1").await;
        browser.keys("body", "?").await;
        browser.wait("dialog", |text| text.contains("to the filter")).await;
        browser.click("dialog input[type=checkbox]").await;
        browser.click("dialog button").await;
        browser.keys("body", "gm").await;
        assert_eq!(browser.text("h1").await.as_deref(), Some("web1"), "keys are off");
        // By tab alone: the first stop leads past the head.
        browser.open("/pxelator/machines").await;
        browser.keys("body", "\u{e004}").await;
        assert_eq!(browser.0.active_element().await.unwrap().text().await.unwrap(), "To the content");
        assert!(browser.0.find(Locator::Css("#main")).await.is_ok());
    });
}
