//! Uploads in parts (Amazon S3 API reference: CreateMultipartUpload and what follows it).
//!
//! An upload is ended with `If-None-Match: *`. Where a server does not know that condition there, a look at the object
//! comes before the end: two writers of the same name can then still replace each other, which for objects named by
//! their hash replaces bytes by the same bytes.

use std::fmt::Write as _;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::header::ETAG;
use reqwest::{Method, StatusCode};

use super::BucketStore;
use super::read::tag;
use super::refusal::{Doing, Refusal};
use super::request::Answer;
use super::write::{described, lost};
use super::xml::{self, MAX_ANSWER};
use crate::part::check_key;
use crate::{Created, PartStore, Progress, SentPart, UnfinishedUpload, silent};

/// Highest part number of ours, from 0.
const LAST_PART: u32 = 9_999;

/// Most unfinished uploads that are listed.
const MAX_UPLOADS: usize = 10_000;

/// How much longer than an ordinary answer the end of an upload may take: the server puts the parts together.
const ASSEMBLY: u32 = 10;

impl BucketStore {
    pub(super) async fn send_part(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        bytes: Bytes,
        progress: Progress<'_>,
    ) -> Result<SentPart> {
        if number > LAST_PART {
            return Err(Problem::new(
                Code::Internal,
                "An upload has more parts than S3 takes.",
            ));
        }
        let full = self.key(key)?;
        let size = bytes.len() as u64;
        let mut ask = self.wire.writing(Method::PUT, &full, bytes);
        ask.query = vec![
            ("partNumber", (number + 1).to_string()),
            ("uploadId", upload.to_owned()),
        ];
        match self.wire.send(&ask, progress).await? {
            Answer::Fine(response) if response.headers().contains_key(ETAG) => Ok(SentPart {
                number,
                size,
                tag: tag(response.headers()).0,
            }),
            Answer::Fine(_) => Err(Problem::new(
                Code::StorageIo,
                format!("{} gives no tag for a part.", self.wire.host),
            )),
            Answer::Refused(refusal, keys) => {
                Err(refusal.problem(&self.wire.host, ask.doing, &keys))
            }
        }
    }

    /// Ends an upload; `None` when the server does not know the condition.
    async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: &[SentPart],
        conditional: bool,
    ) -> Result<Option<Created>> {
        let full = self.key(key)?;
        let mut ask = self.wire.writing(Method::POST, &full, document(parts));
        ask.query = vec![("uploadId", upload.to_owned())];
        ask.headers
            .push(("content-type", "application/xml".to_owned()));
        if conditional {
            ask.headers.push(("if-none-match", "*".to_owned()));
        }
        ask.patience = self.wire.limits.idle * ASSEMBLY;
        let (refusal, keys) = match self.wire.send(&ask, silent()).await? {
            Answer::Refused(refusal, keys) => (refusal, keys),
            Answer::Fine(response) => {
                let status = response.status();
                let headers = response.headers().clone();
                let body = self
                    .wire
                    .patient(response, MAX_ANSWER, ask.patience)
                    .await?;
                // The status is sent before the parts are put together, so a failure comes as 200.
                let text = String::from_utf8_lossy(&body);
                if xml::root_name(&text) != Some("Error") {
                    let done: xml::Finished = xml::read(&body, "CompleteMultipartUploadResult")?;
                    tracing::debug!(etag = done.etag, "an upload in parts is complete");
                    return Ok(Some(Created::Created));
                }
                let refusal = Refusal {
                    status,
                    headers,
                    body: xml::error(&body),
                };
                (refusal, self.wire.keys().await?)
            }
        };
        if lost(&refusal) || refusal.code() == "PreconditionFailed" {
            return Ok(Some(Created::Exists));
        }
        if conditional && refusal.not_implemented() {
            return Ok(None);
        }
        Err(refusal.problem(&self.wire.host, ask.doing, &keys))
    }
}

#[async_trait]
impl PartStore for BucketStore {
    async fn begin(&self, key: &str) -> Result<String> {
        let full = self.key(key)?;
        let mut ask = self.wire.writing(Method::POST, &full, Bytes::new());
        ask.query = vec![("uploads", String::new())];
        ask.headers = described(key);
        let begun: xml::Begun =
            xml::read(&self.answer(&ask).await?, "InitiateMultipartUploadResult")?;
        if begun.upload_id.is_empty() || begun.upload_id.len() > 2_048 {
            return Err(Problem::new(
                Code::StorageIo,
                format!("{} gives no id for an upload.", self.wire.host),
            ));
        }
        Ok(begun.upload_id)
    }

    async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        bytes: Bytes,
    ) -> Result<SentPart> {
        self.send_part(key, upload, number, bytes, silent()).await
    }

    async fn sent_parts(&self, key: &str, upload: &str) -> Result<Option<Vec<SentPart>>> {
        let full = self.key(key)?;
        let mut parts: Vec<SentPart> = Vec::new();
        let mut after = 0;
        loop {
            let mut ask = self.wire.reading(Method::GET, &full);
            ask.doing = Doing::List;
            ask.query = vec![
                ("max-parts", "1000".to_owned()),
                ("part-number-marker", after.to_string()),
                ("uploadId", upload.to_owned()),
            ];
            let Some(body) = self.told(&ask).await? else {
                return Ok(None);
            };
            let page: xml::Parts = xml::read(&body, "ListPartsResult")?;
            let last = page.part.iter().map(|part| part.part_number).max();
            for part in page.part {
                let number = part.part_number.checked_sub(1).filter(|n| *n <= LAST_PART);
                let number = number.ok_or_else(|| {
                    Problem::new(
                        Code::StorageIo,
                        format!("{} lists a part that cannot be.", self.wire.host),
                    )
                })?;
                parts.push(SentPart {
                    number,
                    size: part.size,
                    tag: part.etag,
                });
            }
            let next = page.next_part_number_marker.or(last).unwrap_or(0);
            if !page.is_truncated || last.is_none() || next <= after {
                break;
            }
            after = next;
        }
        parts.sort_by_key(|part| part.number);
        parts.dedup_by_key(|part| part.number);
        Ok(Some(parts))
    }

    async fn finish(&self, key: &str, upload: &str, parts: &[SentPart]) -> Result<Created> {
        if !self.address.uses_lock()
            && let Some(created) = self.complete(key, upload, parts, true).await?
        {
            return Ok(created);
        }
        let guard = self.lock_for(key).await?;
        let done = match self.look(key).await {
            Ok(None) => match self.still_ours(guard.as_ref()) {
                Ok(()) => self.complete(key, upload, parts, false).await,
                Err(problem) => Err(problem),
            },
            Ok(Some(_)) => Ok(Some(Created::Exists)),
            Err(problem) => Err(problem),
        };
        self.unlock(guard).await;
        done.map(|created| created.unwrap_or(Created::Exists))
    }

    async fn abort(&self, key: &str, upload: &str) -> Result<()> {
        let full = self.key(key)?;
        let mut ask = self.wire.writing(Method::DELETE, &full, Bytes::new());
        ask.query = vec![("uploadId", upload.to_owned())];
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

    async fn unfinished(&self, folder: &str) -> Result<Option<Vec<UnfinishedUpload>>> {
        check_key(folder)?;
        let root = self.address.full_key("");
        let prefix = format!("{}/", self.address.full_key(folder));
        let mut found = Vec::new();
        let mut marker: Option<(String, String)> = None;
        loop {
            let mut ask = self.wire.reading(Method::GET, "");
            ask.doing = Doing::List;
            ask.query = vec![
                ("max-uploads", "1000".to_owned()),
                ("prefix", prefix.clone()),
                ("uploads", String::new()),
            ];
            if let Some((key, upload)) = &marker {
                ask.query.push(("key-marker", key.clone()));
                ask.query.push(("upload-id-marker", upload.clone()));
            }
            let Some(body) = self.told(&ask).await? else {
                return Ok(None);
            };
            let page: xml::Uploads = xml::read(&body, "ListMultipartUploadsResult")?;
            let count = page.upload.len();
            for upload in page.upload {
                // Only what lies below the folder, and was begun at a time that can be read, is ours to speak of.
                if upload.key.starts_with(&prefix)
                    && let Some(key) = upload.key.strip_prefix(&root)
                    && check_key(key).is_ok()
                    && let Some(begun) = xml::seconds(&upload.initiated)
                {
                    found.push(UnfinishedUpload {
                        key: key.to_owned(),
                        upload: upload.upload_id,
                        begun,
                    });
                }
            }
            let next = page
                .next_key_marker
                .filter(|key| !key.is_empty())
                .map(|key| (key, page.next_upload_id_marker.unwrap_or_default()));
            if !page.is_truncated
                || count == 0
                || next.is_none()
                || next == marker
                || found.len() >= MAX_UPLOADS
            {
                break;
            }
            marker = next;
        }
        Ok(Some(found))
    }
}

impl BucketStore {
    /// The answer to a listing of uploads or parts; nothing when the upload is gone or the server has no such listing.
    async fn told(&self, ask: &super::request::Ask<'_>) -> Result<Option<Bytes>> {
        match self.wire.send(ask, silent()).await? {
            Answer::Fine(response) => {
                self.note_time(&response);
                self.wire.whole(response, MAX_ANSWER).await.map(Some)
            }
            Answer::Refused(refusal, _)
                if refusal.not_implemented()
                    || refusal.status == StatusCode::METHOD_NOT_ALLOWED
                    || (refusal.status == StatusCode::NOT_FOUND
                        && refusal.code() != "NoSuchBucket") =>
            {
                Ok(None)
            }
            Answer::Refused(refusal, keys) => {
                Err(refusal.problem(&self.wire.host, ask.doing, &keys))
            }
        }
    }
}

/// `<CompleteMultipartUpload>`; tags come from the server, so they are escaped.
fn document(parts: &[SentPart]) -> Bytes {
    let mut text =
        String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for part in parts {
        let _ = write!(text, "<Part><PartNumber>{}</PartNumber>", part.number + 1);
        if !part.tag.is_empty() {
            let tag = quick_xml::escape::escape(&part.tag);
            let _ = write!(text, "<ETag>{tag}</ETag>");
        }
        text.push_str("</Part>");
    }
    text.push_str("</CompleteMultipartUpload>");
    text.into()
}
