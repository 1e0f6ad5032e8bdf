//! The update server: reads registries with pinned roots, answers device clients, counts what devices run.
//!
//! It holds no key. To clients that verify TUF it can only withhold; the others trust it, and the product says so.

pub mod catalog;
pub mod check;
pub mod dialect;
pub mod load;
mod remember;
pub mod state;
pub mod telemetry;

pub use catalog::{
    Catalog, ChannelServing, PackBytes, RegistryServing, ReleaseServing, UnitServing,
};
pub use check::{CheckIn, Reply, Running};
pub use load::{Origin, Reading, load};
pub use state::AppState;
