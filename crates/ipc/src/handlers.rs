//! Handlers of the application as a whole: start, theme, workspaces, connecting, jobs.

use headgate_core::{Code, Problem};
use headgate_engine::{ConnectRequest, InspectOptions, VaultChoice, Workspace};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::storage::keys;

/// Between two readings of the counts.
const WATCH: std::time::Duration = std::time::Duration::from_secs(5);
/// Readings that are left out after one that failed.
const WATCH_AGAIN: u32 = 5;
/// Readings of the counts between two looks at what is about to expire.
const TEND: u32 = 12;

type Answer<T> = Result<T, IpcError>;

impl App {
    /// What the window needs to start.
    pub async fn app_state(&self, _: dto::Empty) -> Answer<dto::AppState> {
        let mut workspaces = Vec::new();
        let mut known = self.console.workspaces().await?;
        known.extend(self.console.waiting_workspaces().await?);
        for workspace in known {
            workspaces.push(self.workspace_dto(&workspace).await?);
        }
        Ok(dto::AppState {
            version: env!("CARGO_PKG_VERSION").into(),
            theme: self
                .console
                .setting("theme")
                .await?
                .unwrap_or_else(|| "system".into()),
            letters: self.console.setting("letters").await?.as_deref() != Some("off"),
            active: self.console.setting("workspace").await?,
            workspaces,
            recovered: self.console.recovered(),
            notices: self
                .console
                .notices()
                .iter()
                .cloned()
                .map(IpcError::from)
                .collect(),
            offline: false,
        })
    }

    /// Chooses the theme.
    pub async fn set_theme(&self, request: dto::SetTheme) -> Answer<dto::Empty> {
        if !["system", "light", "dark", "contrast"].contains(&request.theme.as_str()) {
            return Err(Problem::new(
                Code::UsageArgument,
                format!("There is no theme {:?}.", request.theme),
            )
            .field("theme")
            .into());
        }
        self.console.set_setting("theme", &request.theme).await?;
        Ok(dto::Empty {})
    }

    /// Turns the single letters of the board on or off.
    pub async fn set_letters(&self, request: dto::SetLetters) -> Answer<dto::Empty> {
        let word = if request.on { "on" } else { "off" };
        self.console.set_setting("letters", word).await?;
        Ok(dto::Empty {})
    }

    /// Makes or opens the sandbox.
    pub async fn sandbox_start(&self, _: dto::Empty) -> Answer<dto::Workspace> {
        let sandbox = self.console.sandbox().await?;
        self.serve_sandbox(&sandbox.workspace.id).await;
        self.console.sync(&sandbox.workspace.id).await?;
        self.console
            .set_setting("workspace", &sandbox.workspace.id)
            .await?;
        self.workspace_dto(&sandbox.workspace).await
    }

    /// Opens a native dialog for a storage folder.
    pub async fn storage_choose(&self, _: dto::Empty) -> Answer<dto::PickedPath> {
        let path = self.host.pick_folder("Choose the storage folder").await;
        Ok(dto::PickedPath {
            path: path.map(|p| p.display().to_string()),
        })
    }

    /// Tests storage against the picked root.
    pub async fn connect_test(&self, request: dto::ConnectRequest) -> Answer<dto::ConnectTest> {
        let checks = self.console.connect_test(&self.connection(request)?).await;
        Ok(self.checks(checks))
    }

    /// Pins the root and adds the workspace. That the person compared the words is checked here too.
    pub async fn connect(&self, request: dto::ConnectRequest) -> Answer<dto::Workspace> {
        if !request.compared {
            let what = "The words of the root of trust were not compared.";
            return Err(Problem::new(Code::UsageConfirm, what)
                .remedy("Compare all 12 words with someone who has the root, then say so.")
                .field("compared")
                .into());
        }
        let workspace = self.console.connect(self.connection(request)?).await?;
        self.console.set_setting("workspace", &workspace.id).await?;
        self.workspace_dto(&workspace).await
    }

    fn connection(&self, request: dto::ConnectRequest) -> Answer<ConnectRequest> {
        let root = self.root(&request.root)?;
        Ok(ConnectRequest {
            name: request.name,
            storage: request.storage,
            public_url: request.public_url.filter(|u| !u.trim().is_empty()),
            root: root.bytes,
            vault: VaultChoice::Os,
            credentials: request.credentials.map(keys),
        })
    }

    /// Shows another workspace.
    pub async fn workspace_select(&self, request: dto::WorkspaceRef) -> Answer<dto::Empty> {
        let workspace = self.console.workspace(&request.workspace).await?;
        self.console.set_setting("workspace", &workspace.id).await?;
        Ok(dto::Empty {})
    }

    /// The sandbox's own update server. Without it the rest of the sandbox still works.
    async fn serve_sandbox(&self, workspace: &str) {
        if let Err(problem) = self.console.sandbox_serve(workspace).await {
            tracing::error!(%problem, "the sandbox's update server does not run");
        }
    }

    pub(crate) async fn workspace_dto(&self, w: &Workspace) -> Answer<dto::Workspace> {
        // The served address of the sandbox changes with every start.
        let (sample, url) = if w.sandbox {
            let info = self.console.sandbox().await?;
            self.serve_sandbox(&w.id).await;
            (Some(info.sample.display().to_string()), Some(info.url))
        } else {
            (None, w.public_url.clone())
        };
        let units = self.console.units(&w.id).await?;
        let vault = self.console.vault_info(w);
        Ok(dto::Workspace {
            id: w.id.clone(),
            app: w.app.clone(),
            name: w.name.clone(),
            storage: w.storage.clone(),
            public_url: url,
            sandbox: w.sandbox,
            units: units
                .into_iter()
                .map(|(id, label)| dto::Unit { id, label })
                .collect(),
            vault: dto::Vault {
                kind: vault.kind,
                label: vault.label,
                why: vault.why,
            },
            sample_build: sample,
            waiting: self.console.first_request(&w.id).await?,
        })
    }

    /// Reads and verifies storage now.
    pub async fn sync(&self, request: dto::WorkspaceRef) -> Answer<dto::Empty> {
        let read = self.console.sync(&request.workspace).await;
        // The screens say why when the counts or proposals cannot be read; storage was asked for.
        let _ = self.console.sync_counts(&request.workspace).await;
        let _ = self.console.proposals_tend(&request.workspace).await;
        read?;
        Ok(dto::Empty {})
    }

    /// Reads the counts of all workspaces while the window is open, keeps freshness alive and looks for proposals; never
    /// ends. A server or private location that cannot be read is asked less often.
    pub async fn watch(&self) {
        let mut tick = tokio::time::interval(WATCH);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut patience = std::collections::HashMap::<String, u32>::new();
        let mut tend = 0;
        loop {
            tick.tick().await;
            let look = tend == 0;
            tend = (tend + 1) % TEND;
            for workspace in self.console.workspaces().await.unwrap_or_default() {
                if look && let Err(problem) = self.console.tend(&workspace.id).await {
                    tracing::warn!(%problem, "what is about to expire could not be looked at");
                }
                if look && let Err(problem) = self.console.proposals_tend(&workspace.id).await {
                    tracing::warn!(%problem, "the private location could not be read");
                }
                let wait = patience.entry(workspace.id.clone()).or_default();
                if *wait > 0 {
                    *wait -= 1;
                } else if self.console.sync_counts(&workspace.id).await.is_err() {
                    *wait = WATCH_AGAIN;
                }
            }
        }
    }

    /// Signs freshness again, as a job.
    pub async fn freshness_refresh(&self, request: dto::WorkspaceRef) -> Answer<dto::JobRef> {
        Ok(dto::JobRef {
            job: self.console.refresh(&request.workspace).await?,
        })
    }

    /// Opens a native dialog for a web build.
    pub async fn build_choose(&self, request: dto::ChooseBuild) -> Answer<dto::PickedBuild> {
        let path = match request.kind.as_str() {
            "zip" => {
                self.host
                    .pick_file("Choose a web build", "Zip file", &["zip"])
                    .await
            }
            _ => self.host.pick_folder("Choose a web build").await,
        };
        let item = path.map(|p| self.picked(&p)).transpose()?;
        Ok(dto::PickedBuild { item })
    }

    /// Picks the sandbox's sample web build.
    pub async fn build_sample(&self, request: dto::WorkspaceRef) -> Answer<dto::PickedBuild> {
        let workspace = self.console.workspace(&request.workspace).await?;
        if !workspace.sandbox {
            return Err(Problem::new(
                Code::UsageArgument,
                "Only the sandbox has a sample web build.",
            )
            .into());
        }
        let sample = self.console.sandbox().await?.sample;
        Ok(dto::PickedBuild {
            item: Some(self.picked(&sample)?),
        })
    }

    /// Inspects a web build as a job.
    pub async fn inspect_start(&self, request: dto::InspectRequest) -> Answer<dto::JobRef> {
        let options = InspectOptions {
            exclude_source_maps: request.exclude_source_maps,
        };
        let job = self
            .console
            .inspect(&request.workspace, &request.unit, &request.handle, options)
            .await?;
        Ok(dto::JobRef { job })
    }

    /// Signs, uploads and releases, as a job.
    pub async fn ship_start(&self, request: dto::StartRequest) -> Answer<dto::JobRef> {
        Ok(dto::JobRef {
            job: self
                .console
                .start_plan(&request.plan, request.typed.as_deref())
                .await?,
        })
    }

    /// Signs and publishes the promotion, as a job.
    pub async fn promote_start(&self, request: dto::StartRequest) -> Answer<dto::JobRef> {
        self.ship_start(request).await
    }

    /// Jobs that are not dismissed, newest first.
    pub async fn jobs(&self, _: dto::Empty) -> Answer<dto::Jobs> {
        let mut jobs = Vec::new();
        for job in self.console.jobs().await? {
            jobs.push(self.job_dto(job).await);
        }
        Ok(dto::Jobs { jobs })
    }

    /// One job.
    pub async fn job(&self, request: dto::JobRef) -> Answer<dto::Job> {
        let job = self.console.job(&request.job).await?;
        Ok(self.job_dto(job).await)
    }

    /// Stops a job that has not committed.
    pub async fn job_cancel(&self, request: dto::JobRef) -> Answer<dto::Empty> {
        self.console.cancel_job(&request.job).await?;
        Ok(dto::Empty {})
    }

    /// Goes on with a job that failed or waits.
    pub async fn job_resume(&self, request: dto::JobRef) -> Answer<dto::Empty> {
        self.console.resume_job(&request.job).await?;
        Ok(dto::Empty {})
    }

    /// Hides an ended job.
    pub async fn job_dismiss(&self, request: dto::JobRef) -> Answer<dto::Empty> {
        self.console.dismiss_job(&request.job).await?;
        Ok(dto::Empty {})
    }

    /// Quits although jobs run; they resume at the next start.
    #[expect(clippy::unused_async, reason = "every handler has the same shape")]
    pub async fn quit(&self, _: dto::Empty) -> Answer<dto::Empty> {
        self.host.quit();
        Ok(dto::Empty {})
    }
}
