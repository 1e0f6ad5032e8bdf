//! The attacks of the trust model (§7) on the reference device, over HTTP. Each test is named after its attack; whatever
//! is sent, the device runs what it ran before, and takes the next honest update.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

mod device_attacks {
    #[expect(
        dead_code,
        reason = "shared with the tests of the registry, which use all of it"
    )]
    #[path = "../trust/registry.rs"]
    mod registry;

    mod clock;
    mod content;
    mod metadata;
    mod network;
    mod setting;
    mod wrong;
}
