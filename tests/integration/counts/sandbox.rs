//! The whole sandbox: a real server and simulated devices over real HTTP. A good build is adopted, a bad one stops itself,
//! is halted, and rolled back.

use std::time::{Duration, Instant};

use headgate_engine::{Console, InspectOptions, Options, ShipRequest};
use headgate_ipc::{App, dto};
use headgate_tests::{OneVault, scratch, varied};

use crate::words::Nobody;

/// How long a step may take: a fleet on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

struct Sandbox {
    app: App,
    console: Console,
    workspace: String,
    dir: tempfile::TempDir,
}

impl Sandbox {
    async fn ship(&self, version: &str, permille: u16) -> u32 {
        let www = varied(&self.dir.path().join(version), version);
        let console = &self.console;
        let picked = console.pick(&www).unwrap();
        let job = console
            .inspect(
                &self.workspace,
                "main",
                &picked.handle,
                InspectOptions::default(),
            )
            .await
            .unwrap();
        console.wait(&job).await.unwrap();
        let plan = console
            .ship_prepare(ShipRequest {
                workspace: self.workspace.clone(),
                unit: "main".into(),
                handle: picked.handle,
                version: version.into(),
                channel: "production".into(),
                permille: Some(permille),
                ..ShipRequest::default()
            })
            .await
            .unwrap();
        let typed = plan.type_to_confirm.as_deref();
        let job = console.start_plan(&plan.plan, typed).await.unwrap();
        console.wait(&job).await.unwrap();
        plan.manifest.build
    }

    async fn change(&self, action: &str, build: Option<u32>) {
        let request = dto::RolloutChangeRequest {
            workspace: self.workspace.clone(),
            unit: "main".into(),
            channel: "production".into(),
            action: action.into(),
            permille: None,
            build,
            reason: "it did not start".into(),
        };
        let plan = self.app.rollout_prepare(request).await.unwrap();
        let typed = plan.type_to_confirm.clone();
        let start = dto::StartRequest {
            plan: plan.plan,
            typed,
        };
        let job = self.app.rollout_start(start).await.unwrap();
        self.console.wait(&job.job).await.unwrap();
    }

    async fn view(&self) -> dto::RolloutView {
        let request = dto::ChannelRef {
            workspace: self.workspace.clone(),
            unit: "main".into(),
            channel: "production".into(),
        };
        self.app.rollout(request).await.unwrap()
    }

    /// Reads counts until the view is as wanted.
    async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&dto::RolloutView) -> bool,
    ) -> dto::RolloutView {
        let began = Instant::now();
        loop {
            self.console.sync_counts(&self.workspace).await.unwrap();
            let view = self.view().await;
            if wanted(&view) {
                return view;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{what}: {:?}, gate {:?}, funnel {:?}, devices {}",
                view.row,
                view.gate,
                view.funnel,
                view.devices
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

fn devices(view: &dto::RolloutView) -> u64 {
    view.row.active.map_or(0, |a| a.devices)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_build_is_adopted_and_a_bad_one_stops_itself_and_is_rolled_back() {
    let dir = scratch();
    let console = Console::open(Options {
        vaults: std::sync::Arc::new(OneVault::memory()),
        ..Options::new(dir.path().join("home"))
    })
    .await
    .unwrap();
    let app = App::new(console.clone(), Box::new(Nobody));
    let workspace = app.sandbox_start(dto::Empty {}).await.unwrap().id;
    let link = app
        .server_link(dto::WorkspaceRef {
            workspace: workspace.clone(),
        })
        .await
        .unwrap();
    assert!(link.own && link.token);
    let scene = Sandbox {
        app,
        console,
        workspace,
        dir,
    };
    let good = scene.ship("1.0.0", 1000).await;
    let fleet = dto::FleetRequest {
        workspace: scene.workspace.clone(),
        devices: 400,
        failure_permille: 700,
    };
    let started = scene.app.fleet(fleet.clone()).await.unwrap();
    assert_eq!(started.devices, 400);
    // A window that is loaded anew finds them.
    let of = dto::WorkspaceRef {
        workspace: scene.workspace.clone(),
    };
    let found = scene.app.fleet_state(of).await.unwrap();
    assert_eq!((found.devices, found.failure_permille), (400, 700));
    let view = scene
        .until("the good build is adopted", |v| devices(v) > 300)
        .await;
    assert_eq!(view.row.state, "complete");
    assert_eq!(view.row.failures.unwrap().failures, 0);
    assert!(
        view.row.failures.unwrap().silent > 0,
        "Ionic and Cordova are among them"
    );
    let curve = &view.adoption.series.last().unwrap().devices;
    assert!(curve.last() > curve.first(), "{curve:?}");

    scene.ship("1.1.0-bad", 500).await;
    let view = scene
        .until("the bad build stops itself", |v| {
            v.row.state == "stopped_by_gate"
        })
        .await;
    let gate = view.gate.as_ref().unwrap();
    assert!(
        gate.rate.attempts >= 50 && gate.rate.lower.unwrap() > 0.05,
        "{gate:?}"
    );
    let halt = view.actions.iter().find(|a| a.action == "halt").unwrap();
    assert!(halt.proposed && halt.disabled.is_none(), "{halt:?}");
    assert!(view.row.failures.unwrap().failures > 0);
    assert!(!view.reasons.is_empty());

    scene.change("halt", None).await;
    assert_eq!(scene.view().await.row.state, "halted");
    scene.change("roll_back", Some(good)).await;
    let view = scene
        .until("devices are back on the good build", |v| {
            v.row.release.as_ref().is_some_and(|r| r.build == good) && devices(v) > 350
        })
        .await;
    assert_eq!(view.row.state, "complete");
    let kinds: Vec<_> = view
        .adoption
        .marks
        .iter()
        .map(|m| m.kind.as_str())
        .collect();
    assert!(
        kinds.contains(&"halt") && kinds.ends_with(&["roll_back"]),
        "{kinds:?}"
    );
    let own = view.adoption.series.last().unwrap();
    assert_eq!(own.build, Some(good));
    assert_eq!(
        own.devices.last().copied().map(u64::from),
        view.row.active.map(|share| share.devices),
        "most never left it, so the curve begins with them"
    );
    let none = dto::FleetRequest {
        devices: 0,
        ..fleet
    };
    assert_eq!(scene.app.fleet(none).await.unwrap().devices, 0);
    scene.console.close().await;
}
