//! What the command lines print: `headgate-sign`, and `headgate request show` and `headgate sign`, say the same.

use std::path::{Path, PathBuf};

use headgate_core::signing::{ClientsToMake, Line, Mark, plain};
use headgate_core::words::{groups, words};
use headgate_core::{Code, Problem, Result};
use headgate_signer::KeyVault;
use headgate_tuf::sha256_hex;
use serde_json::{Value, json};

use crate::answer::HandedBack;
use crate::bundle::BundleVerdict;
use crate::inbox::read_request;
use crate::keys::{OwnKey, VaultPlace};
use crate::pins::RootPreview;
use crate::qr;
use crate::review::Look;
use crate::rsa::OwnRsa;
use crate::signing::SignOptions;
use crate::workstation::Workstation;

/// An answer for programs and for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// One document.
    pub json: Value,
    /// Lines.
    pub text: String,
}

/// A request file, or a picture of a QR code with one in it, and the folder that it lies in.
///
/// # Errors
/// `signing.format`.
pub fn request_file(path: &Path) -> Result<(Vec<u8>, PathBuf)> {
    let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let picture = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("png"));
    if picture {
        return Ok((qr::read_chosen(path)?, folder));
    }
    Ok((read_request(path)?, folder))
}

/// `request show`: what a request would have a person sign.
///
/// # Errors
/// As [`Workstation::look`].
pub fn show(workstation: &Workstation, path: &Path) -> Result<Said> {
    let (bytes, folder) = request_file(path)?;
    let look = workstation.look(&bytes, Some(&folder))?;
    Ok(Said {
        json: look_json(&look),
        text: look_text(&look),
    })
}

/// `sign`: signs and writes the answer.
///
/// # Errors
/// As [`Workstation::sign`]; `usage.exists` when the answer's file exists.
pub fn sign(
    workstation: &Workstation,
    path: &Path,
    options: &SignOptions,
    place: &VaultPlace,
    vault: &dyn KeyVault,
    output: Option<&Path>,
) -> Result<Said> {
    if let Some(output) = output {
        free(output)?;
    }
    let (bytes, folder) = request_file(path)?;
    workstation.adopt_keys(place, vault)?;
    let mut look = workstation.look(&bytes, Some(&folder))?;
    let handed = workstation.sign(&bytes, Some(&folder), options, vault)?;
    if look.makes() {
        // With what was made: the bytes that were signed.
        look = workstation.look(&bytes, Some(&folder))?;
    }
    let file = write(&handed, output, &folder)?;
    let text = format!(
        "{}\n{}: signed. The answer is {}.\n",
        look_text(&look).trim_end(),
        look.review.title,
        file.display()
    );
    let mut json = look_json(&look);
    json["response"] =
        json!({ "file": file, "size": handed.bytes.len(), "request": handed.request });
    Ok(Said { json, text })
}

/// `refuse`: writes the answer that says no.
///
/// # Errors
/// As [`Workstation::refuse`]; `usage.exists` when the answer's file exists.
pub fn refuse(
    workstation: &Workstation,
    path: &Path,
    reason: &str,
    by: &str,
    output: Option<&Path>,
) -> Result<Said> {
    if let Some(output) = output {
        free(output)?;
    }
    let (bytes, folder) = request_file(path)?;
    let handed = workstation.refuse(&bytes, reason, by)?;
    let file = write(&handed, output, &folder)?;
    Ok(Said {
        json: json!({ "response": { "file": file, "size": handed.bytes.len(), "request": handed.request }, "refused": reason }),
        text: format!("Refused. The answer is {}.\n", file.display()),
    })
}

fn free(output: &Path) -> Result<()> {
    if output.exists() {
        let what = format!("{} exists already.", output.display());
        return Err(Problem::new(Code::UsageExists, what)
            .remedy("Choose another file.")
            .field("output"));
    }
    Ok(())
}

fn write(handed: &HandedBack, output: Option<&Path>, folder: &Path) -> Result<PathBuf> {
    match output {
        Some(output) => {
            crate::disk::write_new(output, &handed.bytes)?;
            Ok(output.to_owned())
        }
        None => handed.save(folder),
    }
}

/// Everything that the window shows, as one document.
pub fn look_json(look: &Look) -> Value {
    let review = &look.review;
    let line = |l: &Line| json!({ "what": l.what, "before": l.before, "after": l.after, "mark": mark(l.mark) });
    let roles: Vec<Value> = review
        .roles
        .iter()
        .map(|r| {
            json!({
                "role": r.role, "version": r.version, "against": r.against, "sha256": r.sha256,
                "words": words(&r.sha256).map(|w| w.to_vec()).unwrap_or_default(),
                "have": r.have, "need": r.need, "expires": r.expires,
                "lines": r.lines.iter().map(line).collect::<Vec<_>>(),
                "keys": r.keys.iter().map(|k| json!({
                    "id": k.id.as_str(), "name": k.name, "holder": k.holder, "signed": k.signed, "own": k.own,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let bundles = look.bundles.iter().map(|(build, verdict)| match verdict {
        BundleVerdict::Absent => json!({ "build": build, "verdict": "absent" }),
        BundleVerdict::Matches { files, size } => {
            json!({ "build": build, "verdict": "matches", "files": files, "size": size })
        }
        BundleVerdict::Differs { why } => {
            json!({ "build": build, "verdict": "differs", "why": why })
        }
    });
    let changes = look.changes.as_ref().map(|c| {
        json!({
            "against": { "version": c.version, "build": c.build, "signedHere": c.signed_here },
            "difference": c.difference,
        })
    });
    json!({
        "title": review.title,
        "app": review.app.0,
        "name": review.app.1,
        "request": look.request.id,
        "sha256": look.sha256,
        "claims": {
            "by": review.claims.by, "reason": review.claims.reason,
            "created": review.claims.created, "expires": review.claims.expires,
        },
        "roles": roles,
        "alarms": review.alarms.iter().map(|a| json!({ "kind": a.kind.text(), "text": a.text })).collect::<Vec<_>>(),
        "bundles": bundles.collect::<Vec<_>>(),
        "changes": changes,
        "clients": review.clients.iter().map(|c| clients_json(look, c)).collect::<Vec<_>>(),
        "made": look.made.iter().map(|m| json!({ "role": m.role, "sha256": sha256_hex(m.document.as_bytes()) })).collect::<Vec<_>>(),
        "complete": review.complete,
        "keys": look.keys.iter().map(key_json).collect::<Vec<_>>(),
    })
}

fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Same => "same",
        Mark::Changed => "changed",
        Mark::Danger => "danger",
    }
}

fn clients_json(look: &Look, to_make: &ClientsToMake) -> Value {
    let rsa = to_make.wanted.rsa.as_ref();
    json!({
        "role": to_make.role, "channel": to_make.channel, "build": to_make.release.build,
        "bundle": to_make.release.bundle.sha256, "key": rsa.map(|r| &r.name), "here": holds(look, to_make),
    })
}

/// Whether the RSA key is recorded here.
fn holds(look: &Look, to_make: &ClientsToMake) -> bool {
    let wanted = to_make.wanted.rsa.as_ref().map(|r| &r.public);
    look.rsa
        .iter()
        .any(|k| Some(&k.public.to_base64()) == wanted)
}

/// An RSA key for programs.
pub fn rsa_json(key: &OwnRsa) -> Value {
    json!({
        "sha256": key.public.sha256(), "name": key.name, "key_id": key.public.capgo_id(),
        "spki_pem": key.public.spki_pem(), "pkcs1_pem": key.public.pkcs1_pem(),
        "vault": String::from(key.vault.clone()), "created": key.created,
    })
}

/// A key for programs.
pub fn key_json(key: &OwnKey) -> Value {
    json!({
        "id": key.id.as_str(), "name": key.name, "public": key.public.hex(),
        "vault": String::from(key.vault.clone()), "created": key.created,
    })
}

/// A root for programs.
pub fn root_json(root: &RootPreview) -> Value {
    json!({
        "app": root.app, "name": root.name, "workspace": root.workspace, "version": root.version,
        "fingerprint": root.fingerprint, "words": root.words, "threshold": root.threshold,
        "owners": root.owners.iter().map(|o| json!({ "id": o.id, "name": o.name, "holder": o.holder })).collect::<Vec<_>>(),
        "made": root.made, "pinned": root.pinned,
    })
}

/// Everything that the window shows, in lines.
pub fn look_text(look: &Look) -> String {
    let review = &look.review;
    let mut out = format!(
        "What you see here is exactly what you sign\n\n{}\n",
        review.title
    );
    let mut say = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    say(format!("  app       {}, {}", review.app.1, review.app.0));
    let claims = &review.claims;
    let reason = match claims.reason.is_empty() {
        true => String::new(),
        false => format!(" ‘{}’", claims.reason),
    };
    say(format!(
        "  asked by  {}{reason} (their own words, not signed)",
        claims.by
    ));
    say(format!("  wanted    until {}", claims.expires));
    for role in &review.roles {
        let against = match role.against {
            Some(before) => format!(", against version {before}"),
            None => ", nothing to compare with".into(),
        };
        say(format!("\n{} version {}{against}", role.role, role.version));
        for line in &role.lines {
            let sign = match line.mark {
                Mark::Same => " ",
                Mark::Changed => "~",
                Mark::Danger => "!",
            };
            match &line.before {
                Some(before) if *before != line.after => {
                    say(format!("{sign} {}: {before} → {}", line.what, line.after));
                }
                _ => say(format!("{sign} {}: {}", line.what, line.after)),
            }
        }
        say(format!("  signatures: {} of {}", role.have, role.need));
        if review.clients.iter().any(|c| c.role == role.role) {
            say("  signed bytes: known once what the plugins need is made and listed".into());
            continue;
        }
        say(format!("  signed bytes: {}", groups(&role.sha256)));
        if let Ok(words) = words(&role.sha256) {
            say(format!("  in words: {}", words.join(" ")));
        }
    }
    for to_make in &review.clients {
        let name = to_make.wanted.rsa.as_ref().map(|r| plain(&r.name));
        let here = match holds(look, to_make) {
            true => "is recorded here",
            false => "is not recorded here",
        };
        say(format!(
            "\nmade here first, for plugins of {}: signatures over build {} with the RSA key ‘{}’, which {here}\n  over bundle {}",
            to_make.channel,
            to_make.release.build,
            name.unwrap_or_default(),
            groups(&to_make.release.bundle.sha256)
        ));
    }
    for made in &look.made {
        say(format!(
            "\nmade here for plugins, listed by {}: clients document {}",
            made.role,
            groups(&sha256_hex(made.document.as_bytes()))
        ));
    }
    for (build, verdict) in &look.bundles {
        say(match verdict {
            BundleVerdict::Absent => format!("\nbundle of build {build}: not on the drive"),
            BundleVerdict::Matches { files, .. } => {
                format!("\nbundle of build {build}: matches the signed hash, {files} files")
            }
            BundleVerdict::Differs { why } => {
                format!("\nbundle of build {build}: NOT THE SIGNED ONE: {why}")
            }
        });
    }
    if let Some(changes) = &look.changes {
        let d = &changes.difference;
        say(format!(
            "\nfiles against {} build {}: {} added, {} removed, {} changed, {} identical",
            plain(&changes.version),
            changes.build,
            d.added.len(),
            d.removed.len(),
            d.changed.len(),
            d.unchanged
        ));
        d.added
            .iter()
            .for_each(|f| say(format!("  + {} ({} bytes)", plain(&f.path), f.size)));
        d.removed
            .iter()
            .for_each(|f| say(format!("  - {} ({} bytes)", plain(&f.path), f.size)));
        let size = |f: &headgate_core::compare::Changed| {
            format!(
                "  ~ {} ({} → {} bytes)",
                plain(&f.path),
                f.old_size,
                f.new_size
            )
        };
        d.changed.iter().for_each(|f| say(size(f)));
    }
    for alarm in &review.alarms {
        say(format!("\nALARM {}: {}", alarm.kind.text(), alarm.text));
    }
    if !review.alarms.is_empty() {
        let kinds: std::collections::BTreeSet<&str> =
            review.alarms.iter().map(|a| a.kind.text()).collect();
        let kinds: Vec<String> = kinds.into_iter().map(|k| format!("--accept {k}")).collect();
        say(format!("\nTo sign all the same: {}", kinds.join(" ")));
    }
    out
}

/// A root in lines.
pub fn root_text(root: &RootPreview) -> String {
    let mut out = format!("{}, {}\n", root.name, root.app);
    out.push_str(&format!(
        "  made      {}, version {}, profile {}\n",
        root.made, root.version, root.profile
    ));
    for owner in &root.owners {
        let short = owner.id.get(..8).unwrap_or_default();
        out.push_str(&format!(
            "  owner     {} ({short}), held by {}\n",
            owner.name, owner.holder
        ));
    }
    out.push_str(&format!(
        "  threshold {} of {}\n",
        root.threshold,
        root.owners.len()
    ));
    out.push_str(&format!("  SHA-256   {}\n", root.groups));
    for (n, chunk) in root.words.chunks(6).enumerate() {
        let numbered: Vec<String> = chunk
            .iter()
            .enumerate()
            .map(|(i, w)| format!("{} {w}", n * 6 + i + 1))
            .collect();
        out.push_str(&format!("  words     {}\n", numbered.join("  ")));
    }
    out
}
