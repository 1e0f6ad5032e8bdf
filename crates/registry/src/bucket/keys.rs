//! What signs requests to a bucket.

use std::sync::Arc;

use async_trait::async_trait;
use headgate_core::{Code, Problem, Result};
use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use tokio::sync::OnceCell;
use zeroize::{Zeroize, Zeroizing};

/// Longest of the three texts, bytes. Session tokens of AWS have a few thousand.
const MAX_TEXT: usize = 16 * 1024;

/// An access key. Not `Debug`, not `Serialize`: it goes into signatures and nowhere else.
pub struct BucketKeys {
    access_key_id: Zeroizing<String>,
    secret: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl BucketKeys {
    /// Takes an access key, as texts of visible ASCII; spaces around them are cut off.
    ///
    /// # Errors
    /// `storage.credentials` when one is empty, too long, or cannot stand in a header.
    pub fn new(
        access_key_id: Zeroizing<String>,
        secret: Zeroizing<String>,
        session_token: Option<Zeroizing<String>>,
    ) -> Result<Self> {
        let token = session_token
            .filter(|token| !token.trim().is_empty())
            .map(|token| text(&token, "session token"))
            .transpose()?;
        Ok(Self {
            access_key_id: text(&access_key_id, "access key id")?,
            secret: text(&secret, "secret access key")?,
            session_token: token,
        })
    }

    /// Whether a text repeats a part of the key. Servers echo what they refuse.
    pub(super) fn is_in(&self, text: &str) -> bool {
        [&self.access_key_id, &self.secret]
            .into_iter()
            .chain(&self.session_token)
            .any(|part| text.contains(part.as_str()))
    }

    /// As the signer wants it; wiped when dropped.
    pub(super) fn lend(&self) -> Lent {
        Lent(AwsCredential {
            key_id: self.access_key_id.to_string(),
            secret_key: self.secret.to_string(),
            token: self.session_token.as_ref().map(|t| t.to_string()),
        })
    }
}

/// A copy for one signature.
pub(super) struct Lent(AwsCredential);

impl Lent {
    pub(super) fn get(&self) -> &AwsCredential {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.key_id.zeroize();
        self.0.secret_key.zeroize();
        self.0.token.zeroize();
    }
}

fn text(text: &str, what: &str) -> Result<Zeroizing<String>> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Problem::new(
            Code::StorageCredentials,
            format!("The {what} is empty, too long, or holds characters that no {what} has."),
        ));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Where a store gets its access key: asked before every try, so that a new key is used without a restart.
#[async_trait]
pub trait BucketCredentials: Send + Sync {
    /// The access key that is valid now.
    ///
    /// # Errors
    /// `storage.credentials` when there is none; otherwise what the keeper of the key reports.
    async fn keys(&self) -> Result<Arc<BucketKeys>>;
}

/// The same access key always: for tests, and for keys that were just typed in.
pub struct FixedCredentials(Arc<BucketKeys>);

impl FixedCredentials {
    /// Gives this key to whoever asks.
    pub fn new(keys: BucketKeys) -> Self {
        Self(Arc::new(keys))
    }
}

#[async_trait]
impl BucketCredentials for FixedCredentials {
    async fn keys(&self) -> Result<Arc<BucketKeys>> {
        Ok(Arc::clone(&self.0))
    }
}

/// The environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read at every call.
///
/// Without them, the role that a platform names in variables of its own: web identity
/// (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), a container's (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, or
/// `…_FULL_URI` with `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`), an instance's (`AWS_METADATA_ENDPOINT`). The instance
/// metadata service is never asked without that: on a desktop it is a strange address in whatever network this is.
#[derive(Default)]
pub struct EnvCredentials {
    role: OnceCell<AwsCredentialProvider>,
}

impl EnvCredentials {
    /// Nothing is read yet.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl BucketCredentials for EnvCredentials {
    async fn keys(&self) -> Result<Arc<BucketKeys>> {
        let set = |name: &str| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        if let Some(keys) = from_variables(set)? {
            return Ok(Arc::new(keys));
        }
        if !names_a_role(set) {
            return Err(none());
        }
        let role = self.role.get_or_try_init(|| async { provider() }).await?;
        // Its words may hold the token's path and the role's name, no secret; it caches until shortly before the end.
        let found = role.get_credential().await.map_err(|error| {
            Problem::new(
                Code::StorageCredentials,
                "The role that this machine's AWS_* variables name gave no credentials.",
            )
            .detail(error)
        })?;
        let keys = BucketKeys::new(
            Zeroizing::new(found.key_id.clone()),
            Zeroizing::new(found.secret_key.clone()),
            found.token.clone().map(Zeroizing::new),
        )?;
        Ok(Arc::new(keys))
    }
}

fn from_variables(set: impl Fn(&str) -> Option<String>) -> Result<Option<BucketKeys>> {
    let half = |has: &str, lacks: &str| {
        Err(Problem::new(
            Code::StorageCredentials,
            format!("{has} is set, but {lacks} is not."),
        )
        .remedy(format!("Set {lacks} too, then try again.")))
    };
    let (id, secret) = (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY"));
    match (id.map(Zeroizing::new), secret.map(Zeroizing::new)) {
        (Some(id), Some(secret)) => {
            let token = set("AWS_SESSION_TOKEN").map(Zeroizing::new);
            BucketKeys::new(id, secret, token).map(Some)
        }
        (Some(_), None) => half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        (None, Some(_)) => half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        (None, None) => Ok(None),
    }
}

/// Whether variables name a role so completely that the library does not fall back to instance metadata.
fn names_a_role(set: impl Fn(&str) -> Option<String>) -> bool {
    let all = |names: &[&str]| names.iter().all(|name| set(name).is_some());
    all(&["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"])
        || all(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
        || all(&[
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ])
        || all(&["AWS_METADATA_ENDPOINT"])
}

/// The credentials of the library's store alone; the bucket's name is one that is never asked.
fn provider() -> Result<AwsCredentialProvider> {
    let store = AmazonS3Builder::from_env()
        .with_bucket_name("headgate-credentials")
        .build()
        .map_err(|error| {
            Problem::new(
                Code::StorageCredentials,
                "The AWS_* variables of this machine cannot be used together.",
            )
            .detail(error)
        })?;
    Ok(Arc::clone(store.credentials()))
}

fn none() -> Problem {
    Problem::new(
        Code::StorageCredentials,
        "There are no credentials for this bucket.",
    )
    .remedy("Enter an access key for it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then try again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = set.iter().find(|(n, _)| *n == name)?;
            Some(found.1.to_owned())
        }
    }

    #[test]
    fn variables_are_complete_or_the_missing_one_is_named() {
        let both = [
            ("AWS_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", " SK\n"),
        ];
        let keys = from_variables(variables(&both)).unwrap().unwrap();
        assert_eq!(keys.lend().get().secret_key, "SK");
        assert!(keys.session_token.is_none());
        assert!(from_variables(variables(&[])).unwrap().is_none());
        for (one, other) in [(0, 1), (1, 0)] {
            let problem = from_variables(variables(&both[one..=one])).err().unwrap();
            assert_eq!(problem.code, Code::StorageCredentials);
            assert!(problem.remedy.contains(both[other].0), "{problem:?}");
        }
    }

    #[test]
    fn what_no_header_can_carry_is_refused_without_repeating_it() {
        for bad in ["", " ", "a b", "hunter2\u{e4}", "hunter2\r\nx: y"] {
            let key = |text: &str| Zeroizing::new(text.to_owned());
            let problem = BucketKeys::new(key("AK"), key(bad), None).err().unwrap();
            assert_eq!(problem.code, Code::StorageCredentials);
            assert!(!format!("{problem:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_role_is_used_only_when_variables_name_it_whole() {
        for (set, expected) in [
            (vec![], false),
            (vec![("AWS_ROLE_ARN", "a")], false),
            (
                vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x")],
                false,
            ),
            (vec![("AWS_REGION", "a"), ("AWS_PROFILE", "b")], false),
            (
                vec![("AWS_ROLE_ARN", "a"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "f")],
                true,
            ),
            (
                vec![("AWS_METADATA_ENDPOINT", "http://169.254.169.254")],
                true,
            ),
        ] {
            assert_eq!(names_a_role(variables(&set)), expected, "{set:?}");
        }
    }
}
