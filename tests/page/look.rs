//! How it looks: axe-core finds nothing in any view, light, dark and as wide as a phone, and no view is wider than the screen.

use crate::{
    filled,
    support::{
        Program, Segment,
        browser::{self, with_driver},
        can_run, run,
    },
};

const VIEWS: [(&str, &str); 12] = [
    ("overview", "/pxelator"),
    ("machines", "/pxelator/machines"),
    ("machine", "/pxelator/machines/10.77.0.1/52-54-00-77-00-3c"),
    ("alerts", "/pxelator/alerts"),
    ("syslog", "/pxelator/syslog"),
    ("fault", "/pxelator/syslog?q=severity%3C%3Dloud"),
    ("audit", "/pxelator/audit?q=severity%3C%3Dwarning"),
    ("leases", "/pxelator/leases"),
    ("graphs", "/pxelator/graphs"),
    ("changes", "/pxelator/changes"),
    ("login", "/pxelator/login"),
    ("nothing", "/pxelator/nothing"),
];

/// Things that reach out of the screen, but for those that scroll by themselves.
const WIDER: &str = "
    const wide = document.documentElement.clientWidth;
    const all = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > wide + 1);
    return all.filter((one) => !one.closest('.scrolls, pre, svg, .skip, .hidden')).map((one) => one.outerHTML.slice(0, 120))";

#[test]
fn axe_finds_nothing_and_all_fits() {
    if !can_run(browser::NEEDED) {
        return;
    }
    let segment = Segment::new("pagelook");
    filled::fill(&segment);
    segment.conf("page", "trust loopback");
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    run(command.current_dir(segment.folder.path()).args(["user", "add", "anna", "--token"]));
    let _program = Program::start(&segment);
    let mut wrong = Vec::new();
    with_driver(&segment, async |driver| {
        let browser = driver.browser("one").await;
        for (name, path) in VIEWS {
            for (look, scheme, width, height) in
                [("light", "light", 1280, 900), ("dark", "dark", 1280, 900), ("phone", "light", 390, 844)]
            {
                browser.scheme(scheme).await;
                browser.size(width, height).await;
                browser.open(path).await;
                browser.wait("h1", |text| !text.is_empty()).await;
                let wider = browser.ask(WIDER).await;
                if wider.as_array().is_none_or(|all| !all.is_empty()) {
                    wrong.push(format!("{name} {look}: wider than the screen: {wider}"));
                }
                wrong.extend(browser.axe().await.into_iter().map(|found| format!("{name} {look}: {found}")));
                browser.picture(&format!("{name}-{look}")).await;
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
