//! `headgate server`, `headgate devices`, `headgate who-gets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PlatformArg;

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Connect the update server that counts this workspace's devices
    Connect {
        /// Address of its admin listener
        #[arg(long)]
        url: String,
        /// File with its admin token; without it the token in the vault stays
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// Address that devices ask, when the server does not say it
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
    },
    /// The connected server, and what it does on each channel
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// What the update server knows of one install
    LookUp {
        /// Install id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct WhoGetsArgs {
    /// Channel, or an alias that devices send
    #[arg(long, default_value = "production")]
    pub(crate) channel: String,
    /// Platform
    #[arg(long, value_enum)]
    pub(crate) platform: PlatformArg,
    /// Native version
    #[arg(long, value_name = "VERSION")]
    pub(crate) native: String,
    /// Install id; without it a device that sends none
    #[arg(long, value_name = "ID")]
    pub(crate) install: Option<String>,
    /// Build that it runs; without it the embedded one
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) running: Option<u32>,
}
