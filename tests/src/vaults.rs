//! One vault for every console that is given it.

use std::sync::Arc;

use headgate_core::Result;
use headgate_engine::{OpenVault, VaultChoice};
use headgate_signer::{KeyVault, MemoryVault};

/// Opens the same vault whatever is asked for.
#[derive(Clone)]
pub struct OneVault(Arc<dyn KeyVault>);

impl OneVault {
    /// An empty one in memory.
    pub fn memory() -> Self {
        Self(Arc::new(MemoryVault::new()))
    }

    /// This one.
    pub fn of(vault: Arc<dyn KeyVault>) -> Self {
        Self(vault)
    }
}

impl OpenVault for OneVault {
    fn open(&self, _: &VaultChoice, _: bool) -> Result<Arc<dyn KeyVault>> {
        Ok(Arc::clone(&self.0))
    }
}
