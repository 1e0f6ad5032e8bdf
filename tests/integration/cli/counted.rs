//! What devices get and make of it, on the command line: without an update server, and with one that is not there.

use serde_json::json;

use crate::harness::Computer;

#[test]
fn who_gets_says_what_a_device_gets_and_every_reason() {
    let c = Computer::new("mara");
    c.init();
    c.ship("4.2.4", "7", "production");
    let device = ["--platform", "ios", "--native", "4.2.0"];
    let ask = |more: &[&str]| c.json(&[&["who-gets"], &device[..], more].concat());
    // Production starts with 1 %, and served nothing before.
    let none = ask(&[]);
    assert_eq!(
        (&none["offer"], &none["why"]),
        (&json!("nothing"), &json!("not_in_share"))
    );
    let lines = none["trace"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .any(|l| l["says"].as_str().unwrap().contains("No install id")),
        "{lines:?}"
    );
    let aliased = ask(&["--channel", "Production", "--running", "7"]);
    assert_eq!(aliased["offer"], "up_to_date");
    let said = aliased["trace"][0]["says"].as_str().unwrap();
    assert!(said.contains("a signed alias"), "{said}");
    // Some install of 2,000 is in a share of 1 %, and the point that is told is the rule's.
    let found = (0..2000).map(|n| format!("install-{n}")).find(|id| {
        let document = std::fs::read_dir(c.storage().join("targets")).unwrap();
        let rollout = document
            .map(|entry| entry.unwrap().path())
            .find(|p| p.to_str().unwrap().ends_with("production.rollout.json"))
            .unwrap();
        let rollout: serde_json::Value =
            serde_json::from_slice(&std::fs::read(rollout).unwrap()).unwrap();
        let salt = rollout["entries"][0]["salt"].as_str().unwrap();
        headgate_core::share::bucket(id, salt) < 10
    });
    let got = ask(&["--install", &found.unwrap()]);
    assert_eq!(
        (&got["offer"], &got["build"]),
        (&json!("release"), &json!(7))
    );
    let text = c.run(&[&["who-gets"], &device[..]].concat());
    assert!(
        text.code == 0 && text.out.starts_with("Gets nothing"),
        "{}",
        text.out
    );
    c.fails(
        2,
        &[&["who-gets", "--channel", "nowhere"], &device[..]].concat(),
    );
}

#[test]
fn without_a_server_nothing_is_counted_and_that_is_said() {
    let c = Computer::new("mara");
    c.init();
    c.ship("4.2.4", "7", "production");
    let rollouts = c.json(&["rollouts"]);
    assert_eq!(rollouts["server"], json!(null));
    let production = &rollouts["channels"][2];
    assert_eq!(
        (&production["state"], &production["counts"]),
        (&json!("rolling_out"), &json!(null))
    );
    let text = c.run(&["rollouts"]);
    assert!(
        text.out.contains("no update server is connected"),
        "{}",
        text.out
    );
    assert!(c.json(&["status"])["channels"][2].get("counts").is_none());
    let error = c.fails(2, &["devices", "look-up", "7f3c2a91"]);
    assert_eq!(error["code"], "server.none");
    std::fs::write(c.path("token"), "the-admin-token\n").unwrap();
    let connect =
        |url: &str| ["server", "connect", "--url", url, "--token-file", "token"].map(str::to_owned);
    for (exit, url, code) in [
        (6, "http://127.0.0.1:1", "server.unreachable"),
        (2, "http://10.0.0.1:8081", "server.address"),
        (2, "https://user:pw@ota.acme.example", "server.address"),
    ] {
        let args = connect(url);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let error = c.fails(exit, &args);
        assert_eq!(error["code"], code, "{url}");
        assert!(!error.to_string().contains("the-admin-token"));
    }
    assert_eq!(
        c.json(&["rollouts"])["server"],
        json!(null),
        "nothing was kept"
    );
}
