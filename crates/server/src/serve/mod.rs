//! The server as a whole: two listeners, the registries behind them, and an end in good order.

mod guard;
mod idle;
mod listen;
pub(crate) mod objects;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{BucketCredentials, EnvCredentials};
use headgate_tuf::UtcTime;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::asker::{Limiter, Shielded};
use crate::source::{Health, Pace, RegistryConfig, Sources, Spec};
use crate::state::{AppState, Clock};
use crate::telemetry::sqlite::{Options, SqliteTelemetry};
use crate::telemetry::{NoTelemetry, Telemetry};
use crate::{admin, dialect, openapi};
use guard::{Guard, guarded};

/// Shortest admin token.
pub const MIN_TOKEN: usize = 16;
/// Largest request body that is read, bytes; a dialect may take less.
const MAX_BODY: usize = 1 << 20;
/// Between two tidyings of telemetry.
const TIDY: Duration = Duration::from_secs(3600);

/// What bounds a client.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest wait for the headers of a request, also between two requests of a connection.
    pub headers: Duration,
    /// Longest time until a response begins, with reading the request's body.
    pub request: Duration,
    /// Longest time in which nothing moves on a connection.
    pub idle: Duration,
    /// Connections of a listener at once; more wait.
    pub connections: usize,
    /// Requests a minute of one network whose events are stored; beyond, they are answered and not stored. 0 = no limit.
    pub per_network: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(75),
            request: Duration::from_secs(30),
            idle: Duration::from_secs(90),
            connections: 16_384,
            per_network: 6_000,
        }
    }
}

/// Where telemetry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TelemetryAddress {
    /// Nowhere: nothing is counted, no gate can stop anything, and high-water marks end with the program.
    None,
    /// A SQLite file.
    Sqlite(PathBuf),
}

impl TelemetryAddress {
    /// Reads `none` or `sqlite:///var/lib/headgate/t.sqlite`.
    ///
    /// # Errors
    /// `usage.argument` for the field `telemetry`.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |what: String| {
            let remedy = "Write sqlite:///absolute/path.sqlite, or none.";
            let problem = Problem::new(Code::UsageArgument, what);
            Err(problem.field("telemetry").remedy(remedy))
        };
        if text == "none" {
            return Ok(Self::None);
        }
        match text.split_once("://") {
            Some(("sqlite", path)) if path.starts_with('/') && path.len() > 1 => {
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            Some(("sqlite", path)) => bad(format!("{path:?} is no absolute path of a file.")),
            // The words never repeat what may hold a password.
            Some((kind, _)) => bad(format!("Telemetry of the kind {kind}:// is not supported.")),
            None => bad("The telemetry address has no scheme.".into()),
        }
    }
}

/// Opens telemetry.
///
/// # Errors
/// As [`SqliteTelemetry::open`].
pub async fn open_telemetry(
    address: &TelemetryAddress,
    options: Options,
) -> Result<Arc<dyn Telemetry>> {
    Ok(match address {
        TelemetryAddress::None => Arc::new(NoTelemetry::default()),
        TelemetryAddress::Sqlite(path) => Arc::new(SqliteTelemetry::open(path, options).await?),
    })
}

/// Operators and consoles.
#[derive(Clone)]
pub struct AdminConfig {
    /// Where they ask.
    pub listen: SocketAddr,
    /// Bearer token, at least [`MIN_TOKEN`] characters.
    pub token: String,
}

/// A server.
#[derive(Clone)]
pub struct ServerConfig {
    /// Registries.
    pub registries: Vec<RegistryConfig>,
    /// Where devices ask. Port 0 = any free one.
    pub listen: SocketAddr,
    /// Where operators ask; nothing = nowhere.
    pub admin: Option<AdminConfig>,
    /// The server's own address as devices reach it; nothing = where it listens.
    pub public_url: Option<String>,
    /// Where telemetry goes.
    pub telemetry: Arc<dyn Telemetry>,
    /// For buckets.
    pub credentials: Arc<dyn BucketCredentials>,
    /// How often registries are looked at.
    pub pace: Pace,
    /// What bounds a client.
    pub limits: Limits,
    /// Proxies in front of the server that are trusted to name who asked them.
    pub proxies: usize,
    /// Answers requests of this computer alone, and of no web page: for a sandbox.
    pub local_only: bool,
    /// Time.
    pub clock: Clock,
}

impl ServerConfig {
    /// A server for devices on any free port of this computer; operators ask nowhere.
    pub fn local(registries: Vec<RegistryConfig>, telemetry: Arc<dyn Telemetry>) -> Self {
        Self {
            registries,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: None,
            public_url: None,
            telemetry,
            credentials: Arc::new(EnvCredentials::new()),
            pace: Pace::default(),
            limits: Limits::default(),
            proxies: 0,
            local_only: false,
            clock: system_clock(),
        }
    }
}

/// The system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        UtcTime::from_unix(i64::try_from(seconds).unwrap_or(0))
    })
}

/// A server that can be started.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds and begins to answer and to read. Registries that cannot be read yet are tried again.
    ///
    /// # Errors
    /// `local.busy` when an address is taken; `usage.argument`, `trust.root` for a wrong configuration.
    pub async fn start(config: ServerConfig) -> Result<Running> {
        let (devices, device_addr) = listen::bind(config.listen).await?;
        let url = match &config.public_url {
            Some(url) => public_url(url)?,
            None => format!("http://{device_addr}"),
        };
        let mut state = AppState::new(config.telemetry, &url, config.clock);
        state.telemetry = Arc::new(Shielded::new(
            Arc::clone(&state.telemetry),
            Arc::clone(&state.metrics),
        ));
        let spec = |registry| Spec {
            config: registry,
            public_url: url.clone(),
            credentials: Arc::clone(&config.credentials),
        };
        let specs = config.registries.into_iter().map(spec).collect();
        let sources = Sources::new(state.clone(), specs, config.pace)?;
        let (stop, stopping) = watch::channel(false);
        let guard = |listener, address: SocketAddr, limiter| Guard {
            listener,
            metrics: Arc::clone(&state.metrics),
            patience: config.limits.request,
            proxies: config.proxies,
            limiter,
            hosts: config.local_only.then(|| {
                let port = address.port();
                vec![address.to_string(), format!("localhost:{port}")]
            }),
        };
        let mut tasks = Vec::new();
        let limiter = Limiter::new(config.limits.per_network);
        let router = device_router(&state, &sources);
        let router = wrapped(router, guard("devices", device_addr, Some(limiter)));
        let metrics = Arc::clone(&state.metrics);
        let listening = listen::listen(devices, router, config.limits, metrics, stopping.clone());
        tasks.push(tokio::spawn(listening));
        let mut admin_addr = None;
        if let Some(admin) = config.admin {
            if admin.token.len() < MIN_TOKEN {
                let what = format!("The admin token has fewer than {MIN_TOKEN} characters.");
                return Err(Problem::new(Code::UsageArgument, what).field("admin-token-file"));
            }
            let (listener, address) = listen::bind(admin.listen).await?;
            let router = operator_router(&state, &sources, &admin.token);
            let router = wrapped(router, guard("admin", address, None));
            let metrics = Arc::clone(&state.metrics);
            let listening =
                listen::listen(listener, router, config.limits, metrics, stopping.clone());
            tasks.push(tokio::spawn(listening));
            admin_addr = Some(address);
        }
        sources.run(&stopping);
        tokio::spawn(tidy(state.clone(), stopping));
        Ok(Running {
            device_addr,
            admin_addr,
            sources,
            state,
            stop,
            tasks,
        })
    }
}

/// Checks the address that devices reach the server at.
///
/// # Errors
/// `usage.argument` for the field `public-url`.
pub fn public_url(text: &str) -> Result<String> {
    let bad = |what: &str| Err(Problem::new(Code::UsageArgument, what).field("public-url"));
    let Ok(url) = url::Url::parse(text) else {
        return bad("The public URL is not a URL.");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return bad("The public URL begins with https:// or http:// and a host.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("The public URL holds a user name or password.");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("The public URL holds a ? or #.");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Everything that devices ask. Each dialect is told apart by its path.
pub(crate) fn device_router(state: &AppState, sources: &Sources) -> Router {
    Router::new()
        .merge(dialect::headgate::router(state.clone()))
        .merge(dialect::router(state.clone()))
        .merge(objects::router(state.clone()))
        .merge(openapi::router(&state.public_url))
        .merge(health_router(sources))
}

/// Everything that operators and consoles ask.
pub(crate) fn operator_router(state: &AppState, sources: &Sources, token: &str) -> Router {
    admin::router(state.clone(), sources.clone(), token).merge(health_router(sources))
}

fn wrapped(router: Router, guard: Guard) -> Router {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guarded))
}

fn health_router(sources: &Sources) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(sources.clone())
}

fn plain(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body.to_string()).into_response()
}

/// The process answers. Whether all is well with the registries is said by number: which they are is nobody's business
/// on a public listener.
async fn healthz(State(sources): State<Sources>) -> Response {
    let health = sources.health();
    let failing = health.iter().filter(|h| h.problem.is_some()).count();
    let withheld: usize = health.iter().map(|h| h.withheld.len()).sum();
    let status = if failing + withheld == 0 {
        "ok"
    } else {
        "degraded"
    };
    let body = json!({
        "status": status,
        "registries": health.len(),
        "failing": failing,
        "withheld": withheld,
    });
    plain(StatusCode::OK, &body)
}

async fn readyz(State(sources): State<Sources>) -> Response {
    if sources.ready() {
        plain(StatusCode::OK, &json!({ "status": "ready" }))
    } else {
        plain(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "status": "starting" }),
        )
    }
}

async fn tidy(state: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(problem) = state.telemetry.tidy((state.clock)()).await {
            tracing::error!(%problem, "telemetry could not be tidied");
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// A server that runs. Dropped, it ends by itself soon; [`Self::stop`] waits for that and writes what waits.
pub struct Running {
    /// Where devices ask.
    pub device_addr: SocketAddr,
    /// Where operators ask.
    pub admin_addr: Option<SocketAddr>,
    sources: Sources,
    state: AppState,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// What request handlers have.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Reads all registries now, and says how it is with them.
    pub async fn read_now(&self) -> Vec<Health> {
        // Without a name it knows all registries.
        self.sources.nudge(None).await.unwrap_or_default()
    }

    /// The registries.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Takes no more connections, lets requests finish, and writes what waits.
    ///
    /// # Errors
    /// `local.*` when telemetry could not be written.
    pub async fn stop(self) -> Result<()> {
        // Nobody listening any more is what is wanted.
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        self.state.telemetry.flush().await
    }
}
