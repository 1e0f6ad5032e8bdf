//! A workspace in a real bucket: the main job, uploads that survive anything, and every fault of `docs/faults.md`.
//! After each fault nothing is lost, a device sees a whole state, and the person is told what still holds.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

mod s3 {
    mod bench;
    mod commit;
    mod faults;
    mod looks;
    mod main_job;
    mod mirrors;
    mod races;
    mod served;
    mod singles;
    mod uploads;
}
