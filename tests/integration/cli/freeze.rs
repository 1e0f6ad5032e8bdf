//! A frozen channel: nothing goes forward on it, every way back stays open.

use serde_json::json;

use crate::harness::{Computer, sha256};

#[test]
fn a_frozen_channel_goes_back_but_not_forward() {
    let c = Computer::new("mara");
    c.init();
    let on = |command: &'static str| vec!["rollout", command, "--channel", "development"];
    let nothing = c.fails(5, &on("freeze"));
    assert_eq!(
        nothing["code"], "rollout.state",
        "there is nothing to freeze"
    );

    c.ship("4.2.5", "1308", "development");
    c.ship("4.2.6", "1309", "development");
    let mut freeze = on("freeze");
    freeze.extend(["--reason", "audit until Monday"]);
    let frozen = c.json(&freeze);
    assert_eq!(frozen["action"], "freeze");
    let now = c.channel("development");
    assert_eq!(
        (&now["frozen"], &now["state"], &now["build"]),
        (
            &json!({ "by": "mara", "why": "audit until Monday" }),
            &json!("complete"),
            &json!(1309)
        )
    );
    assert!(c.run(&["status"]).out.contains("complete, frozen"));

    let timestamp = c.storage().join("metadata/timestamp.json");
    let before = sha256(&std::fs::read(&timestamp).unwrap());
    let www = c.build("next");
    let place = ["--channel", "development"];
    let refused = [
        [&["ship", &www, "--version", "4.2.7"][..], &place].concat(),
        [&["rollout", "freeze"][..], &place].concat(),
        [&["rollout", "resume"][..], &place].concat(),
        [&["rollout", "complete"][..], &place].concat(),
    ];
    for args in &refused {
        assert_eq!(c.fails(5, args)["code"], "rollout.state", "{args:?}");
    }
    let ship = c.fails(5, &refused[0]);
    let said = ship["message"].as_str().unwrap();
    assert_eq!(said, "development is frozen by mara: audit until Monday");
    assert!(ship["remedy"].as_str().unwrap().contains("Unfreeze"));
    assert_eq!(
        sha256(&std::fs::read(&timestamp).unwrap()),
        before,
        "refused is unchanged"
    );

    let mut back = on("roll-back");
    back.extend(["--to", "1308"]);
    assert_eq!(c.json(&back)["build"], 1308);
    assert!(
        c.channel("development")["frozen"].is_object(),
        "it stays frozen"
    );

    c.json(&on("unfreeze"));
    assert!(c.channel("development")["frozen"].is_null());
    assert_eq!(c.fails(5, &on("unfreeze"))["code"], "rollout.state");
    c.ship("4.2.7", "1310", "development");
    let log = c.json(&["log"]);
    let actions: Vec<&str> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions[..4], ["ship", "unfreeze", "roll_back", "freeze"]);
}
