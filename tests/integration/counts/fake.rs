//! An admin listener that counts what a test puts in, and misbehaves when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use headgate_core::Platform;
use headgate_core::rollout::Gate;
use headgate_core::status::{
    ActiveCell, Cell, ChannelStatus, DeviceState, Dialect, GateStatus, MinuteCell, OutcomeCell,
    Place, StatusPage,
};
use headgate_tests::{APP, TestClock};
use headgate_tuf::{Name, UtcTime};

/// Its token.
pub(crate) const TOKEN: &str = "the-admin-token";

/// What it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mood {
    /// Answers.
    Good,
    /// Answers with this status.
    Status(u16),
    /// Answers with these bytes.
    Says(String),
    /// Says that there is more, and never moves.
    Stuck,
    /// Another epoch in each answer.
    Fickle,
}

/// What it holds.
pub(crate) struct Held {
    pub(crate) mood: Mood,
    pub(crate) epoch: String,
    /// Cells with the number of their last change, from 1.
    pub(crate) cells: Vec<(u64, Cell)>,
    pub(crate) channels: Vec<ChannelStatus>,
    pub(crate) installs: serde_json::Value,
    /// Cursors that were asked for.
    pub(crate) asked: Vec<u64>,
    pub(crate) nudged: u32,
    /// Cells in one page at most.
    pub(crate) page: usize,
    fickle: u32,
}

/// A running fake.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    held: Arc<Mutex<Held>>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn place(dialect: Dialect, native: &str) -> Place {
    Place {
        unit: name("main"),
        channel: name("production"),
        dialect,
        platform: Platform::Ios,
        native: native.into(),
    }
}

/// The day of the tests' clock.
pub(crate) fn today() -> u32 {
    u32::try_from(TestClock::START / 86_400).unwrap()
}

pub(crate) fn active(dialect: Dialect, native: &str, build: Option<u32>, installs: u64) -> Cell {
    Cell::Active(ActiveCell {
        place: place(dialect, native),
        day: today(),
        build,
        installs,
    })
}

pub(crate) fn outcome(
    dialect: Dialect,
    build: u32,
    attempt: &str,
    states: &[(DeviceState, u64)],
    reasons: &[(&str, u64)],
) -> Cell {
    Cell::Outcome(OutcomeCell {
        place: place(dialect, "4.2.0"),
        build,
        attempt: attempt.into(),
        states: states.iter().copied().collect(),
        reasons: reasons.iter().map(|(r, n)| ((*r).into(), *n)).collect(),
    })
}

pub(crate) fn minute(build: u32, attempt: &str, at: i64, confirmed: u64) -> Cell {
    Cell::Minute(MinuteCell {
        unit: name("main"),
        channel: name("production"),
        build,
        attempt: attempt.into(),
        at,
        confirmed,
        rolled_back: 0,
    })
}

/// A channel whose gate saw this.
pub(crate) fn gated(
    build: u32,
    attempt: &str,
    sample: u64,
    failures: u64,
    tripped: bool,
) -> ChannelStatus {
    ChannelStatus {
        unit: name("main"),
        channel: name("production"),
        rollout: Some(1),
        attempt: Some(attempt.into()),
        withheld: None,
        gate: Some(GateStatus {
            build,
            attempt: attempt.into(),
            opened: UtcTime::parse(attempt).unwrap(),
            gate: Gate {
                min_sample: 500,
                max_failure_permille: 10,
            },
            sample,
            failures,
            tripped: tripped.then(|| UtcTime::from_unix(TestClock::START + 3660)),
        }),
        risky: BTreeMap::new(),
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let held = Arc::new(Mutex::new(Held {
            mood: Mood::Good,
            epoch: "one".into(),
            cells: Vec::new(),
            channels: Vec::new(),
            installs: serde_json::json!([]),
            asked: Vec::new(),
            nudged: 0,
            page: 1000,
            fickle: 0,
        }));
        let app = Router::new()
            .route("/status/{app}", get(status))
            .route("/installs/{id}", get(installs))
            .route("/nudge/{app}", post(nudge))
            .with_state(Arc::clone(&held));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, held }
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.held.lock().unwrap());
    }

    pub(crate) fn get<T>(&self, look: impl FnOnce(&Held) -> T) -> T {
        look(&self.held.lock().unwrap())
    }

    /// Puts cells in, as the newest change.
    pub(crate) fn count(&self, cells: Vec<Cell>) {
        self.set(|held| {
            for cell in cells {
                let next = held.cells.last().map_or(1, |(n, _)| n + 1);
                held.cells.push((next, cell));
            }
        });
    }
}

type Shared = State<Arc<Mutex<Held>>>;

fn refused(headers: &HeaderMap) -> Option<Response> {
    let bearer = format!("Bearer {TOKEN}");
    let given = headers.get("authorization").map(|v| v.to_str().unwrap());
    (given != Some(&bearer)).then(|| StatusCode::UNAUTHORIZED.into_response())
}

async fn status(
    State(held): Shared,
    Path(app): Path<String>,
    Query(query): Query<BTreeMap<String, u64>>,
    headers: HeaderMap,
) -> Response {
    if let Some(no) = refused(&headers) {
        return no;
    }
    let mut held = held.lock().unwrap();
    // The identity of the registry, or the app before storage was read.
    if app.split('#').next() != Some(APP) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let after = query["after"];
    held.asked.push(after);
    let limit = held.page.min(usize::try_from(query["limit"]).unwrap());
    let mut page = StatusPage {
        as_of: UtcTime::from_unix(TestClock::START + 3720),
        cells: Vec::new(),
        next: after,
        more: false,
        epoch: held.epoch.clone(),
        channels: held.channels.clone(),
        public_url: Some("https://ota.acme.example".into()),
    };
    match held.mood.clone() {
        Mood::Good => {}
        Mood::Status(code) => return StatusCode::from_u16(code).unwrap().into_response(),
        Mood::Says(text) => return text.into_response(),
        Mood::Stuck => page.more = true,
        Mood::Fickle => {
            held.fickle += 1;
            page.epoch = format!("epoch {}", held.fickle);
        }
    }
    let newer: Vec<&(u64, Cell)> = held.cells.iter().filter(|(n, _)| *n > after).collect();
    if page.more {
        return serde_json::to_string(&page).unwrap().into_response();
    }
    page.more = newer.len() > limit;
    for (n, cell) in newer.into_iter().take(limit) {
        page.cells.push(cell.clone());
        page.next = *n;
    }
    serde_json::to_string(&page).unwrap().into_response()
}

async fn installs(State(held): Shared, Path(_): Path<String>, headers: HeaderMap) -> Response {
    if let Some(no) = refused(&headers) {
        return no;
    }
    held.lock().unwrap().installs.to_string().into_response()
}

async fn nudge(State(held): Shared, Path(_): Path<String>, headers: HeaderMap) -> Response {
    if let Some(no) = refused(&headers) {
        return no;
    }
    held.lock().unwrap().nudged += 1;
    StatusCode::NO_CONTENT.into_response()
}
