//! Every fault at every step of a device: killed, disk full, cut answers, wrong bytes, a clock that jumps. Whatever
//! happens, it has a web build to run, runs no byte that was not verified, and a healthy check later brings it to where
//! it belongs.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

mod device_faults {
    mod faulty;
    mod lives;
    mod stories;
}
