//! Putting back the last `timestamp.json` that was verified here, where somebody pushed a version out of reach.

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Swapped, layout};
use headgate_tuf::{MAX_METADATA, UtcTime};

use crate::console::Console;

impl Console {
    /// Puts back the timestamp that this computer verified last, where storage holds a state with a version that no
    /// other could follow. Every reader refuses that state, so none has left the one that is put back. Signs nothing.
    /// Gives the end of the freshness that counts again.
    ///
    /// # Errors
    /// `usage.argument` when storage holds nothing of the kind; `local.cache` when this computer has never read it;
    /// `publish.version_conflict` when somebody writes it at the same moment; `storage.*`, `trust.*`.
    pub async fn put_back(&self, workspace: &str) -> Result<UtcTime> {
        let workspace = self.workspace(workspace).await?;
        let store = self.inner.store(&workspace)?;
        let there = store.get(layout::TIMESTAMP, MAX_METADATA as u64).await?;
        match self.inner.read(&workspace, store.as_ref()).await {
            Err(problem) if problem.code == Code::TrustAhead => {}
            Err(problem) => return Err(problem),
            Ok(_) => {
                let what = "Every version in storage can be followed.";
                return Err(
                    Problem::new(Code::UsageArgument, what).remedy("Nothing is to be put back.")
                );
            }
        }
        let mut files = self.inner.cache.committed(&workspace.id).await?;
        let file: Bytes = files.remove("timestamp").ok_or_else(|| {
            let what = "This computer has no timestamp.json that it verified.";
            Problem::new(Code::LocalCache, what).remedy(
                "Use the console that read storage last, or metadata/timestamp.json from a backup of the storage.",
            )
        })?;
        let etag = there.map(|object| object.etag);
        match store.swap(layout::TIMESTAMP, file, etag.as_ref()).await? {
            Swapped::Swapped(_) => {}
            Swapped::Changed => {
                let what = "Somebody wrote timestamp.json at the same moment.";
                return Err(Problem::new(Code::PublishConflict, what)
                    .remedy("Take their access to the storage away first."));
            }
        }
        self.sync(&workspace.id).await?;
        let reading = self.inner.cache.reading(&workspace.id).await?;
        let lost = || Problem::new(Code::Internal, "A reading has no end.");
        reading.expires.ok_or_else(lost)
    }
}
