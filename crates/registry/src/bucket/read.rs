//! Reading objects and folders.

use std::path::Path;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::BucketStore;
use super::refusal::{Doing, Refusal};
use super::request::{Answer, Ask};
use super::xml::{self, MAX_ANSWER};
use crate::part::{Part, check_key, local, too_large};
use crate::{ETag, Object, ObjectMeta, Progress, Stored, silent};

/// Most bytes that are hashed: no bundle is near it, and an endless answer ends.
const MAX_HASHED: u64 = 8 * 1024 * 1024 * 1024;

/// Most names of a folder.
const MAX_NAMES: usize = 200_000;

impl BucketStore {
    /// Asks for an object; nothing when it does not exist.
    async fn object(&self, key: &str) -> Result<Option<Response>> {
        let key = self.key(key)?;
        let ask = self.wire.reading(Method::GET, &key);
        let Some(response) = self.found(&ask).await? else {
            return Ok(None);
        };
        let coded = response
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            // AWS keeps what other tools wrote there; `aws-chunked` is the way it came in, not how it lies.
            .any(|value| !matches!(value.as_bytes(), b"" | b"identity" | b"aws-chunked"));
        if coded {
            return Err(Problem::new(
                Code::TrustFormat,
                format!("{} compresses the object, so its bytes are not the signed ones.", self.wire.host),
            )
            .remedy("Write the object again without a Content-Encoding, and turn compression off at the server."));
        }
        Ok(Some(response))
    }

    async fn found(&self, ask: &Ask<'_>) -> Result<Option<Response>> {
        match self.wire.send(ask, silent()).await? {
            Answer::Fine(response) => {
                self.note_time(&response);
                Ok(Some(response))
            }
            Answer::Refused(refusal, _) if is_missing(&refusal) => Ok(None),
            Answer::Refused(refusal, keys) => {
                Err(refusal.problem(&self.wire.host, ask.doing, &keys))
            }
        }
    }

    pub(super) async fn read_object(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let Some(response) = self.object(key).await? else {
            return Ok(None);
        };
        if response.content_length().is_some_and(|size| size > max) {
            return Err(too_large(key, max));
        }
        let etag = tag(response.headers());
        let bytes = self.wire.whole(response, max).await?;
        Ok(Some(Object { bytes, etag }))
    }

    /// Size, tag and all headers. A missing bucket looks like a missing object here: an answer to HEAD has no error code.
    pub(super) async fn look(&self, key: &str) -> Result<Option<(ObjectMeta, HeaderMap)>> {
        let full = self.key(key)?;
        let mut ask = self.wire.reading(Method::HEAD, &full);
        ask.headers
            .push(("x-amz-checksum-mode", "ENABLED".to_owned()));
        let response = match self.wire.send(&ask, silent()).await? {
            Answer::Fine(response) => response,
            Answer::Refused(refusal, _) if refusal.status == StatusCode::NOT_FOUND => {
                return Ok(None);
            }
            // An answer to HEAD has no body and so no code: the same question as GET has.
            Answer::Refused(refusal, keys) => {
                let mut ask = self.wire.reading(Method::GET, &full);
                ask.headers.push(("range", "bytes=0-0".to_owned()));
                self.wire.fine(&ask).await?;
                return Err(refusal.problem(&self.wire.host, Doing::Read, &keys));
            }
        };
        self.note_time(&response);
        // `Response::content_length` is the size of the body, which a HEAD has not.
        let size = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .ok_or_else(|| {
                Problem::new(
                    Code::StorageIo,
                    format!("{} does not say how large {key} is.", self.wire.host),
                )
            })?;
        let etag = tag(response.headers());
        Ok(Some((
            ObjectMeta { size, etag },
            response.headers().clone(),
        )))
    }

    pub(super) async fn hash_object(
        &self,
        key: &str,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        let Some(response) = self.object(key).await? else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        let mut pieces = self.wire.pieces(response, MAX_HASHED);
        while let Some(piece) = pieces.next().await? {
            hash.update(&piece);
            progress(pieces.total);
        }
        Ok(Some((hex::encode(hash.finalize()), pieces.total)))
    }

    pub(super) async fn compare_object(
        &self,
        key: &str,
        sha256: &str,
        size: u64,
    ) -> Result<Stored> {
        let Some((meta, headers)) = self.look(key).await? else {
            return Ok(Stored::Missing);
        };
        if meta.size != size {
            return Ok(Stored::Different);
        }
        let found = match stored_sha256(&headers) {
            Some(found) => found,
            None => match self.hash_object(key, silent()).await? {
                Some((found, _)) => found,
                None => return Ok(Stored::Missing),
            },
        };
        Ok(if found == sha256 {
            Stored::Same
        } else {
            Stored::Different
        })
    }

    pub(super) async fn download_object(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        let Some(response) = self.object(key).await? else {
            return Ok(None);
        };
        if response.content_length().is_some_and(|size| size > max) {
            return Err(too_large(key, max));
        }
        let (part, file) = Part::create(to)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut hash = Sha256::new();
        let mut pieces = self.wire.pieces(response, max);
        while let Some(piece) = pieces.next().await? {
            hash.update(&piece);
            file.write_all(&piece).await.map_err(|e| local(&e, to))?;
            progress(pieces.total);
        }
        file.flush().await.map_err(|e| local(&e, to))?;
        file.sync_all().await.map_err(|e| local(&e, to))?;
        part.keep();
        Ok(Some((hex::encode(hash.finalize()), pieces.total)))
    }

    pub(super) async fn list_folder(&self, folder: &str) -> Result<Vec<String>> {
        check_key(folder)?;
        let prefix = format!("{}/", self.address.full_key(folder));
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut ask = self.wire.reading(Method::GET, "");
            ask.doing = Doing::List;
            ask.query = vec![
                ("list-type", "2".to_owned()),
                ("delimiter", "/".to_owned()),
                ("max-keys", "1000".to_owned()),
                ("prefix", prefix.clone()),
            ];
            if let Some(token) = &token {
                ask.query.push(("continuation-token", token.clone()));
            }
            let page: xml::Names = xml::read(&self.answer(&ask).await?, "ListBucketResult")?;
            let count = page.contents.len();
            for object in page.contents {
                // What is no key was not written by us.
                if let Some(name) = object.key.strip_prefix(&prefix)
                    && !name.contains('/')
                    && check_key(name).is_ok()
                {
                    names.push(name.to_owned());
                }
            }
            if names.len() > MAX_NAMES {
                return Err(Problem::new(
                    Code::StorageIo,
                    format!("The folder {folder} holds more than {MAX_NAMES} objects."),
                ));
            }
            let next = page.next_continuation_token.filter(|t| !t.is_empty());
            // A page that brings nothing, or the same again, would go on for ever.
            if !page.is_truncated || next.is_none() || next == token || count == 0 {
                break;
            }
            token = next;
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The whole XML answer to a request.
    pub(super) async fn answer(&self, ask: &Ask<'_>) -> Result<Bytes> {
        let response = self.wire.fine(ask).await?;
        self.note_time(&response);
        self.wire.whole(response, MAX_ANSWER).await
    }

    /// `Cache-Control` as the storage keeps it.
    pub(super) async fn stored_cache_control(&self, key: &str) -> Result<Option<String>> {
        let Some((_, headers)) = self.look(key).await? else {
            return Ok(None);
        };
        Ok(headers
            .get(CACHE_CONTROL)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned))
    }

    /// `Date` of the storage's last answer, Unix seconds.
    pub(super) fn last_time(&self) -> Option<i64> {
        Some(self.server_time.load(Ordering::Relaxed)).filter(|time| *time != 0)
    }
}

/// The object is not there. A missing bucket is a wrong address, not a missing object.
fn is_missing(refusal: &Refusal) -> bool {
    refusal.status == StatusCode::NOT_FOUND && refusal.code() != "NoSuchBucket"
}

pub(super) fn tag(headers: &HeaderMap) -> ETag {
    ETag(headers.get(ETAG).map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    }))
}

/// SHA-256 (hex) of the whole object as the storage computed it; that of a list of parts is another thing
/// (Amazon S3 user guide, "Checking object integrity": composite checksums end in `-N`).
fn stored_sha256(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-amz-checksum-sha256")?.to_str().ok()?;
    if headers
        .get("x-amz-checksum-type")
        .is_some_and(|kind| kind.as_bytes() != b"FULL_OBJECT")
    {
        return None;
    }
    let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
    Some(hex::encode(bytes))
}
