//! The update server on registries that real consoles write.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

#[path = "trust/registry.rs"]
#[expect(dead_code, reason = "the tests of trust attack more of it")]
mod registry;

mod server {
    mod admin;
    mod binary;
    mod clients;
    mod fixture;
    mod gate;
    mod headgate;
    mod loading;
    mod objects;
    mod polling;
    mod rsa_key;
    mod trust;
}
