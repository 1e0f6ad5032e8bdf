//! What a device would get from a storage folder, by the engine and the first root alone.

use std::path::{Path, PathBuf};

use headgate_core::Platform;
use headgate_engine::{Console, Options, VerifyRequest};
use tempfile::TempDir;

/// A reader that has nothing but the address and `1.root.json`.
pub(crate) struct Device {
    console: Console,
    storage: PathBuf,
    _own: TempDir,
}

impl Device {
    pub(crate) async fn new(storage: &Path) -> Self {
        let own = tempfile::tempdir().unwrap();
        let console = Console::open(Options::new(own.path().join("home"))).await;
        Self {
            console: console.unwrap(),
            storage: storage.to_owned(),
            _own: own,
        }
    }

    /// What a channel offers, and SHA-256 of the bundle as it was read.
    pub(crate) async fn asks(
        &self,
        channel: &str,
        install_id: Option<&str>,
    ) -> (&'static str, Option<String>) {
        let request = VerifyRequest {
            url: self.storage.display().to_string(),
            root: std::fs::read(self.storage.join("metadata/1.root.json")).unwrap(),
            unit: "main".into(),
            channel: channel.into(),
            platform: Platform::Ios,
            native: None,
            install_id: install_id.map(str::to_owned),
            running: None,
            download: None,
        };
        let verified = self.console.verify(request).await.unwrap();
        (verified.offer, verified.bundle)
    }

    /// Whether some devices get a channel's newest release and others do not, and the hash that those get.
    pub(crate) async fn share(&self, channel: &str) -> (bool, bool, Option<String>) {
        let mut seen = (false, false, None);
        // At one in a hundred, 2,000 ids all miss the group once in 500 million tries.
        for id in 0..2000 {
            let (offer, bundle) = self.asks(channel, Some(&format!("install-{id}"))).await;
            if offer == "release" {
                seen = (true, seen.1, bundle);
            } else {
                seen.1 = true;
            }
            if seen.0 && seen.1 {
                break;
            }
        }
        seen
    }
}
