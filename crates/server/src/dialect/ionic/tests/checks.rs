use headgate_core::settings::ChannelRsa;
use headgate_core::status::Dialect;
use headgate_core::{Base, Native, NativeRange};
use serde_json::{Value, json};

use super::super::super::testing::{APPFLOW, OBJECTS, Setup, release, with_files};
use super::{Stored, cordova, data, files, made, path, sdk, serve};

#[tokio::test]
async fn a_signed_manifest_is_sent_as_it_was_signed() {
    const SIGNED: &[u8] = b"{\"payload\":\"\",\"signatures\":[]}";
    let key = || {
        Some(ChannelRsa {
            name: "field".into(),
            public: "AAAA".into(),
        })
    };
    let server = Setup {
        releases: vec![made(files(), Some(SIGNED), true)],
        rsa: key(),
        ..Setup::default()
    }
    .start();
    let sent = data(&server, &sdk(Value::Null, true)).await;
    let got = server.ask("GET", &path(&sent["url"]), "").await;
    let to = json!(got.header("location"));
    assert_eq!(server.ask("GET", &path(&to), "").await.bytes, SIGNED);
    let sent = data(&server, &sdk(Value::Null, false)).await;
    let got = server.ask("GET", &path(&sent["url"]), "").await;
    assert_eq!(
        got.header("location"),
        format!("{OBJECTS}/variants/{}?channel=production", "f".repeat(64))
    );

    // Not signed yet, so nothing; the cordova plugin verifies nothing.
    let server = Setup {
        releases: vec![files()],
        rsa: key(),
        ..Setup::default()
    }
    .start();
    assert_eq!(
        data(&server, &sdk(Value::Null, true)).await["available"],
        false
    );
    assert_eq!(data(&server, &cordova()).await["available"], true);
    let address = format!(
        "/apps/{APPFLOW}/snapshots/{}/manifest_v2",
        server.snapshots[&1308]
    );
    assert_eq!(server.ask("GET", &address, "").await.status, 404);
}

#[tokio::test]
async fn a_flavour_that_does_not_exist_is_not_offered() {
    let odd: &Stored<'_> = &[("a?b.js", b"x", None), ("index.html", b"<html>", None)];
    for (release, manifest) in [
        (release(1308, "4.2.5"), true),
        (files(), false),
        (made(files(), None, false), false),
        (with_files(release(1308, "4.2.5"), true, odd), true),
    ] {
        let server = serve(release);
        let data = data(&server, &sdk(Value::Null, manifest)).await;
        assert_eq!(
            (&data["available"], &data["url"]),
            (&json!(false), &Value::Null)
        );
        assert!(server.told.seen.lock().unwrap()[0].offered.is_none());
    }
    // Zip alone is enough for who asks for a zip.
    let server = serve(made(release(1308, "4.2.5"), None, true));
    assert_eq!(
        data(&server, &sdk(Value::Null, false)).await["available"],
        true
    );
}

#[tokio::test]
async fn snapshots_say_what_a_device_runs() {
    let server = serve(files());
    let current = server.snapshots[&1308].clone();
    for (snapshot, build, available, running) in [
        (json!(current), json!("1308"), false, Some(1308)),
        (
            json!(current.to_uppercase()),
            json!(1308),
            false,
            Some(1308),
        ),
        (Value::Null, Value::Null, true, None),
        // Fell out of approval; of another service under our number; of another service.
        (
            json!("11111111-2222-8333-8444-555555555555"),
            json!("1200"),
            true,
            Some(1200),
        ),
        (
            json!("11111111-2222-8333-8444-555555555555"),
            json!(1308),
            true,
            None,
        ),
        (
            json!("11111111-2222-8333-8444-555555555555"),
            json!("9492176"),
            true,
            None,
        ),
    ] {
        let mut body = sdk(snapshot.clone(), true);
        body["device"]["build"] = build;
        assert_eq!(
            data(&server, &body).await["available"],
            available,
            "{snapshot}"
        );
        let seen = server.told.seen.lock().unwrap().pop().unwrap();
        assert_eq!(seen.running, running, "{snapshot}");
    }
}

#[tokio::test]
async fn it_says_when_there_is_something_for_another_native_version() {
    let mut newer = files();
    let range = NativeRange {
        min: Some("5.0.0".into()),
        ..NativeRange::default()
    };
    newer.manifest.native = Native::new(range.clone(), range).unwrap();
    newer.sha256 = newer.manifest.sha256().unwrap();
    let data = data(&serve(newer), &sdk(Value::Null, true)).await;
    assert_eq!(
        (&data["available"], &data["incompatibleUpdateAvailable"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn nobody_is_told_to_return_to_the_embedded_build() {
    assert!(!Dialect::Ionic.returns_to_embedded() && !Dialect::Cordova.returns_to_embedded());
    let server = Setup {
        releases: vec![files()],
        base: Some(Base::Embedded),
        ..Setup::default()
    }
    .start();
    let running = json!(server.snapshots[&1308]);
    assert_eq!(data(&server, &sdk(running, true)).await["available"], false);
}
