//! A registry behind a public URL, read as a device reads it.
//!
//! Whatever the server does, a read ends: sizes are counted while reading, nothing is decompressed, silence and
//! dripping have limits, and no other host is asked.

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::address::{public_base, refused};
use crate::part::{Part, check_key, local, too_large};
use crate::{Body, Created, ETag, Object, ObjectMeta, Progress, Store, Swapped};

/// Most bytes that [`Store::hash`] reads: no bundle is near it, and an endless answer ends.
const MAX_HASHED: u64 = 8 * 1024 * 1024 * 1024;

/// Most redirects within the same host.
const MAX_REDIRECTS: usize = 3;

/// How long a server may take.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// For the connection.
    pub connect: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// For a whole metadata file.
    pub metadata: Duration,
    /// A large file must bring [`Self::slow_bytes`] in each such span.
    pub slow_span: Duration,
    /// Bytes, see [`Self::slow_span`].
    pub slow_bytes: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            metadata: Duration::from_secs(30),
            slow_span: Duration::from_secs(60),
            slow_bytes: 64 * 1024,
        }
    }
}

/// A registry behind a public URL; reading alone.
#[derive(Debug, Clone)]
pub struct HttpStore {
    base: Url,
    client: Client,
    limits: HttpLimits,
    no_cache: bool,
}

impl HttpStore {
    /// A registry below this URL. Nothing is asked yet.
    ///
    /// # Errors
    /// `storage.address`; `storage.io` when TLS cannot be set up.
    pub fn new(base: &str) -> Result<Self> {
        Self::with_limits(base, HttpLimits::default())
    }

    /// As [`Self::new`] with other limits.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_limits(base: &str, limits: HttpLimits) -> Result<Self> {
        let base = Url::parse(base)
            .map_err(|error| refused("The public URL cannot be read.").detail(error))?;
        let base = public_base(base)?;
        let mut builder = Client::builder()
            .user_agent(concat!("headgate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle)
            .redirect(redirect::Policy::custom(same_host))
            // Another crate of the program may turn these features on.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            Problem::new(Code::StorageIo, "The network client could not start.").detail(error)
        })?;
        Ok(Self {
            base,
            client,
            limits,
            no_cache: false,
        })
    }

    /// Asks caches on the way to check with the origin, to read `timestamp.json` after a publish.
    #[must_use]
    pub fn no_cache(mut self) -> Self {
        self.no_cache = true;
        self
    }

    /// Sends a request; nothing for what does not exist.
    async fn ask(&self, method: Method, key: &str, small: bool) -> Result<Option<Response>> {
        check_key(key)?;
        let url = self
            .base
            .join(key)
            .map_err(|error| Problem::new(Code::Internal, "A key is no URL.").detail(error))?;
        let mut request = self
            .client
            .request(method, url)
            .header(header::ACCEPT_ENCODING, "identity");
        if self.no_cache {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        if small {
            request = request.timeout(self.limits.metadata);
        }
        let response = request.send().await.map_err(|error| failed(&error, key))?;
        match response.status() {
            StatusCode::OK => {}
            // S3 answers 403 for what is missing to those who may not list.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => return Ok(None),
            status => return Err(unexpected(status, key)),
        }
        let coded = response
            .headers()
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        if coded {
            return Err(Problem::new(
                Code::TrustFormat,
                format!("The server compresses {key}, so its bytes are not the signed ones."),
            )
            .remedy("Turn compression off for this folder at the server or CDN."));
        }
        Ok(Some(response))
    }

    /// Reads an answer in pieces, at most `max` bytes.
    fn pieces<'a>(&self, response: Response, key: &'a str, max: u64) -> Result<Pieces<'a>> {
        if response.content_length().is_some_and(|size| size > max) {
            return Err(too_large(key, max));
        }
        Ok(Pieces {
            response,
            key,
            max,
            limits: self.limits,
            total: 0,
            marked: 0,
            since: Instant::now(),
        })
    }
}

/// An answer that is being read.
struct Pieces<'a> {
    response: Response,
    key: &'a str,
    max: u64,
    limits: HttpLimits,
    /// Bytes so far.
    total: u64,
    /// Bytes when the current span began.
    marked: u64,
    since: Instant,
}

impl Pieces<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let next = self.response.chunk().await;
        let Some(piece) = next.map_err(|error| failed(&error, self.key))? else {
            return Ok(None);
        };
        self.total += piece.len() as u64;
        if self.total > self.max {
            return Err(too_large(self.key, self.max));
        }
        if self.since.elapsed() >= self.limits.slow_span {
            if self.total - self.marked < self.limits.slow_bytes {
                return Err(Problem::new(
                    Code::StorageIo,
                    format!("The server sends {} too slowly to wait for it.", self.key),
                ));
            }
            (self.marked, self.since) = (self.total, Instant::now());
        }
        Ok(Some(piece))
    }
}

#[async_trait]
impl Store for HttpStore {
    fn address(&self) -> String {
        self.base.to_string()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let Some(response) = self.ask(Method::GET, key, true).await? else {
            return Ok(None);
        };
        let etag = tag(response.headers());
        let mut bytes = Vec::new();
        let mut pieces = self.pieces(response, key, max)?;
        while let Some(piece) = pieces.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(Object {
            bytes: Bytes::from(bytes),
            etag,
        }))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        let Some(response) = self.ask(Method::HEAD, key, true).await? else {
            return Ok(None);
        };
        // `Response::content_length` is the size of the body, which a HEAD has not.
        let size = response
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .ok_or_else(|| {
                Problem::new(
                    Code::StorageIo,
                    format!("The server does not say how large {key} is."),
                )
            })?;
        Ok(Some(ObjectMeta {
            size,
            etag: tag(response.headers()),
        }))
    }

    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>> {
        let Some(response) = self.ask(Method::GET, key, false).await? else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        let mut pieces = self.pieces(response, key, MAX_HASHED)?;
        while let Some(piece) = pieces.next().await? {
            hash.update(&piece);
            progress(pieces.total);
        }
        Ok(Some((hex::encode(hash.finalize()), pieces.total)))
    }

    async fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        let Some(response) = self.ask(Method::GET, key, false).await? else {
            return Ok(None);
        };
        let (part, file) = Part::create(to)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut hash = Sha256::new();
        let mut pieces = self.pieces(response, key, max)?;
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

    async fn create(&self, _: &str, _: Body, _: Progress<'_>) -> Result<Created> {
        Err(read_only())
    }

    async fn swap(&self, _: &str, _: Bytes, _: Option<&ETag>) -> Result<Swapped> {
        Err(read_only())
    }

    async fn cache_control(&self, key: &str) -> Result<Option<String>> {
        let Some(response) = self.ask(Method::HEAD, key, true).await? else {
            return Ok(None);
        };
        let value = response.headers().get(header::CACHE_CONTROL);
        Ok(value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()))
    }

    async fn list(&self, _: &str) -> Result<Vec<String>> {
        Err(read_only())
    }
}

/// Follows within the host alone: another one may be a machine that only this network reaches.
fn same_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let origin = |url: &Url| {
        (
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
        )
    };
    let (Some(first), next) = (attempt.previous().first(), attempt.url()) else {
        return attempt.stop();
    };
    let same = first.scheme() == next.scheme() && origin(first) == origin(next);
    let to_tls = first.scheme() == "http"
        && next.scheme() == "https"
        && first.host_str() == next.host_str()
        && (first.port(), next.port()) == (None, None);
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else if same || to_tls {
        attempt.follow()
    } else {
        attempt.error("redirect to another host")
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    })
}

/// The server's tag, else its date: enough to see a change, and nothing is written by it.
fn tag(headers: &HeaderMap) -> ETag {
    let value = headers
        .get(header::ETAG)
        .or_else(|| headers.get(header::LAST_MODIFIED));
    ETag(value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    }))
}

fn read_only() -> Problem {
    Problem::new(
        Code::StorageReadOnly,
        "A public URL can be read, but neither written to nor listed.",
    )
}

fn unexpected(status: StatusCode, key: &str) -> Problem {
    let code = match status {
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => Code::StorageAccess,
        _ => Code::StorageIo,
    };
    Problem::new(code, format!("The server answered {status} for {key}."))
}

fn failed(error: &reqwest::Error, key: &str) -> Problem {
    let chain = {
        let mut words = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(next) = source {
            words = format!("{words}: {next}");
            source = next.source();
        }
        words
    };
    if error.is_redirect() {
        return Problem::new(
            Code::StorageMissing,
            format!("The server sends readers of {key} elsewhere, and that is not followed."),
        )
        .remedy("Give the address at which the files lie themselves.")
        .detail(chain);
    }
    let what = if error.is_timeout() {
        format!("The server did not send {key} in time.")
    } else if error.is_connect() {
        "The server cannot be reached.".to_owned()
    } else {
        format!("The connection broke while {key} was read.")
    };
    Problem::new(Code::StorageIo, what).detail(chain)
}
