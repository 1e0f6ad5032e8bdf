//! The pack of a channel, made of the exact bytes that were verified.

use std::collections::BTreeMap;

use bytes::Bytes;
use headgate_core::pack::{FORMAT, MAX_PACK, Pack};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Store as _, View, documents::ChannelDocuments, layout};
use headgate_tuf::{MAX_METADATA, Name, RoleName, sha256_hex};

use super::From;
use crate::catalog::PackBytes;
use crate::remember::Remembering;

/// Roots from version 2 on, by key. Those up to the pinned one are not needed to verify here, but by devices that pinned
/// the first; they verify them themselves.
pub(super) async fn older_roots(
    store: &Remembering,
    view: &View,
) -> Result<BTreeMap<String, Bytes>> {
    let mut roots = BTreeMap::new();
    for version in 2..view.pinned {
        let key = layout::metadata(&RoleName::Root, version);
        if let Some(object) = store.get(&key, MAX_METADATA as u64).await? {
            roots.insert(key, object.bytes);
        }
    }
    for root in view.roots.iter().filter(|r| r.meta.version > 1) {
        let key = layout::metadata(&RoleName::Root, root.meta.version);
        roots.insert(key, root.file.clone());
    }
    Ok(roots)
}

impl From<'_> {
    /// The pack; nothing where it would be larger than a device reads.
    pub(super) fn pack(
        &self,
        docs: &ChannelDocuments,
        unit: &Name,
        channel: &Name,
    ) -> Result<Option<PackBytes>> {
        let view = self.view;
        let mut files = self.roots.clone();
        let mut add = |role: &RoleName, version, file: &Bytes| {
            files.insert(layout::metadata(role, version), file.clone());
        };
        add(&RoleName::Timestamp, 0, &view.timestamp.file);
        let (snapshot, targets) = (&view.snapshot, &view.targets);
        add(&RoleName::Snapshot, snapshot.meta.version, &snapshot.file);
        add(&RoleName::Targets, targets.meta.version, &targets.file);
        for role in [
            RoleName::Channel(unit.clone(), channel.clone()),
            RoleName::Rollout(unit.clone(), channel.clone()),
        ] {
            if let Some(loaded) = view.channels.get(&role) {
                add(&role, loaded.meta.version, &loaded.file);
            }
        }
        let (unit, channel) = (unit.as_str(), channel.as_str());
        let manifests = docs.approved.iter().map(|(build, approved)| {
            let name = layout::release_target(unit, channel, *build);
            layout::target(&approved.sha256, &name)
        });
        let rollout = docs.rollout_sha256.iter().map(|sha256| {
            let name = layout::rollout_target(unit, channel);
            layout::target(sha256, &name)
        });
        // A device needs none of them, but reads all that the channel's role lists.
        let clients = docs.clients.iter().map(|(build, document)| {
            let name = layout::clients_target(unit, channel, *build);
            Ok(layout::target(&document.sha256()?, &name))
        });
        let clients = clients.collect::<Result<Vec<_>>>()?;
        for key in manifests.chain(rollout).chain(clients) {
            let bytes = self.store.used(&key).ok_or_else(|| {
                Problem::new(Code::Internal, "A verified document was not kept.").detail(&key)
            })?;
            files.insert(key, bytes);
        }
        self.packed(files, unit, channel)
    }

    fn packed(
        &self,
        files: BTreeMap<String, Bytes>,
        unit: &str,
        channel: &str,
    ) -> Result<Option<PackBytes>> {
        let text = |(key, bytes): (String, Bytes)| {
            let text = String::from_utf8(bytes.to_vec())
                .map_err(|e| Problem::new(Code::TrustFormat, format!("{key} is no text: {e}.")))?;
            Ok((key, text))
        };
        let pack = Pack {
            format: FORMAT.into(),
            objects: self.registry.objects.clone(),
            files: files.into_iter().map(text).collect::<Result<_>>()?,
        };
        let bytes = serde_json::to_vec(&pack)
            .map_err(|e| Problem::new(Code::Internal, "A pack cannot be written.").detail(e))?;
        if bytes.len() > MAX_PACK {
            let size = bytes.len();
            tracing::warn!(unit, channel, size, "the pack is larger than devices read");
            return Ok(None);
        }
        let etag = format!("\"{}\"", sha256_hex(&bytes));
        let bytes = Bytes::from(bytes);
        Ok(Some(PackBytes { bytes, etag }))
    }
}
