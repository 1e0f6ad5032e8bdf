//! What devices and their plugins know, set from the command line.

use serde_json::json;

use crate::harness::Computer;

const PEM: &str = include_str!("../../../crates/signer/src/rsa/keys/pkcs8.pem");

#[test]
fn a_pipeline_sets_ids_keys_gates_and_embedded_builds_and_reads_them_back() {
    let c = Computer::new("mara");
    c.quick_vault();
    c.init();
    std::fs::write(c.path("appflow_private.pem"), PEM).unwrap();
    c.json(&["clients", "id", "set", "--kind", "ionic", "1a2b3c4d"]);
    c.json(&["clients", "self-assign", "--channel", "staging"]);
    let gate = ["--min-sample", "200", "--max-failure", "2.5"];
    c.json(&[&["clients", "gate", "--channel", "production"][..], &gate].concat());
    let embedded = ["--platform", "ios", "--native", "4.2.0", "--build", "1301"];
    c.json(&[&["clients", "embedded"][..], &embedded].concat());
    let import = ["clients", "key", "import", "--channel", "production"];
    let file = ["appflow_private.pem"];
    let set = c.json(&[&import[..], &file].concat());
    assert_eq!(set["rsa"]["here"], json!(true));

    let shown = c.json(&["clients", "show", "--channel", "production"]);
    assert_eq!(shown["units"][0]["ids"]["ionic"], json!("1a2b3c4d"));
    assert_eq!(
        shown["units"][0]["embedded"]["ios"],
        json!({ "4.2.0": 1301 })
    );
    let channel = &shown["channels"][0];
    assert_eq!(
        channel["gate"],
        json!({ "min_sample": 200, "max_failure_permille": 25 })
    );
    let rsa = &channel["rsa"];
    assert_eq!(rsa["name"], json!("production apps"));
    assert_eq!(rsa["key_id"], json!("MIIBCgKCAQEAp6it6B3C"));
    let pem = |name: &str| rsa[name].as_str().unwrap().to_owned();
    assert!(pem("pkcs1_pem").starts_with("-----BEGIN RSA PUBLIC KEY-----\n"));
    assert!(pem("spki_pem").starts_with("-----BEGIN PUBLIC KEY-----\n"));
    let text = c.run(&["clients", "show"]);
    assert!(text.out.contains("no RSA key") && text.out.contains(&pem("pkcs1_pem")));

    // A release says what is made for plugins, and the gate is part of its rollout.
    c.ship("4.2.6", "2", "production");
    let variants = std::fs::read_dir(c.storage().join("variants"))
        .unwrap()
        .count();
    assert_eq!(variants, 3);

    let again = c.fails(2, &[&import[..], &file].concat());
    assert_eq!(again["code"], "usage.exists");
    c.json(&["clients", "gate", "--channel", "production", "--off"]);
    let unknown = c.fails(2, &["clients", "show", "--channel", "nowhere"]);
    assert_eq!(unknown["code"], "usage.unknown");
    std::fs::write(c.path("no.pem"), "no key").unwrap();
    let staging = ["clients", "key", "import", "--channel", "staging", "no.pem"];
    assert_eq!(c.fails(7, &staging)["code"], "key.file");
}
