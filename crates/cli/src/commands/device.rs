//! `headgate device`: devices on this computer. They need no home folder, as a device has none.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headgate_core::{Code, Platform, Problem, Result};
use headgate_device::fleet::{Failure, Fleet, FleetHandle, FleetOptions, FleetStats};
use headgate_device::tuf_client::TufClient;
use headgate_device::{
    DeviceOptions, Facts, FolderDisk, HttpNet, Outcome as Checked, Runner, Started, Target,
};
use headgate_registry::HttpLimits;
use headgate_tuf::Name;
use serde_json::{Value, json};

use crate::args::{
    DeviceCommand, DeviceRunArgs, FleetArgs, PlatformArg, TufClientArgs, TufCommand,
};
use crate::output::{Answer, Outcome, note, pairs, redraw, table};

/// Time between two lines of progress.
const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    command: DeviceCommand,
    app: Option<&str>,
    unit: &str,
    json: bool,
    pinned: Option<&[u8]>,
) -> Outcome {
    let needed = || {
        Problem::new(Code::UsageArgument, "A device belongs to an app.")
            .remedy("Name it with --app.")
            .field("app")
    };
    match command {
        DeviceCommand::TufClient(args) => tuf_client(args).await,
        DeviceCommand::Run(args) => one(args, app.ok_or_else(needed)?, unit).await,
        DeviceCommand::Fleet(args) => {
            fleet(args, app.ok_or_else(needed)?, unit, json, pinned).await
        }
    }
}

fn unit_name(unit: &str) -> Result<Name> {
    Name::new(unit).map_err(|e| Problem::new(Code::UsageArgument, e.to_string()).field("unit"))
}

/// The root as text: a device hands its exact bytes on.
fn root_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        let what = format!("{} cannot be read: {e}.", path.display());
        Problem::new(Code::TrustRoot, what).field("root")
    })
}

async fn one(args: DeviceRunArgs, app: &str, unit: &str) -> Outcome {
    let facts = Facts {
        root: root_text(&args.root)?,
        native: args.native.clone(),
        platform: match args.platform {
            PlatformArg::Ios => Platform::Ios,
            PlatformArg::Android => Platform::Android,
        },
        channel: args.channel.clone(),
        client: concat!("headgate/", env!("CARGO_PKG_VERSION")).into(),
    };
    let mut options = DeviceOptions::new(unit_name(unit)?, facts);
    options.install = args.install_id;
    let disk = Arc::new(FolderDisk::open(&args.dir)?);
    let net = HttpNet::new(&args.server, app, &args.channel, HttpLimits::default())?;
    let mut device = Runner::open(options, disk, Arc::new(net))?;
    let mut started = device.start().await?;
    let mut trial = "none";
    if started.confirm.is_some() {
        if args.crash {
            trial = "rolled_back";
            if let Some(instead) = device.not_ready("crash").await {
                started = instead;
            }
        } else {
            trial = "confirmed";
            device.ready().await;
        }
    }
    let outcome = device.check().await;
    let reported = device.report().await;
    let answer = told(&device, &started, trial, &outcome, &args.dir, reported);
    match outcome {
        Checked::Stale(problem) | Checked::Failed(problem) => {
            Err(crate::output::Failure::from(problem).with_answer(answer))
        }
        _ => Ok(answer),
    }
}

fn told(
    device: &Runner,
    started: &Started,
    trial: &str,
    outcome: &Checked,
    dir: &Path,
    reported: Result<usize>,
) -> Answer {
    let (result, build, why) = match outcome {
        Checked::Staged(build) => ("staged", *build, None),
        Checked::UpToDate => ("up_to_date", None, None),
        Checked::Nothing(why) => ("nothing", None, Some(*why)),
        Checked::Stale(problem) => ("stale", None, Some(problem.code.text())),
        Checked::Failed(problem) => ("failed", None, Some(problem.code.text())),
    };
    let folder = Runner::folder(&started.target).map(|f| dir.join(f).display().to_string());
    let reported_text = match &reported {
        Ok(events) => format!("{events} events"),
        Err(problem) => format!("not now: {}", problem.code),
    };
    let document = json!({
        "install_id": device.memory().install,
        "running": started.target.build(),
        "folder": folder,
        "trial": trial,
        "check": result,
        "staged": build,
        "why": why,
        "reported": reported.as_ref().ok(),
    });
    let name = |target: &Target| match target.bundle() {
        None => "the embedded build".to_owned(),
        Some(placed) => format!("build {} ({})", placed.build, placed.version),
    };
    let mut rows = vec![("runs", name(&started.target))];
    rows.extend(folder.map(|f| ("folder", f)));
    if trial != "none" {
        rows.push(("trial", trial.replace('_', " ")));
    }
    let next = match (outcome, build) {
        (Checked::Staged(_), Some(build)) => format!("build {build} at the next start"),
        (Checked::Staged(_), None) => "the embedded build at the next start".into(),
        _ => why.map_or_else(|| "up to date".into(), |why| format!("{result}: {why}")),
    };
    rows.push(("check", next));
    rows.push(("reported", reported_text));
    rows.push(("install id", device.memory().install.clone()));
    Answer::new(document, pairs(&rows))
}

async fn fleet(
    args: FleetArgs,
    app: &str,
    unit: &str,
    json: bool,
    pinned: Option<&[u8]>,
) -> Outcome {
    let root = match (&args.root, pinned) {
        (Some(path), _) => root_text(path)?,
        // Canonical JSON, so it is text.
        (None, Some(root)) => String::from_utf8_lossy(root).into_owned(),
        // Nobody in this fleet verifies.
        (None, None) => String::new(),
    };
    let mut options = FleetOptions::new(&args.server, app, unit_name(unit)?, &root, &args.channel);
    options.failure = Failure {
        permille: args.failure_rate,
        builds: args.failing(),
        marker: args.failing_version,
    };
    options.devices = args.devices;
    options.dialects = args.dialects;
    options.natives = args.natives;
    options.ionic = args.ionic_id;
    options.every = Duration::from_secs(args.every);
    options.ramp = Duration::from_secs(args.ramp);
    options.rounds = args.rounds;
    options.seed = args.seed;
    options.concurrency = args.concurrency;
    let fleet = Fleet::start(options)?;
    tokio::select! {
        () = fleet.wait() => {}
        () = watch(&fleet, json) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    fleet.stop().await;
    let stats = fleet.stats();
    if !json {
        note("");
    }
    Ok(Answer::new(document(&stats), text(&stats)))
}

/// Draws a line over and over. Never ends.
async fn watch(fleet: &FleetHandle, json: bool) {
    loop {
        tokio::time::sleep(TICK).await;
        if !json {
            redraw(&line(&fleet.stats()));
        }
    }
}

fn line(stats: &FleetStats) -> String {
    let total = &stats.total;
    format!(
        "{} of {} devices, {} checks, {} applied, {} confirmed, {} rolled back, {} failed",
        total.devices,
        stats.devices,
        total.checks,
        total.applied,
        total.confirmed,
        total.rolled_back,
        total.failed
    )
}

fn document(stats: &FleetStats) -> Value {
    // Counts and texts alone: it cannot fail.
    serde_json::to_value(stats).unwrap_or_default()
}

fn text(stats: &FleetStats) -> String {
    let head = [
        "dialect",
        "devices",
        "checks",
        "offered",
        "downloaded",
        "applied",
        "confirmed",
        "rolled back",
        "failed",
    ];
    let all = stats.dialects.iter().map(|(name, t)| (*name, t));
    let rows: Vec<Vec<String>> = all
        .chain([("all", &stats.total)])
        .map(|(name, t)| {
            let counts = [
                t.devices,
                t.checks,
                t.offered,
                t.downloaded,
                t.applied,
                t.confirmed,
                t.rolled_back,
                t.failed,
            ];
            let counts = counts.iter().map(u64::to_string);
            std::iter::once(name.to_owned()).chain(counts).collect()
        })
        .collect();
    let running = stats.running.iter();
    let running: Vec<Vec<String>> = running
        .map(|(b, n)| vec![b.clone(), n.to_string()])
        .collect();
    let problems = stats.problems.iter();
    let problems: Vec<Vec<String>> = problems
        .map(|(code, n)| vec![code.clone(), n.to_string()])
        .collect();
    let mut text = format!(
        "{}\n{}",
        table(&head, &rows),
        table(&["running", "devices"], &running)
    );
    if !problems.is_empty() {
        text += &format!("\n{}", table(&["problem", "times"], &problems));
    }
    text
}

/// Its caller knows two exit codes alone.
async fn tuf_client(args: TufClientArgs) -> Outcome {
    match tuf(&args).await {
        Ok(()) => Ok(Answer::new(json!({"ok": true}), "")),
        Err(problem) => {
            note(&format!("error: {problem}"));
            let document = json!({"ok": false, "code": problem.code.text()});
            Ok(Answer::new(document, "").with_exit(1))
        }
    }
}

async fn tuf(args: &TufClientArgs) -> Result<()> {
    let needed = |what: &str| {
        let problem = Problem::new(Code::UsageArgument, format!("--{what} is missing."));
        problem.field(what)
    };
    let client = TufClient {
        metadata: args.metadata_dir.clone(),
    };
    let metadata = || {
        args.metadata_url
            .as_deref()
            .ok_or_else(|| needed("metadata-url"))
    };
    match &args.command {
        TufCommand::Init { root } => client.init(root),
        TufCommand::Refresh => client.refresh(metadata()?).await,
        TufCommand::Download => {
            let targets = args.target_base_url.as_deref();
            let targets = targets.ok_or_else(|| needed("target-base-url"))?;
            let to = args
                .target_dir
                .as_ref()
                .ok_or_else(|| needed("target-dir"))?;
            client
                .download(metadata()?, targets, &args.target_name, to)
                .await
        }
    }
}
