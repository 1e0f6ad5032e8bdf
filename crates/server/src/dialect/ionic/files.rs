//! `GET /apps/{id}/snapshots/{sid}/files/{href}`: manifests, and the files that they list.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use headgate_bundle::single::unstore;
use headgate_core::clients::IONIC_MANIFEST;
use headgate_core::files::{Encoding, StoredFile};
use headgate_core::ionic::{CORDOVA_MANIFEST, plain_manifest, unsigned_manifest};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{documents, layout};
use headgate_tuf::sha256_hex;
use tokio::sync::Semaphore;

use super::super::reply::{IMMUTABLE, bytes_of, with_query};
use super::snapshot::{Found, deliverable, find, to_address};
use super::{check::Flavour, not_found, refuse};
use crate::catalog::ReleaseServing;
use crate::state::AppState;

/// Largest file that is unpacked here, bytes. These clients cannot read Brotli, so the server does it for them.
const MAX_UNPACKED: u64 = 64 << 20;
/// Files that are unpacked at once. With the largest of them that bounds the memory; a CDN asks for each once.
static UNPACKING: Semaphore = Semaphore::const_new(4);

pub(super) async fn file(
    State(state): State<AppState>,
    Path((app, snapshot, href)): Path<(String, String, String)>,
    uri: Uri,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let Some(found) = find(&state.catalog(), &app, &snapshot, query) else {
        return not_found("This server has no such snapshot.");
    };
    match href.as_str() {
        IONIC_MANIFEST => return manifest(&found, Flavour::Differential),
        CORDOVA_MANIFEST => return manifest(&found, Flavour::Cordova),
        _ => {}
    }
    // Clients resolve a name without escaping it: `a%20b` in an address is `a b`, or a file that is called so.
    let raw = uri.path().split_once("/files/").map_or("", |(_, raw)| raw);
    let stored = stored(&found.release, &href).or_else(|| stored(&found.release, raw));
    let Some(stored) = stored else {
        return not_found("The snapshot has no such file.");
    };
    let sha256 = &stored.stored.sha256;
    match stored.stored.encoding {
        Encoding::Plain => {
            let to = format!("{}/files/{sha256}", found.unit.registry.objects);
            to_address(with_query(to, uri.query()))
        }
        Encoding::Brotli => unpacked(&found, stored).await,
    }
}

/// A file by its path. Nothing but what the inventory lists can be had, however an address is written.
fn stored<'a>(release: &'a ReleaseServing, path: &str) -> Option<&'a StoredFile> {
    let files = &release.files.as_ref()?.files;
    let at = files.binary_search_by(|f| f.path.as_str().cmp(path)).ok()?;
    files.get(at)
}

fn manifest(found: &Found, flavour: Flavour) -> Response {
    let release = &found.release;
    if deliverable(&found.channel, release, flavour).is_err() {
        return not_found("The snapshot does not exist as single files.");
    }
    let bytes = match (flavour, &release.ionic_manifest) {
        (Flavour::Cordova, _) => plain_manifest(&release.inventory).map(Body::from),
        (_, Some(signed)) => Ok(Body::from(signed.clone())),
        (_, None) => unsigned_manifest(&release.inventory).map(Body::from),
    };
    match bytes {
        Ok(bytes) => bytes_of(StatusCode::OK, "application/json", IMMUTABLE, bytes),
        Err(problem) => {
            tracing::error!(%problem, "a manifest cannot be written");
            unavailable()
        }
    }
}

/// The file itself, made of its stored bytes.
async fn unpacked(found: &Found, file: &StoredFile) -> Response {
    if file.size > MAX_UNPACKED {
        tracing::warn!(
            path = file.path,
            size = file.size,
            "too large to unpack for a device"
        );
        return not_found("The file is too large to be delivered by itself.");
    }
    match unpack(found, file).await {
        Ok(bytes) => {
            let kind = "application/octet-stream";
            bytes_of(StatusCode::OK, kind, IMMUTABLE, bytes)
        }
        Err(problem) => {
            tracing::warn!(%problem, path = file.path, "a file could not be unpacked");
            unavailable()
        }
    }
}

/// Reads, unpacks and checks both hashes: of what is stored, and of the file.
async fn unpack(found: &Found, file: &StoredFile) -> Result<Vec<u8>> {
    let stored = file.stored.clone();
    let internal = |e: String| Problem::new(Code::Internal, e);
    let _turn = UNPACKING
        .acquire()
        .await
        .map_err(|e| internal(e.to_string()))?;
    let store = &found.unit.registry.storage.0;
    let key = layout::single(&stored.sha256);
    let bytes = documents::hashed(store.as_ref(), &key, &stored.sha256, stored.size).await?;
    let size = file.size;
    let unpacked = tokio::task::spawn_blocking(move || unstore(&bytes, stored.encoding, size))
        .await
        .map_err(|e| internal(e.to_string()))??;
    if sha256_hex(&unpacked) != file.sha256 {
        let what = format!("{key} does not give the file that was signed.");
        return Err(Problem::new(Code::TrustHash, what));
    }
    Ok(unpacked)
}

fn unavailable() -> Response {
    refuse(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The file cannot be read now.",
    )
}
