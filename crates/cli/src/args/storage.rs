//! `headgate storage`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// Do at the storage what a publish does, and take it away again
    Check,
    /// Credentials of a bucket in the workspace's vault
    #[command(subcommand)]
    Credentials(CredentialsCommand),
    /// Further places that get what the registry gets
    #[command(subcommand)]
    Mirror(MirrorCommand),
    /// Give up uploads in parts that were begun long ago, here or elsewhere, and never ended
    Sweep {
        /// Begun at least so many days ago
        #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
        older_than: u32,
        /// At this mirror instead of the registry's storage
        #[arg(long, value_name = "ADDRESS")]
        mirror: Option<String>,
    },
    /// Put back the last timestamp verified here, where a version was pushed so far that none could follow
    PutBack,
    /// Sign what releases put into storage: their zip, their single files, or both
    Deliver {
        /// zip, files, or zip,files
        what: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialsCommand {
    /// Take them from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN
    Save {
        /// For this mirror instead of the registry
        #[arg(long, value_name = "ADDRESS")]
        mirror: Option<String>,
    },
    /// Remove them; from then on AWS_* variables count
    Forget {
        /// For this mirror instead of the registry
        #[arg(long, value_name = "ADDRESS")]
        mirror: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MirrorCommand {
    /// Add one and bring it up to date
    Add {
        /// Storage address
        address: String,
    },
    /// Addresses of the mirrors
    List,
    /// Prove or copy everything that a mirror should hold
    Sync {
        /// Its address
        address: String,
    },
    /// Forget a mirror; what lies there stays there
    Remove {
        /// Its address
        address: String,
    },
}
