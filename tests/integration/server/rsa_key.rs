//! The drill "A dialect's RSA key" of `docs/drills.md`: the key is replaced, and what that means is checked.

use headgate_core::{Code, RsaPublic};
use headgate_engine::{PromoteRequest, RsaOrigin};
use headgate_registry::layout;
use headgate_server::serve::Running as Server;
use headgate_signer::RsaSigner;
use headgate_tests::{
    APP, Bench, Person, bench, channel_documents, code, promote, settle, ship, with_plugins,
};
use serde_json::{Value, json};

use super::fixture::{json as read, post, server};

/// What the plugin in an app that pins this key is answered: the build, or why there is none.
async fn gets(server: &Server, key: &RsaPublic) -> String {
    let question = json!({"platform": "android", "device_id": "0e2f6d3a-0000-4000-8000-000000000001",
        "app_id": APP, "version_build": "4.2.0", "version_code": "1", "version_os": "14",
        "version_name": "builtin", "plugin_version": "8.51.23", "is_emulator": false, "is_prod": true,
        "custom_id": "", "defaultChannel": "production", "key_id": key.capgo_id()});
    let answer: Value = read(post(server, "/capgo/updates", question.to_string()).await).await;
    let said = answer["version"]
        .as_str()
        .filter(|_| answer["url"].is_string());
    said.or(answer["error"].as_str())
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

/// Whether everything that a channel lists for plugins of a build was signed with this key.
async fn signed_with(bench: &Bench, person: &Person, build: u32, key: &RsaPublic) -> bool {
    let production = channel_documents(bench, person, "production").await;
    let document = &production.clients[&build];
    let ionic = &document.ionic.as_ref().unwrap().manifest.sha256;
    let ionic = std::fs::read(bench.storage().join(layout::variant(ionic))).unwrap();
    let named = document.key.as_ref().unwrap().sha256 == key.sha256();
    match RsaSigner::recorded(key, document, None, Some(&ionic)) {
        Ok(_) => named,
        Err(problem) => {
            assert_eq!(problem.code, Code::TrustSignature);
            assert!(!named, "it names a key that did not sign it");
            false
        }
    }
}

async fn everyone(person: &Person, build: u32) {
    let request = PromoteRequest {
        workspace: person.workspace.id.clone(),
        unit: "main".into(),
        build,
        from: "staging".into(),
        to: "production".into(),
        permille: Some(1000),
    };
    let plan = person.console.promote_prepare(request).await.unwrap();
    let typed = plan.type_to_confirm.as_deref();
    let job = person.console.start_plan(&plan.plan, typed).await.unwrap();
    person.receipt(&job).await.unwrap();
}

#[tokio::test]
async fn a_dialects_rsa_key_is_replaced_and_releases_after_it_are_signed_with_the_new_one_only() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let old = with_plugins(&anna).await;
    ship(&anna, &bench.build("one"), "staging").await.unwrap();
    everyone(&anna, 1).await;
    let server = server(&bench, &anna.workspace.root).await;
    assert_eq!(gets(&server, &old).await, "4.2.5+1");

    // The key is stolen: another one takes its place, on purpose.
    let (console, id) = (&anna.console, anna.workspace.id.as_str());
    let set = console.set_channel_rsa(id, "production", "apps 2027", RsaOrigin::New, true);
    settle(&anna, set.await).await;
    let new = console.channel_rsa(id, "production").await.unwrap();
    let new = new.unwrap().public;
    server.read_now().await;
    // Nothing that was approved before is signed anew by that: the apps in the field get what they got.
    assert!(signed_with(&bench, &anna, 1, &old).await);
    assert!(!signed_with(&bench, &anna, 1, &new).await);
    assert_eq!(gets(&server, &old).await, "4.2.5+1");
    assert_eq!(gets(&server, &new).await, "key_id_mismatch");

    // The next approval is signed with the new key alone, and only apps that pin it take it.
    ship(&anna, &bench.build("two"), "staging").await.unwrap();
    everyone(&anna, 2).await;
    server.read_now().await;
    assert!(signed_with(&bench, &anna, 2, &new).await);
    assert!(!signed_with(&bench, &anna, 2, &old).await);
    assert_eq!(gets(&server, &new).await, "4.2.5+2");
    assert_eq!(gets(&server, &old).await, "key_id_mismatch");

    // The stolen key signs nothing for this registry any more, also where it lies.
    let back = RsaOrigin::Here(old.clone());
    let again = console.set_channel_rsa(id, "production", "old", back, false);
    assert_eq!(code(again.await), Code::UsageExists);
    ship(&anna, &bench.build("three"), "staging").await.unwrap();
    promote(&anna, 3, "staging", "production").await.unwrap();
    assert!(signed_with(&bench, &anna, 3, &new).await);
}
