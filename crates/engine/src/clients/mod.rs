//! What stock plugins need of a release on one channel: made when the channel approves it, by who holds the channel's
//! RSA key and has hashed the bundle (`docs/trust.md`, dialect signatures).

mod content;
mod make;

use std::path::PathBuf;

use headgate_core::clients::{CapgoClients, ClientKey, ClientsDocument, IonicClients};
use headgate_core::manifest::ReleaseManifest;
use headgate_core::settings::{ChannelRsa, Settings};
use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_tuf::Name;

pub(crate) use make::{Making, make};

use crate::publish::Draft;

/// Device-facing ids of a unit, as the signed settings name their kinds.
pub(crate) const CAPACITOR: &str = "capacitor";
pub(crate) const IONIC: &str = "ionic";

/// Which plugins a channel's approvals are made for, and with which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The channel's RSA key.
    pub(crate) rsa: Option<ChannelRsa>,
    /// Capgo's updater wants a signed bundle.
    pub(crate) capgo: bool,
    /// Ionic's SDK wants its manifest.
    pub(crate) ionic: bool,
}

impl Wanted {
    /// What the settings ask for; nothing where plain bundles do.
    pub(crate) fn of(settings: &Settings, unit: &Name, channel: &Name) -> Option<Self> {
        let ids = &settings.unit(unit.as_str())?.device_ids;
        let channel = settings.channels.iter().find(|c| c.id == *channel)?;
        let wanted = Self {
            capgo: channel.rsa.is_some() && ids.contains_key(CAPACITOR),
            ionic: ids.contains_key(IONIC),
            rsa: channel.rsa.clone(),
        };
        (wanted.capgo || wanted.ionic).then_some(wanted)
    }

    /// The public key.
    pub(crate) fn public(&self) -> Result<Option<RsaPublic>> {
        let rsa = self.rsa.as_ref();
        rsa.map(|r| RsaPublic::from_base64(&r.public)).transpose()
    }

    /// What is made, for the person who signs it.
    pub(crate) fn says(&self) -> String {
        let plugins = match (self.capgo, self.ionic) {
            (true, true) => "Capgo and Ionic plugins",
            (true, false) => "Capgo plugins",
            (false, _) => "Ionic plugins",
        };
        match &self.rsa {
            Some(rsa) => format!(
                "its bundle is signed for {plugins} with the RSA key ‘{}’",
                rsa.name
            ),
            None => format!("its manifest is made for {plugins}, unsigned"),
        }
    }
}

/// The channel's RSA key is not on this computer.
pub(crate) fn not_here(channel: &str, rsa: &ChannelRsa) -> Problem {
    let what = format!(
        "Apps in {channel} verify the RSA key ‘{}’, and this computer does not have it.",
        rsa.name
    );
    Problem::new(Code::KeyMissing, what)
        .holds("Nothing was signed or uploaded.")
        .remedy(
            "Import it with headgate clients key import, or let its holder approve the release.",
        )
}

/// What was made for a release. Which build number it gets does not matter to it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// What was asked for.
    pub(crate) wanted: Wanted,
    /// SHA-256 of the plain bundle that it is made of.
    pub(crate) bundle: String,
    key: Option<ClientKey>,
    capgo: Option<CapgoClients>,
    ionic: Option<IonicClients>,
    /// Files to upload to `variants/`: SHA-256, where it lies, bytes.
    pub(crate) objects: Vec<(String, PathBuf, u64)>,
}

impl Made {
    /// Whether it is what this draft asks for.
    pub(crate) fn is_of(&self, draft: &Draft) -> bool {
        let release = draft.release.as_ref();
        draft.wanted.as_ref() == Some(&self.wanted)
            && release.is_some_and(|r| r.bundle.sha256 == self.bundle)
    }

    /// The document that the approval role lists.
    pub(crate) fn document(
        &self,
        channel: &Name,
        manifest: &ReleaseManifest,
        sha256: &str,
    ) -> ClientsDocument {
        ClientsDocument {
            unit: manifest.unit.clone(),
            channel: channel.clone(),
            build: manifest.build,
            manifest: sha256.to_owned(),
            key: self.key.clone(),
            capgo: self.capgo.clone(),
            ionic: self.ionic.clone(),
        }
    }
}
