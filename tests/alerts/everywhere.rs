//! One machine that is unplugged and comes back, told by everything at once: pane, page, webhook, mail; and its graph has a hole.

use crate::{
    receivers::{Mail, Web},
    stories::{TOLD, cable},
    support::{SOON, Screen, Segment, can_run, run, wait_for},
};
use jiff::{SignedDuration, Timestamp};
use pxelator::{sample::Of, trend::Trends};
use std::time::Duration;

/// What is measured is written every ten seconds.
const WRITTEN: Duration = Duration::from_secs(60);

/// The answers to its pings in the last minutes, one in ten seconds; none is a hole.
fn pings(segment: &Segment) -> Vec<Option<f64>> {
    let trends = Trends::new(segment.folder.path().join("rrd"));
    let now = Timestamp::now();
    let from = now.saturating_sub(SignedDuration::from_mins(5)).unwrap();
    let of = Of::Machine([10, 77, 0, 1].into(), [10, 77, 0, 60].into());
    let Ok(series) = trends.read(of, "ping", from, now, 1_000) else { return Vec::new() };
    series.lines.into_iter().find(|line| line.name == "rtt").map(|line| line.values).unwrap_or_default()
}

/// Values, then at least one hole, then values.
fn has_hole(values: &[Option<f64>]) -> bool {
    let known = |value: &Option<f64>| value.is_some();
    let (first, last) = (values.iter().position(known), values.iter().rposition(known));
    first.zip(last).is_some_and(|(first, last)| values[first..last].iter().any(Option::is_none))
}

#[test]
fn pane_page_webhook_mail_and_graph_tell_the_same() {
    if !can_run(&["aiosmtpd", "curl", "rrdtool", "tmux"]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("al-all");
    let (web, mail) = (Web::start(&segment), Mail::start(&segment));
    let at = format!("email smtp://127.0.0.1:{} ann@example.net\nfrom pxe@example.net", Mail::PORT);
    segment.conf("10.77.0.1/receivers/mail", &at);
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json http://127.0.0.1:{}/hook", Web::PORT));
    segment.conf("10.77.0.1/10.77.0.60/checks", "ping every 5s");
    let screen = Screen::open(&segment, 120, 36, &format!("{} run", env!("CARGO_BIN_EXE_pxelator")));
    screen.wait("dhcp tftp http dns syslog radv");
    screen.keys(&["A"]);
    screen.wait("Alerts");
    let page = || run(segment.command("curl").args(["-sS", "http://10.77.0.1/pxelator/alerts"]));
    // Its first pings are in the graph before the cable is pulled.
    wait_for("pings in the graph", WRITTEN, || pings(&segment).iter().flatten().next().map(drop));
    let row = |page: &str| page.contains("web1") && page.contains("down");
    assert!(!row(&page()), "nothing is wrong yet: {}", page());

    cable(&segment, "web1", "down");
    wait_for("pane, page, webhook and mail", TOLD, || {
        let on_screen = screen.shown().lines().any(|line| line.contains("web1") && line.contains("down"));
        let told = web.alerts() == ["firing down web1"] && mail.subjects() == ["web1: down"];
        (told && on_screen && row(&page())).then_some(())
    });
    // So that there is a hole that is wide enough to be one.
    wait_for("a hole in the graph", WRITTEN, || {
        let values = pings(&segment);
        let last = values.iter().rposition(Option::is_some)?;
        (values.len() - last > 3).then_some(())
    });

    cable(&segment, "web1", "up");
    wait_for("its return by webhook and mail", TOLD, || {
        let told = web.alerts() == ["firing down web1", "resolved down web1"];
        (told && mail.subjects() == ["over: web1: down", "web1: down"]).then_some(())
    });
    wait_for("its return on the screen", SOON, || {
        let head = screen.shown().lines().next().unwrap_or_default().to_owned();
        (!head.contains("1 alert")).then_some(())
    });
    wait_for("the hole between values", WRITTEN, || has_hole(&pings(&segment)).then_some(()));
    assert_eq!((web.alerts().len(), mail.subjects().len()), (2, 2), "each was told once");
}
