//! A team whose second signature comes from a machine without a network, all by files.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{APP, Computer, sha256};

/// A workstation: `headgate-sign` in a folder of its own.
struct Station<'a> {
    desk: &'a Computer,
}

impl Station<'_> {
    fn run(&self, args: &[&str]) -> (i32, Value) {
        let sign = headgate_tests::program("headgate-sign");
        let output = Command::new(sign)
            .args(["--json", "--home"])
            .arg(self.desk.path("station"))
            .args(args)
            .current_dir(self.desk.dir.path())
            .env("HEADGATE_VAULT_PASSPHRASE", "one two three")
            .env_remove("HEADGATE_HOME")
            .output()
            .unwrap();
        let text = match output.status.success() {
            true => &output.stdout,
            false => &output.stderr,
        };
        let said = serde_json::from_slice(text);
        (
            output.status.code().unwrap_or(-1),
            said.unwrap_or_else(|e| panic!("{args:?}: {e}: {}", String::from_utf8_lossy(text))),
        )
    }

    fn good(&self, args: &[&str]) -> Value {
        let (code, said) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {said}");
        said
    }

    fn key(&self, name: &str) -> String {
        let made = self.good(&[
            "keys",
            "create",
            "--name",
            name,
            "--vault",
            "file:keys-of-the-station",
        ]);
        made["public"].as_str().unwrap().to_owned()
    }

    fn sign(&self, request: &str, response: &str, accept: &[&str]) -> Value {
        let mut args = vec![
            "sign",
            request,
            "--vault",
            "file:keys-of-the-station",
            "-o",
            response,
        ];
        accept.iter().for_each(|a| args.extend(["--accept", a]));
        self.good(&args)
    }
}

fn copy(from: &Computer, name: &str, to: &Computer) {
    std::fs::copy(from.path(name), to.path(name)).unwrap();
}

#[test]
fn a_team_of_three_ships_to_production_with_an_offline_signature() {
    let desk = Computer::new("anna");
    let vault = Computer::new("ines");
    let station = Station { desk: &vault };
    desk.quick_vault();
    let ines = station.key("Ines vault");
    let mara = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let storage = format!("file://{}", desk.text(&format!("ota {APP}")));
    let keys = format!("file:{}", desk.text("keys.age"));
    let (ines, mara) = (
        format!("{ines}=Ines vault=Ines"),
        format!("{mara}=Mara=Mara"),
    );
    let asked = desk.json(&[
        "init",
        "--app",
        APP,
        "--name",
        "Acme Field",
        "--storage",
        &storage,
        "--vault",
        &keys,
        "--profile",
        "team",
        "--key",
        &ines,
        "--key",
        &mara,
        "--request",
        "first.hgrequest",
    ]);
    assert_eq!(
        (asked["have"].as_u64(), asked["need"].as_u64()),
        (Some(1), Some(2))
    );
    assert!(
        !desk.storage().join("metadata").exists(),
        "nothing is there before the second owner signed"
    );

    // The new root of trust is an alarm that the owner accepts after comparing its words.
    copy(&desk, "first.hgrequest", &vault);
    let (code, refused) = station.run(&[
        "sign",
        "first.hgrequest",
        "--vault",
        "file:keys-of-the-station",
    ]);
    assert_eq!((code, refused["code"].as_str()), (4, Some("signing.alarm")));
    station.sign("first.hgrequest", "first.hgresponse", &["new_workspace"]);
    copy(&vault, "first.hgresponse", &desk);
    let made = desk.json(&["response", "import", "first.hgresponse"]);
    assert!(
        made["verified"].is_boolean() || made["metadata"].is_object(),
        "{made}"
    );
    let trust = desk.json(&["trust", "show"]);
    assert_eq!(trust["profile"], "team");
    assert_eq!(trust["roles"]["main.production"]["threshold"], 2);

    // From here on the workstation has a pinned root.
    std::fs::copy(desk.root(), vault.path("1.root.json")).unwrap();
    let print = sha256(&std::fs::read(desk.root()).unwrap());
    station.good(&["setup", "1.root.json", "--fingerprint", &print]);

    desk.ship("4.2.5", "1308", "development");
    desk.json(&[
        "promote",
        "--build",
        "1308",
        "--from",
        "development",
        "--to",
        "staging",
    ]);
    let alone = desk.fails(
        7,
        &[
            "promote",
            "--build",
            "1308",
            "--from",
            "staging",
            "--to",
            "production",
        ],
    );
    assert_eq!(alone["code"], "key.not_a_signer");
    assert!(
        alone["remedy"].as_str().unwrap().contains("--request"),
        "{alone}"
    );
    let asked = desk.json(&[
        "request",
        "create",
        "--channel",
        "production",
        "--build",
        "1308",
        "-o",
        "r.hgrequest",
        "--bundle",
        "--reason",
        "stable on staging",
    ]);
    assert_eq!(asked["title"], "Promote 4.2.5 to production");
    let listed = desk.json(&["request", "list"]);
    assert_eq!(listed["requests"][0]["id"], asked["id"]);
    let early = desk.fails(5, &["request", "publish", asked["id"].as_str().unwrap()]);
    assert_eq!(early["code"], "signing.incomplete");
    assert_eq!(desk.channel("production")["build"], Value::Null);

    copy(&desk, "r.hgrequest", &vault);
    bundles(&desk, &vault);
    let shown = station.good(&["show", "r.hgrequest"]);
    assert_eq!(shown["title"], "Promote 4.2.5 to production");
    assert_eq!(shown["alarms"].as_array().map(Vec::len), Some(0), "{shown}");
    station.sign("r.hgrequest", "r.hgresponse", &[]);
    copy(&vault, "r.hgresponse", &desk);
    let live = desk.json(&["response", "import", "r.hgresponse"]);
    assert_eq!(
        (live["build"].as_u64(), live["channel"].as_str()),
        (Some(1308), Some("production"))
    );
    assert_eq!(live["verified"], true);
    // The same answer again changes nothing.
    let again = desk.fails(5, &["response", "import", "r.hgresponse"]);
    assert_eq!(again["code"], "signing.other_request");
    desk.json(&["log", "--verify"]);

    // A threshold that the owners raise by file, and an answer of another request.
    desk.json(&[
        "trust",
        "threshold",
        "main.staging",
        "2",
        "--request",
        "t.hgrequest",
        "--reason",
        "drill",
    ]);
    copy(&desk, "t.hgrequest", &vault);
    station.sign("t.hgrequest", "t.hgresponse", &[]);
    copy(&vault, "t.hgresponse", &desk);
    desk.json(&["response", "import", "t.hgresponse"]);
    assert_eq!(
        desk.json(&["trust", "show"])["roles"]["main.staging"]["threshold"],
        2
    );
}

/// Bundles that lie beside the request.
fn bundles(from: &Computer, to: &Computer) {
    let found = std::fs::read_dir(from.dir.path()).unwrap().flatten();
    let zips = found.filter(|f| {
        Path::new(&f.file_name())
            .extension()
            .is_some_and(|e| e == "zip")
    });
    let mut count = 0;
    for zip in zips {
        std::fs::copy(zip.path(), to.dir.path().join(zip.file_name())).unwrap();
        count += 1;
    }
    assert_eq!(count, 1, "the bundle lies beside the request");
}

#[test]
fn a_channel_whose_rsa_key_is_at_a_workstation_is_published_after_one_trip() {
    let desk = Computer::new("anna");
    let vault = Computer::new("ines");
    let station = Station { desk: &vault };
    desk.init();
    let place = ["--vault", "file:keys-of-the-station"];
    let name = ["--name", "production apps"];
    let made = station.good(&[&["keys", "create", "--rsa"][..], &name, &place].concat());
    let sha256 = made["sha256"].as_str().unwrap();
    assert!(made["spki_pem"].as_str().unwrap().contains("PUBLIC KEY"));
    station.good(&["keys", "export-public", "production apps", "-o", "apps.pem"]);
    assert_eq!(station.good(&["keys", "list"])["rsa"][0]["sha256"], sha256);
    copy(&vault, "apps.pem", &desk);
    let key = ["clients", "key", "public", "--channel", "production"];
    let set = desk.json(&[&key[..], &name, &["apps.pem"]].concat());
    assert_eq!(
        (&set["rsa"]["sha256"], &set["rsa"]["here"]),
        (&made["sha256"], &Value::Bool(false))
    );
    let root = desk.root();
    let wrong = [&key[..], &["--replace", &root]].concat();
    assert_eq!(desk.fails(7, &wrong)["code"], "key.file");
    std::fs::copy(&root, vault.path("1.root.json")).unwrap();
    let print = sha256_of(Path::new(&root));
    station.good(&["setup", "1.root.json", "--fingerprint", &print]);

    desk.ship("4.2.5", "1308", "development");
    let promote = |from, to| ["promote", "--build", "1308", "--from", from, "--to", to];
    desk.json(&promote("development", "staging"));
    let last = promote("staging", "production");
    let alone = desk.fails(7, &last);
    assert_eq!(alone["code"], "key.not_here");
    assert!(
        alone["remedy"].as_str().unwrap().contains("--request"),
        "{alone}"
    );
    let asked = desk.json(&[&last[..], &["--request", "r.hgrequest"]].concat());
    assert_eq!(
        (&asked["rsa"]["there"], &asked["have"]),
        (&Value::Bool(false), &0.into())
    );
    copy(&desk, "r.hgrequest", &vault);
    bundles(&desk, &vault);
    let shown = station.good(&["show", "r.hgrequest"]);
    assert_eq!(
        (&shown["clients"][0]["key"], &shown["clients"][0]["here"]),
        (&"production apps".into(), &Value::Bool(true))
    );
    let signed = station.sign("r.hgrequest", "r.hgresponse", &[]);
    assert_eq!(signed["made"].as_array().map(Vec::len), Some(1), "{signed}");
    copy(&vault, "r.hgresponse", &desk);
    let taken = desk.json(&["response", "import", "r.hgresponse"]);
    assert_eq!(
        (&taken["made"], &taken["mine"], &taken["complete"]),
        (&Value::Bool(true), &Value::Bool(true), &Value::Bool(false))
    );
    let id = asked["id"].as_str().unwrap();
    assert_eq!(desk.json(&["request", "approve", id])["complete"], true);
    let live = desk.json(&["request", "publish", id]);
    assert_eq!(
        (&live["build"], &live["verified"]),
        (&1308.into(), &Value::Bool(true))
    );
}

fn sha256_of(path: &Path) -> String {
    sha256(&std::fs::read(path).unwrap())
}
