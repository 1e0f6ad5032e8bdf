//! The update server on registries that real consoles write.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

mod server {
    mod loading;
}
