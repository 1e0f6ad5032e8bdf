//! A registry behind a public URL, read as a device reads it, within the limits of [`crate::transfer`].

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, Method, Response, StatusCode, Url};

use crate::address::{public_base, refused};
use crate::part::check_key;
use crate::transfer::{self, Pieces, failed, unexpected};
use crate::{Body, Created, ETag, HttpLimits, Object, ObjectMeta, Progress, Store, Swapped};

/// Most bytes that [`Store::hash`] reads: no bundle is near it, and an endless answer ends.
const MAX_HASHED: u64 = 8 * 1024 * 1024 * 1024;

/// What a conditional read found.
#[derive(Debug, Clone)]
pub enum Changed {
    /// Nothing is there.
    Missing,
    /// Still the object with that tag.
    Same,
    /// Another one.
    Object(Object),
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
        let client = transfer::client(&limits, &Self::parse(base)?)?;
        Self::sharing(base, limits, client)
    }

    fn parse(base: &str) -> Result<Url> {
        let base = Url::parse(base)
            .map_err(|error| refused("The public URL cannot be read.").detail(error))?;
        public_base(base)
    }

    /// As [`Self::with_limits`] with a client of [`crate::http_client`] for the same host, whose connections are shared.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn sharing(base: &str, limits: HttpLimits, client: Client) -> Result<Self> {
        Ok(Self {
            base: Self::parse(base)?,
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

    /// Reads an object of at most `max` bytes unless it is still the one with this tag.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn get_changed(&self, key: &str, max: u64, known: Option<&ETag>) -> Result<Changed> {
        let known = known.filter(|tag| !tag.0.is_empty());
        let Some(response) = self.request(Method::GET, key, true, known).await? else {
            return Ok(Changed::Missing);
        };
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Changed::Same);
        }
        self.object(response, key, max).await.map(Changed::Object)
    }

    async fn object(&self, response: Response, key: &str, max: u64) -> Result<Object> {
        let etag = tag(response.headers());
        let mut bytes = Vec::new();
        let mut pieces = self.pieces(response, key, max)?;
        while let Some(piece) = pieces.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Object {
            bytes: Bytes::from(bytes),
            etag,
        })
    }

    /// Sends a request; nothing for what does not exist.
    async fn ask(&self, method: Method, key: &str, small: bool) -> Result<Option<Response>> {
        self.request(method, key, small, None).await
    }

    async fn request(
        &self,
        method: Method,
        key: &str,
        small: bool,
        known: Option<&ETag>,
    ) -> Result<Option<Response>> {
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
        if let Some(tag) = known {
            request = request.header(header::IF_NONE_MATCH, &tag.0);
        }
        if small {
            request = request.timeout(self.limits.metadata);
        }
        let response = request.send().await.map_err(|error| failed(error, key))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Some(response)),
            // S3 answers 403 for what is missing to those who may not list.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => return Ok(None),
            status => return Err(unexpected(status, key)),
        }
        transfer::plain(&response, key)?;
        Ok(Some(response))
    }

    /// Reads an answer in pieces, at most `max` bytes.
    fn pieces<'a>(&self, response: Response, key: &'a str, max: u64) -> Result<Pieces<'a>> {
        Pieces::new(response, key, max, self.limits)
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
        self.object(response, key, max).await.map(Some)
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
        let pieces = self.pieces(response, key, MAX_HASHED)?;
        pieces.hash(progress).await.map(Some)
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
        let pieces = self.pieces(response, key, max)?;
        pieces.save(to, progress).await.map(Some)
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
