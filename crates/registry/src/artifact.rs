//! Artifacts that lie elsewhere: a zip at an address of its own, registered by its hash and not uploaded again.
//!
//! The address is signed and public, and devices download from it for as long as a channel serves the release. So it
//! holds no secret, and what it answers is hashed whenever a decision depends on it.

use std::fmt;
use std::path::Path;

use headgate_core::{Code, Problem, Result, manifest::BundleRef};
use reqwest::{Response, StatusCode, Url, header};

use crate::transfer::{self, Pieces, failed, is_loopback, unexpected};
use crate::{HttpLimits, Progress};

/// Most characters of an address, as in the release manifest.
const MAX_ADDRESS: usize = 2_000;

/// Most bytes of an artifact: what all files of a web build may have.
pub const MAX_ARTIFACT: u64 = 2 << 30;

/// Stands in messages where the registry has a key.
const NAME: &str = "the artifact";

/// The address of an artifact, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactUrl(Url);

impl ArtifactUrl {
    /// Parses `https://host/path.zip`. `http://` is taken too: devices check the hash.
    ///
    /// # Errors
    /// `artifact.address`. The words never repeat an address that may hold a secret.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(|c| c.is_control() || c == '\\') {
            return Err(refused(
                "The address is empty, or holds control characters or a backslash.",
            ));
        }
        if text.chars().count() > MAX_ADDRESS {
            return Err(refused(format!(
                "The address is longer than {MAX_ADDRESS} characters."
            )));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        // The parser would take the first part of the path for the host of `https:///path`.
        let known = ["https", "http"]
            .iter()
            .any(|s| scheme.eq_ignore_ascii_case(s));
        if !known || rest.starts_with('/') {
            return Err(refused(
                "An artifact's address begins with https:// or http:// and a host.",
            ));
        }
        let url = Url::parse(text)
            .map_err(|error| refused("The address is not a URL that can be read.").detail(error))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("The address names no host."));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "The address holds a user name or password. It is signed and public, so it holds no credentials.",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused(
                "The address holds a ? or #. Signed links expire and carry a secret, and this address is signed into the release and public.",
            ));
        }
        // Encoding makes it longer.
        if url.as_str().len() > MAX_ADDRESS {
            return Err(refused(format!(
                "The address is longer than {MAX_ADDRESS} characters."
            )));
        }
        Ok(Self(url))
    }

    /// As it is signed: ASCII, encoded.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What people call it: the last part of the path, else the host.
    pub fn name(&self) -> &str {
        let last = self.0.path_segments().and_then(|mut s| s.next_back());
        last.filter(|s| !s.is_empty())
            .unwrap_or_else(|| self.host())
    }

    /// Its host.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether others on the way can read it, and iOS refuses it (App Transport Security).
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Whether only this computer reaches it.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for ArtifactUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The server calls it a web page: often a login.
    pub page: bool,
}

/// Reads artifacts within limits.
#[derive(Debug, Clone, Copy)]
pub struct Artifacts {
    limits: HttpLimits,
    max: u64,
}

impl Default for Artifacts {
    fn default() -> Self {
        Self::new(HttpLimits::default(), MAX_ARTIFACT)
    }
}

impl Artifacts {
    /// With limits of time and of size, bytes.
    pub fn new(limits: HttpLimits, max: u64) -> Self {
        Self { limits, max }
    }

    /// Downloads into a new file, which is synced.
    ///
    /// # Errors
    /// `artifact.missing` when the address does not give it; `build.too_large`; `local.disk`.
    pub async fn download(
        &self,
        url: &ArtifactUrl,
        to: &Path,
        progress: Progress<'_>,
    ) -> Result<Fetched> {
        let response = self.ask(url).await?;
        let page = is_page(&response);
        let pieces = Pieces::new(response, NAME, self.max, self.limits);
        let pieces = pieces.map_err(|p| unread(url, p))?;
        let saved = pieces.save(to, progress).await;
        let (sha256, size) = saved.map_err(|p| unread(url, p))?;
        Ok(Fetched { sha256, size, page })
    }

    /// Hashes what lies there.
    ///
    /// # Errors
    /// As [`Self::download`].
    pub async fn hash(&self, url: &ArtifactUrl, progress: Progress<'_>) -> Result<Fetched> {
        let response = self.ask(url).await?;
        let page = is_page(&response);
        let pieces = Pieces::new(response, NAME, self.max, self.limits);
        let pieces = pieces.map_err(|p| unread(url, p))?;
        let (sha256, size) = pieces.hash(progress).await.map_err(|p| unread(url, p))?;
        Ok(Fetched { sha256, size, page })
    }

    /// Reads the bundle of a release at its address, into a new file if one is given, and compares it with what was
    /// signed. Gives its SHA-256. A file with other bytes is removed.
    ///
    /// # Errors
    /// `artifact.changed`, `artifact.missing`, `artifact.address`; `local.disk`.
    pub async fn check(
        &self,
        address: &str,
        signed: &BundleRef,
        to: Option<&Path>,
        progress: Progress<'_>,
    ) -> Result<String> {
        let url = ArtifactUrl::parse(address)?;
        let read = match to {
            Some(to) => self.download(&url, to, progress).await,
            None => self.hash(&url, progress).await,
        };
        let found = match read {
            Ok(found) if found.sha256 == signed.sha256 && found.size == signed.size => {
                return Ok(found.sha256);
            }
            Ok(found) => {
                if let Some(to) = to {
                    let _ = std::fs::remove_file(to);
                }
                let page = if found.page { ", a web page" } else { "" };
                format!("found {} ({} bytes{page})", found.sha256, found.size)
            }
            Err(problem) if problem.code == Code::BuildTooLarge => {
                format!("found more than {} bytes", self.max)
            }
            Err(problem) => return Err(problem),
        };
        let what = format!(
            "The artifact at {url} is not what was signed: signed {} ({} bytes), {found}.",
            signed.sha256, signed.size
        );
        Err(Problem::new(Code::ArtifactChanged, what))
    }

    async fn ask(&self, url: &ArtifactUrl) -> Result<Response> {
        let request = transfer::client(&self.limits, &url.0)?
            .get(url.0.clone())
            .header(header::ACCEPT_ENCODING, "identity");
        let response = request.send().await;
        let response = response.map_err(|error| unread(url, failed(error, NAME)))?;
        if response.status() != StatusCode::OK {
            return Err(unread(url, unexpected(response.status(), NAME)));
        }
        match transfer::plain(&response, NAME) {
            Ok(()) => Ok(response),
            Err(problem) => Err(missing(url, problem)),
        }
    }
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.trim().to_ascii_lowercase().starts_with("text/html"))
}

/// A failed read, in the words of an artifact.
fn unread(url: &ArtifactUrl, problem: Problem) -> Problem {
    match problem.code {
        Code::LocalDisk => problem,
        // The only thing that a read finds wrong with the bytes themselves.
        Code::TrustFormat => Problem::new(Code::BuildTooLarge, reading(url, &problem)),
        _ => missing(url, problem),
    }
}

fn missing(url: &ArtifactUrl, problem: Problem) -> Problem {
    let own = problem.remedy != problem.code.remedy();
    let mut found = Problem::new(Code::ArtifactMissing, reading(url, &problem));
    if own {
        found.remedy = problem.remedy;
    }
    found.detail = problem.detail;
    found
}

fn reading(url: &ArtifactUrl, problem: &Problem) -> String {
    let mut letters = problem.message.chars();
    let first = letters.next().map(|c| c.to_lowercase().to_string());
    let said = format!("{}{}", first.unwrap_or_default(), letters.as_str());
    format!("Reading {url} failed: {said}")
}

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::ArtifactUrl, message).field("url")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Problem {
        let problem = ArtifactUrl::parse(text).expect_err(text);
        assert_eq!(problem.code, Code::ArtifactUrl, "{text}");
        assert_eq!(problem.field.as_deref(), Some("url"));
        problem
    }

    #[test]
    fn an_address_is_kept_as_it_is_signed() {
        for (text, kept, name) in [
            (
                "https://abc.example/app/abc123.zip",
                "https://abc.example/app/abc123.zip",
                "abc123.zip",
            ),
            (
                " HTTPS://ABC.example:443/a.zip ",
                "https://abc.example/a.zip",
                "a.zip",
            ),
            (
                "https://abc.example/app/my build+1.zip",
                "https://abc.example/app/my%20build+1.zip",
                "my%20build+1.zip",
            ),
            (
                "https://bücher.example/ö.zip",
                "https://xn--bcher-kva.example/%C3%B6.zip",
                "%C3%B6.zip",
            ),
            (
                "https://abc.example/a/../b/%2e%2e/c",
                "https://abc.example/c",
                "c",
            ),
            (
                "https://abc.example/download/",
                "https://abc.example/download/",
                "abc.example",
            ),
            (
                "https://abc.example/a%3Fb%23c",
                "https://abc.example/a%3Fb%23c",
                "a%3Fb%23c",
            ),
        ] {
            let url = ArtifactUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.name()), (kept, name), "{text}");
            assert!(!url.is_plain() && !url.is_local(), "{text}");
            assert_eq!(ArtifactUrl::parse(url.as_str()).unwrap(), url, "reads back");
        }
        let plain = ArtifactUrl::parse("http://abc.example/a.zip").unwrap();
        assert!(plain.is_plain() && !plain.is_local());
        for local in [
            "http://localhost:1/a",
            "http://127.0.0.1/a",
            "https://[::1]/a",
        ] {
            assert!(ArtifactUrl::parse(local).unwrap().is_local(), "{local}");
        }
    }

    #[test]
    fn what_may_hold_a_secret_is_refused_and_never_repeated() {
        for text in [
            "https://me:hunter2@abc.example/a.zip",
            "https://hunter2@abc.example/a.zip",
            "https://:hunter2@abc.example/a.zip",
            "https://abc.example/a.zip?X-Amz-Signature=hunter2",
            "https://abc.example/a.zip?",
            "https://abc.example/a.zip#hunter2",
            "https://abc.example:hunter2/a.zip",
            "https://me:hunter2@[bad/a.zip",
            "ftp://me:hunter2@abc.example/a.zip",
            "s3://key:hunter2@bucket/a.zip",
            "javascript:hunter2",
            "hunter2",
        ] {
            let problem = error(text);
            assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("https://abc.example/{}", "a".repeat(MAX_ADDRESS));
        let grows = format!("https://abc.example/{}", "ö".repeat(1_000));
        for text in [
            "",
            "   ",
            "https://",
            "https:///a.zip",
            "https:abc.example/a.zip",
            "https://abc.example\\@evil.example/a.zip",
            "https://abc.example/a\nb.zip",
            "https://abc.example/a\u{7f}.zip",
            "https://abc.example/a\u{85}.zip",
            "https://abc example/a.zip",
            "//abc.example/a.zip",
            "file:///etc/passwd",
            "data:application/zip;base64,UEsDBA==",
            &long,
            &grows,
        ] {
            error(text);
        }
    }

    #[test]
    fn an_address_of_the_largest_length_is_taken() {
        let text = "https://abc.example/";
        let text = format!("{text}{}", "a".repeat(MAX_ADDRESS - text.len()));
        assert_eq!(
            ArtifactUrl::parse(&text).unwrap().as_str().len(),
            MAX_ADDRESS
        );
        error(&format!("{text}a"));
    }
}
