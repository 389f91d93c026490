//! The OpenAPI document against the program: schemathesis makes requests of it and judges the answers.

use crate::{
    here, page,
    support::{Program, SCHEMATHESIS, SOON, Segment, can_run, schemathesis, wait_for},
    token,
};
use std::process::Stdio;

#[test]
fn the_document_says_what_is_so() {
    if !can_run(&["curl", SCHEMATHESIS]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("described");
    let robot = token(&segment, &["robot"]);
    let program = Program::start(&segment);
    page(&segment, "read all");
    let url = "http://10.77.0.1/api/v1/openapi.json";
    let header = format!("Authorization: Bearer {robot}");
    wait_for("the user is known", SOON, || (here(&segment, &["-H", &header, url]).status == 200).then_some(()));
    let got = here(&segment, &[url]);
    assert!(got.body.starts_with(r#"{"openapi":"3.1"#), "{got:?}");
    // Which filters make sense no schema can say. Lines that are followed do not end by themselves. Actions are limited to some a second,
    // which is no fault: they are asked by themselves.
    let words = [
        "run",
        url,
        "--header",
        &header,
        "--max-examples",
        "10",
        "--seed",
        "8",
        "--no-color",
        "--exclude-checks",
        "positive_data_acceptance",
        "--request-timeout",
        "20",
        "--phases",
        "examples,coverage,fuzzing",
    ];
    let acts = ["--include-path", "/commands", "--rate-limit", "9/s"];
    let reads = ["--exclude-path", "/commands", "--exclude-path", "/line", "--exclude-path", "/events/follow"];
    let asking = [&acts[..], &reads].map(|more| {
        let mut command = segment.command(schemathesis());
        command.current_dir(segment.folder.path()).args(words).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for output in asking.map(|child| child.wait_with_output().unwrap()) {
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        println!("{told}");
    }
    assert!(!program.events().iter().any(|event| event.kind() == "service.failed"), "{}", program.words());
}
