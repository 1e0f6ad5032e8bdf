//! Storage addresses as people write them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use reqwest::Url;

use crate::{
    BucketAddress, BucketCredentials, BucketStore, EnvCredentials, FolderStore, HttpStore, Store,
};

/// Where a registry lies. Holds no credentials: those live in the vault or in variables, never in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageAddress {
    /// A folder of this computer, absolute.
    Folder(PathBuf),
    /// A public URL, for reading alone.
    Http(Url),
    /// A bucket of S3-compatible storage.
    Bucket(BucketAddress),
}

impl StorageAddress {
    /// Parses `file:///srv/ota`, `/srv/ota` (`C:\ota` on Windows), `https://host/path` or
    /// `s3://bucket/prefix?endpoint=…&region=…&style=path|virtual&lock=1`.
    ///
    /// # Errors
    /// `storage.address`. The words never repeat an address that may hold credentials.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(refused(
                "The storage address is empty or holds control characters.",
            ));
        }
        // Before the URL parser, which takes `C:` for a scheme.
        if Path::new(text).is_absolute() {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        if !text.contains("://") {
            return Err(refused(if is_drive(text) {
                "A folder with a drive letter can be used on Windows alone."
            } else {
                "The storage address is not an absolute path and has no scheme such as file://."
            }));
        }
        let url = Url::parse(text).map_err(|error| {
            refused("The storage address is not a URL that can be read.").detail(error)
        })?;
        Self::from_url(url)
    }

    fn from_url(url: Url) -> Result<Self> {
        match url.scheme() {
            "file" => {
                if url.query().is_some() || url.fragment().is_some() {
                    return Err(refused(
                        "A file:// address has no ? or #. Write them as %3F and %23 when the folder's name holds them.",
                    ));
                }
                let path = url.to_file_path().map_err(|()| {
                    refused("A file:// address names a folder of this computer: file:///path.")
                })?;
                // %00 and the like get past the check of the text.
                if path.to_string_lossy().chars().any(char::is_control) {
                    return Err(refused("The storage address holds control characters."));
                }
                Ok(Self::Folder(path))
            }
            "http" | "https" => Ok(Self::Http(public_base(url)?)),
            "s3" => Ok(Self::Bucket(BucketAddress::from_url(&url)?)),
            // The scheme alone: the rest may hold credentials.
            other => Err(refused(format!(
                "Storage of the kind {other}:// is not supported."
            ))),
        }
    }

    /// The folder, where writing is needed.
    ///
    /// # Errors
    /// `storage.read_only` for a public URL; `storage.address` for a bucket.
    pub fn folder(&self) -> Result<&Path> {
        match self {
            Self::Folder(path) => Ok(path),
            Self::Bucket(_) => Err(refused("A folder is needed here, and this is a bucket.")),
            Self::Http(_) => Err(Problem::new(
                Code::StorageReadOnly,
                "A public URL can be read, not written to.",
            )),
        }
    }

    /// Opens what lies there; a bucket with the credentials of the environment.
    ///
    /// # Errors
    /// `storage.missing`, `storage.access`, `storage.io`.
    pub fn open(&self) -> Result<Arc<dyn Store>> {
        self.open_with(Arc::new(EnvCredentials::new()))
    }

    /// Opens what lies there; a bucket with these credentials, which others ignore. A bucket is not asked yet.
    ///
    /// # Errors
    /// `storage.missing`, `storage.access`, `storage.io`.
    pub fn open_with(&self, credentials: Arc<dyn BucketCredentials>) -> Result<Arc<dyn Store>> {
        Ok(match self {
            Self::Bucket(address) => Arc::new(BucketStore::new(address.clone(), credentials)?),
            Self::Folder(path) => Arc::new(FolderStore::open(path)?),
            Self::Http(url) => Arc::new(HttpStore::new(url.as_str())?),
        })
    }
}

impl fmt::Display for StorageAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => f.write_str(&folder_address(path)),
            Self::Http(url) => f.write_str(url.as_str()),
            Self::Bucket(address) => address.fmt(f),
        }
    }
}

/// `file:///…` of an absolute path; the path itself where it cannot be written so.
pub(crate) fn folder_address(path: &Path) -> String {
    Url::from_file_path(path).map_or_else(|()| path.display().to_string(), String::from)
}

/// Checks a base URL and gives it a final slash, so that keys are joined below it.
pub(crate) fn public_base(mut url: Url) -> Result<Url> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused(
            "A public URL begins with https:// or http:// and a host.",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "The storage address holds a user name or password. Addresses are shown and stored, so they hold no credentials.",
        ));
    }
    // Signed links carry their secret there.
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused(
            "The storage address holds a ? or #. Give the plain URL of the registry's folder.",
        ));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

pub(crate) fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::StorageAddress, message).field("address")
}

fn is_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Problem {
        let problem = StorageAddress::parse(text).unwrap_err();
        assert_eq!(problem.code, Code::StorageAddress, "{text}");
        problem
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_a_file_url_or_an_absolute_path() {
        for text in [
            "file:///srv/ota",
            "/srv/ota",
            " /srv/ota ",
            "file://localhost/srv/ota",
        ] {
            let address = StorageAddress::parse(text).unwrap();
            assert_eq!(address, StorageAddress::Folder("/srv/ota".into()), "{text}");
            assert_eq!(address.to_string(), "file:///srv/ota");
        }
        let spaced = StorageAddress::parse("file:///srv/my%20ota").unwrap();
        assert_eq!(spaced.folder().unwrap(), Path::new("/srv/my ota"));
        assert_eq!(spaced.to_string(), "file:///srv/my%20ota");
    }

    #[cfg(windows)]
    #[test]
    fn a_folder_on_windows_has_a_drive_letter() {
        let address = StorageAddress::parse(r"C:\ota").unwrap();
        assert_eq!(address, StorageAddress::Folder(r"C:\ota".into()));
        assert_eq!(address.to_string(), "file:///C:/ota");
    }

    #[test]
    fn a_public_url_is_for_reading_alone() {
        let address = StorageAddress::parse("https://ota.example.com/app").unwrap();
        assert_eq!(address.to_string(), "https://ota.example.com/app/");
        assert_eq!(address.folder().unwrap_err().code, Code::StorageReadOnly);
    }

    #[test]
    fn credentials_in_an_address_are_refused_and_never_repeated() {
        for text in [
            "https://me:hunter2@ota.example.com/app",
            "https://hunter2@ota.example.com/app",
            "https://ota.example.com/app?X-Amz-Signature=hunter2",
            "https://ota.example.com/app#hunter2",
            "s3://key:hunter2@bucket/app",
            "ftp://me:hunter2@host/app",
            "https://me:hunter2@[bad/app",
            "file://me:hunter2@host/app",
        ] {
            let problem = error(text);
            assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        }
    }

    #[test]
    fn what_is_not_storage_is_refused_with_the_reason() {
        assert!(error("gs://bucket").message.contains("gs://"));
        for text in [
            "",
            "srv/ota",
            "./ota",
            "mailto:me",
            "file://server/share%",
            "/srv\n/ota",
            "file:///srv/%00",
            "file:///srv?x",
        ] {
            error(text);
        }
        #[cfg(unix)]
        {
            assert!(error(r"C:\ota").message.contains("Windows"));
            error("file://server/share");
        }
    }
}
