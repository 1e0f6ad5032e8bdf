//! A workstation with a key, a drive, and a registry that accepts the key.

use std::fs;
use std::path::PathBuf;

use headgate_core::signing::{SigningRequest, SigningResponse, merge, signers};
use headgate_offline::{OwnKey, SignOptions, VaultPlace, Workstation};
use headgate_signer::MemoryVault;
use headgate_tuf::Envelope;

use crate::world::*;

/// A workstation with a key, and a registry that accepts it for production.
pub(crate) struct Place {
    pub(crate) _home: tempfile::TempDir,
    pub(crate) drive: tempfile::TempDir,
    pub(crate) station: Workstation,
    pub(crate) vault: MemoryVault,
    pub(crate) key: OwnKey,
    pub(crate) world: World,
}

impl Place {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let station = Workstation::open(home.path()).unwrap().at(now());
        let vault = MemoryVault::default();
        let key = station
            .create_key("Ines 2026", &VaultPlace::Os, &vault)
            .unwrap();
        let place = Self {
            _home: home,
            drive: tempfile::tempdir().unwrap(),
            world: World::with_key(&key.public),
            station,
            vault,
            key,
        };
        place.station.pin_root(&place.world.root, APP).unwrap();
        place
    }

    pub(crate) fn put(&self, name: &str, request: &SigningRequest) -> PathBuf {
        let path = self.drive.path().join(name);
        fs::write(&path, request.to_bytes().unwrap()).unwrap();
        path
    }

    pub(crate) fn sign(
        &self,
        request: &SigningRequest,
        accept: &[&str],
    ) -> headgate_core::Result<headgate_offline::HandedBack> {
        let options = SignOptions {
            accept: accept.iter().map(|a| (*a).to_owned()).collect(),
            by: "Ines".into(),
            ..SignOptions::default()
        };
        let bytes = request.to_bytes().unwrap();
        self.station
            .sign(&bytes, Some(self.drive.path()), &options, &self.vault)
    }

    pub(crate) fn merged(
        &self,
        request: &SigningRequest,
        answer: &[u8],
    ) -> headgate_core::Result<bool> {
        let response = SigningResponse::parse(answer)?;
        let root = Envelope::parse(&self.world.root)?.signed().parse()?;
        let top = Envelope::parse(&self.world.top)?.signed().parse()?;
        let roles = request.signed_roles()?;
        let needed = roles
            .iter()
            .map(|r| signers(r, Some(&root), Some(&top), &roles))
            .collect::<headgate_core::Result<Vec<_>>>()?;
        let mut envelopes = request
            .roles
            .iter()
            .map(|r| r.envelope())
            .collect::<headgate_core::Result<Vec<_>>>()?;
        merge(request, &response, &mut envelopes, &needed)?;
        Ok(needed[0].complete(&envelopes[0]))
    }
}
