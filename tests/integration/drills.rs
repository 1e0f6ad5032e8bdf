//! The drills of `docs/drills.md`, one test each: what somebody with the stolen key can do and what not, the way out as the
//! page tells it, that the key is worthless afterwards, and that devices follow.
#![expect(clippy::unwrap_used, reason = "a drill that cannot look has failed")]

mod drills {
    mod ahead;
    mod approvers;
    mod expired;
    mod freshness;
    mod lost;
    mod operator;
    mod page;
    mod root;
    mod setting;
}
