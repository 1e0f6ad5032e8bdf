//! The lock object of `lock=1`, for storage that ignores `If-None-Match` and `If-Match`.
//!
//! A writer puts `lock/publish.json` with a random token, waits for a moment, reads it back, and writes only when the
//! token is still its own. This is weaker than a conditional write: two writers that put their locks within the same
//! moment, where the storage shows one of them each, or a writer that is held up between its last look and its write
//! for longer than a lock lives, can still replace each other's work. Publishing from one place at a time is what makes
//! it safe; the connection test says so.
//!
//! Only what two writers could write differently is locked: `metadata/` (and probes). All other objects are named by
//! their hash, so whoever comes last writes the same bytes.
//!
//! A lock is stale a minute after it was written, by the storage's own clock: `Date` against `Last-Modified` of one
//! answer. This computer's clock says nothing about it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::Method;
use reqwest::header::LAST_MODIFIED;
use serde::{Deserialize, Serialize};

use super::BucketStore;
use super::refusal::{http_date, server_time};
use super::request::Answer;
use crate::silent;

const KEY: &str = "lock/publish.json";

/// Life of a lock, seconds.
const LIFE: i64 = 60;

/// How long after taking it a writer still begins to write.
const USABLE: Duration = Duration::from_secs(40);

/// Largest lock that is read, bytes.
const MAX: u64 = 4_096;

#[derive(Serialize, Deserialize)]
struct Content {
    who: String,
    token: String,
    expires: i64,
}

/// A lock that is held.
pub(super) struct Held {
    token: String,
    since: Instant,
}

impl BucketStore {
    /// Takes the lock, where the address asks for it and the object needs it.
    pub(super) async fn lock_for(&self, key: &str) -> Result<Option<Held>> {
        if !self.address.uses_lock() || !["metadata/", "probe/"].iter().any(|f| key.starts_with(f))
        {
            return Ok(None);
        }
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Problem::new(Code::Internal, "This computer gave no randomness.").detail(error)
        })?;
        let token = hex::encode(random);
        let limits = &self.wire.limits;
        let deadline = Instant::now() + limits.lock_wait;
        loop {
            if self.is_free().await? {
                let since = Instant::now();
                self.put_lock(&token).await?;
                tokio::time::sleep(limits.settle).await;
                if self.holder().await?.as_deref() == Some(token.as_str()) {
                    return Ok(Some(Held { token, since }));
                }
            }
            if Instant::now() >= deadline {
                return Err(Problem::new(
                    Code::StorageLocked,
                    "Another writer holds the lock object of this storage.",
                )
                .remedy("Try again in a minute: a lock that was left behind ends by itself."));
            }
            tokio::time::sleep(limits.settle.max(Duration::from_millis(50))).await;
        }
    }

    /// Whether there is still time to write under the lock. Asked right before the write.
    pub(super) fn still_ours(&self, held: Option<&Held>) -> Result<()> {
        match held {
            Some(held) if held.since.elapsed() > USABLE => Err(Problem::new(
                Code::StorageLocked,
                "The storage was so slow that the lock object ran out before anything was written.",
            )
            .remedy("Try again.")),
            _ => Ok(()),
        }
    }

    /// Gives the lock back. What fails here is told to the log alone: the write has its own result, and the lock ends
    /// by itself.
    pub(super) async fn unlock(&self, held: Option<Held>) {
        let Some(held) = held else { return };
        let done = async {
            if self.holder().await?.as_deref() == Some(held.token.as_str())
                && self.delete(KEY).await.is_err()
            {
                // Without the right to delete: a lock of nobody.
                self.put_lock("").await?;
            }
            Ok::<_, Problem>(())
        };
        if let Err(problem) = done.await {
            tracing::warn!(%problem, "the lock object was not given back");
        }
    }

    /// Nobody holds the lock, or it is stale.
    async fn is_free(&self) -> Result<bool> {
        let full = self.key(KEY)?;
        let ask = self.wire.reading(Method::GET, &full);
        let response = match self.wire.send(&ask, silent()).await? {
            Answer::Fine(response) => response,
            Answer::Refused(refusal, _)
                if refusal.status.as_u16() == 404 && refusal.code() != "NoSuchBucket" =>
            {
                return Ok(true);
            }
            Answer::Refused(refusal, keys) => {
                return Err(refusal.problem(&self.wire.host, ask.doing, &keys));
            }
        };
        let written = response
            .headers()
            .get(LAST_MODIFIED)
            .and_then(|value| http_date(value.to_str().ok()?));
        let age = match (server_time(response.headers()), written) {
            (Some(now), Some(written)) => Some(now - written),
            _ => None,
        };
        let body = self.wire.whole(response, MAX).await.unwrap_or_default();
        // What is no lock of ours is waited for like one, until it is stale.
        let released = serde_json::from_slice::<Content>(&body).is_ok_and(|c| c.token.is_empty());
        Ok(released || age.is_some_and(|seconds| seconds >= LIFE))
    }

    async fn holder(&self) -> Result<Option<String>> {
        let Some(object) = self.read_object(KEY, MAX).await? else {
            return Ok(None);
        };
        Ok(serde_json::from_slice::<Content>(&object.bytes)
            .ok()
            .map(|content| content.token))
    }

    async fn put_lock(&self, token: &str) -> Result<()> {
        let content = Content {
            who: concat!("headgate ", env!("CARGO_PKG_VERSION")).to_owned(),
            token: token.to_owned(),
            expires: LIFE,
        };
        let bytes = serde_json::to_vec(&content).map_err(|error| {
            Problem::new(Code::Internal, "A lock could not be written as JSON.").detail(error)
        })?;
        let full = self.key(KEY)?;
        let mut ask = self.wire.writing(Method::PUT, &full, Bytes::from(bytes));
        ask.headers = vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ];
        self.wire.fine(&ask).await.map(drop)
    }
}
