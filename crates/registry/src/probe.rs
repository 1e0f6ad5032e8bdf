//! The connection test: what a storage can do, found out by doing it below `probe/`.
//!
//! It leaves nothing behind where the storage lets it delete; otherwise one small object, and it says so.

use std::time::{Duration, Instant};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

use crate::{Body, Created, ETag, HttpStore, PartStore, Store, Stored, Swapped, layout, silent};

/// Smallest part but the last (Amazon S3 user guide, "Multipart upload limits"), bytes.
const FIRST_PART: usize = 5 * 1024 * 1024;

/// The last part, bytes.
const LAST_PART: usize = 1_000;

/// Longest time that a cache may keep `timestamp.json` before devices learn of a publish noticeably late, seconds.
const LONG: u64 = 60;

/// Furthest that the storage's clock may be away, seconds.
const CLOCK: i64 = 5;

/// Pauses before a write is tried again that the storage was too busy for. Cloudflare R2 takes one write a second to
/// one object ("Limits", object key writes), and the test writes its object several times.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(1_100),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Largest `timestamp.json` that is looked at, bytes.
const MAX: u64 = 1_000_000;

/// What one step of the test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// As it must be, in words.
    Fine(String),
    /// It works, with something to know.
    Warning(String),
    /// It does not work.
    Failed(Problem),
}

/// One step of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeLine {
    /// What was tried.
    pub title: &'static str,
    /// What was found.
    pub outcome: ProbeOutcome,
    /// How long it took, milliseconds.
    pub millis: u64,
}

impl ProbeLine {
    /// Whether the storage can be used as far as this step goes.
    pub fn works(&self) -> bool {
        !matches!(self.outcome, ProbeOutcome::Failed(_))
    }
}

use ProbeOutcome::{Fine, Warning};

/// Tries a storage and its public URL. `random` makes the name `probe/<random>`: letters and digits that nobody used
/// before. `now` is this computer's time, Unix seconds.
///
/// Stops after the first step without which the next ones mean nothing. Steps that a kind of storage does not have
/// (parts in a folder, its clock) are left out.
pub async fn probe_storage(
    store: &dyn Store,
    random: &str,
    public: Option<&HttpStore>,
    now: &(dyn Fn() -> i64 + Send + Sync),
) -> Vec<ProbeLine> {
    let probe = Probe {
        store,
        key: format!("probe/{random}"),
        large: format!("probe/{random}-parts"),
    };
    let mut lines = Vec::new();
    let mut since = Instant::now();
    let mut push = |lines: &mut Vec<ProbeLine>, title, result: Result<ProbeOutcome>| {
        let line = ProbeLine {
            title,
            outcome: result.unwrap_or_else(ProbeOutcome::Failed),
            millis: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        since = Instant::now();
        let works = line.works();
        lines.push(line);
        works
    };
    if !push(&mut lines, "Reads", probe.reads().await) {
        return lines;
    }
    let written = probe.writes().await;
    let writes = lines.len();
    if push(&mut lines, "Writes", written) {
        push(&mut lines, "Create-only", probe.create_only().await);
        push(&mut lines, "Compare-and-swap", probe.swaps().await);
        if let Some(public) = public {
            push(
                &mut lines,
                "Public URL serves the same bytes",
                probe.same_at(public).await,
            );
        }
        let kept = match public {
            Some(public) => probe.kept_by_public(public).await,
            None => probe.kept_by_storage().await,
        };
        if let Some(kept) = kept.transpose() {
            push(&mut lines, "Cache-Control kept", kept);
        }
    }
    // Also after a write that failed: it may have arrived all the same.
    let discarded = probe.discard(&probe.key).await;
    if let (Err(problem), Some(line)) = (&discarded, lines.get_mut(writes))
        && line.works()
    {
        line.outcome = Warning(format!(
            "Works, but the small object {} stays: the storage did not remove it ({}).",
            probe.key, problem.code
        ));
    }
    if lines.get(writes).is_some_and(ProbeLine::works)
        && let Some(parts) = store.parts()
    {
        let result = probe.in_parts(parts, discarded.is_ok()).await;
        push(&mut lines, "Uploads in parts", result);
    }
    if let Some(clock) = probe.clock(now).await {
        push(&mut lines, "Clock", clock);
    }
    lines
}

struct Probe<'a> {
    store: &'a dyn Store,
    key: String,
    large: String,
}

const FIRST: &[u8] = b"Headgate writes this once to see that a second write is refused.\n";
const OTHER: &[u8] = b"Headgate tried to write this over something that was there.\n";
const SWAPPED: &[u8] = b"Headgate wrote this in the place of what it had read.\n";

impl Probe<'_> {
    async fn reads(&self) -> Result<ProbeOutcome> {
        Ok(Fine(
            match self.store.get(layout::TIMESTAMP, MAX).await? {
                Some(_) => "A registry is there",
                None => "The place is empty, and can be asked",
            }
            .into(),
        ))
    }

    async fn create(&self, bytes: &'static [u8]) -> Result<Created> {
        let body = || Body::Bytes(Bytes::from_static(bytes));
        patiently(|| self.store.create(&self.key, body(), silent())).await
    }

    async fn swap(&self, bytes: &'static [u8], tag: Option<&ETag>) -> Result<Swapped> {
        let bytes = Bytes::from_static(bytes);
        patiently(|| self.store.swap(&self.key, bytes.clone(), tag)).await
    }

    async fn discard(&self, key: &str) -> Result<()> {
        patiently(|| self.store.discard_probe(key)).await
    }

    async fn content(&self) -> Result<Option<(Bytes, ETag)>> {
        let object = self.store.get(&self.key, MAX).await?;
        Ok(object.map(|object| (object.bytes, object.etag)))
    }

    async fn writes(&self) -> Result<ProbeOutcome> {
        if self.create(FIRST).await? == Created::Exists {
            return Err(Problem::new(
                Code::StorageIo,
                format!(
                    "{} is there already, though nobody can have written it.",
                    self.key
                ),
            ));
        }
        match self.content().await? {
            Some((bytes, _)) if bytes == FIRST => {
                Ok(Fine("A small object was written and read back".into()))
            }
            Some(_) => Err(Problem::new(
                Code::StorageIo,
                "The storage gives other bytes than were written.",
            )),
            None => Err(Problem::new(
                Code::StorageIo,
                "The storage does not show an object right after it was written.",
            )),
        }
    }

    async fn create_only(&self) -> Result<ProbeOutcome> {
        let created = self.create(OTHER).await?;
        let bytes = self.content().await?.map(|(bytes, _)| bytes);
        if created == Created::Created || bytes.as_deref() != Some(FIRST) {
            return Err(sloppy("overwrites objects that must not be overwritten"));
        }
        Ok(self.kept("The second of two writers was refused, as it must be"))
    }

    async fn swaps(&self) -> Result<ProbeOutcome> {
        let wrong = || sloppy("replaces an object that somebody else has changed meanwhile");
        let Some((_, old)) = self.content().await? else {
            return Err(wrong());
        };
        if self.swap(SWAPPED, Some(&old)).await? == Swapped::Changed {
            return Err(Problem::new(
                Code::StorageIo,
                "The storage refuses to replace an object that nobody has changed.",
            ));
        }
        for tag in [Some(&old), None] {
            if self.swap(OTHER, tag).await? != Swapped::Changed {
                return Err(wrong());
            }
        }
        match self.content().await? {
            Some((bytes, _)) if bytes == SWAPPED => {
                Ok(self.kept("An object that changed meanwhile was not replaced, as it must be"))
            }
            _ => Err(wrong()),
        }
    }

    fn kept(&self, words: &str) -> ProbeOutcome {
        if self.store.uses_lock() {
            Warning(
                "Kept by a lock object. Publish from one place at a time: two writers within the same moment can still replace each other's work".into(),
            )
        } else {
            Fine(words.into())
        }
    }

    async fn in_parts(&self, parts: &dyn PartStore, may_delete: bool) -> Result<ProbeOutcome> {
        let upload = parts.begin(&self.large).await?;
        let done = self.send_parts(parts, &upload, may_delete).await;
        if matches!(done, Ok(true)) {
            self.discard(&self.large).await?;
            return Ok(Fine(
                "Two parts became one object with the right bytes".into(),
            ));
        }
        // The first failure is the one to show.
        let aborted = parts.abort(&self.large, &upload).await;
        done?;
        aborted?;
        Ok(Fine(
            "Two parts were taken, then given up: what is put together could not be removed again"
                .into(),
        ))
    }

    /// Whether the parts became the object.
    async fn send_parts(&self, parts: &dyn PartStore, upload: &str, finish: bool) -> Result<bool> {
        // Not all alike, so that parts in the wrong order are noticed.
        let bytes: Vec<u8> = (0..FIRST_PART + LAST_PART)
            .map(|n| (n % 251) as u8)
            .collect();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let size = bytes.len() as u64;
        let mut first = Bytes::from(bytes);
        let last = first.split_off(FIRST_PART);
        let mut sent = Vec::new();
        for (number, part) in [(0, first), (1, last)] {
            sent.push(parts.put_part(&self.large, upload, number, part).await?);
        }
        if !finish {
            return Ok(false);
        }
        if parts.finish(&self.large, upload, &sent).await? == Created::Exists
            || self.store.compare(&self.large, &sha256, size).await? != Stored::Same
        {
            // Also what is wrong does not stay.
            let _ = self.discard(&self.large).await;
            return Err(Problem::new(
                Code::StorageIo,
                "The storage made something else of two parts than was sent.",
            ));
        }
        Ok(true)
    }

    async fn same_at(&self, public: &HttpStore) -> Result<ProbeOutcome> {
        let url = public.address();
        let field = |problem: Problem| problem.field("publicUrl");
        let ours = self.content().await?.map(|(bytes, _)| bytes);
        match public.get(&self.key, MAX).await.map_err(field)? {
            Some(object) if Some(&object.bytes) == ours.as_ref() => {
                Ok(Fine("An object written to storage is served with the same bytes".into()))
            }
            Some(_) => Err(field(Problem::new(
                Code::TrustHash,
                format!("{url} serves other bytes than storage holds."),
            ))),
            None => Err(field(
                Problem::new(
                    Code::StorageMissing,
                    format!("{url} does not serve what was just written to storage."),
                )
                .remedy("Check that the public URL is that of the storage folder, and that everyone may read it."),
            )),
        }
    }

    async fn kept_by_storage(&self) -> Result<Option<ProbeOutcome>> {
        // A folder serves nothing; its web server is asked over the public URL alone.
        if self.store.parts().is_none() {
            return Ok(None);
        }
        Ok(Some(match self.store.cache_control(&self.key).await? {
            Some(value) if value.contains("immutable") => {
                Fine("Caches are told how long to keep what".into())
            }
            _ => Warning(
                "The storage does not keep Cache-Control. Set it at the CDN: 5 s for metadata/timestamp.json, a year for the rest".into(),
            ),
        }))
    }

    async fn kept_by_public(&self, public: &HttpStore) -> Result<Option<ProbeOutcome>> {
        if let Some(value) = public.cache_control(layout::TIMESTAMP).await? {
            let age = max_age(&value);
            if age.is_none_or(|age| age > LONG) {
                return Ok(Some(Warning(format!(
                    "The public URL lets caches keep metadata/timestamp.json for {}. Devices learn of a publish that much later; 5 s is right",
                    age.map_or_else(
                        || "a time of their own choice".into(),
                        |age| format!("{age} s")
                    ),
                ))));
            }
        }
        Ok(Some(match public.cache_control(&self.key).await? {
            Some(value) if value.contains("immutable") => {
                Fine("Caches are told how long to keep what".into())
            }
            Some(_) | None => Warning(
                "The public URL does not say that objects never change, so devices and caches ask again and again. Set Cache-Control: public, max-age=31536000, immutable for all but metadata/timestamp.json".into(),
            ),
        }))
    }

    async fn clock(&self, now: &(dyn Fn() -> i64 + Send + Sync)) -> Option<Result<ProbeOutcome>> {
        if let Err(problem) = self.store.head(&self.key).await {
            return Some(Err(problem));
        }
        let off = now() - self.store.server_time()?;
        Some(Ok(if off.abs() <= CLOCK {
            Fine("The clocks of this computer and the storage agree".into())
        } else {
            let side = if off > 0 { "ahead of" } else { "behind" };
            Warning(format!(
                "This computer's clock is {} s {side} that of the storage. Above 15 min requests are refused, and freshness is signed with the wrong time",
                off.abs()
            ))
        }))
    }
}

/// Runs a write, and again after a pause while the storage is too busy for it.
async fn patiently<T, F>(write: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for pause in PAUSES {
        match write().await {
            Err(problem) if problem.code == Code::StorageBusy => tokio::time::sleep(pause).await,
            other => return other,
        }
    }
    write().await
}

fn sloppy(what: &str) -> Problem {
    Problem::new(Code::StorageSloppy, format!("The storage {what}."))
}

/// Seconds for which a cache may keep an answer without asking (RFC 9111 §5.2.2); nothing when it is not said.
fn max_age(value: &str) -> Option<u64> {
    let value = value.to_ascii_lowercase();
    let mut directives = value.split(',').map(str::trim);
    if directives
        .clone()
        .any(|d| matches!(d, "no-store" | "no-cache"))
    {
        return Some(0);
    }
    let shared = directives.clone().find_map(|d| d.strip_prefix("s-maxage="));
    let age = shared.or_else(|| directives.find_map(|d| d.strip_prefix("max-age=")))?;
    age.trim_matches('"').parse().ok()
}
