//! The update server in the test process, on what consoles shipped.

use std::sync::Arc;

use bytes::Bytes;
use headgate_core::Result;
use headgate_engine::Clock as _;
use headgate_registry::{HighWater, Store};
use headgate_server::telemetry::Telemetry;
use headgate_server::{AppState, Catalog, Origin, Reading, load};

use crate::Bench;

/// Address that devices reach the server at, in answers.
pub const PUBLIC_URL: &str = "https://ota.example.test";
/// Address that devices read objects at, in answers.
pub const OBJECTS_URL: &str = "https://objects.example.test/field";

impl Bench {
    /// The registry as the update server reads it, pinned to this root.
    pub fn origin(&self, root: &[u8]) -> Origin {
        Origin {
            store: Arc::new(self.store()) as Arc<dyn Store>,
            pinned: Bytes::copy_from_slice(root),
            objects: OBJECTS_URL.into(),
            folder: None,
        }
    }

    /// Reads it, without history.
    ///
    /// # Errors
    /// As [`load`].
    pub async fn reading(&self, root: &[u8]) -> Result<Reading> {
        let marks = HighWater::default();
        load(&self.origin(root), &marks, self.clock.now(), None).await
    }

    /// What request handlers of an update server have that serves this registry, at the bench's time.
    pub async fn serving(&self, root: &[u8], telemetry: Arc<dyn Telemetry>) -> AppState {
        let clock = Arc::clone(&self.clock);
        let state = AppState::new(telemetry, PUBLIC_URL, Arc::new(move || clock.now()));
        self.serve(&state, root).await;
        state
    }

    /// Serves what lies in storage now.
    pub async fn serve(&self, state: &AppState, root: &[u8]) {
        let mut catalog = Catalog::default();
        for (ids, unit) in self.reading(root).await.unwrap().units {
            for (kind, id) in ids {
                assert!(catalog.add(kind, &id, Arc::clone(&unit)), "{id} is taken");
            }
        }
        state.serve(Arc::new(catalog));
    }
}
