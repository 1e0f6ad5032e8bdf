//! Arguments and variables.

use std::path::PathBuf;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches, Parser, Subcommand};
use headgate_core::{Problem, Result};

use super::{Env, argument};

/// Registries that the environment can name by number.
const MAX_NUMBERED: usize = 10_000;

/// Answers live updates of Capacitor apps from registries that it verifies.
#[derive(Debug, Parser)]
#[command(name = "headgate-server", version, about)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,

    /// A registry: file:///srv/ota, s3://bucket/prefix?region=NAME or https://cdn.example/ota. Repeat it with its --root.
    #[arg(long, value_name = "ADDRESS")]
    registry: Vec<String>,
    /// The file of the root that is believed, 1.root.json, of the registry before it.
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Where devices read the objects of the registry before it. Needed for a bucket.
    #[arg(long, value_name = "URL")]
    objects: Vec<String>,
    /// Where devices ask [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS", env = "HEADGATE_SERVER_LISTEN")]
    listen: Option<String>,
    /// Where consoles and operators ask.
    #[arg(long, value_name = "ADDRESS", env = "HEADGATE_SERVER_ADMIN_LISTEN")]
    admin_listen: Option<String>,
    /// A file with the bearer token that they send.
    #[arg(long, value_name = "FILE", env = "HEADGATE_SERVER_ADMIN_TOKEN_FILE")]
    admin_token_file: Option<PathBuf>,
    /// sqlite:///absolute/path.sqlite, or none.
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS",
        env = "HEADGATE_SERVER_TELEMETRY"
    )]
    telemetry: Option<String>,
    /// The server's own address as devices reach it.
    #[arg(long, value_name = "URL", env = "HEADGATE_SERVER_PUBLIC_URL")]
    public_url: Option<String>,
    /// Seconds between two looks at a registry [default: 5].
    #[arg(long, value_name = "SECONDS", env = "HEADGATE_SERVER_POLL_SECONDS")]
    poll_seconds: Option<u64>,
    /// Requests a minute of one network whose events are stored; 0 = no limit [default: 6000].
    #[arg(
        long,
        value_name = "NUMBER",
        env = "HEADGATE_SERVER_REQUESTS_PER_MINUTE"
    )]
    requests_per_minute: Option<u32>,
    /// Proxies in front of the server whose X-Forwarded-For is believed [default: 0].
    #[arg(long, value_name = "NUMBER", env = "HEADGATE_SERVER_TRUSTED_PROXIES")]
    trusted_proxies: Option<usize>,
    /// A TOML file with the same.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HEADGATE_SERVER_CONFIG"
    )]
    config: Option<PathBuf>,
    /// Checks the configuration and verifies every registry, then ends.
    #[arg(long)]
    check: bool,
}

/// What else it can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Deletes everything that names an install from telemetry. Counts stay.
    Forget {
        /// Install id, as the device sends it.
        install: String,
    },
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// Something else than serving.
    pub command: Option<Command>,
    /// End after checking.
    pub check: bool,
    pub(super) registries: Vec<Given>,
    pub(super) listen: Option<String>,
    pub(super) admin_listen: Option<String>,
    pub(super) admin_token_file: Option<PathBuf>,
    pub(super) telemetry: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) poll_seconds: Option<u64>,
    pub(super) requests_per_minute: Option<u32>,
    pub(super) trusted_proxies: Option<usize>,
    pub(super) config: Option<PathBuf>,
}

/// A registry as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) address: String,
    pub(super) root: Option<PathBuf>,
    pub(super) objects: Option<String>,
}

/// Why the arguments cannot be used.
#[derive(Debug)]
pub enum Refused {
    /// Help, the version, or words that clap does not know: it says so itself.
    Clap(clap::Error),
    /// Arguments that do not belong together.
    Problem(Problem),
}

impl Args {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse<I, T>(line: I) -> std::result::Result<Self, Refused>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let matches = Line::command()
            .try_get_matches_from(line)
            .map_err(Refused::Clap)?;
        let read = Line::from_arg_matches(&matches).map_err(Refused::Clap)?;
        let registries = paired(&read, &matches).map_err(Refused::Problem)?;
        Ok(Self {
            command: read.command,
            check: read.check,
            registries,
            listen: read.listen,
            admin_listen: read.admin_listen,
            admin_token_file: read.admin_token_file,
            telemetry: read.telemetry,
            public_url: read.public_url,
            poll_seconds: read.poll_seconds,
            requests_per_minute: read.requests_per_minute,
            trusted_proxies: read.trusted_proxies,
            config: read.config,
        })
    }
}

/// Each `--root` and `--objects` belongs to the `--registry` before it.
fn paired(line: &Line, matches: &ArgMatches) -> Result<Vec<Given>> {
    let indices = |name| {
        matches
            .indices_of(name)
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    let starts = indices("registry");
    let mut given: Vec<Given> = line
        .registry
        .iter()
        .map(|address| Given::at(address))
        .collect();
    let before = |index: usize, field: &str| {
        let after = starts.iter().filter(|start| **start < index).count();
        after.checked_sub(1).ok_or_else(|| {
            argument(
                field,
                format!("--{field} stands before the first --registry."),
            )
        })
    };
    let twice = |field: &str| argument(field, format!("A registry has two --{field}."));
    for (index, root) in indices("root").into_iter().zip(&line.root) {
        let of = &mut given[before(index, "root")?];
        if of.root.replace(root.clone()).is_some() {
            return Err(twice("root"));
        }
    }
    for (index, objects) in indices("objects").into_iter().zip(&line.objects) {
        let of = &mut given[before(index, "objects")?];
        if of.objects.replace(objects.clone()).is_some() {
            return Err(twice("objects"));
        }
    }
    Ok(given)
}

impl Given {
    fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            ..Self::default()
        }
    }
}

/// Registries of the environment: `HEADGATE_SERVER_REGISTRY`, `_ROOT` and `_OBJECTS` for one, or with `_1`, `_2`, … behind.
pub(super) fn from_env(env: Env<'_>) -> Result<Vec<Given>> {
    let named = |end: &str| {
        let of =
            |what: &str| env(&format!("HEADGATE_SERVER_{what}{end}")).filter(|v| !v.is_empty());
        of("REGISTRY").map(|address| Given {
            address,
            root: of("ROOT").map(PathBuf::from),
            objects: of("OBJECTS"),
        })
    };
    let numbered: Vec<Given> = (1..=MAX_NUMBERED)
        .map_while(|number| named(&format!("_{number}")))
        .collect();
    match (named(""), numbered.is_empty()) {
        (None, _) => Ok(numbered),
        (Some(one), true) => Ok(vec![one]),
        (Some(_), false) => {
            let what = "HEADGATE_SERVER_REGISTRY and HEADGATE_SERVER_REGISTRY_1 are both set.";
            Err(argument("registry", what))
        }
    }
}
