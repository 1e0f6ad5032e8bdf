//! Data that crosses to the window. Times are RFC 3339 in UTC with whole seconds, sizes are bytes,
//! shares are permille (0..=1000), hashes are lower-case hex.

mod app;
mod board;
mod devices;
mod job;
mod offline;
mod promote;
mod rollout;
mod ship;

pub use app::*;
pub use board::*;
pub use devices::*;
pub use job::*;
pub use offline::*;
pub use promote::*;
pub use rollout::*;
pub use ship::*;
