//! Documents that travel with a request, so that its reader can see what the signed bytes list.

use headgate_core::signing::{ClientsAsked, SignedRole, SigningRequest};
use headgate_core::{ReleaseManifest, Result};
use headgate_registry::{Store, layout};
use headgate_tuf::{Envelope, sha256_hex};

/// Most documents that are looked up for one request.
const MOST: usize = 200;
/// Largest listed document that travels, bytes: manifests, rollouts and clients documents are far smaller.
const LARGEST: u64 = 256 * 1024;
/// Most bytes of them together: the rest of the request needs room too.
const ROOM: usize = 40 << 20;

/// Adds every document that the roles of a request or their versions before list, as far as storage has it, and the
/// inventories of the newest release of each. What storage does not have is left out: its hash is shown then.
pub(super) async fn documents(store: &dyn Store, request: &mut SigningRequest) -> Result<()> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    for role in &request.roles {
        let mut versions = vec![role.signed_role()?];
        if let Some(previous) = &role.previous {
            versions.push(SignedRole::read(
                Envelope::parse(previous.as_bytes())?.signed(),
            )?);
        }
        for version in versions {
            if let SignedRole::Channel { meta, .. } = version {
                let files = meta.targets.into_iter();
                wanted.extend(files.map(|(name, file)| (file.hashes.sha256, name)));
            }
        }
    }
    wanted.sort();
    wanted.dedup();
    let mut room = ROOM;
    for (sha256, name) in wanted.into_iter().take(MOST) {
        let key = layout::target(&sha256, &name);
        put(store, &key, &sha256, LARGEST, &mut room, request).await?;
    }
    // The newest two releases that are listed: what is approved, and what it is compared with.
    let read = request
        .documents
        .values()
        .filter_map(|text| ReleaseManifest::parse(text.as_bytes()).ok());
    let mut releases: Vec<ReleaseManifest> = read.collect();
    releases.sort_by_key(|m| std::cmp::Reverse(m.build));
    releases.dedup_by_key(|m| m.build);
    // Who signs for plugins needs to know how the files are stored.
    let asked = |m: &&ReleaseManifest| {
        let of =
            |a: &ClientsAsked| a.role.starts_with(&format!("{}.", m.unit)) && a.build == m.build;
        request.clients.iter().any(of)
    };
    let maps: Vec<String> = releases
        .iter()
        .filter(asked)
        .filter_map(|m| Some(m.files.as_ref()?.sha256.clone()))
        .collect();
    for sha256 in maps {
        let key = layout::inventory(&sha256);
        let most = layout::MAX_DOCUMENT;
        put(store, &key, &sha256, most, &mut room, request).await?;
    }
    for manifest in releases.into_iter().take(2) {
        let sha256 = manifest.inventory.sha256;
        put(
            store,
            &layout::inventory(&sha256),
            &sha256,
            layout::MAX_DOCUMENT,
            &mut room,
            request,
        )
        .await?;
    }
    Ok(())
}

async fn put(
    store: &dyn Store,
    key: &str,
    sha256: &str,
    most: u64,
    room: &mut usize,
    request: &mut SigningRequest,
) -> Result<()> {
    if request.documents.contains_key(sha256) {
        return Ok(());
    }
    let Some(object) = store.get(key, most).await? else {
        return Ok(());
    };
    let fits = object.bytes.len() <= *room && sha256_hex(&object.bytes) == sha256;
    if let (true, Ok(text)) = (fits, String::from_utf8(object.bytes.to_vec())) {
        *room -= text.len();
        request.documents.insert(sha256.to_owned(), text);
    }
    Ok(())
}
