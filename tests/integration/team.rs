//! Several people: approvals by k of n, root ceremonies, proposals between consoles.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "team/approvals.rs"]
mod approvals;
#[path = "team/ceremonies.rs"]
mod ceremonies;
#[path = "team/plugins.rs"]
mod plugins;
#[path = "team/proposals.rs"]
mod proposals;
#[path = "team/responses.rs"]
mod responses;
#[path = "team/waiting.rs"]
mod waiting;
#[path = "team/window.rs"]
mod window;
