//! Everything that a person is shown of a request.

use std::path::Path;

use headgate_core::compare::{Difference, compare};
use headgate_core::inventory::Inventory;
use headgate_core::signing::{
    Alarm, AlarmKind, ClientsMade, Committed, Facts, Review, SignedRole, SigningRequest, review,
};
use headgate_core::{Code, Problem, ReleaseManifest, Result};
use headgate_tuf::{UtcTime, sha256_hex};

use crate::bundle::BundleVerdict;
use crate::keys::OwnKey;
use crate::rsa::OwnRsa;
use crate::state::LastRelease;
use crate::workstation::Workstation;

/// Files of a release against those of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChanges {
    /// Version of the earlier release.
    pub version: String,
    /// Its build.
    pub build: u32,
    /// When it was signed here; nothing when it is the release before, which was not signed here.
    pub signed_here: Option<UtcTime>,
    /// What differs.
    pub difference: Difference,
}

/// A request with everything that is known of it here.
#[derive(Debug, Clone)]
pub struct Look {
    /// The request.
    pub request: SigningRequest,
    /// SHA-256 of its file: what was looked at.
    pub sha256: String,
    /// What its signed bytes say, and what speaks against them.
    pub review: Review,
    /// The newest release that it newly lists, if its manifest is there.
    pub release: Option<ReleaseManifest>,
    /// Bundles beside it, by build.
    pub bundles: Vec<(u32, BundleVerdict)>,
    /// Files of the newest release; nothing when its inventory or an earlier one is not here.
    pub changes: Option<FileChanges>,
    /// Files of that release, when its inventory is here.
    pub files: Option<usize>,
    /// Keys of this workstation that count for it.
    pub keys: Vec<OwnKey>,
    /// RSA keys of this workstation that are needed for it.
    pub rsa: Vec<OwnRsa>,
    /// What was made for it here before, for plugins.
    pub made: Vec<ClientsMade>,
    /// All of those keys have signed.
    pub signed: bool,
}

impl Look {
    /// Something is made for plugins before it is signed, or was when it was signed here.
    pub fn makes(&self) -> bool {
        !self.request.clients.is_empty() || !self.made.is_empty()
    }
}

impl Workstation {
    /// Derives everything that is shown of a request; `folder` is where its file lies, for a bundle beside it.
    ///
    /// # Errors
    /// `signing.*`, `trust.*`, `local.*`.
    pub fn look(&self, bytes: &[u8], folder: Option<&Path>) -> Result<Look> {
        let (request, made) = self.resumed(SigningRequest::parse(bytes)?)?;
        let (mut review, _) = self.review(&request)?;
        let mut bundles = Vec::new();
        let mut travelled = None;
        let to_make = review.clients.iter().map(|c| &c.release);
        let mut releases: Vec<ReleaseManifest> =
            review.releases.iter().chain(to_make).cloned().collect();
        releases.dedup();
        let release = releases.last().cloned();
        if let Some(folder) = folder {
            for manifest in &releases {
                let (verdict, inventory) = self.bundle(folder, manifest)?;
                if let BundleVerdict::Differs { why } = &verdict {
                    review.alarms.push(Alarm {
                        kind: AlarmKind::Bundle,
                        text: format!(
                            "The bundle of build {} on the drive is not the signed one: {why}.",
                            manifest.build
                        ),
                    });
                }
                if release.as_ref() == Some(manifest) {
                    travelled = inventory;
                }
                bundles.push((manifest.build, verdict));
            }
        }
        let inventory = match (&release, travelled) {
            (_, Some(inventory)) => Some(inventory),
            (Some(release), None) => self.inventory(&request, &release.inventory.sha256),
            (None, None) => None,
        };
        let changes = match (&release, &inventory) {
            (Some(release), Some(new)) => self.changes(&request, &review, release, new)?,
            _ => None,
        };
        let counts = |k: &OwnKey| {
            review
                .roles
                .iter()
                .any(|r| r.keys.iter().any(|s| s.id == k.id))
        };
        let keys: Vec<OwnKey> = self.keys()?.into_iter().filter(counts).collect();
        let signed = !keys.is_empty()
            && review
                .roles
                .iter()
                .flat_map(|r| &r.keys)
                .filter(|s| s.own)
                .all(|s| s.signed);
        let needed = |k: &OwnRsa| {
            let keys = review.clients.iter().filter_map(|c| c.wanted.rsa.as_ref());
            keys.into_iter().any(|r| r.public == k.public.to_base64())
        };
        let rsa = self.rsa_keys()?.into_iter().filter(needed).collect();
        Ok(Look {
            sha256: sha256_hex(bytes),
            rsa,
            made,
            release,
            bundles,
            changes,
            files: inventory.map(|i| i.files.len()),
            keys,
            signed,
            review,
            request,
        })
    }

    /// The review of the signed bytes, with what is pinned and was signed here.
    pub(crate) fn review(&self, request: &SigningRequest) -> Result<(Review, Option<Committed>)> {
        let state = self.state(&request.workspace);
        let (pinned, seen, own) = (state.newest()?, state.seen()?, self.own_ids()?);
        let roles = request.signed_roles()?;
        let makes = |r: &SignedRole| matches!(r, SignedRole::Root(root) if root.version == 1);
        let committed = match &pinned {
            // The first root of a registry stands on nothing, also when it is signed once more.
            _ if roles.iter().any(makes) => None,
            Some(pinned) => Some(Committed::follow(request, pinned)?),
            None => return Err(unpinned()),
        };
        let facts = Facts {
            committed: committed.as_ref(),
            seen: &seen,
            own: &own,
            now: self.now(),
        };
        let mut review = review(request, facts)?;
        if let Some(committed) = &committed
            && let Some(newest) = state.targets()?
            && newest.version > committed.targets.version
        {
            // Owners signed the old settings too, perhaps with fewer signatures for a channel.
            review.alarms.push(Alarm {
                kind: AlarmKind::Prev,
                text: format!(
                    "It builds on version {} of the settings, but version {} was seen here.",
                    committed.targets.version, newest.version
                ),
            });
        }
        if committed.is_none() && self.another_root(&roles)? {
            return Err(Problem::new(
                Code::SigningUnpinned,
                "It makes a new root for an app whose root is pinned here already.",
            )
            .remedy("Find out by voice who asks for it. Devices of this app trust the pinned root alone."));
        }
        Ok((review, committed))
    }

    /// Whether a first root is to be made for an app that has another one here.
    fn another_root(&self, roles: &[SignedRole]) -> Result<bool> {
        let made = roles.iter().find_map(|r| match r {
            SignedRole::Root(root) => Some(root),
            _ => None,
        });
        let Some(made) = made else { return Ok(false) };
        for state in self.states()? {
            let Some(file) = state.pinned()? else {
                continue;
            };
            let known: headgate_tuf::metadata::Root =
                headgate_tuf::Envelope::parse(&file)?.signed().parse()?;
            if known.x.app == made.x.app && known != **made {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An inventory that the request carries or that was kept here, by its hash.
    fn inventory(&self, request: &SigningRequest, sha256: &str) -> Option<Inventory> {
        let carried = request
            .documents
            .get(sha256)
            .map(|t| t.clone().into_bytes());
        let bytes = carried.or_else(|| std::fs::read(self.inventory_path(sha256)).ok())?;
        if sha256_hex(&bytes) != sha256 {
            return None;
        }
        Inventory::parse(&bytes).ok()
    }

    fn inventory_path(&self, sha256: &str) -> std::path::PathBuf {
        self.home.join("inventories").join(format!("{sha256}.json"))
    }

    fn changes(
        &self,
        request: &SigningRequest,
        review: &Review,
        release: &ReleaseManifest,
        new: &Inventory,
    ) -> Result<Option<FileChanges>> {
        let last = self.last_release(request, review)?;
        let here = last
            .filter(|l| l.build != release.build)
            .and_then(|l| Some((self.inventory(request, &l.inventory)?, l)));
        if let Some((old, last)) = here {
            return Ok(Some(FileChanges {
                version: last.version,
                build: last.build,
                signed_here: Some(last.at),
                difference: compare(&old, new),
            }));
        }
        let former = review.former.as_ref();
        let former = former.and_then(|m| Some((self.inventory(request, &m.inventory.sha256)?, m)));
        Ok(former.map(|(old, m)| FileChanges {
            version: m.version.clone(),
            build: m.build,
            signed_here: None,
            difference: compare(&old, new),
        }))
    }

    fn last_release(
        &self,
        request: &SigningRequest,
        review: &Review,
    ) -> Result<Option<LastRelease>> {
        let mut releases = self.state(&request.workspace).releases()?;
        Ok(review.roles.iter().find_map(|r| releases.remove(&r.role)))
    }

    /// Keeps the inventory of a release that was signed, so that the next one can be compared with it.
    pub(crate) fn keep_release(
        &self,
        look: &Look,
        role: &str,
        folder: Option<&Path>,
    ) -> Result<()> {
        let Some(release) = &look.release else {
            return Ok(());
        };
        let sha256 = &release.inventory.sha256;
        let mut inventory = self.inventory(&look.request, sha256);
        if let (None, Some(folder)) = (&inventory, folder) {
            inventory = self.bundle(folder, release)?.1;
        }
        let Some(inventory) = inventory else {
            return Ok(());
        };
        crate::disk::write(&self.inventory_path(sha256), &inventory.to_bytes()?)?;
        let state = self.state(&look.request.workspace);
        let mut releases = state.releases()?;
        releases.insert(
            role.to_owned(),
            LastRelease {
                version: release.version.clone(),
                build: release.build,
                inventory: sha256.clone(),
                at: self.now(),
            },
        );
        state.put_releases(&releases)
    }
}

fn unpinned() -> Problem {
    Problem::new(
        Code::SigningUnpinned,
        "No root of this workspace is pinned here.",
    )
}
