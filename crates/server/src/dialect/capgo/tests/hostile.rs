use headgate_core::status::DeviceState;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::testing::{Server, Setup};
use super::{info, tolerable};

/// Any JSON, a few levels deep.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("builtin")),
        Just(json!("4.2.5+1308")),
        Just(json!("x".repeat(5000))),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A request as the plugin sends it, with some fields replaced by anything.
fn nearly() -> impl Strategy<Value = Value> {
    let fields = prop::sample::subsequence(
        vec![
            "platform",
            "device_id",
            "app_id",
            "version_build",
            "version_name",
            "plugin_version",
            "defaultChannel",
            "key_id",
            "action",
            "timestamp",
            "channel",
            "version",
            "manifest",
            "metadata",
        ],
        0..6,
    );
    let actions = prop::sample::select(vec![
        "set",
        "app_launch_ready",
        "update_fail",
        "download_fail",
    ]);
    (fields, prop::collection::vec(any_json(), 6), actions).prop_map(|(fields, values, action)| {
        let mut body = info("4.2.5+1308");
        body["action"] = json!(action);
        for (field, value) in fields.into_iter().zip(values) {
            body[field] = value;
        }
        body
    })
}

fn ask(server: &Server, method: &str, path: &str, body: Vec<u8>) -> (u16, Option<Value>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let got = runtime.block_on(server.ask(method, path, body));
    (got.status.as_u16(), serde_json::from_slice(&got.bytes).ok())
}

fn answers_well(server: &Server, body: &[u8]) {
    let (status, answer) = ask(server, "POST", "/capgo/updates", body.to_vec());
    assert!(
        status == 200 && tolerable(&answer.clone().unwrap()),
        "{status} {answer:?}"
    );
    let (status, answer) = ask(server, "POST", "/capgo/stats", body.to_vec());
    assert!(status == 200 && answer.unwrap()["status"] == "ok");
    let (status, answer) = ask(
        server,
        "POST",
        "/capgo/updates/manifest_size",
        body.to_vec(),
    );
    assert!(status == 200 && answer.unwrap()["files"].is_array());
    for method in ["POST", "PUT", "GET", "DELETE"] {
        let (status, answer) = ask(server, method, "/capgo/channel_self", body.to_vec());
        let answer = answer.unwrap();
        let refused = answer.get("error").is_some();
        assert!(status == 200 || (status == 400 && answer["error"] == "channel_not_found"));
        assert!(
            !refused || answer["error"].as_str().is_some_and(|e| !e.is_empty()),
            "{answer}"
        );
    }
    for seen in server.told.seen.lock().unwrap().iter() {
        assert!(!seen.install.is_empty() && seen.install.len() <= 64 && seen.install.is_ascii());
        assert!(seen.place.native.len() <= 64 && !seen.place.native.is_empty());
        assert!(seen.running.is_none_or(|build| (1..=1308).contains(&build)));
        assert!(seen.plugin.as_ref().is_none_or(|p| p.len() <= 64));
    }
    for report in server.told.reports.lock().unwrap().iter() {
        assert!(matches!(report.build, 1300 | 1308));
        assert!(report.state > DeviceState::Offered);
        assert!(!report.install.is_empty() && report.install.len() <= 64);
        assert!(report.reason.as_ref().is_none_or(|r| r.len() <= 40));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_json_is_answered_in_a_form_that_plugins_tolerate(body in any_json()) {
        answers_well(&Setup::default().start(), body.to_string().as_bytes());
    }

    #[test]
    fn requests_that_are_wrong_in_some_fields_store_nothing_wrong(body in nearly(), batch: bool) {
        let body = if batch { json!([body, body]) } else { body };
        answers_well(&Setup::default().start(), body.to_string().as_bytes());
    }

    #[test]
    fn bytes_that_are_no_json_are_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
        answers_well(&Setup::default().start(), &body);
    }
}

#[test]
fn huge_and_deep_bodies_are_answered() {
    let server = Setup::default().start();
    let deep = "[".repeat(100_000);
    let deep_object = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let huge = format!("{{\"app_id\":\"{}\"}}", "x".repeat(9 << 20));
    let many = format!("[{}1]", "1,".repeat(200_000));
    for body in [deep, deep_object, huge, many, String::new()] {
        answers_well(&server, body.as_bytes());
    }
    assert!(server.told.seen.lock().unwrap().is_empty());
    assert!(server.told.reports.lock().unwrap().is_empty());
}

#[test]
fn a_long_batch_is_cut() {
    let server = Setup::default().start();
    let mut event = info("4.2.5+1308");
    event["action"] = json!("set");
    let batch = Value::Array(vec![event; 1500]);
    let (status, _) = ask(
        &server,
        "POST",
        "/capgo/stats",
        batch.to_string().into_bytes(),
    );
    assert_eq!(status, 200);
    assert_eq!(server.told.reports.lock().unwrap().len(), 500);
}
