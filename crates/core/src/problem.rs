//! The one error that people see: a code, what failed, what still holds, and the way out.
//!
//! Every code of the product is in the list below, with the words that hold whenever it occurs.
//! Nothing may match on `message`: it is for people.

use std::fmt;

/// Kind of a problem; decides the exit code of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A defect in Headgate. Exit code 1.
    Internal,
    /// The request itself is wrong. Exit code 2.
    Usage,
    /// The web build or another input file is not acceptable. Exit code 3.
    Input,
    /// Something is not signed, not fresh or not what it says. Exit code 4.
    Trust,
    /// Someone else published meanwhile, or the state does not allow it. Exit code 5.
    Conflict,
    /// Storage or network. Exit code 6.
    Storage,
    /// Keys and keychains. Exit code 7.
    Key,
    /// Files of this computer: cache, journal, disk. Exit code 8.
    Local,
    /// Stopped by the person. Exit code 9.
    Cancelled,
}

impl Kind {
    /// Exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Trust => 4,
            Self::Conflict => 5,
            Self::Storage => 6,
            Self::Key => 7,
            Self::Local => 8,
            Self::Cancelled => 9,
        }
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $kind:ident $retry:literal, $holds:literal, $remedy:literal;)*) => {
        /// Stable code of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $text] $name,)*
        }

        impl Code {
            /// All codes, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as text, `area.reason`.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Its kind.
            pub fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }

            /// Whether the same request may succeed later without a change.
            pub fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// What still holds whenever this occurs.
            pub fn holds(self) -> &'static str {
                match self { $(Self::$name => $holds,)* }
            }

            /// The way out.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

// name, code, kind, retryable, what holds, remedy
codes! {
    // web builds
    BuildMissing "build.missing" Input false, "Nothing was read or uploaded.", "Choose a folder or .zip that exists.";
    BuildEmpty "build.empty" Input false, "Nothing was uploaded.", "Build the app first, then choose its output folder, often www or dist.";
    BuildNoIndex "build.no_index" Input false, "Nothing was uploaded.", "Choose the folder that holds index.html, often www or dist.";
    BuildUnreadable "build.unreadable" Input true, "Nothing was uploaded.", "Make the file readable for you, then choose the web build again.";
    BuildChanged "build.changed" Input true, "Nothing was signed or uploaded.", "Wait until the build has finished, then choose it again.";
    BuildLink "build.link" Input false, "Nothing was uploaded.", "Replace the link with the file that it points to.";
    BuildSpecial "build.special_file" Input false, "Nothing was uploaded.", "Remove it: a web build holds regular files only.";
    BuildPath "build.path" Input false, "Nothing was uploaded.", "Rename the file so that every device can store it.";
    BuildTooLarge "build.too_large" Input false, "Nothing was uploaded.", "Remove what the app does not need, or choose the right folder.";
    BuildForbidden "build.forbidden_place" Input false, "Nothing was read.", "Choose the output folder of the build instead.";
    BuildFindings "build.findings" Input false, "Nothing was signed or uploaded.", "Fix the errors, or allow each with a reason.";
    ZipMalformed "zip.malformed" Input false, "Nothing was unpacked.", "Make the zip again from the folder, or choose the folder itself.";
    ZipUnsafe "zip.unsafe" Input false, "Nothing was unpacked.", "Do not use this file before you know who made it.";
    ZipBomb "zip.bomb" Input false, "Unpacking stopped before it filled anything.", "Do not use this file before you know who made it.";
    ZipEncrypted "zip.encrypted" Input false, "Nothing was unpacked.", "Make the zip again without a password.";

    // what was asked for
    UsageArgument "usage.argument" Usage false, "Nothing was changed.", "Correct the value and try again.";
    UsageConfirm "usage.confirmation" Usage false, "Nothing was changed.", "Type the channel's name exactly as shown.";
    UsageNoWorkspace "usage.no_workspace" Usage false, "Nothing was changed.", "Start the sandbox, run headgate init, or connect a workspace.";
    UsageWhichWorkspace "usage.which_workspace" Usage false, "Nothing was changed.", "Name the workspace with --app.";
    UsageUnknown "usage.unknown" Usage false, "Nothing was changed.", "Check the spelling, or look at headgate status.";
    UsageExists "usage.exists" Usage false, "Nothing was changed.", "Connect to what is there, or choose an empty place.";

    // releases and rollouts
    ReleaseBuildTaken "release.build_taken" Conflict false, "The release that has this build number is unchanged.", "Use the next free build number.";
    ReleaseNotApproved "release.not_approved" Conflict false, "The channel serves what it served before.", "Promote the release to this channel first.";
    ReleaseNotOnChannel "release.not_on_channel" Conflict false, "Both channels serve what they served before.", "Promote a build that the source channel serves.";
    ReleaseSame "release.same" Conflict false, "The channel serves this release already.", "Nothing is to be done.";
    RolloutState "rollout.state" Conflict false, "The channel serves what it served before.", "Look at the channel's state, then choose an action that fits it.";
    RolloutLower "rollout.share_lowered" Conflict false, "The share is unchanged.", "A share can be raised only. Halt the rollout to stop new devices.";

    // trust
    TrustRoot "trust.root" Trust false, "Nothing from this storage was believed.", "Get 1.root.json again from someone who has it and compare the words.";
    TrustWorkspace "trust.other_workspace" Trust false, "Nothing from this storage was believed.", "Check the storage address: it holds the registry of another app.";
    TrustSignature "trust.signature" Trust false, "The last verified state stays in use.", "Find out who wrote to the storage. Nothing unsigned is shown or served.";
    TrustRollback "trust.rollback" Trust false, "The newest state seen stays in use.", "Storage serves an older state than was seen before. Check the storage or its CDN for a restored copy.";
    TrustAhead "trust.version" Trust false, "Devices refuse it too and keep what they run.", "Somebody with a key of a role pushed its number up. Take their access to the storage away, run headgate storage put-back, then replace the key.";
    TrustExpired "trust.expired" Trust false, "Devices keep what they run and take no update.", "Refresh freshness with a key that may sign it.";
    TrustFormat "trust.format" Trust false, "The last verified state stays in use.", "The file is not a Headgate registry file of this version.";
    TrustHash "trust.hash" Trust false, "The bytes were thrown away.", "Storage holds other bytes than were signed. Check who can write to it.";
    TrustUnapproved "trust.unapproved" Trust false, "Nothing is offered to devices from this rollout.", "Approve the release on this channel, or roll back to an approved one.";
    TrustLog "trust.log_broken" Trust false, "Entries before the break are proven.", "Compare the storage with a backup from the first bad entry on.";
    TrustClock "trust.clock" Trust false, "Nothing was changed.", "Set this computer's clock, then try again.";

    // artifacts that lie elsewhere
    ArtifactUrl "artifact.address" Usage false, "Nothing was downloaded.", "Give the https address of the zip itself, without a signature or password in it.";
    ArtifactMissing "artifact.missing" Storage true, "Nothing was signed or changed.", "Check that the address answers with the zip, for everyone and without a login.";
    ArtifactChanged "artifact.changed" Trust false, "Channels serve what they served before.", "Find out who replaced the artifact. Put the signed bytes back, or ship what is there now as a new build.";

    // publishing
    PublishConflict "publish.version_conflict" Conflict true, "Nothing of yours is live and nothing of theirs is lost.", "Read what they published, then publish yours on top of it.";
    PublishOld "publish.old_journal" Conflict true, "Devices get what they got before.", "Look at the channel, then resume or cancel the job.";
    PublishReadBack "publish.read_back" Storage true, "The release is committed in storage.", "Check that the public URL serves the storage folder, then read it back again.";

    // storage
    StorageMissing "storage.missing" Storage false, "Nothing was changed.", "Check the storage address.";
    StorageAccess "storage.access" Storage false, "Nothing was changed.", "Give this account the right to read and write there.";
    StorageIo "storage.io" Storage true, "Devices get what they got before.", "Try again. If it stays, look at the storage itself.";
    StorageFull "storage.full" Storage true, "Devices get what they got before. Half-written files were removed.", "Free space at the storage, then resume.";
    StoragePoisoned "storage.poisoned_object" Trust false, "Nothing was published on top of it.", "Remove the wrong object from the storage after finding out who wrote it.";
    StorageAddress "storage.address" Usage false, "Nothing was changed.", "Give a folder as file:///path or an absolute path, or a bucket as s3://bucket/prefix?region=NAME.";
    StorageReadOnly "storage.read_only" Storage false, "Nothing was changed.", "Connect with an address that can be written to.";
    StorageCredentials "storage.credentials" Storage true, "Nothing was changed. What was uploaded stays and is not sent again.", "Enter credentials that are valid now, then resume. AWS_* variables are read again at every try.";
    StorageRegion "storage.region" Storage false, "Nothing was changed.", "Write the bucket's region into the storage address: ?region=NAME.";
    StorageClock "storage.clock" Storage true, "Nothing was changed. The storage refuses requests with a wrong time.", "Set this computer's clock, then resume.";
    StorageBusy "storage.busy" Storage true, "Devices get what they got before. What was uploaded stays and is not sent again.", "Wait a moment, then resume. If it stays, look at the storage itself.";
    StorageRetention "storage.retention" Storage false, "Devices get what they got before.", "Leave metadata/timestamp.json out of the bucket's object lock and retention rules: it is the one object that changes.";
    StorageSloppy "storage.ignores_conditions" Storage false, "Nothing was changed.", "Use storage that honours conditional writes, or add lock=1 to the address to publish under a lock object.";
    StorageUnavailable "storage.unavailable" Storage true, "Devices get what they got before. What was uploaded stays and is not sent again.", "Check the network and the address, then resume.";
    StorageLocked "storage.locked" Storage true, "Nothing was changed.", "Another program is writing to this folder. Try again in a moment.";

    // update server
    ServerNone "server.none" Usage false, "Nothing was changed.", "Connect the update server with headgate server connect, or in Settings.";
    ServerAddress "server.address" Usage false, "Nothing was changed.", "Give the http or https address of the server's admin listener, without a user, password or query in it.";
    ServerUnreachable "server.unreachable" Storage true, "What was counted before stays shown with its age. Devices are not affected.", "Check that the server runs and that its admin listener can be reached from here.";
    ServerRefused "server.refused" Storage false, "What was counted before stays shown with its age.", "Enter the admin token of this server again.";
    ServerUnknown "server.unknown_app" Storage false, "What was counted before stays shown with its age.", "Add this app's registry to the server, or connect another server.";
    ServerMalformed "server.malformed" Storage true, "Nothing of the answer was kept. What was counted before stays shown with its age.", "Check that the address is that of a Headgate update server of this version.";

    // keys
    KeyNoService "key.no_secret_service" Key false, "No key was made or changed.", "Start a Secret Service such as GNOME Keyring or KWallet, or choose a passphrase file as the vault.";
    KeyLocked "key.locked" Key true, "No key was used.", "Unlock the keychain, then try again.";
    KeyWrongPassword "key.wrong_password" Key true, "No key was used.", "Enter the passphrase of this vault.";
    KeyAmbiguous "key.ambiguous" Key false, "No key was used.", "Two items claim to be this key. Remove the wrong one in the keychain.";
    KeyNoAccess "key.no_access" Key false, "No key was used.", "Allow Headgate to use the keychain item.";
    KeyTimeout "key.timeout" Key true, "No key was used.", "The keychain did not answer. Look for a window that asks to unlock it.";
    KeyMissing "key.not_here" Key false, "No new key was made.", "Your key is recorded, but this keychain does not have it. Import it, or ask its holder to sign.";
    KeyDamaged "key.damaged" Key false, "Nothing was signed.", "The stored key is not the one that is recorded. Import it again from a backup.";
    KeyFile "key.file" Key false, "No key was used.", "Choose the right vault or key file.";
    KeyPassphrase "key.passphrase_needed" Key false, "No key was used.", "Set HEADGATE_VAULT_PASSPHRASE, or run in a terminal and enter it.";
    KeyNotAllowed "key.not_a_signer" Key false, "Nothing was signed.", "Ask someone who holds a key of this role, or have your key added to it.";
    KeyInUse "key.in_use" Key false, "The key is where it was.", "Take the key out of its roles first.";
    KeyOther "key.failed" Key true, "No key was used.", "Look at the keychain program for a message, then try again.";

    // signatures of several people
    SigningFormat "signing.format" Input false, "Nothing was signed or merged.", "Get the file again from the person who made it.";
    SigningWorkspace "signing.other_workspace" Trust false, "Nothing was signed or merged.", "Use it in the workspace that it was made for.";
    SigningOther "signing.other_request" Conflict false, "The signatures that were collected stay.", "Import the response that answers this request.";
    SigningAltered "signing.altered" Trust false, "Nothing was signed or merged.", "Do not use this file before you know who changed it. Send the request again.";
    SigningExpired "signing.expired" Conflict false, "Nothing of it is served.", "Ask again.";
    SigningStale "signing.stale" Conflict false, "Nothing of it is served, and nothing of theirs is lost.", "Look at what was published meanwhile, then ask again on top of it.";
    SigningMissing "signing.incomplete" Conflict false, "Nothing of it is served. The signatures that were collected stay.", "Collect the signatures that are missing.";
    SigningRefused "signing.refused" Conflict false, "Nothing of it is served.", "Talk to the person who refused, then withdraw it or ask again.";
    SigningAlarm "signing.alarm" Trust false, "Nothing was signed.", "Find out why before you sign. To sign all the same, confirm each red line.";
    SigningUnknown "signing.unknown" Usage false, "Nothing was changed.", "Look at headgate request list.";
    SigningUnpinned "signing.unknown_workspace" Trust false, "Nothing was signed.", "Import 1.root.json of this workspace and compare its words by voice first.";

    // this computer
    LocalDisk "local.disk" Local true, "Nothing was lost.", "Free space or repair the disk, then try again.";
    LocalCache "local.cache" Local true, "The registry in storage is unchanged.", "The cache was moved aside and is read again from storage.";
    LocalJournal "local.journal" Local false, "The registry in storage is unchanged. The damaged file is kept.", "Restore journal.sqlite from the backup named here, or connect the workspace again.";
    LocalTelemetry "local.telemetry" Local false, "Devices get what they got before. The damaged file is kept.", "Move the telemetry database away and restore it from a backup, or start with a new one: consoles keep what they have counted.";
    LocalNewer "local.newer_version" Local false, "Nothing was changed.", "Install the newer version of Headgate that wrote it.";
    LocalBusy "local.busy" Local true, "Nothing was changed.", "Another Headgate uses this home folder. Close it, or wait.";

    // rest
    JobCancelled "job.cancelled" Cancelled true, "Devices get what they got before.", "Start it again when you want to.";
    JobPaused "job.paused" Cancelled true, "Devices get what they got before. What was uploaded stays and is not sent again.", "Resume it when you want to.";
    JobCommitted "job.committed" Conflict false, "The release is live.", "It cannot be cancelled any more. Halt the rollout or roll back.";
    JobUnknown "job.unknown" Usage false, "Nothing was changed.", "Open the list of jobs.";
    Internal "internal" Internal false, "Nothing was changed beyond what the journal says.", "Report this with the details.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What failed, what still holds, and the way out.
///
/// `Debug` prints no more than `Display` plus the code: callers must not put secrets in either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable code.
    pub code: Code,
    /// What failed, with its cause, one or two sentences.
    pub message: String,
    /// What is still true and safe.
    pub holds: String,
    /// The way out.
    pub remedy: String,
    /// More for a bug report. Never a secret.
    pub detail: Option<String>,
    /// The form field or argument that it belongs to.
    pub field: Option<String>,
}

impl Problem {
    /// A problem with the words of its code for what holds and what to do.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            holds: code.holds().into(),
            remedy: code.remedy().into(),
            detail: None,
            field: None,
        }
    }

    /// Says more exactly what still holds.
    #[must_use]
    pub fn holds(mut self, holds: impl Into<String>) -> Self {
        self.holds = holds.into();
        self
    }

    /// Says more exactly what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Adds what a bug report needs.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Names the form field or argument.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Whether the same request may succeed later without a change.
    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for Problem {}

impl From<headgate_tuf::Error> for Problem {
    fn from(error: headgate_tuf::Error) -> Self {
        let code = match &error {
            headgate_tuf::Error::Json(_) | headgate_tuf::Error::Profile { .. } => Code::TrustFormat,
            headgate_tuf::Error::Signature { .. } => Code::TrustSignature,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_every_one_has_its_words() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.text()), "{code} stands twice");
            assert!(
                code.holds().ends_with('.') && code.remedy().ends_with('.'),
                "{code} lacks words"
            );
            assert!(
                !code.remedy().contains("please") && !code.holds().contains('!'),
                "{code} wording"
            );
        }
    }
}
