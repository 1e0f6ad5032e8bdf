//! The update server of a workspace, what apps need to ask it, and the sandbox's simulated devices.

use headgate_core::{Code, Problem};
use headgate_engine as engine;
use zeroize::Zeroizing;

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::setups;

impl App {
    /// The update server of a workspace.
    pub async fn server_link(
        &self,
        request: dto::WorkspaceRef,
    ) -> Result<dto::ServerLink, IpcError> {
        Ok(link(self.console.server_link(&request.workspace).await?))
    }

    /// Connects the update server: asks it once, then puts the token into the vault.
    pub async fn server_connect(
        &self,
        request: dto::ServerRequest,
    ) -> Result<dto::ServerLink, IpcError> {
        let token = Some(request.token.trim())
            .filter(|t| !t.is_empty())
            .map(|t| Zeroizing::new(t.to_owned()));
        let linked = self
            .console
            .server_connect(&request.workspace, &request.url, token, None)
            .await?;
        Ok(link(linked))
    }

    /// What an app needs to ask this workspace's server, for each dialect.
    pub async fn client_setups(
        &self,
        request: dto::ChannelRef,
    ) -> Result<dto::ClientSetups, IpcError> {
        let facts = self
            .console
            .facts(&request.workspace, &request.unit, &request.channel)
            .await?;
        let workspace = self.console.workspace(&request.workspace).await?;
        let link = self.console.server_link(&request.workspace).await?;
        let root = engine::RootInfo::of(&workspace.root)?;
        Ok(dto::ClientSetups {
            setups: setups::all(&facts, link.public_url.as_deref(), &root)?,
        })
    }

    /// Starts or stops the sandbox's simulated devices.
    pub async fn fleet(&self, request: dto::FleetRequest) -> Result<dto::Fleet, IpcError> {
        let permille = u16::try_from(request.failure_permille)
            .ok()
            .filter(|p| *p <= 1000);
        let permille = permille.ok_or_else(|| {
            let what = "A failure rate is at most 100 %.";
            Problem::new(Code::UsageArgument, what).field("failurePermille")
        })?;
        let fleet = self
            .console
            .fleet(&request.workspace, request.devices, permille)
            .await?;
        Ok(simulated(fleet))
    }

    /// The sandbox's simulated devices that run.
    pub async fn fleet_state(&self, request: dto::WorkspaceRef) -> Result<dto::Fleet, IpcError> {
        let workspace = self.console.workspace(&request.workspace).await?;
        Ok(simulated(self.console.fleet_state(&workspace.id)))
    }
}

fn simulated(fleet: engine::FleetState) -> dto::Fleet {
    dto::Fleet {
        devices: fleet.devices,
        checks: fleet.checks,
        failure_permille: fleet.failure.into(),
    }
}

fn link(link: engine::ServerLink) -> dto::ServerLink {
    dto::ServerLink {
        url: link.url,
        public_url: link.public_url,
        token: link.token,
        own: link.own,
    }
}
