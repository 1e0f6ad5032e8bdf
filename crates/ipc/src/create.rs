//! Making a workspace in the window.

use headgate_engine::{InitRequest, Team, VaultChoice};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::storage::keys;
use crate::trust::member;

impl App {
    /// Makes keys and registry of a new workspace; with other owners it waits for their signatures.
    pub async fn workspace_create(
        &self,
        request: dto::WorkspaceCreate,
    ) -> Result<dto::WorkspaceCreated, IpcError> {
        let team = request.team.map(team).transpose()?;
        let init = InitRequest {
            app: request.app.trim().to_owned(),
            name: request.name.trim().to_owned(),
            storage: request.storage.trim().to_owned(),
            public_url: request.public_url.filter(|u| !u.trim().is_empty()),
            channels: request.channels,
            vault: VaultChoice::Os,
            vault_why: None,
            sandbox: false,
            credentials: request.credentials.map(keys),
        };
        let workspace = match team {
            Some(team) => Box::pin(self.console.init_team(init, team)).await?.0,
            None => Box::pin(self.console.init(init)).await?.0,
        };
        self.console.set_setting("workspace", &workspace.id).await?;
        Ok(dto::WorkspaceCreated {
            workspace: self.workspace_dto(&workspace).await?,
        })
    }
}

fn team(given: dto::FirstTeam) -> Result<Team, IpcError> {
    Ok(Team {
        members: given
            .members
            .into_iter()
            .map(member)
            .collect::<Result<_, _>>()?,
        root_threshold: given.root,
        last_threshold: given.last,
    })
}
