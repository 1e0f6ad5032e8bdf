//! Handlers of artifacts that lie elsewhere, and of the comparison with a release.

use headgate_core::compare::{Changed, PathSize};
use headgate_engine::{Comparison, packer_text};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::ship::count;

/// Most files of each kind that cross to the window.
const LISTED: usize = 200;

impl App {
    /// Picks a web build at an address. Nothing is asked there before the inspection.
    #[expect(clippy::unused_async, reason = "every handler has the same shape")]
    pub async fn artifact_pick(
        &self,
        request: dto::ArtifactRequest,
    ) -> Result<dto::PickedBuild, IpcError> {
        let picked = self.console.pick_url(&request.url)?;
        Ok(dto::PickedBuild {
            item: Some(dto::Picked {
                handle: picked.handle,
                name: picked.name,
                kind: picked.kind.into(),
                ok: picked.ok,
                says: picked.says,
            }),
        })
    }

    /// Compares an inspected web build with a release.
    pub async fn compare_build(
        &self,
        request: dto::CompareRequest,
    ) -> Result<dto::Comparison, IpcError> {
        let compare = self.console.compare(
            &request.workspace,
            &request.unit,
            &request.handle,
            request.build,
        );
        Ok(comparison(compare.await?))
    }

    /// Compares two releases of a unit.
    pub async fn compare_releases(
        &self,
        request: dto::CompareReleases,
    ) -> Result<dto::Comparison, IpcError> {
        let compare = self.console.compare_releases(
            &request.workspace,
            &request.unit,
            request.build,
            request.other,
        );
        Ok(comparison(compare.await?))
    }
}

fn comparison(c: Comparison) -> dto::Comparison {
    let same_files = c.same_files();
    let d = c.difference;
    dto::Comparison {
        version: c.release.version,
        build: c.release.build,
        same_bytes: c.same_bytes,
        same_files,
        signed_sha256: c.release.bundle.sha256,
        own_sha256: c.own.sha256,
        signed_packer: packer_text(&c.release.packer),
        own_packer: packer_text(&c.own.packer),
        added_count: count(d.added.len()),
        removed_count: count(d.removed.len()),
        changed_count: count(d.changed.len()),
        unchanged_count: count(d.unchanged),
        added: sizes(d.added),
        removed: sizes(d.removed),
        changed: d.changed.into_iter().take(LISTED).map(change).collect(),
    }
}

fn sizes(files: Vec<PathSize>) -> Vec<dto::FileSize> {
    let size = |f: PathSize| dto::FileSize {
        path: f.path,
        size: f.size,
    };
    files.into_iter().take(LISTED).map(size).collect()
}

fn change(f: Changed) -> dto::FileChange {
    dto::FileChange {
        path: f.path,
        old_size: f.old_size,
        new_size: f.new_size,
    }
}
