//! Web builds become bundles: open and check a folder or zip, inspect it, pack it deterministically.
//!
//! Nothing here extracts an archive, follows a link, runs a program or reaches the network. Memory does
//! not grow with the size of the build.

mod external;
mod folder;
pub mod git;
pub mod inspect;
pub mod limits;
pub mod look;
mod names;
pub mod pack;
pub mod read;
pub mod single;
pub mod source;

pub use external::{EXTERNAL, take_over};
pub use git::{GitSource, git_source};
pub use inspect::{
    Finding, InspectContext, Inspection, Location, Severity, inspect, version_of_a_native_app,
};
pub use limits::Limits;
pub use look::{Look, LookKind, quick_look};
pub use pack::{DEFAULT_LEVEL, PackOptions, Packed, Packer, pack};
pub use single::{BundleFiles, store_files};
pub use source::{SourceFile, SourceKind, WebBuild};
