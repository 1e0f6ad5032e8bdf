//! What the screens get: figures with their denominators, and words.

use std::path::{Path, PathBuf};

use headgate_core::status::{DeviceState, Dialect};
use headgate_ipc::{App, Host, dto};
use headgate_tests::{Bench, Person, TestClock, bench};
use serde_json::json;
use zeroize::Zeroizing;

use crate::fake::{Fake, TOKEN, active, gated, minute, outcome};

pub(crate) struct Nobody;

#[async_trait::async_trait]
impl Host for Nobody {
    async fn pick_folder(&self, _: &str) -> Option<PathBuf> {
        None
    }
    async fn pick_file(&self, _: &str, _: &str, _: &[&str]) -> Option<PathBuf> {
        None
    }
    async fn save_file(&self, _: &str, _: &str, _: &str, _: &str) -> Option<PathBuf> {
        None
    }
    fn quit(&self) {}
}

struct Scene {
    bench: Bench,
    person: Person,
    app: App,
    fake: Fake,
}

impl Scene {
    fn channel(&self) -> dto::ChannelRef {
        dto::ChannelRef {
            workspace: self.person.workspace.id.clone(),
            unit: "main".into(),
            channel: "production".into(),
        }
    }

    async fn ship(&self, build: &Path, version: &str) {
        let job = self.person.start_ship(build, "production", version);
        self.person.receipt(&job.await.unwrap()).await.unwrap();
    }

    async fn view(&self) -> dto::RolloutView {
        self.app.rollout(self.channel()).await.unwrap()
    }

    fn change(&self, action: &str) -> dto::RolloutChangeRequest {
        dto::RolloutChangeRequest {
            workspace: self.person.workspace.id.clone(),
            unit: "main".into(),
            channel: "production".into(),
            action: action.into(),
            permille: None,
            build: None,
            reason: "as the test wants".into(),
        }
    }

    /// Prepares a change, types what is asked for, and waits for the end.
    async fn go(&self, change: dto::RolloutChangeRequest) -> dto::RolloutPlan {
        let plan = self.app.rollout_prepare(change).await.unwrap();
        let start = dto::StartRequest {
            plan: plan.plan.clone(),
            typed: plan.type_to_confirm.clone(),
        };
        let job = self.app.rollout_start(start).await.unwrap();
        self.person.receipt(&job.job).await.unwrap();
        plan
    }

    async fn attempt(&self) -> String {
        let id = &self.person.workspace.id;
        let facts = self.person.console.facts(id, "main", "production").await;
        facts.unwrap().rollout.unwrap().attempt()
    }

    async fn read(&self) {
        let id = &self.person.workspace.id;
        self.person.console.sync_counts(id).await.unwrap();
    }
}

/// Two releases on production: the first for everyone, the second at 1 %.
async fn scene() -> Scene {
    let bench = bench();
    let person = bench.first("mara").await;
    let app = App::new(person.console.clone(), Box::new(Nobody));
    let fake = Fake::start().await;
    let scene = Scene {
        bench,
        person,
        app,
        fake,
    };
    let first = scene.bench.build("one");
    scene.ship(&first, "4.2.3").await;
    scene.go(scene.change("complete")).await;
    scene.bench.clock.advance(3600);
    let second = scene.bench.build("two");
    scene.ship(&second, "4.2.4").await;
    let token = Some(Zeroizing::new(TOKEN.to_owned()));
    let (id, url) = (&scene.person.workspace.id, &scene.fake.url);
    let console = &scene.person.console;
    console.server_connect(id, url, token, None).await.unwrap();
    scene
}

fn action<'a>(view: &'a dto::RolloutView, name: &str) -> &'a dto::RolloutAction {
    view.actions.iter().find(|a| a.action == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_shown_with_its_steps_figures_and_words() {
    let scene = scene().await;
    let attempt = scene.attempt().await;
    let now = TestClock::START + 3600;
    scene.fake.count(vec![
        active(Dialect::Capgo, "4.2.0", Some(2), 90),
        active(Dialect::Capgo, "4.10.0", Some(1), 800),
        active(Dialect::Ionic, "4.2.0", Some(2), 10),
        active(Dialect::Ionic, "4.2.0", None, 100),
        outcome(
            Dialect::Capgo,
            2,
            &attempt,
            &[
                (DeviceState::Offered, 5),
                (DeviceState::Failed, 3),
                (DeviceState::Downloaded, 4),
                (DeviceState::Applied, 2),
                (DeviceState::Confirmed, 90),
                (DeviceState::RolledBack, 1),
            ],
            &[("app_launch_timeout", 1), ("checksum_fail", 3)],
        ),
        minute(2, &attempt, now, 50),
        minute(2, &attempt, now + 60, 40),
    ]);
    scene
        .fake
        .set(|held| held.channels = vec![gated(2, &attempt, 91, 1, false)]);
    scene.read().await;
    scene.bench.clock.advance(3 * 3600);
    let view = scene.view().await;
    assert_eq!(
        (view.row.state.as_str(), view.row.permille, view.devices),
        ("rolling_out", 10, 1000)
    );
    let share = view.row.active.unwrap();
    assert_eq!((share.devices, share.of), (100, 1000));
    let failures = view.row.failures.unwrap();
    assert_eq!(
        (failures.failures, failures.attempts, failures.silent),
        (4, 100, 10)
    );
    assert!(failures.lower.unwrap() < 0.04 && failures.upper.unwrap() > 0.04);
    assert_eq!(view.base_says, "4.2.3, build 1");
    let steps: Vec<_> = view
        .steps
        .iter()
        .map(|s| (s.permille, s.state.as_str(), s.says.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (10, "now", "3 h so far"),
            (50, "next", "after 24 h at 1 %"),
            (100, "later", "after 24 h at 5 %"),
            (250, "later", "after 24 h at 10 %"),
            (500, "later", "after 24 h at 25 %"),
            (1000, "later", "after 24 h at 50 %"),
        ]
    );
    assert_eq!(view.steps[0].by.as_deref(), Some("mara"));
    let funnel: Vec<_> = view
        .funnel
        .iter()
        .map(|f| (f.state.as_str(), f.devices, f.says.as_str()))
        .collect();
    assert_eq!(
        funnel,
        [
            ("offered", 105, "5 have not started"),
            ("downloaded", 97, "3 failed"),
            ("applied", 93, "4 wait for a restart"),
            ("confirmed", 90, "1 rolled back, 2 wait"),
        ]
    );
    let reasons: Vec<_> = view
        .reasons
        .iter()
        .map(|r| (r.says.as_str(), r.devices))
        .collect();
    assert_eq!(
        reasons,
        [("Checksum mismatch", 3), ("App not ready, went back", 1)]
    );
    let natives: Vec<_> = view
        .natives
        .iter()
        .map(|n| (n.native.as_str(), n.devices))
        .collect();
    assert_eq!(
        natives,
        [("4.10.0", 800), ("4.2.0", 200)],
        "as versions, not as text"
    );
    let gate = view.gate.as_ref().unwrap();
    assert_eq!((gate.state.as_str(), gate.min_sample), ("waiting", 500));
    assert_eq!(view.adoption.by, "minute");
    let series = view.adoption.series.iter();
    let last: Vec<_> = series.map(|s| (s.build, s.devices.last())).collect();
    assert_eq!(last, [(None, Some(&910)), (Some(2), Some(&90))]);
    assert!(view.adoption.times.len() <= 301);
    let marks: Vec<_> = view
        .adoption
        .marks
        .iter()
        .map(|m| m.says.as_str())
        .collect();
    assert_eq!(marks, ["4.2.4 to 1 %"]);
    assert!(action(&view, "halt").disabled.is_none() && !action(&view, "halt").proposed);
    assert_eq!(action(&view, "advance").permille, Some(50));
    assert!(!action(&view, "advance").proposed, "24 h are not over");
    assert_eq!(view.cannot_return, 10);
    let board = scene
        .app
        .board(dto::BoardRequest {
            workspace: scene.person.workspace.id.clone(),
            unit: "main".into(),
        })
        .await
        .unwrap();
    assert!(board.devices_known);
    let health = board.channels[2]
        .current
        .as_ref()
        .unwrap()
        .health
        .as_ref()
        .unwrap();
    assert_eq!((health.active.devices, health.spark.len()), (100, 24));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_rollout_proposes_the_signed_halt_and_then_the_way_back() {
    let scene = scene().await;
    let attempt = scene.attempt().await;
    scene.fake.count(vec![
        active(Dialect::Capgo, "4.2.0", Some(2), 400),
        active(Dialect::Capgo, "4.2.0", Some(1), 600),
        outcome(
            Dialect::Capgo,
            1,
            "earlier",
            &[(DeviceState::RolledBack, 7)],
            &[],
        ),
    ]);
    scene
        .fake
        .set(|held| held.channels = vec![gated(2, &attempt, 700, 70, true)]);
    scene.read().await;
    let view = scene.view().await;
    assert_eq!(view.row.state, "stopped_by_gate");
    assert_eq!(view.gate.as_ref().unwrap().state, "stopped");
    assert!(action(&view, "halt").proposed && !action(&view, "advance").proposed);
    assert!(view.adoption.marks.iter().any(|m| m.kind == "gate"));
    let simulated = scene
        .app
        .simulate(dto::SimulateRequest {
            workspace: scene.person.workspace.id.clone(),
            unit: "main".into(),
            channel: "Production".into(),
            platform: "ios".into(),
            native: "4.2.0".into(),
            install: Some("some-install".into()),
            running: None,
        })
        .await
        .unwrap();
    assert_eq!(
        simulated.says, "Gets 4.2.3, build 1",
        "the server stopped build 2"
    );
    let trace: Vec<_> = simulated.trace.iter().map(|l| l.says.as_str()).collect();
    assert_eq!(trace[0], "Production, sent as ‘Production’, a signed alias");
    assert!(
        trace.iter().any(|l| l.starts_with("Share point ")),
        "{trace:?}"
    );

    let refused = scene.change("advance");
    let plan = scene.app.rollout_prepare(refused).await.unwrap();
    assert!(plan.warnings[0].starts_with("The health gate stopped this rollout: 70 of 700"));
    assert_eq!(plan.type_to_confirm.as_deref(), Some("production"));
    let start = dto::StartRequest {
        plan: plan.plan,
        typed: None,
    };
    let error = scene.app.rollout_start(start).await.unwrap_err();
    assert_eq!(error.code, "usage.confirmation");

    let plan = scene.go(scene.change("halt")).await;
    assert_eq!(plan.type_to_confirm, None, "stopping asks for no name");
    assert_eq!(
        (plan.before.as_str(), plan.after.as_str()),
        ("Rolling out 4.2.4 at 1 %", "4.2.4 halted at 1 %")
    );
    let view = scene.view().await;
    assert_eq!(view.row.state, "halted");
    assert!(action(&view, "roll_back").proposed);
    assert!(action(&view, "resume").disabled.is_none());
    assert_eq!(
        action(&view, "advance").disabled.as_deref(),
        Some("It is halted. Resume it first.")
    );

    let mut back = scene.change("roll_back");
    back.build = Some(1);
    let plan = scene.go(back).await;
    assert_eq!(plan.moved, Some(400));
    let stuck: Vec<_> = plan
        .cannot_follow
        .iter()
        .map(|c| (c.client.as_str(), c.devices))
        .collect();
    assert_eq!(stuck, [("Capgo updater", 7)]);
    assert_eq!(
        plan.affected[0],
        "400 devices go from 4.2.4 to 4.2.3 at their next check"
    );
    let view = scene.view().await;
    assert_eq!(
        (view.row.state.as_str(), view.row.permille),
        ("complete", 1000)
    );
    let kinds: Vec<_> = view
        .adoption
        .marks
        .iter()
        .map(|m| m.kind.as_str())
        .collect();
    assert!(
        kinds.ends_with(&["start", "halt", "roll_back"]),
        "{kinds:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_install_is_shown_with_its_trace_and_events() {
    let scene = scene().await;
    let attempt = scene.attempt().await;
    let report = json!([{
        "install": "7f3c2a91",
        "place": { "unit": "main", "channel": "production", "dialect": "capgo", "platform": "android", "native": "4.1.2" },
        "plugin": "8.51.23",
        "running": 1,
        "first_seen": "2026-05-01T08:00:00Z",
        "last_day": 20605,
        "events": [{ "at": "2026-06-01T08:00:00Z", "build": 2, "attempt": attempt, "state": "rolled_back", "reason": "app_launch_timeout" }],
        "offer": { "offer": "nothing", "why": "failed_here", "trace": [
            { "part": "entry", "build": 2, "finding": { "passed": "failed_here" } },
            { "part": "base", "build": 1, "finding": "runs" } ] }
    }, {
        "install": "7f3c2a91",
        "place": { "unit": "other", "channel": "production", "dialect": "capgo", "platform": "android", "native": "4.1.2" },
        "first_seen": "2026-05-01T08:00:00Z", "last_day": 20605, "events": [],
        "offer": { "offer": "nothing", "why": "nothing_served", "trace": [] }
    }]);
    scene.fake.set(|held| held.installs = report);
    let request = |install: &str| dto::InstallRequest {
        workspace: scene.person.workspace.id.clone(),
        unit: "main".into(),
        install: install.into(),
    };
    let found = scene.app.install_lookup(request("7F3C2A91")).await.unwrap();
    assert_eq!(found.installs.len(), 1, "another unit's is left out");
    let one = &found.installs[0];
    assert_eq!(
        (
            one.client.as_str(),
            one.running.as_str(),
            one.last_seen.as_str()
        ),
        ("Capgo updater 8.51.23", "4.2.3, build 1", "2026-06-01")
    );
    assert_eq!(
        one.events[0].reason.as_deref(),
        Some("App not ready, went back")
    );
    assert!(
        one.offer
            .trace
            .iter()
            .any(|l| l.says.starts_with("Share point"))
    );
    for bad in ["", " ", "a\nb", &"x".repeat(65)] {
        let error = scene.app.install_lookup(request(bad)).await.unwrap_err();
        assert_eq!(error.code, "usage.argument", "{bad:?}");
    }
    scene
        .fake
        .set(|held| held.installs = json!({ "not": "a list" }));
    let error = scene.app.install_lookup(request("x")).await.unwrap_err();
    assert_eq!(error.code, "server.malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_for_apps_hold_the_address_and_the_ids() {
    let scene = scene().await;
    let setups = scene
        .app
        .client_setups(scene.channel())
        .await
        .unwrap()
        .setups;
    let dialects: Vec<_> = setups.iter().map(|s| s.dialect.as_str()).collect();
    assert_eq!(dialects, ["headgate", "capgo", "ionic", "cordova"]);
    let capgo = &setups[1].config;
    for line in [
        "appId: \"com.acme.field\",",
        "defaultChannel: \"production\",",
        "updateUrl: \"https://ota.acme.example/capgo/updates\",",
        "statsUrl: \"https://ota.acme.example/capgo/stats\",",
        "channelUrl: \"https://ota.acme.example/capgo/channel_self\",",
    ] {
        assert!(capgo.contains(line), "{capgo}");
    }
    assert!(!capgo.contains("publicKey"), "the channel has no RSA key");
    assert!(
        setups[2].config.contains("channel: \"Production\""),
        "as apps send it"
    );
    assert!(
        setups[2]
            .untested
            .as_ref()
            .unwrap()
            .contains("token from Ionic")
    );
    assert!(
        setups[3]
            .config
            .contains("<key>IonApi</key>\n<string>https://ota.acme.example</string>")
    );
}
