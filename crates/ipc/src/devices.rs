//! Rollouts and devices.

use headgate_core::{Code, Problem};

use crate::app::App;
use crate::dto::{self, IpcError};

fn later<T>() -> Result<T, IpcError> {
    Err(Problem::new(Code::Internal, "Not built yet.").into())
}

impl App {
    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn rollouts(&self, _: dto::BoardRequest) -> Result<dto::Rollouts, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn rollout(&self, _: dto::ChannelRef) -> Result<dto::RolloutView, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn rollout_prepare(
        &self,
        _: dto::RolloutChangeRequest,
    ) -> Result<dto::RolloutPlan, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn rollout_start(&self, _: dto::StartRequest) -> Result<dto::JobRef, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn devices(&self, _: dto::DevicesRequest) -> Result<dto::Devices, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn install_lookup(&self, _: dto::InstallRequest) -> Result<dto::Installs, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn simulate(&self, _: dto::SimulateRequest) -> Result<dto::OfferAnswer, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn server_link(&self, _: dto::WorkspaceRef) -> Result<dto::ServerLink, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn server_connect(&self, _: dto::ServerRequest) -> Result<dto::ServerLink, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn client_setups(&self, _: dto::ChannelRef) -> Result<dto::ClientSetups, IpcError> {
        later()
    }

    /// See the command list.
    #[expect(clippy::unused_async, reason = "replaced by the work that this is for")]
    pub async fn fleet(&self, _: dto::FleetRequest) -> Result<dto::Fleet, IpcError> {
        later()
    }
}
