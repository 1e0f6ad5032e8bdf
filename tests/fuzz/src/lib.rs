//! What must hold for any input of each reader of outside data. The fuzz targets call these, and so
//! does the plain test `crates/bundle/tests/fuzzed.rs`, which needs no fuzzer.

mod invariants;
pub mod mutate;
mod seeds;

pub use invariants::*;
pub use seeds::seeds;
