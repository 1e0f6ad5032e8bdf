//! The update server: reads registries with pinned roots, answers device clients, counts what devices run.
//!
//! It holds no key. To clients that verify TUF it can only withhold; the others trust it, and the product says so.

mod admin;
pub mod asker;
pub mod catalog;
pub mod check;
pub mod check_up;
pub mod config;
pub mod dialect;
pub mod load;
pub mod metrics;
pub mod openapi;
mod remember;
pub mod serve;
pub mod source;
pub mod state;
pub mod telemetry;

pub use catalog::{
    Catalog, ChannelServing, PackBytes, RegistryServing, ReleaseServing, UnitServing,
};
pub use check::{CheckIn, Reply, Running};
pub use load::{Origin, Reading, load};
pub use serve::{AdminConfig, Limits, Server, ServerConfig};
pub use source::{Pace, RegistryConfig};
pub use state::AppState;
