//! Writing objects: create-only, compare-and-swap, and the end of probes.

use std::path::Path;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::BucketStore;
use super::read::tag;
use super::refusal::Refusal;
use super::request::Answer;
use crate::part::local;
use crate::{Body, Created, ETag, PartStore, Progress, Swapped, layout, silent};

/// Largest body of one request, and smallest part of a larger one, bytes.
const PART: u64 = 8 * 1024 * 1024;

/// Most parts of an upload (Amazon S3 user guide, "Multipart upload limits").
const MAX_PARTS: u64 = 10_000;

/// What a write is bound to.
pub(super) enum Condition<'a> {
    /// Nothing may be there.
    Absent,
    /// This must be there.
    Tag(&'a ETag),
    /// Nothing: under the lock object, which has checked.
    None,
}

/// What became of a write.
enum Put {
    Written(ETag),
    /// The condition did not hold.
    Refused,
}

impl BucketStore {
    pub(super) async fn create_object(
        &self,
        key: &str,
        body: Body,
        progress: Progress<'_>,
    ) -> Result<Created> {
        let bytes = match body {
            Body::Bytes(bytes) => bytes,
            Body::File(path, size) if size > PART => {
                return self.create_in_parts(key, &path, size, progress).await;
            }
            Body::File(path, size) => whole_file(&path, size).await?,
        };
        let put = if self.address.uses_lock() {
            let guard = self.lock_for(key).await?;
            let put = match self.look(key).await {
                Err(problem) => Err(problem),
                Ok(Some(_)) => Ok(Put::Refused),
                Ok(None) => match self.still_ours(guard.as_ref()) {
                    Ok(()) => self.put(key, bytes, &Condition::None, progress).await,
                    Err(problem) => Err(problem),
                },
            };
            self.unlock(guard).await;
            put?
        } else {
            self.put(key, bytes, &Condition::Absent, progress).await?
        };
        Ok(match put {
            Put::Written(_) => Created::Created,
            Put::Refused => Created::Exists,
        })
    }

    pub(super) async fn swap_object(
        &self,
        key: &str,
        bytes: Bytes,
        expected: Option<&ETag>,
    ) -> Result<Swapped> {
        let put = if self.address.uses_lock() {
            let guard = self.lock_for(key).await?;
            let put = match self.look(key).await {
                Err(problem) => Err(problem),
                Ok(found) if found.as_ref().map(|(meta, _)| &meta.etag) != expected => {
                    Ok(Put::Refused)
                }
                Ok(_) => match self.still_ours(guard.as_ref()) {
                    Ok(()) => self.put(key, bytes, &Condition::None, silent()).await,
                    Err(problem) => Err(problem),
                },
            };
            self.unlock(guard).await;
            put?
        } else {
            let condition = expected.map_or(Condition::Absent, Condition::Tag);
            self.put(key, bytes, &condition, silent()).await?
        };
        match put {
            Put::Refused => Ok(Swapped::Changed),
            Put::Written(tag) if !tag.0.is_empty() => Ok(Swapped::Swapped(tag)),
            // No tag in the answer: the object has it.
            Put::Written(_) => match self.look(key).await? {
                Some((meta, _)) => Ok(Swapped::Swapped(meta.etag)),
                None => Ok(Swapped::Changed),
            },
        }
    }

    async fn put(
        &self,
        key: &str,
        bytes: Bytes,
        condition: &Condition<'_>,
        progress: Progress<'_>,
    ) -> Result<Put> {
        let checksum = self.checksums.load(Ordering::Relaxed);
        match self
            .put_once(key, bytes.clone(), condition, checksum, progress)
            .await?
        {
            Err(refusal) if checksum && is_about_checksums(&refusal) => {
                // Nothing was written. An old server: the signature covers the bytes all the same.
                self.checksums.store(false, Ordering::Relaxed);
                match self
                    .put_once(key, bytes, condition, false, progress)
                    .await?
                {
                    Ok(put) => Ok(put),
                    Err(refusal) => Err(self.no_conditions(&refusal)),
                }
            }
            Err(refusal) => Err(self.no_conditions(&refusal)),
            Ok(put) => Ok(put),
        }
    }

    /// One request; the inner error is a server that does not know the request.
    async fn put_once(
        &self,
        key: &str,
        bytes: Bytes,
        condition: &Condition<'_>,
        checksum: bool,
        progress: Progress<'_>,
    ) -> Result<std::result::Result<Put, Refusal>> {
        let full = self.key(key)?;
        let digest = Sha256::digest(&bytes);
        let mut ask = self.wire.writing(Method::PUT, &full, bytes);
        ask.headers = described(key);
        if checksum {
            let text = STANDARD.encode(digest);
            ask.headers.push(("x-amz-checksum-sha256", text));
        }
        match condition {
            Condition::Absent => ask.headers.push(("if-none-match", "*".to_owned())),
            Condition::Tag(tag) => ask.headers.push(("if-match", quoted(tag))),
            Condition::None => {}
        }
        let (refusal, keys) = match self.wire.send(&ask, progress).await? {
            Answer::Fine(response) => {
                self.note_time(&response);
                return Ok(Ok(Put::Written(tag(response.headers()))));
            }
            Answer::Refused(refusal, keys) => (refusal, keys),
        };
        let missing = refusal.status == StatusCode::NOT_FOUND
            && refusal.code() != "NoSuchBucket"
            && matches!(condition, Condition::Tag(_));
        if missing || lost(&refusal) {
            return Ok(Ok(Put::Refused));
        }
        if refusal.not_implemented() || is_about_checksums(&refusal) {
            return Ok(Err(refusal));
        }
        Err(refusal.problem(&self.wire.host, ask.doing, &keys))
    }

    fn no_conditions(&self, refusal: &Refusal) -> Problem {
        Problem::new(
            Code::StorageSloppy,
            format!("{} does not know conditional writes.", self.wire.host),
        )
        .detail(refusal.status)
    }

    /// A file that is too large for one request.
    async fn create_in_parts(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        progress: Progress<'_>,
    ) -> Result<Created> {
        // Before gigabytes are sent in vain.
        if self.look(key).await?.is_some() {
            return Ok(Created::Exists);
        }
        let upload = self.begin(key).await?;
        let done = self.send_file(key, &upload, path, size, progress).await;
        if !matches!(done, Ok(Created::Created)) {
            // Its failure would hide the first one; what stays is listed as unfinished.
            if let Err(problem) = self.abort(key, &upload).await {
                tracing::warn!(%problem, "an upload in parts could not be aborted");
            }
        }
        done
    }

    async fn send_file(
        &self,
        key: &str,
        upload: &str,
        path: &Path,
        size: u64,
        progress: Progress<'_>,
    ) -> Result<Created> {
        let part_size = PART.max(size.div_ceil(MAX_PARTS));
        let mut file = tokio::fs::File::open(path)
            .await
            .map_err(|e| local(&e, path))?;
        let (mut parts, mut total) = (Vec::new(), 0);
        for number in 0.. {
            let bytes = read_up_to(&mut file, part_size, path).await?;
            if bytes.is_empty() {
                break;
            }
            let before = total;
            total += bytes.len() as u64;
            if total > size {
                break;
            }
            let tell = |sent: u64| progress(before + sent);
            parts.push(self.send_part(key, upload, number, bytes, &tell).await?);
        }
        if total != size {
            return Err(changed(path));
        }
        self.finish(key, upload, &parts).await
    }

    pub(super) async fn discard(&self, key: &str) -> Result<()> {
        if !key.starts_with("probe/") {
            return Err(Problem::new(Code::Internal, "Only probes are removed.").detail(key));
        }
        self.delete(key).await
    }

    /// Removes an object; one that is gone is no error.
    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        let full = self.key(key)?;
        let ask = self.wire.writing(Method::DELETE, &full, Bytes::new());
        match self.wire.send(&ask, silent()).await? {
            Answer::Fine(_) => Ok(()),
            Answer::Refused(refusal, _)
                if refusal.status == StatusCode::NOT_FOUND && refusal.code() != "NoSuchBucket" =>
            {
                Ok(())
            }
            Answer::Refused(refusal, keys) => {
                Err(refusal.problem(&self.wire.host, ask.doing, &keys))
            }
        }
    }
}

/// The condition did not hold: 412, or 409 when another write was under way at the same moment.
pub(super) fn lost(refusal: &Refusal) -> bool {
    refusal.status == StatusCode::PRECONDITION_FAILED
        || (refusal.status == StatusCode::CONFLICT
            && !refusal.code().starts_with("ObjectLocked")
            && refusal.code() != "OperationAborted")
}

fn is_about_checksums(refusal: &Refusal) -> bool {
    refusal.not_implemented()
        || (refusal.status == StatusCode::BAD_REQUEST
            && matches!(refusal.code(), "InvalidArgument" | "InvalidRequest")
            && refusal
                .body
                .message
                .to_ascii_lowercase()
                .contains("checksum"))
}

/// What an object is and how long it may be kept (by its name: only `timestamp.json` ever changes).
pub(super) fn described(key: &str) -> Vec<(&'static str, String)> {
    let kind = match key.rsplit_once('.') {
        Some((_, "zip")) => "application/zip",
        Some((_, "json")) => "application/json",
        _ => "application/octet-stream",
    };
    let kept = if key == layout::TIMESTAMP {
        "public, max-age=5"
    } else {
        "public, max-age=31536000, immutable"
    };
    vec![
        ("content-type", kind.to_owned()),
        ("cache-control", kept.to_owned()),
    ]
}

/// A tag of another kind of storage never matches, and must not be read as a list or `*`.
fn quoted(tag: &ETag) -> String {
    let text: String = tag.0.chars().filter(char::is_ascii_graphic).collect();
    if text.len() >= 2 && text.ends_with('"') && (text.starts_with('"') || text.starts_with("W/\""))
    {
        text
    } else {
        format!("\"{}\"", text.replace('"', ""))
    }
}

async fn whole_file(path: &Path, size: u64) -> Result<Bytes> {
    let mut file = tokio::fs::File::open(path)
        .await
        .map_err(|e| local(&e, path))?;
    let bytes = read_up_to(&mut file, size + 1, path).await?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(changed(path))
    }
}

async fn read_up_to(file: &mut tokio::fs::File, max: u64, path: &Path) -> Result<Bytes> {
    let mut bytes = Vec::new();
    file.take(max)
        .read_to_end(&mut bytes)
        .await
        .map_err(|e| local(&e, path))?;
    Ok(bytes.into())
}

fn changed(path: &Path) -> Problem {
    Problem::new(
        Code::LocalDisk,
        "A file changed its size while it was being uploaded.",
    )
    .detail(path.display())
}
