//! What stock plugins need is made when a channel approves, by who holds its RSA key, and listed beside the release.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::collections::BTreeSet;
use std::sync::Arc;

use headgate_core::clients::{CapgoFiles, ClientsDocument};
use headgate_core::rollout::Gate;
use headgate_core::settings::Delivers;
use headgate_core::{Code, Platform};
use headgate_engine::{ChannelDefaults, GateChoice, Options, PromoteRequest, RsaOrigin};
use headgate_registry::documents::{self, ChannelDocuments};
use headgate_registry::layout;
use headgate_signer::{KeyVault as _, MemoryVault};
use headgate_tests::{
    Bench, OneVault, Person, bench, channel_documents, code, files_below, pass, promote, settle,
    ship, with_plugins,
};
use headgate_tuf::sha256_hex;

async fn at(bench: &Bench, person: &Person, channel: &str) -> ChannelDocuments {
    channel_documents(bench, person, channel).await
}

fn variant(bench: &Bench, sha256: &str) -> Vec<u8> {
    let bytes = std::fs::read(bench.storage().join(layout::variant(sha256))).unwrap();
    assert_eq!(sha256_hex(&bytes), sha256);
    bytes
}

/// Everything that a document names is in storage under its hash.
fn whole(bench: &Bench, document: &ClientsDocument) -> Option<CapgoFiles> {
    for object in document.objects() {
        assert_eq!(variant(bench, &object.sha256).len() as u64, object.size);
    }
    let list = document.capgo.as_ref().and_then(|c| c.files.as_ref());
    let files = list.map(|list| CapgoFiles::parse(&variant(bench, &list.sha256)).unwrap());
    for file in files.iter().flat_map(|f| &f.files) {
        assert_eq!(
            variant(bench, &file.object.sha256).len() as u64,
            file.object.size
        );
    }
    files
}

fn clients_in_work(bench: &Bench, person: &str) -> usize {
    let files = files_below(&bench.home(person).join("work"));
    let made = |p: &&std::path::PathBuf| p.to_string_lossy().contains("clients-");
    files.iter().filter(made).count()
}

fn deliver(zip: bool, files: bool) -> Delivers {
    Delivers { zip, files }
}

#[tokio::test]
async fn each_channel_lists_what_its_own_key_signed() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let key = with_plugins(&anna).await;
    let set = anna
        .console
        .set_delivers(&anna.workspace.id, deliver(true, true));
    settle(&anna, set.await).await;
    let build = bench.build("one");
    std::fs::write(build.join("empty.txt"), b"").unwrap();
    std::fs::write(build.join("real.txt.br"), b"this is no Brotli stream").unwrap();
    ship(&anna, &build, "staging").await.unwrap();

    // No key there: the manifest for Ionic alone, unsigned.
    let staging = at(&bench, &anna, "staging").await;
    let document = &staging.clients[&1];
    assert_eq!(document.manifest, staging.approved[&1].sha256);
    assert!(document.key.is_none() && document.capgo.is_none());
    let ionic = document.ionic.clone().unwrap();
    let manifest = variant(&bench, &ionic.manifest.sha256);
    assert!(manifest.starts_with(b"{\"payload\":\"") && manifest.ends_with(b"\"}"));
    whole(&bench, document);

    let plan = anna
        .console
        .promote_prepare(request(&anna, 1, "staging", "production"))
        .await
        .unwrap();
    assert!(plan.planned.problem.is_none());
    let clients = plan.planned.clients.unwrap();
    assert_eq!(
        (clients.key.as_deref(), clients.here),
        (Some("production apps"), true)
    );
    let role = plan
        .planned
        .roles
        .iter()
        .find(|r| r.role == "main.production")
        .unwrap();
    let says = "Build 1 may be served here; its bundle is signed for Capgo and Ionic plugins with the RSA key ‘production apps’";
    assert_eq!(role.says, says);

    let receipt = promote(&anna, 1, "staging", "production").await.unwrap();
    assert_eq!(receipt.release, Some(("4.2.5".into(), 1)));
    let production = at(&bench, &anna, "production").await;
    let document = &production.clients[&1];
    assert_eq!(production.approved[&1].sha256, staging.approved[&1].sha256);
    let named = document.key.clone().unwrap();
    assert_eq!(
        (named.capgo_id, named.sha256),
        (key.capgo_id(), key.sha256())
    );
    let files = whole(&bench, document).unwrap();
    let paths: Vec<&str> = files.files.iter().map(|f| f.path.as_str()).collect();
    assert!(paths.contains(&"empty.txt") && paths.contains(&"real.txt.br"));
    for file in &files.files {
        let forced = file.path == "empty.txt" || file.path == "real.txt.br";
        assert!(file.brotli || !forced, "{}", file.path);
    }
    let capgo = document.capgo.as_ref().unwrap();
    let plain = production.approved[&1].manifest.bundle.size;
    assert_eq!(
        capgo.zip.as_ref().unwrap().object.size,
        plain / 16 * 16 + 16
    );
    let manifest = variant(&bench, &document.ionic.as_ref().unwrap().manifest.sha256);
    assert!(
        String::from_utf8(manifest)
            .unwrap()
            .contains("\"signatures\":[{\"protected\":")
    );
    assert_eq!(clients_in_work(&bench, "anna"), 0);
}

fn request(person: &Person, build: u32, from: &str, to: &str) -> PromoteRequest {
    PromoteRequest {
        workspace: person.workspace.id.clone(),
        unit: "main".into(),
        build,
        from: from.into(),
        to: to.into(),
        permille: None,
    }
}

#[tokio::test]
async fn a_release_of_single_files_alone_is_signed_from_them() {
    let bench = bench();
    let anna = bench.first("anna").await;
    with_plugins(&anna).await;
    let set = anna
        .console
        .set_delivers(&anna.workspace.id, deliver(false, true));
    settle(&anna, set.await).await;
    let build = bench.build("one");
    std::fs::write(build.join("empty.txt"), b"").unwrap();
    std::fs::write(build.join("real.txt.br"), b"this is no Brotli stream").unwrap();
    ship(&anna, &build, "staging").await.unwrap();
    promote(&anna, 1, "staging", "production").await.unwrap();
    let production = at(&bench, &anna, "production").await;
    let document = &production.clients[&1];
    let capgo = document.capgo.as_ref().unwrap();
    assert!(capgo.zip.is_none() && document.ionic.as_ref().unwrap().zip.is_none());
    let files = whole(&bench, document).unwrap();
    let store = bench.store();
    let inventory = documents::inventory(&store, &production.approved[&1].manifest);
    assert_eq!(files.files.len(), inventory.await.unwrap().files.len());
}

#[tokio::test]
async fn a_release_of_a_zip_alone_has_no_signed_files() {
    let bench = bench();
    let anna = bench.first("anna").await;
    with_plugins(&anna).await;
    ship(&anna, &bench.build("one"), "production")
        .await
        .unwrap();
    let production = at(&bench, &anna, "production").await;
    let capgo = production.clients[&1].capgo.as_ref().unwrap();
    assert!(capgo.zip.is_some() && capgo.files.is_none());
    assert!(production.clients[&1].ionic.as_ref().unwrap().zip.is_some());
}

#[tokio::test]
async fn without_the_channels_key_nothing_is_signed() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let key = with_plugins(&anna).await;
    ship(&anna, &bench.build("one"), "staging").await.unwrap();
    // Ben has every key of the registry, but not the RSA key.
    let vault = Arc::new(MemoryVault::new());
    let options = Options {
        vaults: Arc::new(OneVault::of(vault.clone())),
        ..bench.options("ben")
    };
    let ben = bench.second(&anna, options).await;
    let before = files_below(&bench.storage());
    let request = request(&ben, 1, "staging", "production");
    let plan = ben.console.promote_prepare(request).await.unwrap();
    let problem = plan.planned.problem.unwrap();
    assert_eq!(problem.code, Code::KeyMissing);
    assert!(problem.message.contains("‘production apps’"), "{problem}");
    let refused = promote(&ben, 1, "staging", "production").await;
    assert_eq!(code(refused), Code::KeyMissing);
    assert_eq!(files_below(&bench.storage()), before);
    // Another key is not taken for it.
    assert_ne!(vault.create_rsa("another").unwrap(), key);
    assert_eq!(
        code(promote(&ben, 1, "staging", "production").await),
        Code::KeyMissing
    );
    // Where no key is needed Ben approves.
    ship(&ben, &bench.build("two"), "development")
        .await
        .unwrap();
    assert_eq!(at(&bench, &ben, "development").await.clients.len(), 1);
}

#[tokio::test]
async fn other_bytes_in_storage_are_not_signed() {
    let bench = bench();
    let anna = bench.first("anna").await;
    with_plugins(&anna).await;
    ship(&anna, &bench.build("one"), "staging").await.unwrap();
    let plan = anna
        .console
        .promote_prepare(request(&anna, 1, "staging", "production"))
        .await
        .unwrap();
    let sha256 = plan.manifest.bundle.sha256.clone();
    let path = bench.storage().join(layout::bundle(&sha256));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let job = anna
        .console
        .start_plan(&plan.plan, plan.type_to_confirm.as_deref());
    let refused = anna.receipt(&job.await.unwrap()).await;
    assert_eq!(code(refused), Code::TrustHash);
    assert!(!bench.storage().join("variants").join(&sha256).exists());
    assert!(at(&bench, &anna, "production").await.approved.is_empty());
}

#[tokio::test]
async fn documents_leave_with_the_approvals_that_they_belong_to() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let id = &anna.workspace.id;
    let set = anna
        .console
        .set_device_id(id, "main", "ionic", Some("1a2b3c4d"));
    settle(&anna, set.await).await;
    for n in 0..13 {
        let build = bench.build(&format!("n{n}"));
        ship(&anna, &build, "development").await.unwrap();
    }
    let development = at(&bench, &anna, "development").await;
    let approved: BTreeSet<u32> = development.approved.keys().copied().collect();
    let clients: BTreeSet<u32> = development.clients.keys().copied().collect();
    assert_eq!(approved, clients);
    assert!(approved.len() < 13 && approved.contains(&13));
    // A unit without such an id gets none from the next approval on.
    let unset = anna.console.set_device_id(id, "main", "ionic", None);
    settle(&anna, unset.await).await;
    ship(&anna, &bench.build("last"), "development")
        .await
        .unwrap();
    let development = at(&bench, &anna, "development").await;
    assert!(development.approved.contains_key(&14) && !development.clients.contains_key(&14));
}

#[tokio::test]
async fn settings_change_one_at_a_time_and_a_gate_reaches_the_next_rollout() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let (console, id) = (&anna.console, anna.workspace.id.as_str());
    let gate = Gate {
        min_sample: 200,
        max_failure_permille: 20,
    };
    let gated = |gate: &Gate| ChannelDefaults {
        gate: Some(GateChoice::On(*gate)),
        ..ChannelDefaults::default()
    };
    settle(
        &anna,
        console.set_channel(id, "staging", gated(&gate)).await,
    )
    .await;
    let more = ChannelDefaults {
        start_permille: Some(250),
        min_hours: Some(6),
        ..ChannelDefaults::default()
    };
    settle(&anna, console.set_channel(id, "staging", more).await).await;
    settle(&anna, console.set_self_assign(id, "staging", true).await).await;
    let embedded = console.set_embedded(id, "main", Platform::Ios, "4.2.0", Some(1301));
    settle(&anna, embedded.await).await;
    let settings = console.settings(id).await.unwrap();
    let staging = settings.channel("staging").unwrap();
    assert!(staging.self_assign && staging.gate.as_ref() == Some(&gate));
    assert_eq!(
        (staging.start_permille, staging.min_hours, staging.confirm),
        (250, 6, headgate_core::Confirm::Plain),
        "what is left out stays as it is"
    );
    let unit = settings.unit("main").unwrap();
    assert_eq!(unit.embedded.build(Platform::Ios, "4.2"), Some(1301));

    assert_eq!(
        code(console.set_self_assign(id, "staging", true).await),
        Code::UsageExists
    );
    assert_eq!(
        code(console.set_channel(id, "nowhere", gated(&gate)).await),
        Code::UsageUnknown
    );
    let zero = Gate {
        min_sample: 0,
        max_failure_permille: 20,
    };
    assert_eq!(
        code(console.set_channel(id, "staging", gated(&zero)).await),
        Code::UsageArgument
    );
    let none = ChannelDefaults::default();
    assert_eq!(
        code(console.set_channel(id, "staging", none).await),
        Code::UsageExists
    );
    let nothing = ChannelDefaults {
        start_permille: Some(0),
        ..ChannelDefaults::default()
    };
    assert_eq!(
        code(console.set_channel(id, "staging", nothing).await),
        Code::UsageArgument
    );
    let strange = console.set_device_id(id, "main", "carrier pigeon", Some("1"));
    assert_eq!(code(strange.await), Code::UsageArgument);

    ship(&anna, &bench.build("one"), "staging").await.unwrap();
    let rollout = at(&bench, &anna, "staging").await.rollout.unwrap();
    assert_eq!(rollout.gate, Some(gate));
    let log = anna.log().await.unwrap();
    assert_eq!(
        log.iter()
            .filter(|(action, _)| action == "settings")
            .count(),
        4
    );
}

#[tokio::test]
async fn a_channel_has_one_key_until_it_is_replaced_on_purpose() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let key = with_plugins(&anna).await;
    let (console, id) = (&anna.console, anna.workspace.id.as_str());
    let again = console.set_channel_rsa(id, "production", "second", RsaOrigin::New, false);
    assert_eq!(code(again.await), Code::UsageExists);
    let junk = RsaOrigin::Pem(pass());
    let refused = console.set_channel_rsa(id, "production", "second", junk, true);
    assert_eq!(code(refused.await), Code::KeyFile);
    let info = console
        .channel_rsa(id, "production")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((info.public, info.here), (key.clone(), Some(true)));
    assert!(console.channel_rsa(id, "staging").await.unwrap().is_none());
    let replace = console.set_channel_rsa(id, "production", "second", RsaOrigin::New, true);
    settle(&anna, replace.await).await;
    let info = console
        .channel_rsa(id, "production")
        .await
        .unwrap()
        .unwrap();
    assert_ne!(info.public, key);
}
