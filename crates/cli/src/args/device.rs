//! `headgate device …`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use headgate_core::Platform;
use headgate_core::status::Dialect;

use super::PlatformArg;
use super::values::rate;

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Run one reference device: check, download, verify, stage; the next run applies it
    Run(DeviceRunArgs),
    /// Run simulated devices against an update server
    Fleet(FleetArgs),
    /// A client of plain TUF repositories, as tuf-conformance runs it
    TufClient(TufClientArgs),
}

impl DeviceCommand {
    /// Whether a workspace of the home folder has to give what was not named: devices that verify need a root.
    pub(crate) fn needs_home(&self) -> bool {
        match self {
            Self::Fleet(args) => {
                args.root.is_none() && args.dialects.iter().any(|(dialect, _)| dialect.verifies())
            }
            Self::Run(_) | Self::TufClient(_) => false,
        }
    }
}

/// The app on the device would be the one that runs the web build: this command plays it. It starts the device, confirms what
/// is on trial unless told otherwise, checks and reports. Run it again to apply what was staged.
#[derive(Debug, Args)]
pub(crate) struct DeviceRunArgs {
    /// Update server
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// 1.root.json
    #[arg(long, value_name = "FILE")]
    pub(crate) root: PathBuf,
    /// Channel
    #[arg(long)]
    pub(crate) channel: String,
    /// The device's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Platform
    #[arg(long, value_enum, default_value_t = PlatformArg::Android)]
    pub(crate) platform: PlatformArg,
    /// Native version
    #[arg(long, value_name = "VERSION", default_value = "1.0.0")]
    pub(crate) native: String,
    /// Install id; without it one is drawn at the first run
    #[arg(long, value_name = "ID")]
    pub(crate) install_id: Option<String>,
    /// Say that what is on trial did not start
    #[arg(long)]
    pub(crate) crash: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// Update server
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// 1.root.json, for devices of Headgate's dialect; without it that of the workspace on this computer
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// Channel
    #[arg(long)]
    pub(crate) channel: String,
    /// Devices
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) devices: u32,
    /// What they speak, in equal parts or with weights: capgo=3,ionic=1
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "headgate,capgo,ionic,cordova",
        value_parser = dialect
    )]
    pub(crate) dialects: Vec<(Dialect, u32)>,
    /// Platforms and native versions, with weights: android:4.2.0=5,ios:4.1.0
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LIST",
        default_value = "ios:4.2.0=3,android:4.2.0=5,android:4.1.0=2",
        value_parser = native
    )]
    pub(crate) natives: Vec<(Platform, String, u32)>,
    /// Appflow app id of devices that speak Ionic's protocols; without it the app identifier
    #[arg(long, value_name = "ID")]
    pub(crate) ionic_id: Option<String>,
    /// Share of the devices on which a failing release does not start
    #[arg(long, value_name = "0-100", default_value = "0", value_parser = rate)]
    pub(crate) failure_rate: u16,
    /// A failing release, by build number; can be repeated
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) failing_build: Vec<u32>,
    /// Failing releases, by a text in their version; empty for none
    #[arg(long, value_name = "TEXT", default_value = "-bad")]
    pub(crate) failing_version: String,
    /// Seconds between two starts of the app on a device
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) every: u64,
    /// Seconds over which devices arrive
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) ramp: u64,
    /// Starts of the app on each device; without it until interrupted
    #[arg(long, value_name = "NUMBER")]
    pub(crate) rounds: Option<u32>,
    /// Decides everything that is drawn
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Devices that ask at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 24)]
    pub(crate) concurrency: usize,
}

impl FleetArgs {
    /// Builds that fail.
    pub(crate) fn failing(&self) -> BTreeSet<u32> {
        self.failing_build.iter().copied().collect()
    }
}

/// The command line of tuf-conformance, without the exit codes of this program: 1 for every failure.
#[derive(Debug, Args)]
pub(crate) struct TufClientArgs {
    /// Folder of trusted metadata
    #[arg(long, value_name = "DIR")]
    pub(crate) metadata_dir: PathBuf,
    /// Where metadata lies
    #[arg(long, value_name = "URL")]
    pub(crate) metadata_url: Option<String>,
    /// Targets, in order
    #[arg(long, value_name = "PATH")]
    pub(crate) target_name: Vec<String>,
    /// Where targets lie
    #[arg(long, value_name = "URL")]
    pub(crate) target_base_url: Option<String>,
    /// Folder for targets
    #[arg(long, value_name = "DIR")]
    pub(crate) target_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: TufCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TufCommand {
    /// Take a root as trusted
    Init {
        /// The root
        root: PathBuf,
    },
    /// Bring metadata up to date
    Refresh,
    /// Download targets
    Download,
}

/// `capgo` or `capgo=3`.
fn dialect(text: &str) -> Result<(Dialect, u32), String> {
    let (name, weight) = weighted(text)?;
    let known = Dialect::ALL.into_iter().find(|d| d.text() == name);
    let dialect = known.ok_or_else(|| {
        let names = Dialect::ALL.map(Dialect::text).join(", ");
        format!("{name:?} is none of {names}")
    })?;
    Ok((dialect, weight))
}

/// `android:4.2.0` or `android:4.2.0=5`.
fn native(text: &str) -> Result<(Platform, String, u32), String> {
    let (place, weight) = weighted(text)?;
    let bad = || format!("{text:?} is no platform and version such as android:4.2.0=5");
    let (platform, version) = place.split_once(':').ok_or_else(bad)?;
    let platform = match platform {
        "ios" => Platform::Ios,
        "android" => Platform::Android,
        _ => return Err(bad()),
    };
    if version.is_empty() || version.len() > 64 {
        return Err(bad());
    }
    Ok((platform, version.to_owned(), weight))
}

fn weighted(text: &str) -> Result<(&str, u32), String> {
    match text.split_once('=') {
        None => Ok((text, 1)),
        Some((name, weight)) => {
            let weight = weight.parse().ok().filter(|w| (1..=1000).contains(w));
            weight
                .map(|weight| (name, weight))
                .ok_or_else(|| format!("{text:?} has no weight between 1 and 1000"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fleets_are_mixed_by_weight() {
        assert_eq!(dialect("capgo=3"), Ok((Dialect::Capgo, 3)));
        assert_eq!(dialect("ionic"), Ok((Dialect::Ionic, 1)));
        let android = (Platform::Android, "4.2.0".to_owned(), 5);
        assert_eq!(native("android:4.2.0=5"), Ok(android));
        for bad in ["appflow", "capgo=0", "capgo=x", "=1", ""] {
            assert!(dialect(bad).is_err(), "{bad}");
        }
        for bad in ["4.2.0", "windows:1", "ios:", "ios:1=-1"] {
            assert!(native(bad).is_err(), "{bad}");
        }
    }
}
