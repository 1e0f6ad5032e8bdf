//! Uploads in parts that nobody will end: their parts cost money and are seen by no listing of objects.

use headgate_core::Result;

use crate::{Store, UnfinishedUpload};

/// The only folder whose objects are large enough for parts.
const FOLDER: &str = "bundles";

/// What became of the uploads that were begun and not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Given up.
    pub aborted: Vec<UnfinishedUpload>,
    /// Left alone: too young, or somebody here goes on with them.
    pub kept: Vec<UnfinishedUpload>,
}

/// Gives up uploads in parts that were begun more than `age` seconds ago, unless `keep` wants one. Nothing when the
/// storage cannot list them. An upload that somebody still works on begins again when it is missed.
///
/// `now` is this computer's time, Unix seconds. Where the storage's own clock is behind it, that counts: a computer whose
/// clock is years ahead must not end what others have just begun.
///
/// # Errors
/// `storage.*`; what was given up before stays so.
pub async fn sweep_uploads(
    store: &dyn Store,
    age: i64,
    now: i64,
    keep: &(dyn Fn(&UnfinishedUpload) -> bool + Send + Sync),
) -> Result<Option<Swept>> {
    let Some(parts) = store.parts() else {
        return Ok(None);
    };
    let Some(found) = parts.unfinished(FOLDER).await? else {
        return Ok(None);
    };
    let before = store.server_time().map_or(now, |time| time.min(now)) - age;
    let mut swept = Swept::default();
    for upload in found {
        if upload.begun >= before || keep(&upload) {
            swept.kept.push(upload);
        } else {
            parts.abort(&upload.key, &upload.upload).await?;
            swept.aborted.push(upload);
        }
    }
    Ok(Some(swept))
}
