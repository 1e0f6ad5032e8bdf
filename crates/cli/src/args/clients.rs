//! `headgate clients`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PlatformArg;
use super::values::percent;

#[derive(Debug, Subcommand)]
pub(crate) enum ClientsCommand {
    /// Ids, public keys and gates that devices and their plugins know
    Show {
        /// This channel alone
        #[arg(long)]
        channel: Option<String>,
    },
    /// The RSA key that a channel's apps verify
    #[command(subcommand)]
    Key(ClientKeyCommand),
    /// What devices call a unit
    #[command(subcommand)]
    Id(IdCommand),
    /// Sign that devices may move themselves to a channel, where their plugin can ask for that
    SelfAssign {
        /// Channel
        #[arg(long)]
        channel: String,
        /// They may not any more
        #[arg(long)]
        off: bool,
    },
    /// Sign the gate that new rollouts of a channel get
    Gate {
        /// Channel
        #[arg(long)]
        channel: String,
        /// Attempts that are needed before it judges
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), required_unless_present = "off")]
        min_sample: Option<u32>,
        /// Share of failed attempts above which it stops offering
        #[arg(long, value_name = "0.1-100", value_parser = percent, required_unless_present = "off")]
        max_failure: Option<u16>,
        /// No gate
        #[arg(long, conflicts_with_all = ["min_sample", "max_failure"])]
        off: bool,
    },
    /// Sign which build a native version of the app embeds
    Embedded {
        /// Platform
        #[arg(long, value_enum)]
        platform: PlatformArg,
        /// Native version
        #[arg(long, value_name = "VERSION")]
        native: String,
        /// Build number
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), required_unless_present = "off")]
        build: Option<u32>,
        /// Forget it
        #[arg(long, conflicts_with = "build")]
        off: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientKeyCommand {
    /// Make one in the workspace's vault
    Create(ChannelKeyArgs),
    /// Take one from a PEM file: Capgo's .capgo_key_v2, Ionic's appflow_private.pem
    Import {
        #[command(flatten)]
        place: ChannelKeyArgs,
        /// RSA private key of 2048 bits, PKCS#1 or PKCS#8, without a passphrase
        file: PathBuf,
    },
    /// Sign the public half of one that an offline workstation keeps; releases of the channel are asked for there
    Public {
        #[command(flatten)]
        place: ChannelKeyArgs,
        /// RSA public key of 2048 bits, PEM, as headgate-sign keys export-public writes it
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ChannelKeyArgs {
    /// Channel
    #[arg(long)]
    pub(crate) channel: String,
    /// Its name; without it "<channel> apps"
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// In the place of the channel's present key: only apps of a new version verify another one
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IdCommand {
    /// Sign an id of the unit
    Set {
        /// capacitor or ionic
        #[arg(long)]
        kind: String,
        /// The id: com.acme.field, or 8 hex digits
        id: String,
    },
    /// Sign that the unit has no such id
    Remove {
        /// capacitor or ionic
        #[arg(long)]
        kind: String,
    },
}
