//! A registry, an update server and a phone that runs build 1 of a channel.

use headgate_core::rollout::RolloutDocument;
use headgate_tests::{PackHost, Phone, promote, reached, ship};
use headgate_tuf::metadata::{Hashes, TargetFile};
use headgate_tuf::sha256_hex;

use super::registry::{Registry, at, registry, seeded};

pub(super) struct Setting {
    pub(super) r: Registry,
    pub(super) host: PackHost,
    pub(super) phone: Phone,
}

impl Setting {
    /// A phone on a channel that has settled on build 1.
    pub(super) async fn on(channel: &str) -> Self {
        Self::of(registry().await, channel).await
    }

    /// The same in a workspace of its own.
    pub(super) async fn other(seed: &'static str, channel: &str) -> Self {
        Self::of(seeded(seed).await, channel).await
    }

    async fn of(r: Registry, channel: &str) -> Self {
        let host = PackHost::start(&r.bench.storage()).await;
        let install = reached(&r.bench.storage(), channel);
        let options = Phone::options(&r.root, channel, &install, &r.bench.clock);
        let mut phone = Phone::at(&host.url, options);
        assert_eq!(phone.settle().await, Some(1));
        Self { r, host, phone }
    }

    /// Build 2 on development and staging.
    pub(super) async fn next(&self) {
        let build = self.r.bench.build("two");
        ship(&self.r.anna, &build, "development").await.unwrap();
        promote(&self.r.anna, 2, "development", "staging")
            .await
            .unwrap();
    }

    /// The next honest update arrives.
    pub(super) async fn recovers(&mut self) {
        assert_eq!(self.phone.settle().await, Some(2));
    }
}

impl Registry {
    /// An operator with the online key serves a document that nobody checked.
    pub(super) fn serve(&self, channel: &str, change: impl FnOnce(&mut RolloutDocument)) {
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
}
