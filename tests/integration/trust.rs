//! Attacks on a registry: by someone who can write the storage but holds no key, and by holders of single keys.
//! Every reader refuses with the right code, and nothing is published on top of what was not believed.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

mod trust {
    pub(crate) mod registry;

    mod binding;
    mod files;
    mod freshness;
    mod log;
    mod log_window;
    mod log_words;
    mod profile;
    mod publisher;
    mod rollback;
    mod thresholds;
}
