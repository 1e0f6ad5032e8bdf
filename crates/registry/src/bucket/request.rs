//! Signed requests (AWS Signature Version 4), with time limits, and retries for reading alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use headgate_core::{Code, Problem, Result};
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::address::{BucketAddress, encode};
use super::keys::{BucketCredentials, BucketKeys};
use super::refusal::{Doing, Refusal, silent, unavailable};
use super::xml::{self, MAX_ERROR};
use super::{BucketLimits, Progress};

/// Bytes handed to the connection at once. Small, so that a slow line is seen to move.
const PIECE: usize = 32 * 1024;

/// The HTTP side of a bucket.
pub(super) struct Wire {
    client: Client,
    base: Url,
    region: String,
    pub(super) host: String,
    pub(super) limits: BucketLimits,
    credentials: Arc<dyn BucketCredentials>,
}

/// One request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Full key; empty for the bucket itself.
    pub(super) key: &'a str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
    pub(super) doing: Doing,
    /// How often it may be tried.
    pub(super) tries: u32,
    /// How long the server may think after the last byte of the request.
    pub(super) patience: Duration,
}

/// An answer: what was asked for, or a refusal with the key that was refused.
pub(super) enum Answer {
    Fine(Response),
    Refused(Refusal, Arc<BucketKeys>),
}

impl Wire {
    pub(super) fn new(
        address: &BucketAddress,
        credentials: Arc<dyn BucketCredentials>,
        limits: BucketLimits,
    ) -> Result<Self> {
        let base = address.base()?;
        let host = base.host_str().unwrap_or_default().to_owned();
        let mut builder = Client::builder()
            .user_agent(concat!("headgate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            // Another host has another signature, and may be anybody.
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if crate::transfer::is_loopback(&base) {
            builder = builder.no_proxy();
        }
        // RFC 6761 §6.3: names below localhost are loopback, and not every resolver knows it.
        if host.ends_with(".localhost") {
            builder = builder
                .no_proxy()
                .resolve(&host, ([127, 0, 0, 1], 0).into());
        }
        let client = builder.build().map_err(|error| {
            Problem::new(Code::StorageIo, "The network client could not start.").detail(error)
        })?;
        Ok(Self {
            client,
            base,
            region: address.region().to_owned(),
            host,
            limits,
            credentials,
        })
    }

    /// A request that reads: tried again after a moment when the storage is busy or out of reach.
    pub(super) fn reading<'a>(&self, method: Method, key: &'a str) -> Ask<'a> {
        Ask {
            method,
            key,
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            doing: Doing::Read,
            tries: self.limits.read_tries.max(1),
            patience: self.limits.idle,
        }
    }

    /// A request that writes: once. Who asked knows how to find out what became of it.
    pub(super) fn writing<'a>(&self, method: Method, key: &'a str, body: Bytes) -> Ask<'a> {
        Ask {
            body,
            doing: Doing::Write,
            tries: 1,
            ..self.reading(method, key)
        }
    }

    /// Sends it; a refusal is an error.
    pub(super) async fn fine(&self, ask: &Ask<'_>) -> Result<Response> {
        match self.send(ask, crate::silent()).await? {
            Answer::Fine(response) => Ok(response),
            Answer::Refused(refusal, keys) => Err(refusal.problem(&self.host, ask.doing, &keys)),
        }
    }

    /// Sends it.
    pub(super) async fn send(&self, ask: &Ask<'_>, progress: Progress<'_>) -> Result<Answer> {
        let mut left = ask.tries;
        let mut pause = self.limits.retry_pause;
        loop {
            left = left.saturating_sub(1);
            let answer = self.once(ask, progress).await;
            let again = match &answer {
                Ok(Answer::Refused(refusal, keys)) => {
                    refusal.problem(&self.host, ask.doing, keys).code == Code::StorageBusy
                }
                Ok(Answer::Fine(_)) => false,
                Err(problem) => problem.code == Code::StorageUnavailable,
            };
            if left == 0 || !again {
                return answer;
            }
            tokio::time::sleep(pause).await;
            pause *= 3;
        }
    }

    async fn once(&self, ask: &Ask<'_>, progress: Progress<'_>) -> Result<Answer> {
        let keys = self.keys().await?;
        let url = self.url(ask)?;
        let headers = self.sign(ask, &url, &keys)?;
        let (told, mut totals) = mpsc::unbounded_channel();
        let mut request = self
            .client
            .request(ask.method.clone(), url)
            .headers(headers);
        if matches!(ask.method, Method::PUT | Method::POST) {
            request = request.header("content-length", ask.body.len());
        }
        if !ask.body.is_empty() {
            request = request.body(pieces(ask.body.clone(), told));
        } else {
            drop(told);
        }
        let mut sending = std::pin::pin!(request.send());
        let mut sent = false;
        let response = loop {
            let patience = if sent { ask.patience } else { self.limits.idle };
            tokio::select! {
                // Totals first, so that none comes after the answer.
                biased;
                total = totals.recv(), if !sent => match total {
                    Some(total) => progress(total),
                    None => sent = true,
                },
                response = &mut sending => break response,
                () = tokio::time::sleep(patience) => return Err(silent(&self.host)),
            }
        };
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                let cut = !error.is_connect() && !error.is_timeout() && ask.body.len() > PIECE;
                let heard = if cut {
                    self.refused_early().await
                } else {
                    None
                };
                return Err(heard.unwrap_or_else(|| unavailable(error, &self.host)));
            }
        };
        if matches!(
            response.status(),
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT
        ) {
            return Ok(Answer::Fine(response));
        }
        let (status, headers) = (response.status(), response.headers().clone());
        // Half a body, or an endless one, is a refusal all the same.
        let body = self.whole(response, MAX_ERROR).await.unwrap_or_default();
        let refusal = Refusal {
            status,
            headers,
            body: xml::error(&body),
        };
        Ok(Answer::Refused(refusal, keys))
    }

    /// What a storage has against this account, when it cut a body off. A server that refuses early closes the connection
    /// while the body is still on its way, and its answer is lost with it; a request without a body hears it.
    async fn refused_early(&self) -> Option<Problem> {
        let mut ask = self.reading(Method::GET, "");
        ask.doing = Doing::List;
        ask.query = vec![("list-type", "2".to_owned()), ("max-keys", "1".to_owned())];
        ask.tries = 1;
        let Ok(Answer::Refused(refusal, keys)) = Box::pin(self.once(&ask, crate::silent())).await
        else {
            return None;
        };
        let problem = refusal.problem(&self.host, ask.doing, &keys);
        // An account may write and not list, so only what concerns every request counts.
        matches!(
            problem.code,
            Code::StorageCredentials | Code::StorageClock | Code::StorageRegion
        )
        .then_some(problem)
    }

    /// The access key that is valid now.
    pub(super) async fn keys(&self) -> Result<Arc<BucketKeys>> {
        self.credentials.keys().await
    }

    /// Reads an answer of at most `max` bytes.
    pub(super) async fn whole(&self, response: Response, max: u64) -> Result<Bytes> {
        self.within(response, max, self.limits.idle, self.limits.metadata)
            .await
    }

    /// As [`Self::whole`], from a server that may be silent for so long.
    pub(super) async fn patient(
        &self,
        response: Response,
        max: u64,
        patience: Duration,
    ) -> Result<Bytes> {
        self.within(response, max, patience, patience).await
    }

    async fn within(
        &self,
        response: Response,
        max: u64,
        idle: Duration,
        all: Duration,
    ) -> Result<Bytes> {
        let mut bytes = Vec::new();
        let mut body = self.pieces(response, max);
        body.idle = idle;
        let end = Instant::now() + all;
        while let Some(piece) = body.next().await? {
            if Instant::now() > end {
                return Err(silent(&self.host));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.into())
    }

    /// Reads an answer in pieces.
    pub(super) fn pieces(&self, response: Response, max: u64) -> Pieces<'_> {
        Pieces {
            wire: self,
            response,
            max,
            idle: self.limits.idle,
            total: 0,
            marked: 0,
            since: Instant::now(),
        }
    }

    fn url(&self, ask: &Ask<'_>) -> Result<Url> {
        let mut text = format!("{}{}", self.base, encode(ask.key, true));
        for (n, (name, value)) in ask.query.iter().enumerate() {
            let mark = if n == 0 { '?' } else { '&' };
            text = format!("{text}{mark}{name}={}", encode(value, false));
        }
        Url::parse(&text)
            .map_err(|error| Problem::new(Code::Internal, "A key is no URL.").detail(error))
    }

    /// Headers of the request with its signature. The body's SHA-256 is signed, so the server checks every byte.
    fn sign(&self, ask: &Ask<'_>, url: &Url, keys: &BucketKeys) -> Result<HeaderMap> {
        let wrong = |error: &dyn std::fmt::Display| {
            Problem::new(Code::Internal, "A request could not be signed.").detail(error)
        };
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = url.as_str().parse().map_err(|e| wrong(&e))?;
        let headers = request.headers_mut();
        for (name, value) in &ask.headers {
            let value = HeaderValue::from_str(value).map_err(|e| wrong(&e))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let digest = Sha256::digest(&ask.body);
        let lent = keys.lend();
        AwsAuthorizer::new(lent.get(), "s3", &self.region)
            .try_authorize(&mut request, Some(&digest))
            .map_err(|e| wrong(&e))?;
        let mut headers = std::mem::take(request.headers_mut());
        for name in ["authorization", "x-amz-security-token"] {
            if let Some(value) = headers.get_mut(name) {
                value.set_sensitive(true);
            }
        }
        // Not signed: some storages sit behind a proxy that rewrites it.
        headers.insert("accept-encoding", HeaderValue::from_static("identity"));
        Ok(headers)
    }
}

/// A body that tells how much of it was handed over.
fn pieces(bytes: Bytes, told: mpsc::UnboundedSender<u64>) -> reqwest::Body {
    let state = (bytes, 0_u64, told);
    reqwest::Body::wrap_stream(stream::unfold(
        state,
        |(mut rest, total, told)| async move {
            if rest.is_empty() {
                return None;
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            let total = total + piece.len() as u64;
            // Nobody listens any more once the answer has come.
            let _ = told.send(total);
            Some((Ok::<_, std::io::Error>(piece), (rest, total, told)))
        },
    ))
}

/// An answer that is being read.
pub(super) struct Pieces<'a> {
    wire: &'a Wire,
    response: Response,
    max: u64,
    idle: Duration,
    /// Bytes so far.
    pub(super) total: u64,
    /// Bytes when the current span began.
    marked: u64,
    since: Instant,
}

impl Pieces<'_> {
    /// The next bytes.
    ///
    /// # Errors
    /// `storage.unavailable`; `trust.format` for more than the limit.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let limits = &self.wire.limits;
        let host = &self.wire.host;
        let next = tokio::time::timeout(self.idle, self.response.chunk())
            .await
            .map_err(|_| silent(host))?;
        let Some(piece) = next.map_err(|error| unavailable(error, host))? else {
            return Ok(None);
        };
        self.total += piece.len() as u64;
        if self.total > self.max {
            return Err(Problem::new(
                Code::TrustFormat,
                format!(
                    "{host} sends more than the {} bytes that this may have.",
                    self.max
                ),
            ));
        }
        if self.since.elapsed() >= limits.slow_span {
            if self.total - self.marked < limits.slow_bytes {
                return Err(Problem::new(
                    Code::StorageUnavailable,
                    format!("{host} sends too slowly to wait for it."),
                ));
            }
            (self.marked, self.since) = (self.total, Instant::now());
        }
        Ok(Some(piece))
    }
}
