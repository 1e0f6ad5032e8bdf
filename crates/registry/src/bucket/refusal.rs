//! What a storage's refusal means, from its status and the error code in its body (Amazon S3 API reference, "Error
//! responses"). The words name the host, never a credential, a signature or a query.

use std::error::Error as _;

use headgate_core::{Code, Problem};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap};

use super::address::is_region;
use super::keys::BucketKeys;
use super::xml::ErrorBody;

/// Servers refuse a request whose time is further away, seconds.
const MAX_SKEW: i64 = 15 * 60;

/// What was done, for the words and for the few codes that mean different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Read,
    Write,
    List,
}

impl Doing {
    fn words(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
        }
    }
}

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: ErrorBody,
}

impl Refusal {
    /// The error code in the body.
    pub(super) fn code(&self) -> &str {
        &self.body.code
    }

    /// The server does not know the request, or a header of it.
    pub(super) fn not_implemented(&self) -> bool {
        self.status == StatusCode::NOT_IMPLEMENTED || self.code() == "NotImplemented"
    }

    /// In words for people.
    pub(super) fn problem(&self, host: &str, doing: Doing, keys: &BucketKeys) -> Problem {
        let problem = self.meaning(host, doing);
        let code: String = self
            .code()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(64)
            .collect();
        let mut detail = format!("{} {code}", self.status.as_u16());
        // Servers echo what they refuse: a key id, a string to sign.
        let words: String = self
            .body
            .message
            .chars()
            .filter(|c| !c.is_control())
            .take(300)
            .collect();
        let secretive = problem.code == Code::StorageCredentials
            || keys.is_in(&self.body.message)
            || ["signature", "x-amz-", "credential="]
                .iter()
                .any(|part| self.body.message.to_ascii_lowercase().contains(part));
        if !words.is_empty() && !secretive {
            detail = format!("{detail}: {words}");
        }
        problem.detail(detail.trim())
    }

    fn meaning(&self, host: &str, doing: Doing) -> Problem {
        let status = self.status.as_u16();
        let new = |code, words: String| Problem::new(code, words);
        if self.code() == "RequestTimeTooSkewed" || self.skewed() {
            return self.clock(host);
        }
        if self.is_about_retention(doing) {
            return new(
                Code::StorageRetention,
                format!(
                    "{host} does not let this object be replaced: it is under an object lock or a retention rule."
                ),
            );
        }
        match (status, self.code()) {
            (_, "InvalidAccessKeyId" | "NotSignedUp") => new(
                Code::StorageCredentials,
                format!("{host} does not know this access key id."),
            ),
            (_, "SignatureDoesNotMatch") => new(
                Code::StorageCredentials,
                format!("The secret access key is not the one that {host} has for this access key id."),
            ),
            (_, "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired") => new(
                Code::StorageCredentials,
                format!("The session token has expired, says {host}."),
            ),
            (_, "InvalidToken" | "InvalidSecurity" | "UnrecognizedClientException") => new(
                Code::StorageCredentials,
                format!("{host} does not accept this session token."),
            ),
            (401, _) => new(
                Code::StorageCredentials,
                format!("{host} does not accept these credentials."),
            ),
            (
                _,
                "AuthorizationHeaderMalformed"
                | "PermanentRedirect"
                | "TemporaryRedirect"
                | "IllegalLocationConstraintException",
            )
            | (301 | 302 | 307 | 308, _) => self.region(host),
            (_, "NoSuchBucket") => new(
                Code::StorageMissing,
                format!("{host} has no bucket of this name."),
            ),
            (_, "NoSuchUpload") => new(
                Code::StorageMissing,
                format!("{host} does not know this upload any more."),
            ),
            (404, _) => new(
                Code::StorageMissing,
                format!("{host} answers that there is nothing at this address."),
            ),
            (413 | 507, _)
            | (
                _,
                "EntityTooLarge"
                | "QuotaExceeded"
                | "InsufficientStorage"
                | "XMinioStorageFull"
                | "XMinioAdminBucketQuotaExceeded",
            ) => new(
                Code::StorageFull,
                format!("{host} takes no more: its space or the bucket's quota is used up."),
            ),
            (_, "NotImplemented") | (501, _) => new(
                Code::StorageIo,
                format!("{host} does not know this kind of request."),
            )
            .remedy("Use storage that speaks the whole S3 protocol."),
            (429 | 500 | 502 | 503 | 504, _)
            | (_, "SlowDown" | "InternalError" | "ServiceUnavailable" | "OperationAborted" | "ConditionalRequestConflict") => new(
                Code::StorageBusy,
                format!("{host} is busy or has a fault of its own (status {status})."),
            ),
            (_, "RequestTimeout") => new(
                Code::StorageUnavailable,
                format!("The connection to {host} was too slow or broke."),
            ),
            (_, "InvalidObjectState") => new(
                Code::StorageIo,
                format!("{host} has put the object into an archive, from which it cannot be read at once."),
            )
            .remedy("Restore the object from the archive, and leave the registry's prefix out of the rule that archives."),
            (_, "BadDigest" | "XAmzContentSHA256Mismatch" | "InvalidDigest" | "IncompleteBody") => new(
                Code::StorageIo,
                format!("{host} received other bytes than were sent, and kept nothing."),
            ),
            (403, _) | (_, "AccessDenied" | "AllAccessDisabled" | "AccountProblem") => new(
                Code::StorageAccess,
                format!("{host} does not let this account {} there.", doing.words()),
            ),
            _ => new(
                Code::StorageIo,
                format!("{host} answered with status {status}."),
            ),
        }
    }

    /// WORM words differ between servers; AWS itself never refuses to write a new version over a locked one.
    fn is_about_retention(&self, doing: Doing) -> bool {
        if doing != Doing::Write {
            return false;
        }
        let code = self.code();
        let message = self.body.message.to_ascii_lowercase();
        code.starts_with("ObjectLocked")
            || code == "InvalidObjectState"
            || code == "ObjectUnderActiveHold"
            || code == "RetentionPolicyNotMet"
            || (matches!(self.status.as_u16(), 400 | 403 | 405 | 409)
                && [
                    "object lock",
                    "worm",
                    "retention",
                    "legal hold",
                    "file lock",
                ]
                .iter()
                .any(|words| message.contains(words)))
    }

    fn region(&self, host: &str) -> Problem {
        let header = self
            .headers
            .get("x-amz-bucket-region")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let named = [header, self.body.region.trim()]
            .into_iter()
            .find(|region| is_region(region));
        match named {
            Some(region) => Problem::new(
                Code::StorageRegion,
                format!("The bucket lies in the region {region}, says {host}."),
            )
            .remedy(format!(
                "Write the bucket's region into the storage address: ?region={region}."
            )),
            None => Problem::new(
                Code::StorageRegion,
                format!("{host} says that the bucket lies in another region, not in which."),
            ),
        }
    }

    /// Seconds by which this computer is ahead of the server. The clock is that of the signature, so it is not injected.
    fn ahead(&self) -> Option<i64> {
        let server =
            super::xml::seconds(&self.body.server_time).or_else(|| server_time(&self.headers))?;
        Some(Timestamp::now().as_second() - server)
    }

    /// Some servers merely say that a request is invalid when its time is.
    fn skewed(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 401 | 403)
            && self.ahead().is_some_and(|s| s.abs() > MAX_SKEW)
    }

    fn clock(&self, host: &str) -> Problem {
        let words = match self.ahead() {
            Some(seconds) if seconds.abs() >= 60 => {
                let side = if seconds > 0 { "ahead" } else { "behind" };
                format!(
                    "This computer's clock is off by {}: it is {side} of the clock of {host}.",
                    span(seconds.unsigned_abs())
                )
            }
            _ => format!("This computer's clock differs too much from the clock of {host}."),
        };
        Problem::new(Code::StorageClock, words)
    }
}

fn span(seconds: u64) -> String {
    let minutes = seconds.saturating_add(30) / 60;
    match minutes {
        0..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", (minutes + 30) / 60),
        _ => format!("{} days", (minutes + 720) / 1440),
    }
}

/// Unix seconds of the answer's `Date` (RFC 9110 §6.6.1).
pub(super) fn server_time(headers: &HeaderMap) -> Option<i64> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// Unix seconds of a date as HTTP writes it.
pub(super) fn http_date(text: &str) -> Option<i64> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    Some(PARSER.parse_timestamp(text.trim()).ok()?.as_second())
}

/// No answer, or half of one.
pub(super) fn unavailable(error: reqwest::Error, host: &str) -> Problem {
    // The URL's query names uploads.
    let error = error.without_url();
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        chain = format!("{chain}: {next}");
        source = next.source();
    }
    let words = if error.is_timeout() {
        format!("{host} did not answer in time.")
    } else if chain.contains("dns error") {
        format!("The name {host} cannot be found.")
    } else if chain.contains("certificate") {
        format!("{host} shows a certificate that this computer does not trust.")
    } else if error.is_connect() {
        format!("{host} cannot be reached.")
    } else {
        format!("The connection to {host} broke.")
    };
    Problem::new(Code::StorageUnavailable, words).detail(chain)
}

/// Silence, or a drip.
pub(super) fn silent(host: &str) -> Problem {
    Problem::new(
        Code::StorageUnavailable,
        format!("{host} did not answer in time."),
    )
}
