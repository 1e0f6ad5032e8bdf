//! The command line. On it the arguments are the confirmation.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use headgate_engine::{Member, VaultChoice};

mod approval;
mod clients;
mod device;
mod keys;
mod offline;
mod server;
mod storage;
mod values;

pub(crate) use approval::{AskArgs, NewKeyArgs, RequestCommand, ResponseCommand, TrustCommand};
pub(crate) use clients::{ChannelKeyArgs, ClientKeyCommand, ClientsCommand, IdCommand};
pub(crate) use device::{DeviceCommand, DeviceRunArgs, FleetArgs, TufClientArgs, TufCommand};
pub(crate) use keys::{KeyChannelArgs, KeysCommand};
pub(crate) use offline::SignArgs;
pub(crate) use server::{DevicesCommand, ServerCommand, WhoGetsArgs};
pub(crate) use storage::{CredentialsCommand, MirrorCommand, StorageCommand};
use values::{percent, vault};

/// Release console for self-hosted live updates: signs web builds and publishes them to storage that you own.
#[derive(Debug, Parser)]
#[command(
    name = "headgate",
    version,
    max_term_width = 110,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Home folder, shared with the console
    #[arg(
        long,
        global = true,
        env = "HEADGATE_HOME",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) home: Option<PathBuf>,
    /// App identifier such as com.acme.field: the workspace, when this computer has several
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) app: Option<String>,
    /// Print one JSON document on stdout, errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Unit
    #[arg(long, global = true, default_value = "main", value_name = "UNIT")]
    pub(crate) unit: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make keys, an empty registry and a workspace
    Init(InitArgs),
    /// Add a workspace that others made
    Connect(ConnectArgs),
    /// Look at a web build; sign and upload nothing
    Inspect(InspectArgs),
    /// Pack a web build into its bundle
    Pack(PackArgs),
    /// Compare a web build or another release with a release; exit code 10 when files differ
    Compare(CompareArgs),
    /// Sign a web build and release it on a channel
    Ship(ShipArgs),
    /// Release the same bytes on another channel
    Promote(PromoteArgs),
    /// Change what a channel serves
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Keys of this computer
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Signatures of other people: take in what they answered
    #[command(subcommand)]
    Response(ResponseCommand),
    /// Who may sign what: teams, people, thresholds, rotation
    #[command(subcommand)]
    Trust(TrustCommand),
    /// What each channel serves
    Status,
    /// What devices make of what each channel serves
    Rollouts,
    /// The update server that counts devices
    #[command(subcommand)]
    Server(ServerCommand),
    /// Devices that the update server has seen
    #[command(subcommand)]
    Devices(DevicesCommand),
    /// What a device would get, and why
    WhoGets(WhoGetsArgs),
    /// The audit log, verified
    Log(LogArgs),
    /// Sign freshness again
    Refresh {
        /// Sign it although it has expired: you have looked at what is there.
        #[arg(long)]
        expired: bool,
    },
    /// Ask the public URL as a device would
    Verify(VerifyArgs),
    /// Where the registry lies: tests, credentials, mirrors
    #[command(subcommand)]
    Storage(StorageCommand),
    /// What devices and their plugins know: ids, RSA keys, gates, embedded builds
    #[command(subcommand)]
    Clients(ClientsCommand),
    /// Unfinished and past work
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Make or open the sandbox on this computer
    Sandbox,
    /// Devices: one in a folder, a simulated fleet, a client of plain TUF
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Signing requests
    #[command(subcommand)]
    Request(RequestCommand),
    /// Sign a request with a key of this computer
    Sign(SignArgs),
    /// Print completions for a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Name of the app
    #[arg(long)]
    pub(crate) name: String,
    /// Storage address: file:///srv/ota, an absolute path, or s3://bucket/prefix?region=NAME
    #[arg(long)]
    pub(crate) storage: String,
    /// Where devices read
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Channels, first to last
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "development,staging,production"
    )]
    pub(crate) channels: Vec<String>,
    /// Who signs what
    #[arg(long, value_enum, default_value_t = Profile::Solo)]
    pub(crate) profile: Profile,
    /// Where the keys go: os, or file:PATH
    #[arg(long, default_value = "os", value_parser = vault)]
    pub(crate) vault: VaultChoice,
    /// For a team: the public key of another owner, a name for it, who holds it
    #[arg(long, value_name = "HEX=NAME[=HOLDER]", value_parser = approval::member)]
    pub(crate) key: Vec<Member>,
    /// For a team: owners who must sign root, settings and approvals of the last channel
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pub(crate) threshold: u32,
    /// For a team: write the request for the other owners here; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// One release key and one online key
    Solo,
    /// Several owners, whose keys are named with --key
    Team,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Storage address
    #[arg(long)]
    pub(crate) storage: String,
    /// 1.root.json, from someone who has it
    #[arg(long, value_name = "FILE")]
    pub(crate) root: PathBuf,
    /// SHA-256 of the root, compared beforehand; needed without a terminal
    #[arg(long, value_name = "HEX")]
    pub(crate) fingerprint: Option<String>,
    /// Name on this computer
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) name: String,
    /// Where devices read
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Where keys will be kept: os, or file:PATH
    #[arg(long, default_value = "os", value_parser = vault)]
    pub(crate) vault: VaultChoice,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Folder, .zip or https:// address of a zip
    pub(crate) build: PathBuf,
    /// Leave source maps out
    #[arg(long)]
    pub(crate) exclude_source_maps: bool,
}

/// Packs the web build as a release is packed and compares: first the bytes, then file by file.
///
/// Exit code 0: the very bytes that were signed, or the same files in another zip. 10: files differ.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Folder, .zip or https:// address of a zip
    // Not named `build`: that is the number.
    #[arg(value_name = "BUILD", required_unless_present = "with")]
    pub(crate) web_build: Option<PathBuf>,
    /// Build number of the release
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) build: u32,
    /// Build number of another release, instead of a web build
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["web_build", "exclude_source_maps"])]
    pub(crate) with: Option<u32>,
    /// Leave source maps out
    #[arg(long)]
    pub(crate) exclude_source_maps: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Folder or .zip
    pub(crate) build: PathBuf,
    /// The bundle
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Leave source maps out
    #[arg(long)]
    pub(crate) exclude_source_maps: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShipArgs {
    /// Folder or .zip; or an https:// address of a zip, which is signed where it lies and not uploaded
    // Not named `build`: that is the number.
    #[arg(value_name = "BUILD")]
    pub(crate) web_build: PathBuf,
    /// Semantic version
    #[arg(long)]
    pub(crate) version: String,
    /// Build number; without it the next free one
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) build: Option<u32>,
    /// Channel
    #[arg(long)]
    pub(crate) channel: String,
    /// First share; without it the channel's default
    #[arg(long, value_name = "0.1-100", value_parser = percent)]
    pub(crate) percent: Option<u16>,
    /// Leave source maps out
    #[arg(long)]
    pub(crate) exclude_source_maps: bool,
    /// For an address: upload its single files too, so that clients that fetch those get it
    #[arg(long)]
    pub(crate) upload_files: bool,
    /// Allow errors of this code, or all
    #[arg(long, value_name = "CODE|all", requires = "reason")]
    pub(crate) allow: Vec<String>,
    /// Why they are acceptable; signed with the release
    #[arg(long, value_name = "TEXT", requires = "allow")]
    pub(crate) reason: Option<String>,
    /// Commit that it was built from
    #[arg(long, value_name = "SHA")]
    pub(crate) commit: Option<String>,
    /// What changed
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Who changed it
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,
    /// Lowest native version on iOS
    #[arg(long, value_name = "VERSION")]
    pub(crate) native_ios_min: Option<String>,
    /// Highest native version on iOS: 4.2.3, or a whole line 4.2.x
    #[arg(long, value_name = "VERSION")]
    pub(crate) native_ios_max: Option<String>,
    /// Lowest native version on Android
    #[arg(long, value_name = "VERSION")]
    pub(crate) native_android_min: Option<String>,
    /// Highest native version on Android
    #[arg(long, value_name = "VERSION")]
    pub(crate) native_android_max: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// Build number
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) build: u32,
    /// Channel that serves it
    #[arg(long, value_name = "CHANNEL")]
    pub(crate) from: String,
    /// Channel that gets it
    #[arg(long, value_name = "CHANNEL")]
    pub(crate) to: String,
    /// First share; without it the channel's default
    #[arg(long, value_name = "0.1-100", value_parser = percent)]
    pub(crate) percent: Option<u16>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ChannelArgs {
    /// Channel
    #[arg(long)]
    pub(crate) channel: String,
    /// Why, for the audit log
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Serve an approved build to a share of the devices, or raise its share
    Set {
        #[command(flatten)]
        place: ChannelArgs,
        /// Build number
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        build: u32,
        /// Share
        #[arg(long, value_name = "0.1-100", value_parser = percent)]
        percent: u16,
    },
    /// Offer it to no new device
    Halt(ChannelArgs),
    /// Go on offering it
    Resume(ChannelArgs),
    /// Serve it to everybody
    Complete(ChannelArgs),
    /// Serve an earlier approved build to everybody
    RollBack {
        #[command(flatten)]
        place: ChannelArgs,
        /// Build number
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        to: u32,
    },
    /// Return devices to the web build inside the store app
    Embedded(ChannelArgs),
    /// Close the channel to more devices: nothing is shipped, promoted, raised or resumed
    Freeze(ChannelArgs),
    /// Open a frozen channel again
    Unfreeze(ChannelArgs),
    /// Sign what new rollouts of a channel begin with
    #[command(group(clap::ArgGroup::new("set").required(true).multiple(true).args(["start", "min_hours"])))]
    Defaults {
        /// Channel
        #[arg(long)]
        channel: String,
        /// Share that they start with
        #[arg(long, value_name = "0.1-100", value_parser = percent)]
        start: Option<u16>,
        /// Hours that each of their steps is meant to last at least
        #[arg(long, value_name = "NUMBER")]
        min_hours: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Entries to show; all are verified
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
    /// Say only whether the log is whole; the exit code says it too
    #[arg(long)]
    pub(crate) verify: bool,
    /// Write the whole log to a new file: .jsonl with the signed bytes, .csv for spreadsheets
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Public URL; a folder works too
    #[arg(long)]
    pub(crate) url: String,
    /// 1.root.json
    #[arg(long, value_name = "FILE")]
    pub(crate) root: PathBuf,
    /// Channel
    #[arg(long)]
    pub(crate) channel: String,
    /// Platform
    #[arg(long, value_enum, default_value_t = PlatformArg::Ios)]
    pub(crate) platform: PlatformArg,
    /// Native version; without it one that the newest release runs on
    #[arg(long, value_name = "VERSION")]
    pub(crate) native: Option<String>,
    /// Build that the device runs; without it the embedded one
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) running: Option<u32>,
    /// Install id; without it one that the newest rollout reaches
    #[arg(long, value_name = "ID")]
    pub(crate) install_id: Option<String>,
    /// Save the bundle in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) download: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PlatformArg {
    /// iOS and iPadOS
    Ios,
    /// Android
    Android,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Newest first
    List,
    /// Go on with a job that failed, waits or was cancelled
    Resume {
        /// Identifier
        id: String,
    },
    /// Give up a job that has not committed
    Cancel {
        /// Identifier
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
