//! Configuration: arguments, then `HEADGATE_SERVER_*` variables, then one TOML file; the first that says something counts.
//!
//! Registries come from one place alone: from the arguments, else from the variables, else from the file.

mod args;
mod file;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{EnvCredentials, Loaded, StorageAddress};
use headgate_tuf::MAX_METADATA;
use headgate_tuf::metadata::Root;

use crate::serve::{
    AdminConfig, Limits, MIN_TOKEN, ServerConfig, TelemetryAddress, public_url, system_clock,
};
use crate::source::{Pace, RegistryConfig};
use crate::telemetry::Telemetry;

use args::Given;
pub use args::{Args, Command, Refused};
use file::FileConfig;

/// Reads a variable of the environment.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where devices ask unless told otherwise.
const LISTEN: &str = "127.0.0.1:8080";

/// What was configured.
#[derive(Clone)]
pub struct Settings {
    /// Registries.
    pub registries: Vec<RegistryConfig>,
    /// Where devices ask.
    pub listen: SocketAddr,
    /// Where operators ask.
    pub admin: Option<AdminConfig>,
    /// The server's own address as devices reach it.
    pub public_url: Option<String>,
    /// Where telemetry goes.
    pub telemetry: TelemetryAddress,
    /// How often registries are looked at.
    pub pace: Pace,
    /// What bounds a client.
    pub limits: Limits,
    /// Trusted proxies.
    pub proxies: usize,
}

impl Settings {
    /// Puts arguments, environment and file together, and checks them.
    ///
    /// # Errors
    /// `usage.argument` with the field, `trust.root` for a root that is none, `storage.address`.
    pub fn resolve(args: &Args, env: Env<'_>) -> Result<Self> {
        let (file, base) = match &args.config {
            Some(path) => (
                FileConfig::read(path)?,
                path.parent().map(Path::to_path_buf),
            ),
            None => (FileConfig::default(), None),
        };
        let base = base.unwrap_or_default();
        let given = if !args.registries.is_empty() {
            args.registries.clone()
        } else {
            let named = args::from_env(env)?;
            if named.is_empty() {
                file.registries(&base)?
            } else {
                named
            }
        };
        if given.is_empty() {
            let what = "No registry is named.";
            let remedy = "Name one with --registry and its pinned root with --root.";
            return Err(argument("registry", what).remedy(remedy));
        }
        let registries = given.iter().map(registry).collect::<Result<_>>()?;
        let text = args.listen.clone().or(file.listen.clone());
        let listen = address("listen", text.as_deref().unwrap_or(LISTEN))?;
        let public = args.public_url.clone().or(file.public_url.clone());
        if public.is_none() && !listen.ip().is_loopback() {
            let what = "Devices of other computers need to know how they reach this server.";
            let remedy = "Name the address that devices use with --public-url.";
            return Err(argument("public-url", what).remedy(remedy));
        }
        let poll = args.poll_seconds.or(file.poll_seconds);
        let mut pace = Pace::default();
        if let Some(seconds) = poll {
            if !(1..=3600).contains(&seconds) {
                return Err(argument("poll-seconds", "A poll every 1 to 3600 seconds."));
            }
            pace.poll = Duration::from_secs(seconds);
        }
        let mut limits = Limits::default();
        if let Some(rate) = args.requests_per_minute.or(file.requests_per_minute) {
            limits.per_network = rate;
        }
        Ok(Self {
            registries,
            listen,
            admin: admin(args, &file, &base)?,
            public_url: public.as_deref().map(public_url).transpose()?,
            telemetry: telemetry(args, &file)?,
            pace,
            limits,
            proxies: args.trusted_proxies.or(file.trusted_proxies).unwrap_or(0),
        })
    }

    /// A server with this telemetry.
    pub fn server(self, telemetry: Arc<dyn Telemetry>) -> ServerConfig {
        ServerConfig {
            registries: self.registries,
            listen: self.listen,
            admin: self.admin,
            public_url: self.public_url,
            telemetry,
            credentials: Arc::new(EnvCredentials::new()),
            pace: self.pace,
            limits: self.limits,
            proxies: self.proxies,
            local_only: false,
            clock: system_clock(),
        }
    }
}

/// Where telemetry goes: nothing else is needed to forget an install.
///
/// # Errors
/// `usage.argument` for the field `telemetry`.
pub fn telemetry_of(args: &Args) -> Result<TelemetryAddress> {
    let file = match &args.config {
        Some(path) => FileConfig::read(path)?,
        None => FileConfig::default(),
    };
    telemetry(args, &file)
}

fn telemetry(args: &Args, file: &FileConfig) -> Result<TelemetryAddress> {
    let text = args.telemetry.as_ref().or(file.telemetry.as_ref());
    let text = text.ok_or_else(|| {
        let what = "Where telemetry goes is not said.";
        let remedy = "Name a file with --telemetry sqlite:///absolute/path.sqlite, or say --telemetry none to count nothing.";
        argument("telemetry", what).remedy(remedy)
    })?;
    TelemetryAddress::parse(text)
}

fn admin(args: &Args, file: &FileConfig, base: &Path) -> Result<Option<AdminConfig>> {
    let listen = args.admin_listen.clone().or(file.admin_listen.clone());
    let token = args.admin_token_file.clone();
    let token = token.or(file
        .admin_token_file
        .as_ref()
        .map(|path| beside(base, path)));
    let (listen, path) = match (listen, token) {
        (None, None) => return Ok(None),
        (Some(listen), Some(path)) => (address("admin-listen", &listen)?, path),
        (Some(_), None) => {
            let what = "The admin listener needs a token.";
            let remedy = "Name a file that holds it with --admin-token-file.";
            return Err(argument("admin-token-file", what).remedy(remedy));
        }
        (None, Some(_)) => {
            let what = "There is an admin token, but no --admin-listen.";
            return Err(argument("admin-listen", what));
        }
    };
    let token = read("admin-token-file", &path)?;
    let token = String::from_utf8_lossy(&token).trim().to_owned();
    let plain = token.bytes().all(|b| b.is_ascii_graphic());
    if token.len() < MIN_TOKEN || !plain {
        let what = format!(
            "{} does not hold a token of at least {MIN_TOKEN} visible ASCII characters.",
            path.display()
        );
        return Err(argument("admin-token-file", what));
    }
    Ok(Some(AdminConfig { listen, token }))
}

fn registry(given: &Given) -> Result<RegistryConfig> {
    let address = StorageAddress::parse(&given.address).map_err(|p| p.field("registry"))?;
    let Some(path) = &given.root else {
        let what = format!("The registry {address} has no pinned root.");
        let remedy = "Name the file of its 1.root.json with --root behind it.";
        return Err(argument("root", what).remedy(remedy));
    };
    let root = Bytes::from(read("root", path)?);
    // Read now, so that a wrong file is told by its name.
    Loaded::<Root>::parse(&path.display().to_string(), root.clone())
        .map_err(|p| Problem::new(Code::TrustRoot, p.message).field("root"))?;
    let objects = match &given.objects {
        Some(url) => Some(public_url(url).map_err(|p| p.field("objects"))?),
        None => None,
    };
    Ok(RegistryConfig {
        address,
        root,
        objects,
    })
}

fn read(field: &str, path: &Path) -> Result<Vec<u8>> {
    let failed = |why: String| argument(field, format!("{}: {why}.", path.display()));
    let meta = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?;
    if meta.len() > MAX_METADATA as u64 {
        return Err(failed("the file is too large".into()));
    }
    std::fs::read(path).map_err(|e| failed(e.to_string()))
}

fn address(field: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        let what = format!("{text:?} is no address with a port.");
        argument(field, what).remedy("Write 127.0.0.1:8080 or [::]:8080.")
    })
}

fn argument(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(Code::UsageArgument, what).field(field)
}

/// Path of a file that stands in a configuration file: relative to that.
fn beside(base: &Path, path: &Path) -> PathBuf {
    base.join(path)
}
