//! `headgate keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Keys of this computer and of others, the roles that accept them, and when roles end
    List,
    /// One key: fingerprint in groups and words, where it lives, its backup
    Show {
        /// At least 8 digits of its id
        key: String,
    },
    /// Make a freshness key of this computer's own, a key for a role, or the RSA key of a channel's apps
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// For a role that an owner adds it to: changes no root
        #[arg(long, conflicts_with = "rsa")]
        role: bool,
        /// RSA of 2048 bits, for the plugins in a channel's apps
        #[arg(long, requires = "channel")]
        rsa: bool,
        #[command(flatten)]
        place: KeyChannelArgs,
    },
    /// Print the public part of keys, for an owner to accept
    ExportPublic {
        /// At least 8 digits of its id; without it all
        key: Option<String>,
    },
    /// Take a key from an exported file, or from a PEM file of OpenSSL, Ionic, Capgo or Capawesome
    Import {
        /// The file
        #[arg(required_unless_present = "public", conflicts_with = "public")]
        file: Option<PathBuf>,
        /// Accept somebody's public key as a freshness key instead: 64 hex digits
        #[arg(long, value_name = "HEX")]
        public: Option<String>,
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        place: KeyChannelArgs,
    },
    /// Write a key to a file that a passphrase protects
    Export {
        /// At least 8 digits of its id
        key: String,
        /// The file; must not exist
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Prove that an exported file opens and holds a key; nothing of it is kept
    Drill {
        /// At least 8 digits of the key's id
        key: String,
        /// The exported file
        file: PathBuf,
    },
    /// Take a key out of use on this computer
    Retire {
        /// At least 8 digits of its id
        key: String,
    },
    /// Delete a key from this computer
    ///
    /// A key that a role or a channel's apps need is deleted only after a restore drill has proven a backup.
    Delete {
        /// At least 8 digits of its id
        key: String,
        /// The key's name, as the confirmation
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KeyChannelArgs {
    /// For an RSA key: channel whose apps pin it
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Take the place of the channel's key; apps that pin that one need a new version
    #[arg(long, requires = "channel")]
    pub(crate) replace: bool,
}
