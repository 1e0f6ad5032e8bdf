//! Signing requests and their answers: role bytes travel to whoever holds a missing key, signatures travel back.
//!
//! A request is another person's file. What is shown of it is derived from the bytes that would be signed, from the
//! committed versions that those bytes name by hash, and from documents that they list by hash; the rest of the file
//! is shown as what somebody says ([`Review::claims`]) and decides nothing.

mod clients;
mod committed;
mod edits;
mod judge;
mod places;
mod request;
mod response;
mod review;
mod roles;
mod shown;
mod table;
mod title;

pub use clients::{ClientsAsked, ClientsMade};
pub use committed::Committed;
pub use edits::TrustEdit;
pub use request::{MAX_REQUEST, RoleRequest, SigningRequest};
pub use response::{
    Answer, MAX_CLIENTS_RESPONSE, MAX_RESPONSE, Merged, RoleSignature, SigningResponse, merge,
};
pub use review::{
    Alarm, AlarmKind, Claims, ClientsToMake, Facts, KeyState, Review, RoleReview, Seen, review,
};
pub use roles::{SignedRole, Signers, signers};
pub use shown::{Line, Mark, plain};
pub use table::TrustTable;
