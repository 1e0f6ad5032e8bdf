//! What is signed for one workspace, channel or release does not count for another.

use headgate_core::rollout::RolloutDocument;
use headgate_core::{Code, Platform};
use headgate_engine::{ConnectRequest, VaultChoice, VerifyRequest};
use headgate_tests::{Bench, code, ship};
use headgate_tuf::metadata::{Hashes, TargetFile};
use headgate_tuf::sha256_hex;

use super::registry::{Registry, at, registry, seeded};

impl Registry {
    /// An operator with the online key serves a document that nobody checked.
    fn serve(&self, channel: &str, change: impl FnOnce(&mut RolloutDocument)) {
        let target = format!("main.{channel}.rollout.json");
        let old = self.only("targets", &format!(".{target}"));
        let mut document = RolloutDocument::parse(&self.bytes(&old)).unwrap();
        change(&mut document);
        let bytes = document.to_bytes().unwrap();
        let sha256 = sha256_hex(&bytes);
        self.put(&format!("targets/{sha256}.{target}"), &bytes);
        let role = format!("main.{channel}.rollout");
        let mut meta = self.role(&role);
        meta.version = 3;
        let length = bytes.len() as u64;
        let hashes = Hashes { sha256 };
        meta.targets.insert(target, TargetFile { length, hashes });
        self.sign(&format!("3.{role}.json"), &meta, &[&self.online]);
        self.commit(|meta| {
            meta.insert(format!("{role}.json"), at(3));
        });
    }

    async fn verified(&self, channel: &str) -> Code {
        let request = VerifyRequest {
            url: format!("file://{}", self.bench.storage().display()),
            root: self.root.clone(),
            unit: "main".into(),
            channel: channel.into(),
            platform: Platform::Android,
            native: None,
            install_id: None,
            running: None,
            download: None,
        };
        code(self.anna.console.verify(request).await)
    }
}

#[tokio::test]
async fn an_operator_cannot_serve_what_approvers_did_not_sign() {
    let r = registry().await;
    r.serve("production", |document| document.entries[0].release = 99);
    assert_eq!(r.refusal().await, Code::TrustUnapproved);
    assert_eq!(r.verified("production").await, Code::TrustUnapproved);
}

#[tokio::test]
async fn an_operator_cannot_put_another_manifest_under_an_approved_number() {
    let r = registry().await;
    r.serve("production", |document| {
        document.entries[0].manifest = "ab".repeat(32);
    });
    assert_eq!(r.refusal().await, Code::TrustUnapproved);
    assert_eq!(r.verified("production").await, Code::TrustUnapproved);
}

#[tokio::test]
async fn a_release_whose_approval_was_withdrawn_is_not_served() {
    let r = registry().await;
    let mut meta = r.role("main.production");
    meta.version = 3;
    meta.targets.clear();
    r.sign("3.main.production.json", &meta, &[&r.release]);
    r.commit(|meta| {
        meta.insert("main.production.json".into(), at(3));
    });
    assert_eq!(r.refusal().await, Code::TrustUnapproved);
    assert_eq!(r.verified("production").await, Code::TrustUnapproved);
}

#[tokio::test]
async fn a_rollout_document_of_another_channel_is_refused() {
    let r = registry().await;
    let staging = headgate_tuf::Name::new("staging").unwrap();
    r.serve("production", |document| document.channel = staging);
    assert_eq!(r.refusal().await, Code::TrustHash);
}

#[tokio::test]
async fn what_staging_approved_is_no_approval_of_production() {
    for role in ["main.staging.json", "main.staging.rollout.json"] {
        let r = registry().await;
        // In the solo profile the same key signs both, so only what is signed in them tells them apart.
        let target = role.replace("staging", "production");
        let bytes = r.bytes(&format!("metadata/2.{role}"));
        r.put(&format!("metadata/2.{target}"), &bytes);
        assert_eq!(r.refusal().await, Code::TrustSignature, "{role}");
    }
}

#[tokio::test]
async fn a_storage_that_holds_another_workspace_is_recognised() {
    let (ours, theirs) = (registry().await, seeded("theirs").await);
    let theirs_root = &theirs.root;
    // As a device, with the root of one workspace on the storage of the other.
    let refused = ours.bench.device(theirs_root).await;
    assert_eq!(code(refused), Code::TrustWorkspace);

    // When connecting.
    let console = ours.bench.console("berta").await;
    let request = ConnectRequest {
        name: String::new(),
        storage: format!("file://{}", ours.bench.storage().display()),
        public_url: None,
        root: theirs_root.clone(),
        vault: VaultChoice::Os,
        credentials: None,
    };
    let checks = console.connect_test(&request).await;
    let failed = checks.into_iter().find_map(|c| c.result.err());
    assert_eq!(failed.unwrap().code, Code::TrustWorkspace);
    assert_eq!(code(console.connect(request).await), Code::TrustWorkspace);
    assert!(console.workspaces().await.unwrap().is_empty());

    // And when the storage is exchanged below a console that knows it.
    swap(&ours.bench, &theirs.bench);
    let id = &ours.anna.workspace.id;
    let problem = ours.anna.console.sync(id).await.unwrap_err();
    assert_eq!(problem.code, Code::TrustWorkspace);
    assert!(problem.message.contains("another registry"), "{problem}");
    let build = ours.bench.build("never");
    let refused = ship(&ours.anna, &build, "development").await;
    assert_eq!(code(refused), Code::TrustWorkspace);
    swap(&ours.bench, &theirs.bench);
    ours.anna.console.sync(id).await.unwrap();
}

fn swap(a: &Bench, b: &Bench) {
    let aside = a.dir.path().join("aside");
    std::fs::rename(a.storage(), &aside).unwrap();
    std::fs::rename(b.storage(), a.storage()).unwrap();
    std::fs::rename(&aside, b.storage()).unwrap();
}

#[tokio::test]
async fn a_file_signed_for_another_workspace_is_refused_even_with_the_same_keys() {
    let r = registry().await;
    let mut meta = r.role("main.production");
    meta.version = 3;
    meta.x.workspace = "com.acme.other#0123456789abcdef".into();
    r.sign("3.main.production.json", &meta, &[&r.release]);
    r.commit(|meta| {
        meta.insert("main.production.json".into(), at(3));
    });
    assert_eq!(r.refusal().await, Code::TrustWorkspace);
}
