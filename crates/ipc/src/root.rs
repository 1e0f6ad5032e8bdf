//! Handlers of the root of trust: read before a workspace is connected, shown and handed on afterwards.

use headgate_engine::RootInfo;

use crate::app::{App, lock};
use crate::dto::{self, IpcError};
use crate::keys::{save, shown};

/// What its file is called everywhere.
const FILE: &str = "1.root.json";

type Answer<T> = std::result::Result<T, IpcError>;

impl App {
    /// Opens a native dialog for `1.root.json` and reads it.
    pub async fn root_choose(&self, _: dto::Empty) -> Answer<dto::PickedRoot> {
        let Some(path) = self
            .host
            .pick_file("Choose 1.root.json", "Root of trust", &["json"])
            .await
        else {
            return Ok(dto::PickedRoot { root: None });
        };
        let info = self.console.root_info(&path)?;
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(dto::PickedRoot {
            root: Some(self.preview(info, file)),
        })
    }

    /// The root that a workspace pins, for the person who reads its words aloud.
    pub async fn root_pinned(&self, request: dto::WorkspaceRef) -> Answer<dto::RootPreview> {
        let workspace = self.console.workspace(&request.workspace).await?;
        Ok(self.preview(RootInfo::of(&workspace.root)?, FILE.into()))
    }

    /// Saves that root, byte for byte, to a file that a native dialog asks for.
    pub async fn root_save(&self, request: dto::WorkspaceRef) -> Answer<dto::PickedPath> {
        let workspace = self.console.workspace(&request.workspace).await?;
        let picked = self
            .host
            .save_file("Save the root of trust", FILE, "Root of trust", "json")
            .await;
        let Some(path) = picked else {
            return Ok(dto::PickedPath { path: None });
        };
        save(&path, &workspace.root)?;
        Ok(shown(&path))
    }

    /// Remembers a root under a handle that the page can name.
    fn preview(&self, info: RootInfo, file: String) -> dto::RootPreview {
        let handle = format!("root-{}", &info.fingerprint[..16]);
        let preview = dto::RootPreview {
            handle: handle.clone(),
            file,
            app: info.app.clone(),
            name: info.name.clone(),
            owners: info.owners.clone(),
            threshold: info.threshold,
            created: Some(info.made.to_string()),
            fingerprint: info.fingerprint.clone(),
            words: info.words.iter().map(|w| (*w).to_owned()).collect(),
        };
        lock(&self.roots).insert(handle, info);
        preview
    }
}
