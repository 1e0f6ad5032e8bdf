//! What the devices of a fleet share: connections, judged packs, downloads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{HttpLimits, http_client};
use headgate_tuf::{UtcTime, sha256_hex};
use reqwest::{Client, Url};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::FleetOptions;
use super::stats::Totals;
use crate::judge::Channel;
use crate::{Digests, Judge, Seed, Trust};

/// Most packs that are remembered.
const MAX_PACKS: usize = 64;
/// Most bytes of files that are remembered.
const MAX_LIBRARY: usize = 256 << 20;
/// Longest answer that a simulated plugin reads, bytes.
const MAX_ANSWER: usize = 64 << 20;

pub(super) struct Shared {
    pub(super) options: FleetOptions,
    pub(super) totals: Arc<Totals>,
    /// For devices that verify: follows to no other host.
    pub(super) strict: Client,
    /// For the others, which follow as plugins do.
    plain: Client,
    pub(super) limits: HttpLimits,
    pub(super) judge: Arc<SharedJudge>,
    pub(super) library: Arc<Library>,
    pub(super) digests: Arc<Digests>,
    /// Downloads of plugins by what they are expected to be.
    fetched: Mutex<HashMap<String, Arc<OnceCell<()>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(options: FleetOptions, totals: Arc<Totals>) -> Result<Self> {
        let url = Url::parse(&options.server).map_err(|e| {
            let what = format!("{:?} is no address: {e}.", options.server);
            Problem::new(Code::StorageAddress, what).field("server")
        })?;
        let limits = HttpLimits::default();
        let plain = Client::builder()
            .user_agent("CapacitorUpdater/8.51.23 (headgate-fleet)")
            .timeout(Duration::from_secs(20));
        let loopback = url
            .host_str()
            .is_some_and(|h| h == "localhost" || h.starts_with("127."));
        let plain = if loopback { plain.no_proxy() } else { plain };
        let plain = plain.build().map_err(|e| {
            Problem::new(Code::StorageIo, "The network client could not start.").detail(e)
        })?;
        Ok(Self {
            totals,
            strict: http_client(&limits, &url)?,
            plain,
            limits,
            judge: Arc::default(),
            library: Arc::default(),
            digests: Arc::default(),
            fetched: Mutex::default(),
            options,
        })
    }

    /// Posts JSON and reads JSON, whatever the status.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let url = format!("{}{path}", self.options.server);
        let request = self
            .plain
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.map_err(|e| broken(&e))?;
        let status = answer.status().as_u16();
        let bytes = whole(answer).await?;
        let json = serde_json::from_slice(&bytes)
            .map_err(|e| Problem::new(Code::TrustFormat, format!("{path}: no JSON: {e}.")))?;
        Ok((status, json))
    }

    /// Gets a file, following redirects; also where it was found.
    pub(super) async fn get(&self, url: &str) -> Result<(Url, Bytes)> {
        let answer = self.plain.get(url).send().await.map_err(|e| broken(&e))?;
        if !answer.status().is_success() {
            let what = format!("The server answered {}.", answer.status());
            return Err(Problem::new(Code::StorageIo, what));
        }
        let found = answer.url().clone();
        Ok((found, whole(answer).await?))
    }

    /// Does a download once for all devices that expect the same; a failed one is tried again by the next.
    pub(super) async fn once<F>(&self, key: &str, fetch: F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        let cell = {
            let mut fetched = lock(&self.fetched);
            Arc::clone(fetched.entry(key.to_owned()).or_default())
        };
        cell.get_or_try_init(|| fetch).await.copied()
    }
}

fn broken(error: &reqwest::Error) -> Problem {
    Problem::new(Code::StorageIo, "The server did not answer.").detail(error)
}

async fn whole(mut answer: reqwest::Response) -> Result<Bytes> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| broken(&e))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_ANSWER {
            return Err(Problem::new(Code::TrustFormat, "The answer has no end."));
        }
    }
    Ok(Bytes::from(bytes))
}

/// Judges equal packs once for all devices that believe the same.
#[derive(Default)]
pub(super) struct SharedJudge(Mutex<HashMap<String, Arc<Channel>>>);

#[async_trait]
impl Judge for SharedJudge {
    async fn judge(&self, pack: &Bytes, trust: &Trust, at: UtcTime) -> Result<Arc<Channel>> {
        let key = format!(
            "{}/{}/{:?}/{:?}",
            sha256_hex(pack),
            sha256_hex(trust.root.as_bytes()),
            trust.marks,
            (&trust.unit, &trust.channel),
        );
        let known = lock(&self.0).get(&key).cloned();
        if let Some(known) = known.filter(|channel| at < channel.expires) {
            return Ok(known);
        }
        let channel = Arc::new(Channel::read(pack, trust, at).await?);
        let mut all = lock(&self.0);
        if all.len() >= MAX_PACKS {
            all.clear();
        }
        all.insert(key, Arc::clone(&channel));
        Ok(channel)
    }
}

/// Files that some device of the fleet has downloaded and verified.
#[derive(Default)]
pub(super) struct Library(Mutex<(usize, HashMap<String, Bytes>)>);

impl Seed for Library {
    fn file(&self, sha256: &str) -> Option<Bytes> {
        lock(&self.0).1.get(sha256).cloned()
    }

    fn downloaded(&self, sha256: &str, bytes: &Bytes) {
        let mut library = lock(&self.0);
        if library.0 + bytes.len() > MAX_LIBRARY {
            *library = Default::default();
        }
        if library.1.insert(sha256.to_owned(), bytes.clone()).is_none() {
            library.0 += bytes.len();
        }
    }
}
