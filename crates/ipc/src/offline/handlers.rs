//! Handlers of the offline workstation's window.

use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result};
use headgate_offline::{
    AnyOwn, Entry, HandedBack, Passphrase, SignOptions, VaultPlace, Workstation, inbox, keys, qr,
};
use headgate_tuf::sha256_hex;
use zeroize::Zeroizing;

use super::{OfflineApp, Source, shown};
use crate::app::lock;
use crate::dto::{self, IpcError};
use crate::qr::off;

type Answer<T> = Result<T, IpcError>;

/// Waits for a keychain that may ask a person, and gives up when nobody answers.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

impl OfflineApp {
    pub(super) fn app_state(&self) -> Answer<dto::AppState> {
        let settings = self.station.settings()?;
        Ok(dto::AppState {
            version: env!("CARGO_PKG_VERSION").into(),
            theme: settings.theme.unwrap_or_else(|| "system".into()),
            letters: true,
            workspaces: Vec::new(),
            active: None,
            recovered: Vec::new(),
            notices: Vec::new(),
            offline: true,
        })
    }

    pub(super) fn set_theme(&self, request: &dto::SetTheme) -> Answer<dto::Empty> {
        if !["system", "light", "dark", "contrast"].contains(&request.theme.as_str()) {
            let what = format!("There is no theme {:?}.", request.theme);
            return Err(Problem::new(Code::UsageArgument, what)
                .field("theme")
                .into());
        }
        self.station
            .change_settings(|s| s.theme = Some(request.theme.clone()))?;
        Ok(dto::Empty {})
    }

    pub(super) async fn offline_state(&self, _: dto::Empty) -> Answer<dto::OfflineState> {
        let station = self.station.clone();
        Ok(off(move || state(&station)).await?)
    }

    pub(super) async fn offline_root_pick(&self, _: dto::Empty) -> Answer<dto::OfflinePickedRoot> {
        let picked = self
            .host
            .pick_file("Choose 1.root.json", "Root of trust", &["json"]);
        let Some(path) = picked.await else {
            return Ok(dto::OfflinePickedRoot { root: None });
        };
        let bytes = inbox::read_chosen(&path, 1 << 20)?;
        let preview = self.station.preview_root(&bytes)?;
        let handle = preview.fingerprint.clone();
        lock(&self.roots).insert(handle.clone(), bytes);
        let root = Some(shown::root(preview, handle));
        Ok(dto::OfflinePickedRoot { root })
    }

    pub(super) async fn offline_root_pin(
        &self,
        request: dto::OfflinePin,
    ) -> Answer<dto::OfflineState> {
        let bytes = lock(&self.roots).get(&request.handle).cloned();
        let gone = || {
            Problem::new(
                Code::UsageUnknown,
                "The root file is gone. Choose it again.",
            )
        };
        let bytes = bytes.ok_or_else(gone)?;
        self.station.pin_root(&bytes, &request.typed)?;
        self.offline_state(dto::Empty {}).await
    }

    pub(super) async fn offline_key_create(
        &self,
        request: dto::OfflineKeyNew,
    ) -> Answer<dto::OfflineMadeKey> {
        let station = self.station.clone();
        let passphrase = request.passphrase.map(Zeroizing::new);
        let made = off(move || {
            let place = place(&station, &request.vault)?;
            let vault = place.open(passphrase.map(Passphrase::new).transpose()?, true)?;
            let vault = vault.as_ref();
            match request.rsa {
                true => station
                    .create_rsa(&request.name, &place, vault)
                    .map(AnyOwn::Rsa),
                false => station
                    .create_key(&request.name, &place, vault)
                    .map(AnyOwn::Role),
            }
        });
        let made = tokio::time::timeout(PATIENCE, made).await;
        Ok(shown::made_key(made.map_err(|_| late())??))
    }

    pub(super) async fn offline_key_import(
        &self,
        request: dto::OfflineKeyNew,
    ) -> Answer<dto::OfflineMadeKey> {
        let passphrase = request.passphrase.map(Zeroizing::new);
        let opens = request.file_passphrase.filter(|p| !p.is_empty());
        let opens = opens.map(Zeroizing::new).map(Passphrase::new).transpose()?;
        let picked = self.host.pick_file(
            "Choose an exported key",
            "Exported key",
            &["age", "hgkey", "pem"],
        );
        let Some(path) = picked.await else {
            return Ok(dto::OfflineMadeKey {
                key: None,
                rsa: None,
            });
        };
        let station = self.station.clone();
        let made = off(move || {
            let file = Zeroizing::new(inbox::read_chosen(&path, keys::MAX_KEY)?);
            let place = place(&station, &request.vault)?;
            let vault = place.open(passphrase.map(Passphrase::new).transpose()?, true)?;
            station.import_key(&file, opens.as_ref(), &request.name, &place, vault.as_ref())
        });
        let made = tokio::time::timeout(PATIENCE, made).await;
        Ok(shown::made_key(made.map_err(|_| late())??))
    }

    pub(super) async fn offline_key_save(
        &self,
        request: dto::OfflineKeyRef,
    ) -> Answer<dto::OfflineSaved> {
        let rsa = self.station.rsa_key(&request.id)?;
        let key = match rsa {
            Some(key) => AnyOwn::Rsa(key),
            None => AnyOwn::Role(self.station.key(&request.id)?),
        };
        let Some(folder) = self.target().await? else {
            return Ok(cancelled());
        };
        let path = match &key {
            AnyOwn::Role(key) => self.station.export_public(key, &folder)?,
            AnyOwn::Rsa(key) => self.station.export_rsa_public(key, &folder)?,
        };
        Ok(saved(&path))
    }

    pub(super) async fn offline_folder_choose(&self, _: dto::Empty) -> Answer<dto::OfflineState> {
        if let Some(path) = self
            .host
            .pick_folder("Choose the folder with signing requests")
            .await
        {
            inbox::check_folder(&path)?;
            self.station.change_settings(|s| s.folder = Some(path))?;
        }
        self.offline_state(dto::Empty {}).await
    }

    pub(super) async fn offline_requests(&self, _: dto::Empty) -> Answer<dto::OfflineRequests> {
        let station = self.station.clone();
        let chosen = station.settings()?.folder;
        let pictured = lock(&self.requests)
            .values()
            .filter(|s| matches!(s, Source::Picture(_)))
            .count();
        let look = chosen.as_deref().map(|f| station.glance(f));
        let look = format!("{look:?} {pictured}");
        if let Some((before, answer)) = lock(&self.glanced).as_ref()
            && *before == look
        {
            return Ok(dto::OfflineRequests {
                read_at: self.station.now().to_string(),
                ..answer.clone()
            });
        }
        let (chosen, list) = off(move || {
            let list = chosen.as_deref().map(|f| station.requests(f));
            Ok((chosen, list))
        })
        .await?;
        let (list, problem) = match list {
            None => (Vec::new(), None),
            Some(Ok(list)) => (list, None),
            Some(Err(problem)) => (Vec::new(), Some(problem.into())),
        };
        let mut known = lock(&self.requests);
        known.retain(|_, source| matches!(source, Source::Picture(_)));
        let mut all = Vec::new();
        for found in list {
            let handle = short(found.path.to_string_lossy().as_bytes());
            known.insert(handle.clone(), Source::File(found.path.clone()));
            all.push(shown::request(found, handle));
        }
        let pictures: Vec<(String, Vec<u8>)> = known
            .iter()
            .filter_map(|(handle, source)| match source {
                Source::Picture(bytes) => Some((handle.clone(), bytes.clone())),
                Source::File(_) => None,
            })
            .collect();
        drop(known);
        for (handle, bytes) in pictures {
            all.push(shown::request(self.station.pictured(&bytes)?, handle));
        }
        let answer = dto::OfflineRequests {
            folder: chosen.as_deref().map(folder),
            read_at: self.station.now().to_string(),
            list: all,
            problem,
        };
        *lock(&self.glanced) = Some((look, answer.clone()));
        Ok(answer)
    }

    pub(super) async fn offline_scan(&self, _: dto::Empty) -> Answer<dto::OfflineScanned> {
        let picked = self
            .host
            .pick_file("Choose a picture of the QR code", "Picture", &["png"]);
        let Some(path) = picked.await else {
            return Ok(dto::OfflineScanned { handle: None });
        };
        let bytes = off(move || qr::read_chosen(&path)).await?;
        // What is no request is refused at once, instead of standing in the list.
        headgate_core::signing::SigningRequest::parse(&bytes)?;
        let handle = short(&bytes);
        lock(&self.requests).insert(handle.clone(), Source::Picture(bytes));
        Ok(dto::OfflineScanned {
            handle: Some(handle),
        })
    }

    pub(super) async fn offline_review(
        &self,
        request: dto::OfflineRef,
    ) -> Answer<dto::OfflineReview> {
        let source = self.source(&request.handle)?;
        let station = self.station.clone();
        let handle = request.handle;
        let review = off(move || {
            let (bytes, folder) = read(&source)?;
            let look = station.look(&bytes, folder.as_deref())?;
            let answer = last_answer(&station, Some(&look.request.id))?;
            Ok(shown::review(look, handle, answer))
        });
        Ok(review.await?)
    }

    pub(super) async fn offline_sign(
        &self,
        request: dto::OfflineSign,
    ) -> Answer<dto::OfflineAnswer> {
        let source = self.source(&request.handle)?;
        let station = self.station.clone();
        let passphrase = request.passphrase.map(Zeroizing::new);
        let signed = off(move || {
            let (bytes, folder) = read(&source)?;
            let options = SignOptions {
                shown: Some(request.sha256),
                accept: request.accept.into_iter().collect(),
                key: Some(request.key.clone()).filter(|k| !k.is_empty()),
                by: String::new(),
            };
            let place = match &options.key {
                Some(key) => station.key(key)?.vault,
                // Signatures for plugins alone: the RSA key's vault.
                None => {
                    let look = station.look(&bytes, folder.as_deref())?;
                    let rsa = look.rsa.first().map(|k| k.vault.clone());
                    rsa.ok_or_else(|| {
                        let what = "No key of this workstation may sign this.";
                        Problem::new(Code::KeyNotAllowed, what)
                    })?
                }
            };
            let vault = place.open(passphrase.map(Passphrase::new).transpose()?, false)?;
            let handed = station.sign(&bytes, folder.as_deref(), &options, vault.as_ref())?;
            handed_over(&station, &handed, &request.to)
        });
        let signed = tokio::time::timeout(PATIENCE, signed).await;
        Ok(signed.map_err(|_| late())??)
    }

    pub(super) async fn offline_refuse(
        &self,
        request: dto::OfflineRefuse,
    ) -> Answer<dto::OfflineAnswer> {
        let source = self.source(&request.handle)?;
        let station = self.station.clone();
        let refused = off(move || {
            let (bytes, _) = read(&source)?;
            let handed = station.refuse(&bytes, &request.reason, "")?;
            handed_over(&station, &handed, &request.to)
        });
        Ok(refused.await?)
    }

    pub(super) async fn offline_answer_save(
        &self,
        request: dto::OfflineRef,
    ) -> Answer<dto::OfflineSaved> {
        // The handle is the request's id here: what was answered may have left the drive since.
        let Some(handed) = self.station.answered(&request.handle)? else {
            let what = "There is no answer to this request.";
            return Err(Problem::new(Code::UsageUnknown, what).into());
        };
        let Some(folder) = self.target().await? else {
            return Ok(cancelled());
        };
        Ok(saved(&handed.save(&folder)?))
    }

    pub(super) async fn offline_history(&self, _: dto::Empty) -> Answer<dto::OfflineHistory> {
        let station = self.station.clone();
        let mut entries = off(move || station.history()).await?;
        entries.reverse();
        Ok(dto::OfflineHistory {
            entries: entries.into_iter().map(shown::entry).collect(),
        })
    }

    pub(super) async fn offline_history_export(&self, _: dto::Empty) -> Answer<dto::OfflineSaved> {
        let Some(folder) = self.target().await? else {
            return Ok(cancelled());
        };
        Ok(saved(&self.station.export_history(&folder)?))
    }

    /// Where files are written: the chosen folder while it is here, else one that the person picks.
    async fn target(&self) -> Result<Option<PathBuf>> {
        let chosen = self.station.settings()?.folder.filter(|f| f.is_dir());
        match chosen {
            Some(folder) => Ok(Some(folder)),
            None => Ok(self.host.pick_folder("Choose a folder to write to").await),
        }
    }
}

fn state(station: &Workstation) -> Result<dto::OfflineState> {
    let settings = station.settings()?;
    let roots = station.roots()?;
    Ok(dto::OfflineState {
        roots: roots
            .into_iter()
            .map(|r| shown::root(r, String::new()))
            .collect(),
        keys: station.keys()?.iter().map(shown::key).collect(),
        rsa: station.rsa_keys()?.iter().map(shown::rsa).collect(),
        folder: settings.folder.as_deref().map(folder),
        last: last_answer(station, None)?,
        keychain: VaultPlace::Os.label(),
    })
}

/// The last answer of all, or to one request.
fn last_answer(station: &Workstation, request: Option<&str>) -> Result<Option<dto::OfflineAnswer>> {
    let answered = |e: &&Entry| {
        ["signed", "refused"].contains(&e.did.as_str())
            && (request.is_none() || e.request.as_deref() == request)
    };
    let history = station.history()?;
    let Some(entry) = history.iter().rev().find(answered) else {
        return Ok(None);
    };
    let handed = station.answered(entry.request.as_deref().unwrap_or_default())?;
    Ok(handed.map(|handed| shown::answer(&handed, entry, None)))
}

fn handed_over(station: &Workstation, handed: &HandedBack, to: &str) -> Result<dto::OfflineAnswer> {
    let folder = station.settings()?.folder.filter(|f| f.is_dir());
    // The answer is kept here in any case: a drive that is full or gone takes nothing away.
    let written = match (to, folder) {
        ("file", Some(folder)) => handed.save(&folder).ok(),
        _ => None,
    };
    let history = station.history()?;
    let entry = history
        .iter()
        .rev()
        .find(|e| e.request.as_ref() == Some(&handed.request));
    let entry = entry
        .cloned()
        .unwrap_or_else(|| Entry::new(station.now(), "signed"));
    Ok(shown::answer(handed, &entry, written.as_deref().map(name)))
}

/// The bytes of a request, and where a bundle would lie beside them.
fn read(source: &Source) -> Result<(Vec<u8>, Option<PathBuf>)> {
    match source {
        Source::File(path) => Ok((
            inbox::read_request(path)?,
            path.parent().map(Path::to_owned),
        )),
        Source::Picture(bytes) => Ok((bytes.clone(), None)),
    }
}

fn place(station: &Workstation, vault: &str) -> Result<VaultPlace> {
    match vault {
        "os" => Ok(VaultPlace::Os),
        "file" => Ok(station.own_vault()),
        _ => {
            let what = format!("There is no vault {vault:?}.");
            Err(Problem::new(Code::UsageArgument, what).field("vault"))
        }
    }
}

fn folder(path: &Path) -> dto::OfflineFolder {
    dto::OfflineFolder {
        name: name(path),
        path: headgate_core::signing::plain(&path.display().to_string()),
        here: path.is_dir(),
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    headgate_core::signing::plain(&name.to_string_lossy())
}

fn saved(path: &Path) -> dto::OfflineSaved {
    dto::OfflineSaved {
        file: Some(name(path)),
        folder: path.parent().map(name).unwrap_or_default(),
    }
}

fn cancelled() -> dto::OfflineSaved {
    dto::OfflineSaved {
        file: None,
        folder: String::new(),
    }
}

fn late() -> Problem {
    Problem::new(Code::KeyTimeout, "The keychain did not answer in time.")
}

/// A handle: 16 digits of a hash.
fn short(bytes: &[u8]) -> String {
    sha256_hex(bytes).chars().take(16).collect()
}
