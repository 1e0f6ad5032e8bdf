//! A client of plain TUF repositories, with the command line of the public suite tuf-conformance.
//!
//! It shares the verifier (`sigstore-tuf`) with the device, not the profile: such repositories have other keys and
//! names, and know nothing of channels.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{HttpLimits, http_client};
use headgate_tuf::sha256_hex;
use reqwest::{Client, StatusCode, Url};
use sha2::{Digest as _, Sha512};
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, MetadataStore, Repository, TrustedMetadataSet, Updater};

/// Where such a client keeps what it believes, and where the repository lies.
#[derive(Debug, Clone)]
pub struct TufClient {
    /// Folder of trusted metadata, `root.json` and so on.
    pub metadata: PathBuf,
}

fn refused(error: &Error) -> Problem {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(next) = source {
        words = format!("{words}: {next}");
        source = next.source();
    }
    let code = match error {
        Error::Expired { .. } => Code::TrustExpired,
        Error::Rollback { .. } => Code::TrustRollback,
        Error::Malformed(_) | Error::Json(_) => Code::TrustFormat,
        _ => Code::TrustSignature,
    };
    Problem::new(code, words)
}

fn disk(error: &std::io::Error, path: &Path) -> Problem {
    Problem::new(Code::LocalDisk, format!("{}: {error}.", path.display()))
}

impl TufClient {
    /// Takes a root as trusted. Asks nobody.
    ///
    /// # Errors
    /// `trust.*` when it is no root that its own keys signed; `local.disk`.
    pub fn init(&self, root: &Path) -> Result<()> {
        let bytes = std::fs::read(root).map_err(|e| disk(&e, root))?;
        TrustedMetadataSet::from_root(&bytes).map_err(|e| refused(&e))?;
        let to = self.metadata.join("root.json");
        std::fs::create_dir_all(&self.metadata).map_err(|e| disk(&e, &to))?;
        std::fs::write(&to, &bytes).map_err(|e| disk(&e, &to))
    }

    /// Brings the top-level metadata up to date.
    ///
    /// # Errors
    /// `trust.*`, `local.disk`.
    pub async fn refresh(&self, metadata: &str) -> Result<()> {
        let mut updater = self.updater(metadata, metadata)?;
        updater.refresh(now()).await.map_err(|e| refused(&e))
    }

    /// Brings metadata up to date and downloads targets, in this order, into a folder.
    ///
    /// # Errors
    /// `trust.*`, `local.disk`.
    pub async fn download(
        &self,
        metadata: &str,
        targets: &str,
        names: &[String],
        to: &Path,
    ) -> Result<()> {
        let mut updater = self.updater(metadata, targets)?;
        let now = now();
        updater.refresh(now).await.map_err(|e| refused(&e))?;
        for name in names {
            let found = updater.get_target_info(name, now).await;
            let target = found.map_err(|e| refused(&e))?.ok_or_else(|| {
                Problem::new(Code::TrustSignature, format!("No role lists {name}."))
            })?;
            let path = to.join(file_name(name));
            let kept = std::fs::read(&path).ok();
            let same = |bytes: &Vec<u8>| {
                let sha512 = || hex::encode(Sha512::digest(bytes));
                bytes.len() as u64 == target.length
                    && !target.hashes.is_empty()
                    && target
                        .hashes
                        .iter()
                        .all(|(kind, hash)| match kind.as_str() {
                            "sha256" => sha256_hex(bytes) == *hash,
                            "sha512" => sha512() == *hash,
                            _ => false,
                        })
            };
            if kept.as_ref().is_some_and(same) {
                continue;
            }
            let read = updater.download_target(&target, name).await;
            let bytes = read.map_err(|e| refused(&e))?;
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| disk(&e, parent))?;
            }
            std::fs::write(&path, &bytes).map_err(|e| disk(&e, &path))?;
        }
        Ok(())
    }

    fn updater(&self, metadata: &str, targets: &str) -> Result<Updater> {
        let path = self.metadata.join("root.json");
        let root = std::fs::read(&path).map_err(|e| disk(&e, &path))?;
        let repository = HttpRepository::new(metadata, targets)?;
        let updater = Updater::new(repository, &root).map_err(|e| refused(&e))?;
        Ok(updater.with_store(Kept(self.metadata.clone())))
    }
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A target's name may hold folders; none leads out.
fn file_name(target: &str) -> PathBuf {
    let path = Path::new(target);
    let plain = path.components().all(|c| matches!(c, Component::Normal(_)));
    if plain {
        return path.to_owned();
    }
    PathBuf::from(sha256_hex(target.as_bytes()))
}

/// Trusted metadata under its plain names.
struct Kept(PathBuf);

impl Kept {
    /// Where it lies; nothing for copies that are not kept: older roots and targets.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let versioned = name
            .split_once('.')
            .is_some_and(|(head, _)| !head.is_empty() && head.bytes().all(|b| b.is_ascii_digit()));
        let plain = !name.contains(['/', '\\']) && !versioned;
        plain.then(|| self.0.join(name))
    }
}

impl MetadataStore for Kept {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let Some(path) = self.path(name) else {
            return Ok(None);
        };
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(format!("reading {name}"), e)),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        let Some(path) = self.path(name) else {
            return Ok(());
        };
        std::fs::write(path, bytes).map_err(|e| Error::io(format!("writing {name}"), e))
    }
}

/// A repository over HTTP, within the limits of the registry's reader.
struct HttpRepository {
    client: Client,
    metadata: Url,
    targets: Url,
}

impl HttpRepository {
    fn new(metadata: &str, targets: &str) -> Result<Self> {
        let base = |text: &str| {
            let text = format!("{}/", text.trim_end_matches('/'));
            Url::parse(&text).map_err(|e| {
                Problem::new(Code::StorageAddress, format!("{text} is no address: {e}."))
            })
        };
        let (metadata, targets) = (base(metadata)?, base(targets)?);
        let client = http_client(&HttpLimits::default(), &metadata)?;
        Ok(Self {
            client,
            metadata,
            targets,
        })
    }

    async fn get(&self, base: &Url, name: &str, max: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let broken = |e: reqwest::Error| Error::transport_with_source("the connection broke", e);
        let url = base
            .join(name)
            .map_err(|e| Error::transport_with_source(format!("{name:?} is no address"), e))?;
        let request = self.client.get(url).timeout(Duration::from_secs(120));
        let mut answer = request.send().await.map_err(broken)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(None),
            status => {
                return Err(Error::transport(format!(
                    "{name}: the server says {status}"
                )));
            }
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > max {
                return Err(Error::transport(format!(
                    "{name} is longer than {max} bytes"
                )));
            }
        }
        Ok(Some(bytes))
    }
}

impl Repository for HttpRepository {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(&self.metadata, name, max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(&self.targets, path, max_length))
    }
}
