//! Pending approvals, and proposals between consoles.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::IpcError;

/// Names a pending approval.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalRef {
    /// Workspace on this computer.
    pub workspace: String,
    /// Id of the request.
    pub id: String,
}

/// Names a pending approval, with a reason.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalReason {
    /// Workspace on this computer.
    pub workspace: String,
    /// Id of the request.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Publishes a complete approval.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalPublish {
    /// Workspace on this computer.
    pub workspace: String,
    /// Id of the request.
    pub id: String,
    /// What the person typed, where the channel asks for its name.
    pub typed: Option<String>,
}

/// Asks for the signatures that a plan lacks.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AskRequest {
    /// Handle of the plan.
    pub plan: String,
    /// Why, for the people who are asked.
    pub reason: String,
}

/// Signatures are asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Asked {
    /// The job that signs here and uploads.
    pub job: String,
    /// Id of the request that it makes.
    pub id: String,
}

/// A role that other people have to sign.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignMissing {
    /// Role name.
    pub role: String,
    /// Signatures that it needs.
    pub need: u32,
    /// Signatures that this computer can make.
    pub have: u32,
    /// Who may sign.
    pub keys: Vec<SignerKey>,
}

/// A key that may sign a role.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignerKey {
    /// Its id.
    pub id: String,
    /// Its name from the signed root.
    pub name: String,
    /// Who holds it, from the signed root.
    pub holder: String,
    /// It is recorded as one of this computer's.
    pub own: bool,
    /// Its signature is there and verifies.
    pub signed: bool,
    /// When its signature came to this computer, by its clock; nothing where that is not known.
    pub arrived: Option<String>,
}

/// Something that happened to a pending approval.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalEvent {
    /// When, by this computer's clock.
    pub at: String,
    /// Who, in words.
    pub by: String,
    /// `asked`, `made`, `signed`, `refused` or `withdrawn`.
    pub what: String,
    /// Keys that signed, or the reason.
    pub text: String,
}

/// Pending approvals of a workspace, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Approvals {
    /// Pending and past ones.
    pub list: Vec<Approval>,
    /// The private location that proposals travel through; nothing when there is none.
    pub location: Option<String>,
    /// When that location was last read; nothing when it never was.
    pub looked: Option<String>,
    /// Why the last look into it failed.
    pub problem: Option<IpcError>,
}

/// A pending approval, in short.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Id of the request.
    pub id: String,
    /// What it does: "Promote 4.2.5 to production".
    pub title: String,
    /// Asked for here; otherwise a proposal of somebody else.
    pub own: bool,
    /// `open`, `done`, `withdrawn`, `refused` or `replaced`.
    pub state: String,
    /// Unit that it changes; nothing for a change of trust.
    pub unit: Option<String>,
    /// Channel that it changes.
    pub channel: Option<String>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub created: String,
    /// Until when it is wanted.
    pub expires: String,
    /// It has expired.
    pub expired: bool,
    /// Signatures that are there.
    pub have: u32,
    /// Signatures that it needs.
    pub need: u32,
    /// Everything is signed.
    pub complete: bool,
    /// A key of this computer could still sign.
    pub mine: bool,
    /// Whether the signatures of the channel's RSA key are there; nothing where plugins need none.
    pub rsa: Option<ApprovalRsa>,
    /// Why it cannot be used any more: what others published meanwhile.
    pub stale: Option<String>,
    /// What happened to it.
    pub events: Vec<ApprovalEvent>,
    /// The publish that it became.
    pub job: Option<String>,
}

/// Signatures of a channel's RSA key, which plugins verify.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalRsa {
    /// The key's name.
    pub key: String,
    /// They are there.
    pub there: bool,
}

/// One line of what a role says.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignedLine {
    /// What it is about: "May be served".
    pub what: String,
    /// Before; nothing when there was no version before.
    pub before: Option<String>,
    /// With the signature.
    pub after: String,
    /// `same`, `changed` or `danger`.
    pub mark: String,
}

/// A role as it would be signed. Everything in it is derived from the signed bytes.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignedRoleView {
    /// Role name.
    pub role: String,
    /// Version.
    pub version: u32,
    /// Version that the lines are compared with.
    pub against: Option<u32>,
    /// SHA-256 of the signed bytes.
    pub sha256: String,
    /// Its first 132 bits as 12 words.
    pub words: Vec<String>,
    /// What it says.
    pub lines: Vec<SignedLine>,
    /// Signatures that are there.
    pub have: u32,
    /// Signatures that it needs.
    pub need: u32,
    /// Keys that count.
    pub keys: Vec<SignerKey>,
    /// When it stops to count.
    pub expires: String,
}

/// The release that an approval is about.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovedBundle {
    /// "4.2.5".
    pub version: String,
    /// Build number.
    pub build: u32,
    /// Commit that it says it was built from.
    pub commit: Option<String>,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// Its first 132 bits as 12 words.
    pub words: Vec<String>,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Native versions in words.
    pub native: String,
}

/// A file that differs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovedFile {
    /// `added`, `removed` or `changed`.
    pub kind: String,
    /// Path in the bundle.
    pub path: String,
    /// Bytes before.
    #[ts(type = "number | null")]
    pub before: Option<u64>,
    /// Bytes now.
    #[ts(type = "number | null")]
    pub after: Option<u64>,
}

/// Files of a release against the release before it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileDifference {
    /// "4.2.4"; nothing when there was none.
    pub against: Option<String>,
    /// Files that differ, by path.
    pub files: Vec<ApprovedFile>,
    /// Files that are the same.
    pub same: u32,
}

/// A pending approval with everything that a person needs to decide.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalDetail {
    /// In short.
    pub approval: Approval,
    /// What it does, derived from the signed bytes.
    pub derived: String,
    /// Roles.
    pub roles: Vec<SignedRoleView>,
    /// What speaks against signing.
    pub alarms: Vec<String>,
    /// The release, where it is about one.
    pub release: Option<ApprovedBundle>,
    /// Its files.
    pub difference: Option<FileDifference>,
    /// What must be typed to publish it.
    pub type_to_confirm: Option<String>,
    /// Who gets it once it is published.
    pub effect: Option<String>,
}

/// A response that was taken in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ResponseImported {
    /// Id of the request; nothing when the dialog was cancelled.
    pub id: Option<String>,
    /// Names of the keys whose signatures are new.
    pub added: Vec<String>,
    /// Names of the keys whose signatures were there already.
    pub known: Vec<String>,
    /// Everything is signed.
    pub complete: bool,
}

/// A file that was saved.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestSaved {
    /// Its name; nothing when the dialog was cancelled.
    pub file: Option<String>,
    /// The bundle was laid beside it.
    pub bundle: bool,
}

/// Saves a request for another person.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestSave {
    /// Workspace on this computer.
    pub workspace: String,
    /// Id of the request.
    pub id: String,
    /// Lay the bundle beside it, so that it can be hashed again there.
    pub bundle: bool,
}

/// A QR code, black on white in every theme.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QrSquares {
    /// Squares of a side.
    pub side: usize,
    /// Path of its dark squares, one unit each.
    pub path: String,
}

/// A request as a QR code.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestQr {
    /// The code; nothing when it does not fit.
    pub code: Option<QrSquares>,
    /// Documents, roots and settings are left out of it, so that it fits: who signs must know them already.
    pub light: bool,
    /// Why it does not fit.
    pub problem: Option<IpcError>,
}

/// Sets the private location.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProposalsRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its address; nothing takes it away.
    pub address: Option<String>,
}

/// What a look into the private location found.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProposalsFound {
    /// Proposals that are new here.
    pub proposals: u32,
    /// Answers that are new here.
    pub answers: u32,
    /// Files that were ignored, with the reason.
    pub ignored: Vec<String>,
}
