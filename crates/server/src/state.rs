//! What every request handler has.

use std::sync::{Arc, PoisonError, RwLock};

use headgate_tuf::UtcTime;

use crate::Catalog;
use crate::metrics::Metrics;
use crate::telemetry::Telemetry;

/// Time, so that tests are exact.
pub type Clock = Arc<dyn Fn() -> UtcTime + Send + Sync>;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    catalog: Arc<RwLock<Arc<Catalog>>>,
    /// Telemetry.
    pub telemetry: Arc<dyn Telemetry>,
    /// The server's own address as devices reach it, without a slash at the end. Never taken from a request.
    pub public_url: Arc<str>,
    /// Time.
    pub clock: Clock,
    /// What is counted for operators.
    pub metrics: Arc<Metrics>,
}

impl AppState {
    /// Serves nothing yet.
    pub fn new(telemetry: Arc<dyn Telemetry>, public_url: &str, clock: Clock) -> Self {
        Self {
            catalog: Arc::default(),
            telemetry,
            public_url: public_url.trim_end_matches('/').into(),
            clock,
            metrics: Arc::default(),
        }
    }

    /// What is served now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves something else from now on.
    pub fn serve(&self, catalog: Arc<Catalog>) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }
}
