//! The command line. On it the arguments are the confirmation.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use headgate_core::Result;
use headgate_core::signing::AlarmKind;
use headgate_offline::VaultPlace;

/// Looks at signing requests and signs them, on a computer without a network.
#[derive(Debug, Parser)]
#[command(
    name = "headgate-sign",
    version,
    max_term_width = 110,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Home folder of the workstation
    #[arg(
        long,
        global = true,
        env = "HEADGATE_HOME",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON document on stdout, errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Pin the root of an app, after its words were compared by voice
    Setup {
        /// 1.root.json, from someone who has it
        root: PathBuf,
        /// SHA-256 of the file, compared beforehand; needed without a terminal
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
    },
    /// Pinned roots
    Roots,
    /// Keys of this workstation
    #[command(subcommand)]
    Keys(Keys),
    /// Requests in a folder
    List {
        /// Folder, often a USB drive
        folder: PathBuf,
    },
    /// What a request would have you sign
    Show {
        /// Request, or a PNG picture of its QR code
        request: PathBuf,
    },
    /// Sign a request
    Sign(Sign),
    /// Answer that a request is not signed
    Refuse {
        /// Request, or a PNG picture of its QR code
        request: PathBuf,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who answers
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "NAME"
        )]
        by: String,
        /// The answer; without it a file beside the request
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// A file as a QR code, on the terminal or as a PNG
    Qr {
        /// Request or response
        file: PathBuf,
        /// The picture; without it the code is drawn here
        #[arg(short, long, value_name = "PNG")]
        output: Option<PathBuf>,
    },
    /// Everything that was done here
    History {
        /// Write it to this file instead, one JSON object a line
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Request, or a PNG picture of its QR code
    pub(crate) request: PathBuf,
    /// Where the key is: os, or file:PATH; without it where it is recorded
    #[arg(long, value_parser = vault, value_name = "VAULT")]
    pub(crate) vault: Option<VaultPlace>,
    /// The answer; without it a file beside the request
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Sign in spite of an alarm of this kind; once for each kind, and recorded
    #[arg(long, value_name = "ALARM", value_parser = alarm)]
    pub(crate) accept: Vec<String>,
    /// The key, by name or by at least 8 digits of its id
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Who signs
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "NAME"
    )]
    pub(crate) by: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Keys that are recorded here
    List,
    /// Make a key; its public half goes to the team
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// RSA of 2048 bits, for the plugins in a channel's apps
        #[arg(long)]
        rsa: bool,
        /// Where it goes: os, or file:PATH; without it a passphrase file of the workstation
        #[arg(long, value_parser = vault, value_name = "VAULT")]
        vault: Option<VaultPlace>,
    },
    /// Take a key from an exported file or a PEM file; RSA keys are for the plugins in a channel's apps
    Import {
        /// The file
        file: PathBuf,
        /// Its name
        #[arg(long)]
        name: String,
        /// Where it goes: os, or file:PATH; without it a passphrase file of the workstation
        #[arg(long, value_parser = vault, value_name = "VAULT")]
        vault: Option<VaultPlace>,
    },
    /// Write the public half of a key for the team: hex digits, or PEM of an RSA key
    ExportPublic {
        /// Its name, or at least 8 digits of its id
        key: String,
        /// The file; must not exist
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Write a key to a file that a passphrase protects
    Export {
        /// Its name, or at least 8 digits of its id
        key: String,
        /// The file; must not exist
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

fn vault(text: &str) -> Result<VaultPlace, String> {
    VaultPlace::parse(text).map_err(|p| p.message)
}

fn alarm(text: &str) -> Result<String, String> {
    let kinds: Vec<&str> = AlarmKind::ALL.iter().map(|k| k.text()).collect();
    match kinds.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("an alarm is one of {}", kinds.join(", "))),
    }
}
