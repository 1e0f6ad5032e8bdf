//! Signatures of several people: requests, responses, who may sign what.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use headgate_core::Confirm;
use headgate_engine::{Member, public_key};

use super::values::percent;

/// Where a request goes, when others have to sign.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// Write the signing request here, when others have to sign; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Why, for the people who are asked and the audit log
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// What a request would have you sign, derived from the bytes to be signed
    Show {
        /// Request, or a PNG picture of its QR code
        request: PathBuf,
    },
    /// Ask for the signatures that a channel needs for a build
    Create {
        /// Channel that gets it
        #[arg(long)]
        channel: String,
        /// Channel that serves it; without it the one before
        #[arg(long)]
        from: Option<String>,
        /// Build number
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        build: u32,
        /// First share; without it the channel's default
        #[arg(long, value_name = "0.1-100", value_parser = percent)]
        percent: Option<u16>,
        /// The request; must not exist
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Lay the bundle beside it, so that it can be hashed again there
        #[arg(long)]
        bundle: bool,
        /// Why, for the people who are asked
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
    },
    /// Requests of this computer and proposals of others, newest first
    List,
    /// Write a request again
    Save {
        /// At least 8 digits of its id
        id: String,
        /// The request; must not exist
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Lay the bundle beside it
        #[arg(long)]
        bundle: bool,
    },
    /// Sign a proposal with the keys of this computer
    Approve {
        /// At least 8 digits of its id
        id: String,
    },
    /// Refuse a proposal
    Refuse {
        /// At least 8 digits of its id
        id: String,
        /// Why; the asker reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take a request back
    Withdraw {
        /// At least 8 digits of its id
        id: String,
    },
    /// Publish what is signed by enough people
    Publish {
        /// At least 8 digits of its id
        id: String,
    },
    /// Ask again, on top of what others published meanwhile
    Again {
        /// At least 8 digits of its id
        id: String,
        /// The new request; must not exist
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Look for proposals and answers in the private location
    Read {
        /// Use this folder or bucket from now on: the team can read it, the public cannot
        #[arg(long, value_name = "ADDRESS", conflicts_with = "none")]
        location: Option<String>,
        /// Use none from now on
        #[arg(long)]
        none: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResponseCommand {
    /// Take in signatures; publish when they are enough
    Import {
        /// The response
        file: PathBuf,
        /// Do not publish
        #[arg(long)]
        only: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Who may sign what
    Show,
    /// From one owner to several
    Team {
        /// Another owner: their public key, a name for it, who holds it
        #[arg(long, value_name = "HEX=NAME[=HOLDER]", required = true, value_parser = member)]
        member: Vec<Member>,
        /// Owners who must sign root and settings
        #[arg(long, value_name = "NUMBER", default_value_t = 2)]
        root: u32,
        /// Owners who must approve for production
        #[arg(long, value_name = "NUMBER", default_value_t = 2)]
        last: u32,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// A person's key, in roles
    Add {
        #[command(flatten)]
        key: NewKeyArgs,
        /// Role such as main.staging or main.staging.rollout
        #[arg(long, required = true)]
        role: Vec<String>,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Take a key out of every role
    Remove {
        /// Its name, or at least 8 digits of its id
        key: String,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Signatures that a role needs
    Threshold {
        /// Role
        role: String,
        /// How many
        threshold: u32,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Put a key in the place of another
    Rotate {
        /// Name of the old key, or at least 8 digits of its id
        #[arg(long)]
        old: String,
        #[command(flatten)]
        key: NewKeyArgs,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Sign roles again with the same content, for longer
    Renew {
        /// Roles such as root, targets or main.production
        #[arg(required = true)]
        roles: Vec<String>,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Let a known key sign a role
    Grant {
        /// Role
        role: String,
        /// Its name, or at least 8 digits of its id
        key: String,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Stop a key from signing a role
    Revoke {
        /// Role
        role: String,
        /// Its name, or at least 8 digits of its id
        key: String,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// How the window confirms what reaches a channel: none, plain, typed, or wait (typed, then 5 s to undo)
    Confirm {
        /// Channel
        channel: String,
        /// How
        #[arg(value_parser = confirm)]
        how: Confirm,
    },
}

/// A public key with its name.
#[derive(Debug, Args)]
pub(crate) struct NewKeyArgs {
    /// Public key, 64 hex digits
    #[arg(long, value_name = "HEX")]
    pub(crate) public: String,
    /// Its name
    #[arg(long)]
    pub(crate) name: String,
    /// Who holds it
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: String,
}

/// `HEX=NAME` or `HEX=NAME=HOLDER`.
pub(super) fn member(text: &str) -> Result<Member, String> {
    let mut parts = text.splitn(3, '=');
    let hex = parts.next().unwrap_or_default();
    let public = public_key(hex.trim()).map_err(|p| p.message)?;
    let short: String = hex.chars().take(8).collect();
    let name = parts.next().map(str::trim).filter(|n| !n.is_empty());
    let name = name.map_or_else(|| format!("key {short}"), str::to_owned);
    let holder = parts.next().map(str::trim).filter(|n| !n.is_empty());
    Ok(Member {
        public,
        holder: holder.map_or_else(|| name.clone(), str::to_owned),
        name,
    })
}

fn confirm(text: &str) -> Result<Confirm, String> {
    Confirm::parse(text).map_err(|p| p.message)
}
