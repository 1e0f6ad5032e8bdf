//! What happens on this computer: looking at a build, the sandbox, and what goes to which stream.

use serde_json::json;

use crate::harness::{Computer, sha256};

#[test]
fn inspect_and_pack_work_without_a_workspace_and_give_the_same_bundle() {
    let c = Computer::new("mara");
    let www = c.build("x");
    let seen = c.json(&["inspect", &www]);
    assert_eq!(
        (&seen["changes"], &seen["kind"]),
        (&json!([]), &json!("folder"))
    );
    let packed = c.json(&["pack", &www, "-o", "out.zip"]);
    assert_eq!(
        packed["sha256"], seen["sha256"],
        "inspection packs what is packed"
    );
    assert_eq!(
        packed["sha256"],
        sha256(&std::fs::read(c.path("out.zip")).unwrap())
    );
    c.init();
    let shipped = c.json(&[
        "ship",
        "out.zip",
        "--version",
        "4.2.5",
        "--channel",
        "development",
    ]);
    assert_eq!(
        shipped["sha256"], packed["sha256"],
        "packing a bundle gives the bundle again"
    );
    let again = c.json(&["inspect", &c.build("y")]);
    let development = &again["changes"][0];
    assert_eq!(
        (
            &development["channel"],
            &development["changed"],
            &development["added"]
        ),
        (&json!("development"), &json!(1), &json!(0))
    );
    assert_eq!(again["next"], json!({ "version": "4.2.6", "build": 2 }));
    let text = c.run(&["inspect", &www]);
    assert!(
        text.code == 0 && text.out.contains("biggest files"),
        "{}",
        text.out
    );
}

#[test]
fn the_sandbox_has_a_sample_that_can_be_shipped() {
    let c = Computer::new("mara");
    let sandbox = c.json(&["sandbox"]);
    assert_eq!(sandbox["app"], "com.acme.field");
    let sample = sandbox["sample"].as_str().unwrap();
    let shipped = c.json(&[
        "ship",
        sample,
        "--version",
        "1.0.0",
        "--channel",
        "development",
    ]);
    assert_eq!(
        (&shipped["verified"], &shipped["release"]),
        (&json!(true), &json!("main/1.0.0+1"))
    );
    assert_eq!(
        c.json(&["sandbox"])["storage"],
        sandbox["storage"],
        "opened, not made again"
    );
}

#[test]
fn results_are_on_stdout_and_progress_is_on_stderr() {
    let c = Computer::new("mara");
    c.init();
    let www = c.build("x");
    let ran = c.run(&[
        "ship",
        &www,
        "--version",
        "4.2.5",
        "--channel",
        "development",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out
            .starts_with("A device in development now gets 4.2.5, build 1.\n"),
        "{}",
        ran.out
    );
    for phase in ["packing", "signing", "reading back"] {
        assert!(
            ran.err.contains(phase) && !ran.out.contains(phase),
            "{phase} in {}",
            ran.err
        );
    }
    assert!(
        !ran.err.contains('\x1b'),
        "no terminal, no control sequences"
    );
    let status = c.run(&["status"]);
    assert!(
        status.out.lines().next().unwrap().starts_with("channel"),
        "{}",
        status.out
    );
    assert!(
        status.out.contains("as of ") && status.out.contains("development"),
        "{}",
        status.out
    );
    let jobs = c.json(&["jobs", "list"]);
    assert_eq!(jobs["jobs"][0]["state"], "done");
    let script = c.run(&["completions", "bash"]);
    assert!(script.code == 0 && script.out.contains("_headgate"));
}
