//! Who gets what (architecture §3): what a release manager does, and what each device is told.
#![expect(clippy::unwrap_used, reason = "a failed expectation is the test")]

mod who_gets {
    mod cases;
    mod channel;
    mod history;
}
