//! `--check`: whether a server with this configuration would serve, said for each registry.

use std::fmt::Write as _;

use headgate_core::{Code, Problem, Result};

use crate::config::Settings;
use crate::serve::{TelemetryAddress, open_telemetry};
use crate::source::{Health, Sources, Spec};
use crate::state::AppState;
use crate::telemetry::sqlite::Options;

/// Reads and verifies every registry once, with the high-water marks that there are.
///
/// # Errors
/// The first problem, after `say` was told about every registry.
pub async fn check_up(settings: Settings, say: &mut dyn FnMut(&str)) -> Result<()> {
    let telemetry = match &settings.telemetry {
        // Checking makes no file.
        TelemetryAddress::Sqlite(path) if !path.exists() => {
            let folder = path.parent().unwrap_or(path);
            if !folder.is_dir() {
                let what = format!("{} is no folder.", folder.display());
                return Err(Problem::new(Code::UsageArgument, what).field("telemetry"));
            }
            TelemetryAddress::None
        }
        address => address.clone(),
    };
    let telemetry = open_telemetry(&telemetry, Options::default()).await?;
    let config = settings.server(telemetry);
    let url = config.public_url.clone().unwrap_or_default();
    let state = AppState::new(config.telemetry, &url, config.clock);
    let spec = |registry| Spec {
        config: registry,
        public_url: url.clone(),
        credentials: std::sync::Arc::clone(&config.credentials),
    };
    let specs = config.registries.into_iter().map(spec).collect();
    let sources = Sources::new(state, specs, config.pace)?;
    let mut first = None;
    for health in sources.nudge(None).await? {
        say(&line(&health));
        first = first.or_else(|| problem(&health));
    }
    first.map_or(Ok(()), Err)
}

fn line(health: &Health) -> String {
    let mut line = format!("{}: {}", health.app, health.storage);
    // Writing to a string does not fail.
    let _ = match &health.message {
        Some(message) => write!(line, ": {message}"),
        None => write!(line, ": verified"),
    };
    for (channel, why) in &health.withheld {
        let _ = write!(line, "\n  {channel} offers nothing: {why}");
    }
    for id in &health.taken {
        let _ = write!(line, "\n  {id} is the id of another workspace's app here");
    }
    line
}

fn problem(health: &Health) -> Option<Problem> {
    let told = |code: Code, what: String| Some(Problem::new(code, what));
    if let (Some(code), Some(message)) = (health.problem, &health.message) {
        let code = Code::ALL.iter().find(|c| c.text() == code);
        return told(code.copied().unwrap_or(Code::Internal), message.clone());
    }
    if let Some((channel, why)) = health.withheld.iter().next() {
        let code = match why.as_str() {
            "stale" => Code::TrustExpired,
            "unapproved" => Code::TrustUnapproved,
            other => *Code::ALL.iter().find(|c| c.text() == other)?,
        };
        return told(code, format!("{} {channel} offers nothing.", health.app));
    }
    let id = health.taken.first()?;
    told(
        Code::UsageArgument,
        format!("Two workspaces call a unit {id}."),
    )
}
