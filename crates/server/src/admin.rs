//! What operators and consoles ask, on a listener of its own behind a bearer token (trust §9).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use headgate_core::offer::{Device, FailedStart, explain};
use headgate_core::plugins::{PluginHealth, plugin_state};
use headgate_core::status::{
    Answer, ChannelStatus, DeviceState, Dialect, InstallReport, StatusPage,
};
use headgate_core::{Code, Kind, Problem, Result};
use serde::Serialize;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::catalog::UnitServing;
use crate::source::{Sources, named_once};
use crate::state::AppState;
use crate::telemetry::StoredInstall;

/// Cells in a page unless told otherwise.
const PAGE: usize = 500;
/// Cells in a page at most.
const MAX_PAGE: usize = 5_000;

/// What its handlers have.
#[derive(Clone)]
struct Admin {
    state: AppState,
    sources: Sources,
    token: Arc<str>,
}

/// The routes. All but `/healthz` want the token.
pub(crate) fn router(state: AppState, sources: Sources, token: &str) -> Router {
    let admin = Admin {
        state,
        sources,
        token: token.into(),
    };
    Router::new()
        .route("/status/{app}", get(status))
        .route("/installs/{id}", get(install))
        .route("/nudge", post(nudge_all))
        .route("/nudge/{app}", post(nudge_one))
        .route("/registries", get(registries))
        .route("/metrics", get(metrics))
        .route_layer(middleware::from_fn_with_state(admin.clone(), authorised))
        .with_state(admin)
}

/// Compares in constant time, so that a wrong token says nothing about the right one.
async fn authorised(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    let right = given.is_some_and(|token| token.ct_eq(admin.token.as_bytes()).into());
    if right {
        return next.run(request).await;
    }
    let wanted = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
    (StatusCode::UNAUTHORIZED, wanted).into_response()
}

fn answer<T: Serialize>(result: Result<T>) -> Response {
    let (status, body) = match result {
        Ok(value) => (
            StatusCode::OK,
            serde_json::to_string(&value).unwrap_or_default(),
        ),
        Err(problem) => {
            let status = match problem.code {
                Code::UsageUnknown => StatusCode::NOT_FOUND,
                Code::UsageWhichWorkspace => StatusCode::CONFLICT,
                code if code.kind() == Kind::Usage => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, words(&problem))
        }
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    (status, headers, body).into_response()
}

fn words(problem: &Problem) -> String {
    json!({
        "code": problem.code.text(),
        "message": problem.message,
        "holds": problem.holds,
        "remedy": problem.remedy,
        "field": problem.field,
    })
    .to_string()
}

impl Admin {
    /// The one workspace that an app identifier or a workspace identity means.
    fn workspace(&self, app: &str) -> Result<String> {
        let mut workspaces = self.sources.workspaces(app);
        match (workspaces.pop(), workspaces.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => {
                let what = format!("{app:?} is not served here.");
                Err(Problem::new(Code::UsageUnknown, what))
            }
            (Some(_), false) => {
                let what = format!("{app} names several workspaces here.");
                Err(Problem::new(Code::UsageWhichWorkspace, what)
                    .remedy("Ask with the workspace's identity instead."))
            }
        }
    }

    /// The units of a workspace, each once.
    fn units(&self, workspace: &str) -> BTreeMap<String, Arc<UnitServing>> {
        let catalog = self.state.catalog();
        let units = catalog.units();
        units
            .filter(|u| u.registry.workspace == workspace)
            .map(|u| (u.unit.to_string(), Arc::clone(u)))
            .collect()
    }

    async fn page(&self, app: &str, query: &str) -> Result<StatusPage> {
        let workspace = self.workspace(app)?;
        let (after, limit) = (number(query, "after")?, number(query, "limit")?);
        let limit = usize::try_from(limit.unwrap_or(PAGE as u64)).unwrap_or(MAX_PAGE);
        let telemetry = &self.state.telemetry;
        let limit = limit.clamp(1, MAX_PAGE);
        let cells = telemetry
            .cells(&workspace, after.unwrap_or(0), limit)
            .await?;
        let plugins = telemetry.plugins(&workspace).await?;
        let mut gates = self.sources.gates(&workspace);
        let now = (self.state.clock)();
        let mut channels = Vec::new();
        for unit in self.units(&workspace).values() {
            for channel in named_once(unit) {
                let name = format!("{}.{}", unit.unit, channel.channel);
                let risky = plugins
                    .iter()
                    .filter(|(of, plugin, _)| *of == name && risky(plugin, channel.rsa.is_some()))
                    .map(|(_, plugin, installs)| (plugin.clone(), *installs));
                channels.push(ChannelStatus {
                    unit: unit.unit.clone(),
                    channel: channel.channel.clone(),
                    rollout: channel.rollout,
                    attempt: channel.attempt.clone(),
                    withheld: channel.withheld(now).map(str::to_owned),
                    gate: gates.remove(&name),
                    risky: risky.collect(),
                });
            }
        }
        Ok(StatusPage {
            as_of: now,
            cells: cells.cells,
            next: cells.next,
            more: cells.more,
            epoch: telemetry.epoch(),
            channels,
        })
    }

    async fn installs(&self, id: &str) -> Result<Vec<InstallReport>> {
        let id = id.to_ascii_lowercase();
        let stored = self.state.telemetry.install(&id).await?;
        let mut reports = Vec::new();
        for install in stored {
            let offer = self.offer(&id, &install);
            reports.push(InstallReport {
                install: id.clone(),
                place: install.place,
                plugin: install.plugin,
                running: install.running,
                first_seen: install.first_seen,
                last_day: install.last_day,
                events: install.events,
                offer,
            });
        }
        Ok(reports)
    }

    /// What an install would get now, and why.
    fn offer(&self, id: &str, install: &StoredInstall) -> Answer {
        let nothing = |why: &str| Answer {
            offer: "nothing".into(),
            build: None,
            why: Some(why.to_owned()),
            trace: Vec::new(),
        };
        let units = self.units(&install.workspace);
        let place = &install.place;
        let channel = units
            .get(place.unit.as_str())
            .and_then(|unit| unit.channel(place.channel.as_str()));
        let Some(channel) = channel else {
            return nothing("unknown_channel");
        };
        if let Some(why) = channel.withheld((self.state.clock)()) {
            return nothing(why);
        }
        let Some(state) = &channel.decides else {
            return nothing("nothing_served");
        };
        let rolled_back = install.events.iter();
        let failed = rolled_back.filter(|e| e.state == DeviceState::RolledBack);
        let device = Device {
            install_id: Some(id.to_owned()),
            platform: place.platform,
            native: place.native.clone(),
            running: install.running,
            failed: failed.map(failed_start).collect(),
        };
        Answer::of(&explain(state, &device))
    }
}

fn failed_start(event: &headgate_core::status::InstallEvent) -> FailedStart {
    FailedStart {
        build: event.build,
        attempt: event.attempt.clone(),
    }
}

/// Whether a client has known defects: `capgo 8.51.20`.
fn risky(plugin: &str, signed: bool) -> bool {
    let Some((dialect, version)) = plugin.split_once(' ') else {
        return false;
    };
    let dialect = Dialect::ALL.into_iter().find(|d| d.text() == dialect);
    dialect.is_some_and(|d| plugin_state(d, version, signed).health == PluginHealth::Risky)
}

/// A number of the query.
fn number(query: &str, name: &str) -> Result<Option<u64>> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let Some((_, value)) = pairs.find(|(key, _)| key == name) else {
        return Ok(None);
    };
    let value = value.parse().map_err(|_| {
        let what = format!("{name} is not a whole number.");
        Problem::new(Code::UsageArgument, what).field(name)
    })?;
    Ok(Some(value))
}

async fn status(
    State(admin): State<Admin>,
    Path(app): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(admin.page(&app, &query.unwrap_or_default()).await)
}

async fn install(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    answer(admin.installs(&id).await)
}

async fn nudge_all(State(admin): State<Admin>) -> Response {
    answer(admin.sources.nudge(None).await)
}

async fn nudge_one(State(admin): State<Admin>, Path(app): Path<String>) -> Response {
    answer(admin.sources.nudge(Some(&app)).await)
}

async fn registries(State(admin): State<Admin>) -> Response {
    answer(Ok(admin.sources.health()))
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let state = &admin.state;
    let now = (state.clock)().unix();
    let counters = state.telemetry.counters();
    let text = state.metrics.text(&admin.sources.health(), counters, now);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        text,
    )
        .into_response()
}
