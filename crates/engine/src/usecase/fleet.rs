//! The sandbox's own update server and its simulated devices: the same server and device as anywhere, in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use headgate_core::{Code, Problem, Result};
use headgate_device::fleet::{Failure, Fleet, FleetHandle, FleetOptions};
use headgate_registry::StorageAddress;
use headgate_server::serve::{Running, TelemetryAddress, open_telemetry};
use headgate_server::telemetry::sqlite::Options;
use headgate_server::{AdminConfig, Limits, Pace, RegistryConfig, Server, ServerConfig};
use headgate_tuf::Name;
use zeroize::Zeroizing;

use super::server::ServerLink;
use crate::Workspace;
use crate::admin::{Admin, address};
use crate::console::{Console, Inner, lock};
use crate::publish::FIRST_UNIT;

/// Most simulated devices: each asks over real HTTP, and this computer has other things to do.
const MAX_FLEET: u32 = 5_000;
/// The sandbox is looked at by somebody who waits.
const PACE: Pace = Pace {
    poll: Duration::from_secs(2),
    gates: Duration::from_secs(1),
    verify: Duration::from_secs(60),
};

/// The sandbox's simulated devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FleetState {
    /// Devices that run.
    pub devices: u32,
    /// Check-ins since they started.
    pub checks: u64,
    /// Share of them on which a release whose version says `bad` does not start, permille.
    pub failure: u16,
}

/// An update server of this process. It ends when this is dropped.
pub(crate) struct OwnServer {
    running: Running,
    link: ServerLink,
    /// With the share on which bad releases fail, permille.
    fleet: Option<(FleetHandle, u16)>,
}

impl Console {
    /// Runs an update server for the sandbox inside this process, on 127.0.0.1 with a random token, and links it. One
    /// that runs already stays.
    ///
    /// # Errors
    /// `usage.argument` for another workspace than the sandbox; `local.*` for its database or port.
    pub async fn sandbox_serve(&self, workspace: &str) -> Result<ServerLink> {
        let workspace = self.workspace(workspace).await?;
        only_sandbox(&workspace)?;
        let _one = self.inner.serving.lock().await;
        if let Some(link) = self.inner.own_server(&workspace.id) {
            return Ok(link);
        }
        let file = self.inner.home.sandbox().join("telemetry.sqlite");
        let options = Options {
            recent: 1 << 14,
            // All simulated devices ask from one address.
            cap_networks: false,
            ..Options::default()
        };
        let registry = RegistryConfig {
            address: StorageAddress::parse(&workspace.storage)?,
            root: workspace.root.clone().into(),
            objects: None,
        };
        let token = Zeroizing::new(self.inner.world.id(24)?);
        let clock = Arc::clone(&self.inner.world.clock);
        let admin = AdminConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: token.as_str().to_owned(),
        };
        // On a thread of its own: the compiler cannot prove that what the start holds while it waits may move between
        // threads (rust-lang/rust#102211), and every caller's future has to.
        let runtime = tokio::runtime::Handle::current();
        let starting = move || {
            runtime.block_on(async move {
                let telemetry = open_telemetry(&TelemetryAddress::Sqlite(file), options).await?;
                Server::start(ServerConfig {
                    admin: Some(admin),
                    pace: PACE,
                    local_only: true,
                    // All devices ask from this computer.
                    limits: Limits {
                        per_network: u32::MAX,
                        ..Limits::default()
                    },
                    clock: Arc::new(move || clock.now()),
                    ..ServerConfig::local(vec![registry], telemetry)
                })
                .await
            })
        };
        let running = tokio::task::spawn_blocking(starting)
            .await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))??;
        let missing = || {
            Problem::new(
                Code::Internal,
                "The sandbox's server has no admin listener.",
            )
        };
        let admin_addr = running.admin_addr.ok_or_else(missing)?;
        let url = address(&format!("http://{admin_addr}"))?;
        let link = ServerLink {
            url: Some(url.to_string()),
            public_url: Some(format!("http://{}", running.device_addr)),
            token: true,
            own: true,
        };
        let admin = Arc::new(Admin::new(url, token)?);
        lock(&self.inner.servers).insert(workspace.id.clone(), admin);
        let own = OwnServer {
            running,
            link: link.clone(),
            fleet: None,
        };
        lock(&self.inner.own_servers).insert(workspace.id.clone(), own);
        Ok(link)
    }

    /// Starts simulated devices against the sandbox's own update server, or stops them with 0. A fleet that runs is
    /// replaced; its devices keep their install ids.
    ///
    /// # Errors
    /// `usage.argument` for another workspace than the sandbox, or too many devices.
    pub async fn fleet(&self, workspace: &str, devices: u32, failure: u16) -> Result<FleetState> {
        let link = self.sandbox_serve(workspace).await?;
        let workspace = self.workspace(workspace).await?;
        if devices > MAX_FLEET {
            let what = format!("A fleet has at most {MAX_FLEET} devices here.");
            return Err(Problem::new(Code::UsageArgument, what).field("devices"));
        }
        let old = lock(&self.inner.own_servers)
            .get_mut(&workspace.id)
            .and_then(|own| own.fleet.take());
        if let Some((old, _)) = old {
            old.stop().await;
        }
        if devices == 0 {
            return Ok(FleetState::default());
        }
        let root = String::from_utf8(workspace.root.clone())
            .map_err(|_| Problem::new(Code::Internal, "The pinned root is not text."))?;
        let settings = self.inner.cache.reading(&workspace.id).await?.settings;
        let last = settings.as_ref().and_then(|s| s.channels.last());
        let channel = last.map_or("production", |c| c.id.as_str());
        let unit = Name::new(FIRST_UNIT)?;
        let server = link.public_url.unwrap_or_default();
        let handle = Fleet::start(FleetOptions {
            ionic: settings
                .as_ref()
                .and_then(|s| s.unit(FIRST_UNIT))
                .and_then(|u| u.device_ids.get("ionic").cloned()),
            devices,
            failure: Failure {
                permille: failure,
                ..Failure::default()
            },
            every: Duration::from_secs((u64::from(devices) / 100).clamp(5, 30)),
            ..FleetOptions::new(&server, &workspace.app, unit, &root, channel)
        })?;
        let fleet = (handle, failure);
        let state = state(&fleet);
        if let Some(own) = lock(&self.inner.own_servers).get_mut(&workspace.id) {
            own.fleet = Some(fleet);
        }
        Ok(state)
    }

    /// The sandbox's simulated devices.
    pub fn fleet_state(&self, workspace: &str) -> FleetState {
        let own = lock(&self.inner.own_servers);
        let fleet = own.get(workspace).and_then(|own| own.fleet.as_ref());
        fleet.map(state).unwrap_or_default()
    }

    /// Ends the update servers of this process and writes what waits.
    pub(crate) async fn stop_serving(&self) {
        let all: Vec<OwnServer> = lock(&self.inner.own_servers)
            .drain()
            .map(|(_, own)| own)
            .collect();
        for own in all {
            if let Some((fleet, _)) = &own.fleet {
                fleet.stop().await;
            }
            if let Err(problem) = own.running.stop().await {
                tracing::warn!(%problem, "the sandbox's telemetry could not be written");
            }
        }
    }
}

impl Inner {
    pub(crate) fn own_server(&self, workspace: &str) -> Option<ServerLink> {
        let own = lock(&self.own_servers);
        own.get(workspace).map(|own| own.link.clone())
    }
}

fn state((handle, failure): &(FleetHandle, u16)) -> FleetState {
    let stats = handle.stats();
    FleetState {
        devices: stats.devices,
        checks: stats.total.checks,
        failure: *failure,
    }
}

fn only_sandbox(workspace: &Workspace) -> Result<()> {
    if workspace.sandbox {
        return Ok(());
    }
    let what = "Only the sandbox has an update server and devices inside the console.";
    Err(Problem::new(Code::UsageArgument, what))
}
