//! Reading over HTTP from servers that nobody vouches for: shared by the registry's URL and by artifacts.
//!
//! Whatever the server does, a read ends: sizes are counted while reading, nothing is decompressed, silence and
//! dripping have limits, and no other host is asked.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use reqwest::header;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::Progress;
use crate::part::{Part, local, too_large};

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

/// A client for one host, which follows to no other, decompresses nothing and waits no longer than the limits say.
///
/// # Errors
/// `storage.io` when TLS cannot be set up.
pub fn client(limits: &HttpLimits, host: &Url) -> Result<Client> {
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
    if is_loopback(host) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        Problem::new(Code::StorageIo, "The network client could not start.").detail(error)
    })
}

/// Refuses an answer whose bytes are not the stored ones.
///
/// # Errors
/// `trust.format`.
pub(crate) fn plain(response: &Response, name: &str) -> Result<()> {
    let coded = response
        .headers()
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if coded {
        return Err(Problem::new(
            Code::TrustFormat,
            format!("The server compresses {name}, so its bytes are not the signed ones."),
        )
        .remedy("Turn compression off for this folder at the server or CDN."));
    }
    Ok(())
}

/// An answer that is being read.
pub(crate) struct Pieces<'a> {
    response: Response,
    name: &'a str,
    max: u64,
    limits: HttpLimits,
    /// Bytes so far.
    total: u64,
    /// Bytes when the current span began.
    marked: u64,
    since: Instant,
}

impl<'a> Pieces<'a> {
    /// Reads an answer in pieces, at most `max` bytes.
    ///
    /// # Errors
    /// `trust.format` when it says that it is larger.
    pub(crate) fn new(
        response: Response,
        name: &'a str,
        max: u64,
        limits: HttpLimits,
    ) -> Result<Self> {
        if response.content_length().is_some_and(|size| size > max) {
            return Err(too_large(name, max));
        }
        Ok(Self {
            response,
            name,
            max,
            limits,
            total: 0,
            marked: 0,
            since: Instant::now(),
        })
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// `trust.format` above the largest size; `storage.io` when the connection breaks or is too slow.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let next = self.response.chunk().await;
        let Some(piece) = next.map_err(|error| failed(error, self.name))? else {
            return Ok(None);
        };
        self.total += piece.len() as u64;
        if self.total > self.max {
            return Err(too_large(self.name, self.max));
        }
        if self.since.elapsed() >= self.limits.slow_span {
            if self.total - self.marked < self.limits.slow_bytes {
                return Err(Problem::new(
                    Code::StorageIo,
                    format!("The server sends {} too slowly to wait for it.", self.name),
                ));
            }
            (self.marked, self.since) = (self.total, Instant::now());
        }
        Ok(Some(piece))
    }

    /// Reads to the end; gives SHA-256 (hex) and size.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub(crate) async fn hash(mut self, progress: Progress<'_>) -> Result<(String, u64)> {
        let mut hash = Sha256::new();
        while let Some(piece) = self.next().await? {
            hash.update(&piece);
            progress(self.total);
        }
        Ok((hex::encode(hash.finalize()), self.total))
    }

    /// Reads to the end into a new file, which is synced; gives SHA-256 (hex) and size. Nothing stays when it fails.
    ///
    /// # Errors
    /// As [`Self::next`]; `local.disk`.
    pub(crate) async fn save(mut self, to: &Path, progress: Progress<'_>) -> Result<(String, u64)> {
        let (part, file) = Part::create(to)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut hash = Sha256::new();
        while let Some(piece) = self.next().await? {
            hash.update(&piece);
            file.write_all(&piece).await.map_err(|e| local(&e, to))?;
            progress(self.total);
        }
        file.flush().await.map_err(|e| local(&e, to))?;
        file.sync_all().await.map_err(|e| local(&e, to))?;
        part.keep();
        Ok((hex::encode(hash.finalize()), self.total))
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

/// Whether only this computer is reached.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    })
}

/// A status that neither gives the object nor says that it is not there.
pub(crate) fn unexpected(status: StatusCode, name: &str) -> Problem {
    let code = match status {
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => Code::StorageAccess,
        _ => Code::StorageIo,
    };
    Problem::new(code, format!("The server answered {status} for {name}."))
}

/// A request or an answer that broke. The place of a redirect may carry a secret, so no address is repeated.
pub(crate) fn failed(error: reqwest::Error, name: &str) -> Problem {
    let error = error.without_url();
    let chain = {
        let mut words = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(next) = source {
            words = format!("{words}: {next}");
            source = next.source();
        }
        words
    };
    if error.is_redirect() {
        return Problem::new(
            Code::StorageMissing,
            format!("The server sends readers of {name} elsewhere, and that is not followed."),
        )
        .remedy("Give the address at which the files lie themselves.")
        .detail(chain);
    }
    let what = if error.is_timeout() {
        format!("The server did not send {name} in time.")
    } else if error.is_connect() {
        "The server cannot be reached.".to_owned()
    } else {
        format!("The connection broke while {name} was read.")
    };
    Problem::new(Code::StorageIo, what).detail(chain)
}
