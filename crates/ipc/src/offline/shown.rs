//! From the workstation's words to the window's.

use headgate_core::signing::{ClientsToMake, plain};
use headgate_core::{Problem, ReleaseManifest};
use headgate_offline::{
    AnyOwn, BundleVerdict, Entry, FileChanges, Found, HandedBack, Look, OwnKey, OwnRsa,
    RootPreview, VaultPlace,
};

use crate::approvals::in_words;
use crate::dto;
use crate::qr::code;

/// Most files that are listed.
const MAX_FILES: usize = 2_000;

pub(super) fn root(root: RootPreview, handle: String) -> dto::OfflineRoot {
    let owner = |o: headgate_offline::Owner| dto::OfflineOwner {
        name: o.name,
        holder: o.holder,
        id: o.id,
    };
    dto::OfflineRoot {
        handle,
        app: root.app,
        name: root.name,
        fingerprint: root.fingerprint,
        words: root.words,
        owners: root.owners.into_iter().map(owner).collect(),
        threshold: root.threshold,
        made: root.made.to_string(),
        pinned: root.pinned,
    }
}

pub(super) fn key(key: &OwnKey) -> dto::OfflineKey {
    let text = format!("{}  {}\n", key.public.hex(), key.name);
    dto::OfflineKey {
        id: key.id.to_string(),
        words: in_words(key.id.as_str()),
        name: plain(&key.name),
        public: key.public.hex().to_owned(),
        vault: vault(&key.vault),
        created: key.created.to_string(),
        qr: code(text.as_bytes()),
    }
}

pub(super) fn rsa(key: &OwnRsa) -> dto::OfflineRsa {
    dto::OfflineRsa {
        sha256: key.public.sha256(),
        words: in_words(&key.public.sha256()),
        name: plain(&key.name),
        vault: vault(&key.vault),
        created: key.created.to_string(),
    }
}

pub(super) fn made_key(made: AnyOwn) -> dto::OfflineMadeKey {
    let (role, rsa_key) = match &made {
        AnyOwn::Role(role) => (Some(key(role)), None),
        AnyOwn::Rsa(plugins) => (None, Some(rsa(plugins))),
    };
    dto::OfflineMadeKey {
        key: role,
        rsa: rsa_key,
    }
}

fn vault(place: &VaultPlace) -> String {
    match place {
        VaultPlace::Os => "os".into(),
        VaultPlace::File(_) => "file".into(),
    }
}

pub(super) fn request(found: Found, handle: String) -> dto::OfflineRequest {
    dto::OfflineRequest {
        handle,
        file: found.file,
        standing: found.standing.text().into(),
        title: found.title,
        app: found.app,
        by: found.by,
        created: found.created.map(|c| c.to_string()),
        problem: found.problem.map(Problem::into),
    }
}

pub(super) fn answer(
    handed: &HandedBack,
    entry: &Entry,
    saved: Option<String>,
) -> dto::OfflineAnswer {
    dto::OfflineAnswer {
        request: handed.request.clone(),
        title: entry.title.clone(),
        did: entry.did.clone(),
        at: entry.at.to_string(),
        size: handed.bytes.len(),
        file: handed.name.clone(),
        saved,
        qr: code(&handed.bytes),
    }
}

pub(super) fn review(
    look: Look,
    handle: String,
    answer: Option<dto::OfflineAnswer>,
) -> dto::OfflineReview {
    let release = look
        .release
        .as_ref()
        .map(|manifest| release(manifest, &look));
    let clients = look
        .review
        .clients
        .iter()
        .map(|c| to_make(&look, c))
        .collect();
    let review = look.review;
    let roles = crate::approvals::roles(&review, &Default::default());
    let alarm = |a: headgate_core::signing::Alarm| dto::OfflineAlarm {
        kind: a.kind.text().into(),
        text: a.text,
    };
    dto::OfflineReview {
        handle,
        sha256: look.sha256,
        title: review.title,
        app: review.app.0,
        name: review.app.1,
        by: review.claims.by,
        reason: review.claims.reason,
        created: review.claims.created.to_string(),
        expires: review.claims.expires.to_string(),
        roles,
        alarms: review.alarms.into_iter().map(alarm).collect(),
        release,
        changes: look.changes.map(changes),
        clients,
        made: look.made.len(),
        keys: look.keys.iter().map(key).collect(),
        signed: look.signed,
        complete: review.complete,
        answer,
    }
}

fn to_make(look: &Look, to_make: &ClientsToMake) -> dto::OfflineToMake {
    let wanted = to_make.wanted.rsa.as_ref();
    let held = look
        .rsa
        .iter()
        .find(|k| wanted.is_some_and(|r| r.public == k.public.to_base64()));
    dto::OfflineToMake {
        channel: to_make.channel.to_string(),
        build: to_make.release.build,
        key: wanted.map(|r| plain(&r.name)).unwrap_or_default(),
        vault: held.map(|k| vault(&k.vault)),
        bundle: to_make.release.bundle.sha256.clone(),
        says: plain(&to_make.wanted.says()),
    }
}

fn release(manifest: &ReleaseManifest, look: &Look) -> dto::OfflineRelease {
    let verdict = look.bundles.iter().find(|(b, _)| *b == manifest.build);
    let (verdict, says) = match verdict.map(|(_, v)| v) {
        Some(BundleVerdict::Matches { .. }) => {
            ("matches", "Matches the bundle on the drive".to_owned())
        }
        Some(BundleVerdict::Differs { why }) => {
            ("differs", format!("The bundle on the drive differs: {why}"))
        }
        _ => ("absent", "The bundle did not travel along".to_owned()),
    };
    let native = serde_json::to_value(&manifest.native).unwrap_or_default();
    dto::OfflineRelease {
        version: plain(&manifest.version),
        build: manifest.build,
        unit: manifest.unit.to_string(),
        native: natives(&native),
        commit: manifest.source.commit.as_deref().map(plain),
        bundle: manifest.bundle.sha256.clone(),
        words: in_words(&manifest.bundle.sha256),
        verdict: verdict.into(),
        says,
    }
}

/// "iOS 4.1.0 – 4.2.x, Android from 4.0.0", or "any native version".
fn natives(native: &serde_json::Value) -> String {
    let range = |name: &str, key: &str| {
        let range = native.get(key)?;
        let at = |end: &str| range.get(end).and_then(|v| v.as_str());
        let words = match (at("min"), at("max")) {
            (Some(min), Some(max)) => format!("{min} – {max}"),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => return None,
        };
        Some(plain(&format!("{name} {words}")))
    };
    let all: Vec<String> = [range("iOS", "ios"), range("Android", "android")]
        .into_iter()
        .flatten()
        .collect();
    match all.is_empty() {
        true => "any native version".into(),
        false => all.join(", "),
    }
}

fn changes(changes: FileChanges) -> dto::OfflineChanges {
    let d = changes.difference;
    let size = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let file = |path: &str, change: &str, delta: i64| dto::OfflineFile {
        path: plain(path),
        change: change.into(),
        delta,
    };
    let mut files: Vec<dto::OfflineFile> = Vec::new();
    files.extend(d.added.iter().map(|f| file(&f.path, "added", size(f.size))));
    files.extend(
        d.removed
            .iter()
            .map(|f| file(&f.path, "removed", -size(f.size))),
    );
    files.extend(
        d.changed
            .iter()
            .map(|f| file(&f.path, "changed", size(f.new_size) - size(f.old_size))),
    );
    files.sort_by(|a, b| {
        let large = |f: &dto::OfflineFile| std::cmp::Reverse(f.delta.unsigned_abs());
        (large(a), &a.path).cmp(&(large(b), &b.path))
    });
    files.truncate(MAX_FILES);
    dto::OfflineChanges {
        version: plain(&changes.version),
        signed_here: changes.signed_here.map(|at| at.to_string()),
        added: d.added.len(),
        removed: d.removed.len(),
        changed: d.changed.len(),
        identical: d.unchanged,
        files,
    }
}

pub(super) fn entry(entry: Entry) -> dto::OfflineEntry {
    let role = |r: &headgate_offline::RoleEntry| format!("{} version {}", r.role, r.version);
    dto::OfflineEntry {
        at: entry.at.to_string(),
        roles: entry.roles.iter().map(role).collect(),
        did: entry.did,
        title: entry.title,
        app: entry.app,
        accepted: entry.accepted,
        reason: entry.reason,
    }
}
