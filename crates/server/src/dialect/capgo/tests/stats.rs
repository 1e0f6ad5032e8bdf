use headgate_core::status::DeviceState;
use serde_json::{Value, json};

use super::super::super::testing::{INSTALL, Setup};
use super::with;

fn event(action: &str, version_name: &str, changes: Value) -> Value {
    let mut event = with(version_name, changes);
    event["action"] = json!(action);
    event["timestamp"] = json!(1_790_000_000_123_i64);
    event
}

#[tokio::test]
async fn events_say_what_they_prove() {
    use DeviceState::{Applied, Confirmed, Downloaded, Failed, RolledBack};
    let ios = json!({"platform": "ios"});
    let server = Setup::default().start();
    for (action, subject, changes, expected) in [
        (
            "download_complete",
            "4.2.5+1308",
            json!({}),
            Some((Downloaded, None)),
        ),
        ("set", "4.2.5+1308", json!({}), Some((Applied, None))),
        (
            "app_launch_ready",
            "4.2.5+1308",
            json!({}),
            Some((Confirmed, None)),
        ),
        (
            "update_fail",
            "4.2.5+1308",
            json!({}),
            Some((RolledBack, Some("update_fail"))),
        ),
        (
            "app_launch_timeout",
            "4.2.5+1308",
            json!({}),
            Some((RolledBack, Some("app_launch_timeout"))),
        ),
        (
            "download_manifest_file_fail",
            "4.2.5+1308:assets/a:b.js",
            json!({}),
            Some((Failed, Some("download_manifest_file_fail"))),
        ),
        (
            "checksum_required",
            "4.2.5+1308",
            json!({}),
            Some((Failed, Some("checksum_required"))),
        ),
        (
            "session_key_required",
            "4.2.5+1308",
            json!({}),
            Some((Failed, Some("session_key_required"))),
        ),
        (
            "insufficient_disk_space",
            "4.2.5+1308",
            json!({}),
            Some((Failed, Some("insufficient_disk_space"))),
        ),
        (
            "low_mem_fail",
            "4.2.5+1308",
            json!({}),
            Some((Failed, Some("low_mem_fail"))),
        ),
        (
            "download_fail",
            "4.2.5+1308",
            json!({}),
            Some((Failed, Some("download_fail"))),
        ),
        // Of the check loop on iOS: it names what runs. So do these on both systems.
        ("download_fail", "4.2.5+1308", ios.clone(), None),
        ("insufficient_disk_space", "4.2.5+1308", ios.clone(), None),
        ("unzip_fail", "4.2.5+1308", json!({}), None),
        ("checksum_fail", "4.2.5+1308", json!({}), None),
        (
            "checksum_fail",
            "4.2.5+1308",
            ios,
            Some((Failed, Some("checksum_fail"))),
        ),
        // Reported when there was nothing to download.
        (
            "download_fail",
            "4.2.5+1308",
            json!({"plugin_version": "7.16.0"}),
            None,
        ),
        (
            "download_fail",
            "4.2.5+1308",
            json!({"plugin_version": "6.14.24"}),
            None,
        ),
        (
            "download_fail",
            "4.2.5+1308",
            json!({"plugin_version": "6.14.25"}),
            Some((Failed, Some("download_fail"))),
        ),
        // Noise, and things that are about nothing that is served.
        ("download_50", "4.2.5+1308", json!({}), None),
        ("app_moved_to_foreground", "4.2.5+1308", json!({}), None),
        ("invented", "4.2.5+1308", json!({}), None),
        ("set", "builtin", json!({}), None),
        ("set", "4.2.0", json!({}), None),
        ("set", "4.2.5", json!({}), None),
        ("set", "4.0.0+1200", json!({}), None),
        ("set", "4.2.5+1308", json!({"app_id": "com.other"}), None),
        (
            "set",
            "4.2.5+1308",
            json!({"defaultChannel": "nightly"}),
            None,
        ),
        ("set", "4.2.5+1308", json!({"device_id": ""}), None),
        ("set", "4.2.5+1308", json!({"version_build": 4}), None),
        ("set", "4.2.5+1308", json!({"version_name": null}), None),
    ] {
        let got = server
            .post("/capgo/stats", &event(action, subject, changes.clone()))
            .await;
        assert_eq!(
            (got.status.as_u16(), got.json()),
            (200, json!({"status": "ok"}))
        );
        let report = server.told.reports.lock().unwrap().pop();
        let found = report.as_ref().map(|r| (r.state, r.reason.as_deref()));
        assert_eq!(found, expected, "{action} {subject} {changes}");
        if let Some(report) = report {
            assert_eq!((report.build, report.install.as_str()), (1308, INSTALL));
            assert_eq!(report.device_time, Some(1_790_000_000));
        }
    }
}

#[tokio::test]
async fn batches_are_acknowledged_one_by_one_and_only_when_stored() {
    let batch = json!([
        event("set", "4.2.5+1308", json!({})),
        {"action": "set"},
        "noise",
        event("app_launch_ready", "4.2.5+1308", json!({})),
    ]);
    let server = Setup::default().start();
    let got = server.post("/capgo/stats", &batch).await;
    assert_eq!(got.status, 200);
    let answer = got.json();
    assert_eq!(answer["status"], "ok");
    assert_eq!(answer["results"].as_array().unwrap().len(), 4);
    assert_eq!(answer["results"][3], json!({"status": "ok", "index": 3}));
    let states: Vec<_> = server
        .told
        .reports
        .lock()
        .unwrap()
        .iter()
        .map(|r| r.state)
        .collect();
    assert_eq!(states, [DeviceState::Applied, DeviceState::Confirmed]);

    let broken = Setup {
        broken: true,
        ..Setup::default()
    }
    .start();
    assert_eq!(broken.post("/capgo/stats", &batch).await.status, 503);
    // Noise is acknowledged even then: there is nothing to store.
    let noise = event("app_moved_to_background", "4.2.5+1308", json!({}));
    assert_eq!(broken.post("/capgo/stats", &noise).await.status, 200);
}
