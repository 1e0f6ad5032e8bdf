//! Signing a request with a key of this computer.

use std::path::PathBuf;

use clap::Args;
use headgate_engine::VaultChoice;

use super::values::vault;

/// Signs a request with a key of this computer. What it says is derived from the bytes to be signed.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// Request, or a PNG picture of its QR code
    pub(crate) request: PathBuf,
    /// Where the key is: os, or file:PATH
    #[arg(long, default_value = "os", value_parser = vault)]
    pub(crate) vault: VaultChoice,
    /// The answer; without it a file beside the request
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Sign in spite of an alarm of this kind; once for each kind, and recorded
    #[arg(long, value_name = "ALARM")]
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
