//! An offline workstation: a computer without a network that holds a key and signs what others ask for.
//!
//! It pins its own roots, remembers what it signed last of every role, reads requests from a folder (a USB drive) or
//! from a picture of a QR code, shows what the signed bytes say, and hands the answer back as a file or as a QR code.
//! Everything is a file below one folder; there is no database, no runtime and no socket.

pub mod answer;
mod bundle;
pub mod cli;
mod clients;
mod disk;
pub mod history;
pub mod inbox;
pub mod keys;
pub mod pins;
pub mod qr;
pub mod review;
mod rsa;
pub mod signing;
mod state;
mod workstation;

pub use answer::HandedBack;
pub use bundle::BundleVerdict;
pub use history::{Entry, RoleEntry};
pub use inbox::{Found, Standing};
pub use keys::{AnyOwn, OwnKey, VaultPlace, public_key};
pub use pins::{Owner, RootPreview};
pub use review::{FileChanges, Look};
pub use rsa::OwnRsa;
pub use signing::SignOptions;
pub use workstation::{Settings, Workstation};

pub use headgate_signer::Passphrase;
