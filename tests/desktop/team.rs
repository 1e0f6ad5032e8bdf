//! Two people for production: the console asks, another key signs elsewhere, the console merges and publishes.

use std::path::Path;
use std::process::Command;

use headgate_core::signing::{Answer, RoleSignature, SigningRequest, SigningResponse};
use headgate_signer::{KeyVault, MemoryVault};
use headgate_tuf::PublicKey;
use serde_json::{Value, json};

use crate::driver::Desk;
use crate::main_job::theme;
use crate::rollout::Hands;
use crate::window::{Window, text};

/// The command line on the same home folder, beside the window.
pub(crate) fn headgate(home: &Path, args: &[&str]) -> Value {
    let program = std::env::var_os("HEADGATE_CLI").expect("HEADGATE_CLI names the program");
    let output = Command::new(program)
        .env("HEADGATE_HOME", home)
        .env("USER", "anna")
        .env_remove("HEADGATE_VAULT_PASSPHRASE")
        .args(args)
        .arg("--json")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Signs a request elsewhere and brings the answer in.
pub(crate) fn answer_elsewhere(
    home: &Path,
    folder: &Path,
    id: &str,
    vault: &MemoryVault,
    key: &PublicKey,
) {
    let (asked, answer) = (folder.join("r.hgrequest"), folder.join("r.hgresponse"));
    for old in [&asked, &answer] {
        let _ = std::fs::remove_file(old);
    }
    headgate(
        home,
        &["request", "save", id, "-o", asked.to_str().unwrap()],
    );
    let request = SigningRequest::parse(&std::fs::read(&asked).unwrap()).unwrap();
    let owners = request
        .roles
        .iter()
        .filter(|r| !r.role.ends_with(".rollout"));
    let sign = |role: &headgate_core::signing::RoleRequest| RoleSignature {
        signed: role.sha256(),
        keyid: key.id().unwrap(),
        sig: vault.sign(key, &role.bytes().unwrap()).unwrap(),
    };
    let list = Answer::Signed(owners.map(sign).collect());
    let response = SigningResponse::new(&request, "Ines".into(), request.created, list);
    std::fs::write(&answer, response.to_bytes().unwrap()).unwrap();
    headgate(
        home,
        &["response", "import", answer.to_str().unwrap(), "--only"],
    );
}

/// The job that can still be undone.
async fn undoable(window: &Window) -> String {
    for _ in 0..400 {
        let all = window.invoke("jobs", json!({})).await.unwrap();
        let waits =
            |job: &&Value| job["phase"] == json!("wait") && job["state"] == json!("running");
        if let Some(job) = all["jobs"].as_array().unwrap().iter().find(waits) {
            return text(&job["id"]);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no job waits");
}

/// Waits until a request is recorded: its job signs and uploads first.
async fn asked(window: &Window, hands: &Hands<'_>, answer: &Value) -> String {
    hands.done(&json!({ "job": answer["job"] })).await;
    let id = text(&answer["id"]);
    window.click("nav-requests").await;
    window.see(&format!("request-{id}")).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_second_person_signs_before_production_gets_anything() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    let hands = Hands::new(&window).await;
    let vault = MemoryVault::new();
    let key = vault.create("Ines vault").unwrap();

    // What reaches production can be undone for some seconds.
    let wait = ["trust", "confirm", "production", "wait"];
    headgate(&desk.home(), &wait);

    // A team: asked for here, signed elsewhere, published here.
    let member = json!({ "public": key.hex(), "name": "Ines vault", "holder": "Ines" });
    let ceremony = json!({ "kind": "team", "members": [member], "root": 2, "last": 2 });
    let wish =
        json!({ "workspace": hands.workspace, "ceremony": ceremony, "reason": "two people" });
    let plan = window.invoke("trust_prepare", wish).await.unwrap();
    assert_eq!(plan["canAsk"], json!(true), "{plan}");
    let ask = json!({ "plan": plan["plan"], "reason": "two people" });
    let answer = window.invoke("approval_ask", ask).await.unwrap();
    let id = asked(&window, &hands, &answer).await;
    window.shot("100-requests").await;
    answer_elsewhere(&desk.home(), desk.path(), &id, &vault, &key);
    let publish = json!({ "workspace": hands.workspace, "id": id, "typed": "com.acme.field" });
    let job = window.invoke("approval_publish", publish).await.unwrap();
    hands.done(&job).await;

    // A release that one person may promote to staging and not to production.
    let build = hands.to_staging("4.2.6").await;
    window.click("nav-pipeline").await;
    let promote = json!({
        "workspace": hands.workspace, "unit": "main", "build": build, "from": "staging", "to": "production", "permille": null,
    });
    let plan = window.invoke("promote_prepare", promote).await.unwrap();
    assert_eq!(plan["canAsk"], json!(true), "{plan}");
    let alone = json!({ "plan": plan["plan"], "typed": plan["typeToConfirm"] });
    let job = window.invoke("promote_start", alone).await.unwrap();
    let refused = hands.ended(&job).await;
    assert_eq!(
        refused["error"]["code"],
        json!("key.not_a_signer"),
        "{refused}"
    );
    let promote = json!({
        "workspace": hands.workspace, "unit": "main", "build": build, "from": "staging", "to": "production", "permille": null,
    });
    let plan = window.invoke("promote_prepare", promote).await.unwrap();
    let ask = json!({ "plan": plan["plan"], "reason": "stable on staging" });
    let answer = window.invoke("approval_ask", ask).await.unwrap();
    let id = asked(&window, &hands, &answer).await;
    window.click(&format!("request-{id}")).await;
    window.says("request-signed", "1 of 2").await;
    window.see("file-difference").await;
    window.shot("101-request").await;
    window.fits_small("101-request-small").await;
    theme(&window, "dark").await;
    window.shot("101-request-dark").await;
    theme(&window, "light").await;
    answer_elsewhere(&desk.home(), desk.path(), &id, &vault, &key);
    window.click("nav-requests").await;
    window.click(&format!("request-{id}")).await;
    window.says("request-signed", "2 of 2").await;
    window.click("request-publish").await;
    window.fill("typed-confirm", "production").await;
    window
        .says("publish-effect", "1 % of the devices on production")
        .await;
    window.shot("102-publish-request").await;
    window.click("publish-go").await;

    // Another page, and still there to be undone.
    let job = undoable(&window).await;
    window.click("nav-rollouts").await;
    window
        .says(
            &format!("undo-bar-{job}"),
            &format!("Promote build {build} to production"),
        )
        .await;
    window.click(&format!("undo-bar-go-{job}")).await;
    window.gone(&format!("undo-bar-{job}")).await;
    let undone = window.invoke("job", json!({ "job": job })).await.unwrap();
    assert_eq!(undone["state"], json!("cancelled"), "{undone}");

    window.click("nav-requests").await;
    window.click(&format!("request-{id}")).await;
    window.click("request-publish").await;
    window.fill("typed-confirm", "production").await;
    window.click("publish-go").await;
    let job = undoable(&window).await;
    window.see(&format!("undo-bar-{job}")).await;
    window.shot("104-undo-bar").await;
    window.click("nav-pipeline").await;
    window.says("version-production", "4.2.6").await;
    window.click("nav-keys").await;
    window.says("roles", "2 of 2").await;
    window.shot("103-keys-of-a-team").await;
    window.fits_small("103-keys-of-a-team-small").await;
    window.click("nav-activity").await;
    window.says("activity-summary", "entr").await;
    window.fits_small("103-activity-small").await;
    window.quit().await;
}
