//! What the plugins of a channel need, made here: where the request leaves a place for it, with the channel's RSA key,
//! from the bundle that travels along and is hashed here.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_clients::{Content, Order};
use headgate_core::clients::ObjectRef;
use headgate_core::files::FilesMap;
use headgate_core::signing::{ClientsMade, ClientsToMake, SigningRequest, SigningResponse};
use headgate_core::{Code, Problem, Result};
use headgate_signer::{KeyVault, RsaSigner};
use headgate_tuf::sha256_hex;

use crate::bundle::Travelled;
use crate::disk;
use crate::review::Look;
use crate::workstation::Workstation;

impl Workstation {
    /// A request that was answered here already, with what was made for it then: signed once more, its bytes are the
    /// same. The request as it is, when nothing was made for it.
    pub(crate) fn resumed(
        &self,
        asked: SigningRequest,
    ) -> Result<(SigningRequest, Vec<ClientsMade>)> {
        if asked.clients.is_empty() {
            return Ok((asked, Vec::new()));
        }
        let kept = self.answered(&asked.id)?;
        let kept = kept.and_then(|k| SigningResponse::parse(&k.bytes).ok());
        let kept = kept.filter(|r| r.answers(&asked).is_ok());
        let whole = kept.and_then(|r| Some((asked.complete(&r.clients).ok()?, r.clients)));
        Ok(whole.unwrap_or((asked, Vec::new())))
    }

    /// Makes everything that a request leaves places for. Nothing is written outside of this workstation's folder.
    ///
    /// # Errors
    /// `signing.format` when the bundle or the map of its files did not travel along; `build.changed` when the bundle is
    /// another one; `key.not_here`, `key.*`.
    pub(crate) fn make_clients(
        &self,
        look: &Look,
        folder: Option<&Path>,
        vault: &dyn KeyVault,
    ) -> Result<Vec<ClientsMade>> {
        let make = |wanted: &ClientsToMake| self.make_one(look, wanted, folder, vault);
        look.review.clients.iter().map(make).collect()
    }

    fn make_one(
        &self,
        look: &Look,
        to_make: &ClientsToMake,
        folder: Option<&Path>,
        vault: &dyn KeyVault,
    ) -> Result<ClientsMade> {
        let release = &to_make.release;
        let signer = open(to_make, vault)?;
        let travelled = match folder {
            Some(folder) => self.travelled(folder, release)?,
            None => Travelled::Absent,
        };
        let (copy, inventory) = match travelled {
            Travelled::Matches(copy, inventory) => (copy, inventory),
            Travelled::Absent => {
                let what = format!(
                    "The bundle of build {} is not beside the request, and its plugins need signatures over it.",
                    release.build
                );
                return Err(Problem::new(Code::SigningFormat, what).remedy(format!(
                    "Bring {}.zip along: headgate request save writes both.",
                    release.bundle.sha256
                )));
            }
            Travelled::Differs(why) => {
                let what = format!(
                    "The bundle of build {} is not the one that is signed: {why}.",
                    release.build
                );
                return Err(Problem::new(Code::BuildChanged, what).holds("Nothing was signed."));
            }
        };
        let map = files_map(look, to_make)?;
        let work = tempfile::tempdir_in(self.path())
            .map_err(|e| disk::failed(self.path(), "written", &e))?;
        let order = Order {
            manifest: release,
            inventory: &inventory,
            map: map.as_ref(),
            content: Content::zip(copy.path(), &release.bundle.sha256)?,
            signer: Some(&signer),
            folder: work.path(),
        };
        let go_on = AtomicBool::new(false);
        let made = headgate_clients::make(order, &to_make.wanted, &go_on, &|_, _| {})?;
        let document = made.document(&to_make.channel, release, &release.sha256()?);
        // Only what the key made leaves: everything else follows from it and the bundle.
        let text = |object: Option<&ObjectRef>| -> Result<Option<String>> {
            let Some(object) = object else {
                return Ok(None);
            };
            let path = work.path().join(&object.sha256);
            let text = std::fs::read_to_string(&path);
            text.map(Some).map_err(|e| disk::failed(&path, "read", &e))
        };
        let files = text(document.capgo.as_ref().and_then(|c| c.files.as_ref()))?;
        let ionic = text(document.ionic.as_ref().map(|i| &i.manifest))?;
        let document = String::from_utf8(document.to_bytes()?)
            .map_err(|_| Problem::new(Code::Internal, "A clients document is no text."))?;
        Ok(ClientsMade {
            role: to_make.role.clone(),
            document,
            files,
            ionic,
        })
    }
}

fn open(to_make: &ClientsToMake, vault: &dyn KeyVault) -> Result<RsaSigner> {
    let public = to_make.wanted.public()?;
    let lacks = || {
        let name = to_make.wanted.rsa.as_ref().map(|r| r.name.as_str());
        let what = format!(
            "Plugins of {} verify the RSA key ‘{}’, and this vault does not have it.",
            to_make.channel,
            headgate_core::signing::plain(name.unwrap_or_default())
        );
        Problem::new(Code::KeyMissing, what)
            .holds("Nothing was signed.")
            .remedy("Import the key here, or name the vault that has it with --vault.")
    };
    match vault.open_rsa(&public.ok_or_else(lacks)?) {
        Err(problem) if problem.code == Code::KeyMissing => Err(lacks()),
        opened => opened,
    }
}

/// How the files are stored, where the release delivers them singly: a document of the request, by its signed hash.
fn files_map(look: &Look, to_make: &ClientsToMake) -> Result<Option<FilesMap>> {
    let Some(reference) = &to_make.release.files else {
        return Ok(None);
    };
    let text = look.request.documents.get(&reference.sha256);
    let text = text.filter(|t| sha256_hex(t.as_bytes()) == reference.sha256);
    let text = text.ok_or_else(|| {
        let what = "The map of the release's single files did not travel along.";
        Problem::new(Code::SigningFormat, what)
    })?;
    FilesMap::parse(text.as_bytes()).map(Some)
}
