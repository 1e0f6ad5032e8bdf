//! Which plugins a channel's approvals are made for: derived from the signed settings alone.

use headgate_tuf::Name;

use crate::settings::{ChannelRsa, Settings};
use crate::{Result, RsaPublic};

/// Kind of the device-facing id that Capacitor apps send.
pub const CAPACITOR: &str = "capacitor";
/// Kind of the device-facing id that Ionic's SDK sends.
pub const IONIC: &str = "ionic";

/// Which plugins a channel's approvals are made for, and with which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The channel's RSA key.
    pub rsa: Option<ChannelRsa>,
    /// Capgo's updater wants a signed bundle.
    pub capgo: bool,
    /// Ionic's SDK wants its manifest.
    pub ionic: bool,
}

impl Wanted {
    /// What the settings ask for; nothing where plain bundles do.
    pub fn of(settings: &Settings, unit: &Name, channel: &Name) -> Option<Self> {
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
    ///
    /// # Errors
    /// `key.file` when the settings hold none, which they check.
    pub fn public(&self) -> Result<Option<RsaPublic>> {
        let rsa = self.rsa.as_ref();
        rsa.map(|r| RsaPublic::from_base64(&r.public)).transpose()
    }

    /// What is made, for the person who signs it.
    pub fn says(&self) -> String {
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
