//! What a device gets of a release: signed where the channel has a key, single files where they are stored.

use headgate_core::clients::CapgoFiles;
use headgate_core::files::{Encoding, FilesMap};

use super::answer::{ManifestEntry, Offered};
use super::info::Info;
use super::name;
use crate::catalog::{ChannelServing, RegistryServing, ReleaseServing};

/// Where the parts of a release lie, for one device.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    release: &'a ReleaseServing,
    session_key: Option<&'a str>,
    zip: Option<Zip<'a>>,
    files: Option<Files<'a>>,
}

#[derive(Debug)]
enum Zip<'a> {
    Elsewhere(&'a str),
    Plain,
    Signed { object: &'a str, checksum: &'a str },
}

#[derive(Debug)]
enum Files<'a> {
    Plain(&'a FilesMap),
    Signed(&'a CapgoFiles),
}

impl<'a> Delivery<'a> {
    /// Finds what this device can take.
    ///
    /// # Errors
    /// Code of the reason when there is nothing for it: see [`super::updates`] for their words.
    pub(super) fn find(
        channel: &ChannelServing,
        release: &'a ReleaseServing,
        info: &Info<'_>,
    ) -> Result<Self, &'static str> {
        let (session_key, zip, files) = if channel.rsa.is_some() {
            Self::signed(release, info)?
        } else if info.key.is_empty() {
            Self::plain(release)
        } else {
            // The app pins a key. Newer plugins refuse what is not signed; older ones must not get what they should refuse.
            return Err("key_id_mismatch");
        };
        let manifests = info.version().is_some_and(|v| v.reads_manifests());
        let files = files.filter(|_| manifests && !has_brotli_names(release));
        match (&zip, &files) {
            (None, None) if manifests => Err("no_bundle_url"),
            (None, None) => Err("unsupported_plugin_version"),
            _ => Ok(Self {
                release,
                session_key,
                zip,
                files,
            }),
        }
    }

    fn signed(release: &'a ReleaseServing, info: &Info<'_>) -> Result<Found<'a>, &'static str> {
        // Never the plain bundle instead: plugins up to 8.51.22 would take it.
        let clients = release.clients.as_ref().ok_or("not_signed")?;
        let (Some(key), Some(capgo)) = (&clients.key, &clients.capgo) else {
            return Err("not_signed");
        };
        let version = info.version().ok_or("unsupported_plugin_version")?;
        if !version.reads_hex_signatures() {
            return Err("unsupported_plugin_version");
        }
        let pins_none = info.key.is_empty() && version.sends_key_id();
        if pins_none || (!info.key.is_empty() && info.key != key.capgo_id) {
            return Err("key_id_mismatch");
        }
        let zip = capgo.zip.as_ref().map(|zip| Zip::Signed {
            object: &zip.object.sha256,
            checksum: &zip.checksum,
        });
        let files = release.capgo_files.as_deref().map(Files::Signed);
        Ok((Some(&capgo.session_key), zip, files))
    }

    fn plain(release: &'a ReleaseServing) -> Found<'a> {
        let zip = match &release.manifest.bundle.url {
            Some(url) => Some(Zip::Elsewhere(url)),
            None if release.manifest.zip_in_storage() => Some(Zip::Plain),
            None => None,
        };
        (None, zip, release.files.as_deref().map(Files::Plain))
    }

    /// The answer's content.
    pub(super) fn offer(&self, registry: &RegistryServing, public_url: &str) -> Offered {
        let objects = &registry.objects;
        let bundle = &self.release.manifest.bundle;
        let (url, checksum) = match self.zip {
            Some(Zip::Elsewhere(url)) => (url.to_owned(), bundle.sha256.clone()),
            Some(Zip::Plain) => (
                format!("{objects}/bundles/{}.zip", bundle.sha256),
                bundle.sha256.clone(),
            ),
            Some(Zip::Signed { object, checksum }) => {
                (format!("{objects}/variants/{object}"), checksum.to_owned())
            }
            // Never fetched, since the manifest is used; but without an address the plugin refuses the answer.
            None => (format!("{public_url}/capgo/no-zip"), String::new()),
        };
        Offered {
            version: name(self.release),
            url,
            checksum,
            session_key: self.session_key.map(str::to_owned),
            manifest: self
                .entries(registry, public_url)
                .map(|(entry, _)| entry)
                .collect(),
            comment: self.release.manifest.source.message.clone(),
        }
    }

    /// Single files with the bytes that a device downloads for each; none where there are none for it.
    pub(super) fn entries<'b>(
        &'b self,
        registry: &'b RegistryServing,
        public_url: &'b str,
    ) -> Box<dyn Iterator<Item = (ManifestEntry, u64)> + 'b> {
        let objects = &registry.objects;
        match &self.files {
            None => Box::new(std::iter::empty()),
            Some(Files::Plain(map)) => Box::new(map.files.iter().map(move |file| {
                let brotli = file.stored.encoding == Encoding::Brotli;
                let entry = ManifestEntry {
                    file_name: file_name(&file.path, brotli || file.size == 0),
                    file_hash: file.sha256.clone(),
                    download_url: if file.size == 0 {
                        format!("{public_url}/capgo/empty-file")
                    } else {
                        format!("{objects}/files/{}", file.stored.sha256)
                    },
                };
                let size = if file.size == 0 {
                    super::EMPTY_BROTLI.len() as u64
                } else {
                    file.stored.size
                };
                (entry, size)
            })),
            Some(Files::Signed(list)) => Box::new(list.files.iter().map(move |file| {
                let entry = ManifestEntry {
                    file_name: file_name(&file.path, file.brotli),
                    file_hash: file.file_hash.clone(),
                    download_url: format!("{objects}/variants/{}", file.object.sha256),
                };
                (entry, file.object.size)
            })),
        }
    }
}

type Found<'a> = (Option<&'a str>, Option<Zip<'a>>, Option<Files<'a>>);

fn file_name(path: &str, brotli: bool) -> String {
    if brotli {
        format!("{path}.br")
    } else {
        path.to_owned()
    }
}

/// A file that is called `.br` itself would be unpacked on the device, and beside its plain twin the whole update fails.
fn has_brotli_names(release: &ReleaseServing) -> bool {
    release
        .inventory
        .files
        .iter()
        .any(|f| f.path.ends_with(".br"))
}
