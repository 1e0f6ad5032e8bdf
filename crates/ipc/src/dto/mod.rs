//! Data that crosses to the window. Times are RFC 3339 in UTC with whole seconds, sizes are bytes,
//! shares are permille (0..=1000), hashes are lower-case hex.

mod activity;
mod app;
mod approval;
mod board;
mod devices;
mod job;
mod keys;
mod offline;
mod promote;
mod rollout;
mod settings;
mod ship;
mod storage;
mod trust;

pub use activity::*;
pub use app::*;
pub use approval::*;
pub use board::*;
pub use devices::*;
pub use job::*;
pub use keys::*;
pub use offline::*;
pub use promote::*;
pub use rollout::*;
pub use settings::*;
pub use ship::*;
pub use storage::*;
pub use trust::*;
