//! A machine boots in QEMU while two browsers show each stage of it, without being loaded anew.

use crate::support::{
    Program, SOON, Segment,
    browser::{self, with_driver},
    can_run,
    vm::{self, Vm},
};

/// Has the words of all stages that were seen so far, in their order.
const RECORD: &str = "
    window.stages = [];
    window.mark = 'this page';
    new MutationObserver(() => {
        const reached = [...document.querySelectorAll('#boot .waterfall tr.good th')].map((head) => head.innerText.replace(/^\\S+\\s*/, ''));
        for (const stage of reached) if (!window.stages.includes(stage)) window.stages.push(stage);
    }).observe(document.getElementById('boot'), { childList: true, subtree: true });";

#[test]
fn a_boot_is_shown_stage_by_stage_in_two_browsers() {
    let needed: Vec<&str> = [vm::NEEDED, browser::NEEDED].concat();
    if !can_run(&needed) {
        return;
    }
    let segment = Segment::new("pageboot");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 60, "bios1", "bios");
    segment.conf("page", "trust loopback");
    let program = Program::start(&segment);
    with_driver(&segment, async |driver| {
        let (first, second) = (driver.browser("first").await, driver.browser("second").await);
        first.open(&format!("/pxelator/machines/10.77.0.1/{}", machine.mac.replace(':', "-"))).await;
        first.wait("#live", |text| text.contains("live")).await;
        first.ask(RECORD).await;
        second.open("/").await;
        second.ask("window.mark = 'this page'").await;
        second.wait("#tiles", |text| text.contains("bios1")).await;

        // Who looks here may act: this host is trusted.
        first.click(".power form button").await;
        first.wait("#standing", |text| text.contains("bios1") || text.contains("power")).await;
        first.open(&format!("/pxelator/machines/10.77.0.1/{}", machine.mac.replace(':', "-"))).await;
        first.ask(RECORD).await;
        second.wait_for("#boots", vm::PATIENCE, |text| text.contains("bios1") && text.contains("leased")).await;
        second.wait_for("#tiles", vm::PATIENCE, |text| text.contains("up")).await;
        first.wait_for("#standing", vm::PATIENCE, |text| text.contains("up")).await;
        first.wait_for("#messages", vm::PATIENCE, |text| !text.is_empty()).await;
        first.wait_for("#events", SOON, |text| text.contains("boot.completed")).await;

        let seen = first.ask("return window.stages.join(' ')").await;
        let seen = seen.as_str().unwrap().to_owned();
        for stage in ["offered", "leased", "script", "kernel", "initrd", "up"] {
            assert!(seen.contains(stage), "{stage} was shown: {seen}");
        }
        for browser in [&first, &second] {
            assert_eq!(browser.ask("return window.mark").await, "this page", "it was loaded anew");
        }
        first.picture("machine").await;
        second.wait("#boots", |text| text.contains("No machine boots")).await;
    });
    machine.wait_until_up();
    drop(program);
}
