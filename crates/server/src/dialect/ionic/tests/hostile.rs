use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::capgo::tests::hostile::any_json;
use super::super::super::testing::{APP, APPFLOW};
use super::{CHECK, cordova, files, sdk, serve};

#[tokio::test]
async fn only_listed_files_can_be_had() {
    let server = serve(files());
    let base = format!(
        "/apps/{APPFLOW}/snapshots/{}/files",
        server.snapshots[&1308]
    );
    for (href, status) in [
        ("assets/a%20b.js", 302),
        ("index.html", 302),
        ("../../../../etc/passwd", 404),
        ("..%2f..%2fmetadata%2ftimestamp.json", 404),
        ("assets/../index.html", 404),
        ("assets//a%20b.js", 404),
        ("/index.html", 404),
        ("index.html/", 404),
        ("INDEX.HTML", 404),
        ("index.html%00", 404),
        ("%ff%fe", 404),
        ("https://elsewhere.example.test/x", 404),
    ] {
        let got = server.ask("GET", &format!("{base}/{href}"), "").await;
        let code = got.status.as_u16();
        assert!(
            code == status || (status == 404 && code == 400),
            "{href}: {code}"
        );
    }
    for address in [
        "/apps/abcd1234/snapshots/x/files/index.html".to_owned(),
        format!(
            "/apps/other/snapshots/{}/files/index.html",
            server.snapshots[&1308]
        ),
        format!("{base}/index.html?channel=nightly"),
    ] {
        assert_eq!(
            server.ask("GET", &address, "").await.status,
            404,
            "{address}"
        );
    }
}

#[tokio::test]
async fn web_views_may_ask_from_anywhere() {
    let server = serve(files());
    let origin = ("origin", "ionic://localhost");
    let asks = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let got = server.ask_with("OPTIONS", CHECK, &asks, "").await;
    assert_eq!(got.status, 200);
    assert_eq!(got.header("access-control-allow-origin"), "*");
    assert!(got.header("access-control-allow-methods").contains("POST"));
    assert!(
        got.header("access-control-allow-headers")
            .contains("content-type")
    );
    for (method, address, body) in [
        ("POST", CHECK, cordova().to_string()),
        ("POST", CHECK, "no json".into()),
        (
            "GET",
            "/apps/abcd1234/snapshots/x/manifest_v2",
            String::new(),
        ),
    ] {
        let got = server.ask_with(method, address, &[origin], body).await;
        assert_eq!(got.header("access-control-allow-origin"), "*", "{address}");
    }
}

#[tokio::test]
async fn errors_are_said_as_both_clients_read_them() {
    let server = serve(files());
    let changed = |key: &str, value: Value| {
        let mut body = sdk(Value::Null, true);
        body[key] = value;
        body.to_string()
    };
    let device = |key: &str, value: Value| {
        let mut body = sdk(Value::Null, true);
        body["device"][key] = value;
        body.to_string()
    };
    for (address, body, status) in [
        (CHECK, "[".repeat(100_000), 400),
        (CHECK, "x".repeat(1 << 20), 400),
        (CHECK, "null".to_owned(), 400),
        (CHECK, changed("channel_name", json!("PRODUCTION")), 404),
        (CHECK, changed("device", json!([1])), 400),
        (CHECK, device("platform", json!("windows")), 400),
        (CHECK, device("binary_version", json!("")), 400),
        (CHECK, device("binary_version", json!("4".repeat(100))), 400),
        (
            "/apps/nobody/channels/check-device",
            changed("x", json!(1)),
            404,
        ),
    ] {
        let got = server.ask("POST", address, body.clone()).await;
        assert_eq!(got.status, status, "{}", &body[..body.len().min(80)]);
        let answer = got.json();
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
        assert!(answer["error"]["type"].is_string());
        assert_eq!(answer["meta"]["status"], status);
    }
    assert!(server.told.seen.lock().unwrap().is_empty());
    // The Capacitor id names the app as well.
    let body = sdk(Value::Null, true).to_string();
    let got = server
        .ask("POST", &format!("/apps/{APP}/channels/check-device"), body)
        .await;
    assert_eq!(got.json()["data"]["available"], true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_json_is_answered_with_data_or_an_error(
        body in any_json(),
        device in any_json(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let server = serve(files());
        let mut nearly = sdk(Value::Null, true);
        nearly["device"]["snapshot"] = device.clone();
        nearly["device"]["build"] = device.clone();
        nearly["device"]["device_id"] = body.clone();
        nearly["plugin_version"] = body.clone();
        for body in [body, nearly] {
            let got = runtime.block_on(server.ask("POST", CHECK, body.to_string()));
            let answer = got.json();
            prop_assert!(answer["meta"].is_object());
            prop_assert!(answer["data"]["available"].is_boolean() != answer["error"].is_object());
            prop_assert!(got.status.as_u16() < 500);
        }
        for seen in server.told.seen.lock().unwrap().iter() {
            prop_assert!(!seen.install.is_empty() && seen.install.len() <= 64);
            prop_assert!(seen.plugin.as_ref().is_none_or(|p| p.len() <= 20));
        }
    }
}
