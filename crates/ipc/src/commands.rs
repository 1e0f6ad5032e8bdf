//! The one list of commands. The shell's wrappers, `dispatch` and the TypeScript come from it.

use ts_rs::TS;

use crate::dto::*;

/// Hands the whole list to another macro: name, request, answer.
#[macro_export]
macro_rules! for_each_command {
    ($with:path) => {
        $with! {
            /// What the window needs to start.
            app_state(Empty) -> AppState;
            /// Chooses the theme.
            set_theme(SetTheme) -> Empty;
            /// Turns the single letters of the board on or off.
            set_letters(SetLetters) -> Empty;
            /// Makes or opens the sandbox on this computer.
            sandbox_start(Empty) -> Workspace;
            /// Opens a native dialog for a storage folder.
            storage_choose(Empty) -> PickedPath;
            /// Opens a native dialog for `1.root.json` and reads it.
            root_choose(Empty) -> PickedRoot;
            /// Tests storage against the picked root.
            connect_test(ConnectRequest) -> ConnectTest;
            /// Pins the root and adds the workspace.
            connect(ConnectRequest) -> Workspace;
            /// Makes keys and registry of a new workspace; with other owners it waits for their signatures.
            workspace_create(WorkspaceCreate) -> WorkspaceCreated;
            /// Tests the storage of a workspace again, line by line.
            storage_check(WorkspaceRef) -> ConnectTest;
            /// What the storage of a workspace is set to, as last read.
            storage_settings(WorkspaceRef) -> StorageSettings;
            /// Derives what a change of what releases put into storage would sign. Signs nothing.
            deliver_prepare(DeliverRequest) -> SettingsPlan;
            /// Derives what a change of a channel's defaults would sign. Signs nothing.
            channel_prepare(ChannelChange) -> SettingsPlan;
            /// Signs and publishes a change of settings, as a job.
            settings_start(StartRequest) -> JobRef;
            /// Adds a mirror and brings it up to date, as a job.
            mirror_add(MirrorAdd) -> JobRef;
            /// Brings a mirror up to date, as a job.
            mirror_sync(MirrorRef) -> JobRef;
            /// Forgets a mirror. What lies there stays there.
            mirror_remove(MirrorRef) -> Empty;
            /// Gives up uploads in parts that nobody ended.
            uploads_sweep(UploadsSweep) -> UploadsSwept;
            /// Puts credentials for a workspace's storage into the vault.
            credentials_set(CredentialsRequest) -> Empty;
            /// Shows another workspace.
            workspace_select(WorkspaceRef) -> Empty;
            /// The board from the local cache, at once.
            board(BoardRequest) -> Board;
            /// Reads and verifies storage now, then says that the board changed.
            sync(WorkspaceRef) -> Empty;
            /// Signs freshness again, as a job.
            freshness_refresh(WorkspaceRef) -> JobRef;
            /// Opens a native dialog for a web build.
            build_choose(ChooseBuild) -> PickedBuild;
            /// Picks the sandbox's sample web build.
            build_sample(WorkspaceRef) -> PickedBuild;
            /// Picks a web build that lies at an address already.
            artifact_pick(ArtifactRequest) -> PickedBuild;
            /// Compares an inspected web build with a release, file by file.
            compare_build(CompareRequest) -> Comparison;
            /// Compares two releases of a unit by their signed file lists.
            compare_releases(CompareReleases) -> Comparison;
            /// Inspects a web build as a job.
            inspect_start(InspectRequest) -> JobRef;
            /// A finished inspection.
            inspection(InspectionRef) -> Inspection;
            /// Derives what would be signed. Signs nothing.
            ship_prepare(ShipRequest) -> SignPlan;
            /// Signs, uploads and releases, as a job.
            ship_start(StartRequest) -> JobRef;
            /// Derives what a promotion would sign, with the proof of equal bytes.
            promote_prepare(PromoteRequest) -> PromotePlan;
            /// Signs and publishes the promotion, as a job.
            promote_start(StartRequest) -> JobRef;
            /// Rollouts of a unit, one row a channel, from the local cache.
            rollouts(BoardRequest) -> Rollouts;
            /// One rollout with all that is known of it, from the local cache.
            rollout(ChannelRef) -> RolloutView;
            /// Derives what a change of a rollout would do and sign. Signs nothing.
            rollout_prepare(RolloutChangeRequest) -> RolloutPlan;
            /// Signs and publishes the change, as a job.
            rollout_start(StartRequest) -> JobRef;
            /// Devices of a channel, from the local cache.
            devices(DevicesRequest) -> Devices;
            /// Asks the server about one install.
            install_lookup(InstallRequest) -> Installs;
            /// What a device would get, by the rule that server and devices use.
            simulate(SimulateRequest) -> OfferAnswer;
            /// The update server of a workspace.
            server_link(WorkspaceRef) -> ServerLink;
            /// Connects the update server: asks it once, then puts the token into the vault.
            server_connect(ServerRequest) -> ServerLink;
            /// What an app needs to ask this workspace's server, for each dialect.
            client_setups(ChannelRef) -> ClientSetups;
            /// Starts or stops the sandbox's simulated devices.
            fleet(FleetRequest) -> Fleet;
            /// The simulated devices that run; none where none were started.
            fleet_state(WorkspaceRef) -> Fleet;
            /// Jobs that are not dismissed, newest first.
            jobs(Empty) -> Jobs;
            /// One job.
            job(JobRef) -> Job;
            /// Stops a job that has not committed.
            job_cancel(JobRef) -> Empty;
            /// Holds a job that has not committed. What was sent stays sent; it goes on when a person says so.
            job_pause(JobRef) -> Empty;
            /// Ends the pause before the next try of what failed for the moment.
            job_retry_now(JobRef) -> Empty;
            /// Goes on with a job that failed, waits or is paused. Only what is missing is sent.
            job_resume(JobRef) -> Empty;
            /// Hides an ended job.
            job_dismiss(JobRef) -> Empty;
            /// The audit log, verified on this computer.
            activity(ActivityRequest) -> Activity;
            /// Opens a native dialog and saves the log there.
            activity_export(ActivityExport) -> ActivitySaved;
            /// Pending approvals, newest first.
            approvals(WorkspaceRef) -> Approvals;
            /// One pending approval, derived from the bytes that are signed.
            approval(ApprovalRef) -> ApprovalDetail;
            /// Asks for the signatures that a plan lacks, as a job.
            approval_ask(AskRequest) -> Asked;
            /// Signs with the keys of this computer.
            approval_sign(ApprovalRef) -> ResponseImported;
            /// Refuses a proposal of somebody else.
            approval_refuse(ApprovalReason) -> Empty;
            /// Takes an own request back.
            approval_withdraw(ApprovalReason) -> Empty;
            /// Publishes a complete approval, as a job.
            approval_publish(ApprovalPublish) -> JobRef;
            /// Asks again, on top of what others published meanwhile.
            approval_again(ApprovalRef) -> Asked;
            /// Saves a request for another person; a native dialog asks where to.
            approval_save(RequestSave) -> RequestSaved;
            /// A request as a QR code, where it fits into one.
            approval_qr(ApprovalRef) -> RequestQr;
            /// Opens a native dialog for a response and takes it in.
            approval_import(WorkspaceRef) -> ResponseImported;
            /// Opens a native dialog for a picture of a response's QR code and takes it in.
            approval_scan(WorkspaceRef) -> ResponseImported;
            /// Sets the private location that proposals travel through.
            proposals_set(ProposalsRequest) -> Empty;
            /// Reads proposals of others, and answers to own requests.
            proposals_read(WorkspaceRef) -> ProposalsFound;
            /// Who may sign what, as it is committed.
            trust(WorkspaceRef) -> TrustView;
            /// Derives what a ceremony would change. Signs nothing.
            trust_prepare(TrustRequest) -> TrustPlan;
            /// Signs and publishes the ceremony, as a job.
            trust_start(StartRequest) -> JobRef;
            /// Keys and roles from the local cache; a locked keychain is not asked to open.
            keys(WorkspaceRef) -> KeyRing;
            /// Keys and roles; the keychain may ask the person to unlock it.
            keys_check(WorkspaceRef) -> KeyRing;
            /// Opens a passphrase file with what the person entered.
            vault_unlock(VaultUnlock) -> Empty;
            /// Makes a key.
            key_create(KeyCreate) -> KeyMade;
            /// Opens a native dialog for a key file; its content stays in Rust.
            key_file_choose(Empty) -> PickedKeyFile;
            /// Imports a key from a picked file or pasted PEM text.
            key_import(KeyImport) -> KeyMade;
            /// Writes a key to a file with a passphrase; a native dialog asks where to.
            key_export(KeyExport) -> PickedPath;
            /// Proves that a picked file holds a key. Stores nothing of it.
            key_drill(KeyDrill) -> KeyDrilled;
            /// Takes a key out of use on this computer.
            key_retire(KeyRef) -> Empty;
            /// Deletes a key whose name was typed.
            key_delete(KeyDelete) -> Empty;
            /// The public key that a channel's apps pin, in the form of each dialect that pins one.
            key_setups(ChannelRef) -> ClientSetups;
            /// Saves such a public key; a native dialog asks where to.
            public_key_save(PublicKeySave) -> PickedPath;
            /// The root of trust that a workspace pins, to compare by voice.
            root_pinned(WorkspaceRef) -> RootPreview;
            /// Saves that root as a file; a native dialog asks where to.
            root_save(WorkspaceRef) -> PickedPath;
            /// Quits although jobs run; they resume at the next start.
            quit(Empty) -> Empty;
            /// Makes this home folder an offline workstation and starts again as one.
            offline_choose(Empty) -> Empty;
            /// Roots, keys and folder of the workstation.
            offline_state(Empty) -> OfflineState;
            /// Opens a native dialog for `1.root.json` and says what it is.
            offline_root_pick(Empty) -> OfflinePickedRoot;
            /// Pins the picked root.
            offline_root_pin(OfflinePin) -> OfflineState;
            /// Makes a key of this workstation.
            offline_key_create(OfflineKeyNew) -> OfflineMadeKey;
            /// Opens a native dialog for an exported key and takes it.
            offline_key_import(OfflineKeyNew) -> OfflineMadeKey;
            /// Writes the public half of a key into the folder.
            offline_key_save(OfflineKeyRef) -> OfflineSaved;
            /// Opens a native dialog for the folder that requests come from.
            offline_folder_choose(Empty) -> OfflineState;
            /// Reads the folder.
            offline_requests(Empty) -> OfflineRequests;
            /// Opens a native dialog for a picture of a QR code and reads the request in it.
            offline_scan(Empty) -> OfflineScanned;
            /// Derives what a request would have the person sign. Signs nothing.
            offline_review(OfflineRef) -> OfflineReview;
            /// Signs what was shown.
            offline_sign(OfflineSign) -> OfflineAnswer;
            /// Answers that a request is not signed.
            offline_refuse(OfflineRefuse) -> OfflineAnswer;
            /// Writes the last answer to a request into the folder.
            offline_answer_save(OfflineRef) -> OfflineSaved;
            /// Everything that was done here.
            offline_history(Empty) -> OfflineHistory;
            /// Writes the history into the folder.
            offline_history_export(Empty) -> OfflineSaved;
        }
    };
}

macro_rules! command_map {
    ($($(#[$doc:meta])* $name:ident($request:ident) -> $answer:ident;)*) => {
        /// Request and answer of every command, for the typed `invoke` of the window.
        #[derive(TS)]
        #[ts(export)]
        pub struct CommandMap {
            $($(#[$doc])* pub $name: ($request, $answer),)*
        }

        /// Names of all commands.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),*];
    };
}

for_each_command!(command_map);
