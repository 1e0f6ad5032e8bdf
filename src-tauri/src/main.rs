//! The console's window.
fn main() {}
