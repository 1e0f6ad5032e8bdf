//! Addresses of buckets, `s3://bucket/prefix?endpoint=…&lock=1&region=…&style=…`.

use std::fmt::{self, Write as _};

use headgate_core::{Problem, Result};
use object_store::path::Path as ObjectPath;
use reqwest::Url;

use crate::address::refused;

/// Region where an address names none; what many servers that are not AWS call their only one.
const DEFAULT_REGION: &str = "us-east-1";

/// Longest prefix, bytes: S3 keys have 1,024, and ours below it are shorter than 300.
const MAX_PREFIX: usize = 512;

/// How the bucket stands in the URL of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketStyle {
    /// `https://endpoint/bucket/key`.
    Path,
    /// `https://bucket.endpoint/key`.
    Virtual,
}

/// A bucket with a prefix in it. Holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketAddress {
    bucket: String,
    prefix: String,
    endpoint: Option<Url>,
    region: String,
    style: BucketStyle,
    lock: bool,
}

impl BucketAddress {
    /// Reads an `s3://` URL.
    ///
    /// # Errors
    /// `storage.address`; its words repeat nothing of the address.
    pub(crate) fn from_url(url: &Url) -> Result<Self> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "The storage address holds a user name or password. Addresses are shown and stored, so they hold no credentials.",
            ));
        }
        if url.fragment().is_some() || url.port().is_some() {
            return Err(refused(
                "A bucket's address has no # and no port. Write the server as ?endpoint=https://HOST:PORT.",
            ));
        }
        let bucket = url.host_str().unwrap_or_default().to_owned();
        check_bucket(&bucket)?;
        let prefix = prefix(url.path())?;
        let mut address = Self {
            bucket,
            prefix,
            endpoint: None,
            region: DEFAULT_REGION.into(),
            style: BucketStyle::Path,
            lock: false,
        };
        let mut seen = Vec::new();
        let mut style = None;
        for (name, value) in url.query_pairs() {
            if seen.contains(&name) {
                return Err(refused("The storage address says the same thing twice."));
            }
            match &*name {
                "endpoint" => address.endpoint = Some(endpoint(&value)?),
                "region" => address.region = region(&value)?,
                "style" => {
                    style = Some(match &*value {
                        "path" => BucketStyle::Path,
                        "virtual" => BucketStyle::Virtual,
                        _ => return Err(refused("The style of a bucket is path or virtual.")),
                    });
                }
                "lock" => {
                    address.lock = match &*value {
                        "1" => true,
                        "0" => false,
                        _ => return Err(refused("lock is 1 or 0.")),
                    }
                }
                // Its name may be X-Amz-Signature or worse, so it is not repeated.
                _ => {
                    return Err(refused(
                        "A bucket's address knows endpoint, region, style and lock after the ?. Credentials do not belong there.",
                    ));
                }
            }
            seen.push(name);
        }
        address.style = style.unwrap_or_else(|| address.usual_style());
        if address.style == BucketStyle::Virtual {
            address.virtual_is_possible()?;
        }
        Ok(address)
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Folder in the bucket, without slashes at its ends; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How the bucket stands in a request's URL.
    pub fn style(&self) -> BucketStyle {
        self.style
    }

    /// Whether writers take a lock object, for storage that ignores conditions (`lock=1`).
    pub fn uses_lock(&self) -> bool {
        self.lock
    }

    /// The server, without the bucket: `https://s3.eu-central-1.amazonaws.com/`.
    ///
    /// # Errors
    /// `storage.address` when a region makes no host name.
    pub fn server(&self) -> Result<Url> {
        if let Some(url) = &self.endpoint {
            return Ok(url.clone());
        }
        // AWS General Reference, "Amazon S3 endpoints": China is a partition with a domain of its own.
        let domain = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        Url::parse(&format!("https://s3.{}.{domain}/", self.region))
            .map_err(|_| refused("The region of the bucket cannot be part of a host name."))
    }

    /// URL of the bucket, ending in a slash: keys are appended to it.
    ///
    /// # Errors
    /// As [`Self::server`].
    pub(crate) fn base(&self) -> Result<Url> {
        let mut url = self.server()?;
        match self.style {
            BucketStyle::Path => url.set_path(&format!("/{}/", self.bucket)),
            BucketStyle::Virtual => {
                let host = format!("{}.{}", self.bucket, url.host_str().unwrap_or_default());
                url.set_host(Some(&host)).map_err(|_| impossible())?;
            }
        }
        Ok(url)
    }

    /// Full key of an object: the prefix, a slash, the key.
    pub(crate) fn full_key(&self, key: &str) -> String {
        if self.prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{}/{key}", self.prefix)
        }
    }

    /// Virtual-host at AWS, path elsewhere. The certificate of AWS covers one label, so a dotted bucket needs the path.
    fn usual_style(&self) -> BucketStyle {
        if self.endpoint.is_none() && !self.bucket.contains('.') {
            BucketStyle::Virtual
        } else {
            BucketStyle::Path
        }
    }

    fn virtual_is_possible(&self) -> Result<()> {
        let server = self.server()?;
        let host = server.host_str().unwrap_or_default();
        if host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok()
        {
            return Err(refused(
                "style=virtual needs an endpoint with a name: a bucket cannot stand before an IP address.",
            ));
        }
        self.base().map(drop)
    }
}

impl fmt::Display for BucketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if !self.prefix.is_empty() {
            write!(f, "/{}", encode(&self.prefix, true))?;
        }
        let mut mark = '?';
        let mut pair = |f: &mut fmt::Formatter<'_>, name: &str, value: &str| {
            let written = write!(f, "{mark}{name}={value}");
            mark = '&';
            written
        };
        if let Some(url) = &self.endpoint {
            pair(f, "endpoint", url.as_str().trim_end_matches('/'))?;
        }
        if self.lock {
            pair(f, "lock", "1")?;
        }
        if self.region != DEFAULT_REGION {
            pair(f, "region", &self.region)?;
        }
        if self.style != self.usual_style() {
            let style = match self.style {
                BucketStyle::Path => "path",
                BucketStyle::Virtual => "virtual",
            };
            pair(f, "style", style)?;
        }
        Ok(())
    }
}

/// Percent-encodes all but RFC 3986 unreserved characters, as Signature Version 4 wants it.
pub(super) fn encode(text: &str, keep_slash: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if keep_slash => out.push('/'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn impossible() -> Problem {
    refused("The bucket's name cannot stand before this endpoint. Write style=path.")
}

/// Bucket naming rules of the Amazon S3 user guide ("General purpose bucket naming rules").
fn check_bucket(name: &str) -> Result<()> {
    let edge = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let plain = (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err();
    // Access point aliases and directory buckets are asked in other ways.
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"]
        .iter()
        .any(|p| name.starts_with(p))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|s| name.ends_with(s));
    if plain && !reserved {
        return Ok(());
    }
    Err(refused(
        "A bucket's name has 3 to 63 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit.",
    ))
}

fn prefix(path: &str) -> Result<String> {
    let odd = || {
        refused(
            "The prefix in the storage address is not acceptable: names with single slashes between them, at most 512 bytes.",
        )
    };
    let path = path.trim_matches('/');
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let pair = tail.get(..2).ok_or_else(odd)?;
            bytes.extend(hex::decode(pair).map_err(|_| odd())?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| odd())?;
    let whole = ObjectPath::parse(&text).is_ok_and(|p| p.as_ref() == text);
    if text.len() <= MAX_PREFIX && whole && !text.chars().any(|c| c.is_control() || c == '\\') {
        Ok(text)
    } else {
        Err(odd())
    }
}

fn endpoint(text: &str) -> Result<Url> {
    let odd = || {
        refused(
            "The endpoint is https:// or http:// and a host, with a port if need be, and nothing else.",
        )
    };
    let url = Url::parse(text).map_err(|_| odd())?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.path(), "" | "/");
    if bare { Ok(url) } else { Err(odd()) }
}

/// Whether a text can be a region: also what a server claims its region to be is held against this.
pub(super) fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn region(text: &str) -> Result<String> {
    if is_region(text) {
        Ok(text.to_owned())
    } else {
        Err(refused("A region has letters, digits and hyphens."))
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
