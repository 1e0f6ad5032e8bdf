//! Keys as documents and tables.

use headgate_core::words::{WORD_BITS, groups};
use headgate_core::{Code, Problem};
use headgate_engine::{AnyKey, KeyCard, KeyRing, RoleExpiry, RoleRow, Workspace};
use serde_json::{Value, json};

use crate::output::{Answer, Outcome, harmless, pairs, short, table};

pub(super) fn unknown(key: &str) -> Problem {
    let what = format!("This computer recorded no key {key}.");
    Problem::new(Code::UsageUnknown, what)
        .remedy("Give at least 8 digits of an id from headgate keys list.")
        .field("key")
}

/// Hex of an Ed25519 key, PEM of an RSA key.
pub(super) fn public(key: &AnyKey) -> String {
    match key {
        AnyKey::Ed25519(key) => key.hex().to_owned(),
        AnyKey::Rsa(key) => key.spki_pem(),
    }
}

pub(super) fn ring(workspace: &Workspace, ring: &KeyRing) -> Answer {
    let (own, others): (Vec<&KeyCard>, Vec<&KeyCard>) = ring.keys.iter().partition(|k| k.own);
    let mut text = if own.is_empty() {
        "This computer has no key of this workspace.\n".into()
    } else {
        let rows: Vec<Vec<String>> = own.iter().map(|k| row(k)).collect();
        table(
            &["id", "name", "algorithm", "here", "backup", "purpose"],
            &rows,
        )
    };
    for key in own.iter().filter(|k| k.problem.is_some()) {
        if let Some(problem) = &key.problem {
            let said = format!("{}: {} {}", key.name, problem.message, problem.remedy);
            text += &format!("{}\n", harmless(&said));
        }
    }
    if !others.is_empty() {
        let rows: Vec<Vec<String>> = others
            .iter()
            .map(|k| {
                let id = short(&k.id).into();
                vec![id, k.name.clone(), k.holder.clone(), k.purpose.clone()]
            })
            .collect();
        text += "\nKeys of others\n";
        text += &table(&["id", "name", "holder", "purpose"], &rows);
    }
    let rows: Vec<Vec<String>> = ring.roles.iter().map(role_row).collect();
    text += "\nRoles\n";
    text += &table(&["role", "signatures", "keys"], &rows);
    let rows: Vec<Vec<String>> = ring.expiry.iter().map(expiry_row).collect();
    text += "\nRoles end\n";
    text += &table(&["role", "until", "used"], &rows);
    let json = json!({
        "app": workspace.app,
        "vault": workspace.vault.to_text(),
        "problem": ring.vault_problem.as_ref().map(problem_json),
        "keys": own.iter().map(|k| key_json(k)).collect::<Vec<_>>(),
        "others": others.iter().map(|k| key_json(k)).collect::<Vec<_>>(),
        "roles": ring.roles.iter().map(role_json).collect::<Vec<_>>(),
        "expiry": ring.expiry.iter().map(expiry_json).collect::<Vec<_>>(),
    });
    Answer::new(json, text)
}

/// One key, own or not, by the first digits of its id.
pub(super) fn one(ring: &KeyRing, key: &str) -> Outcome {
    let fits = |k: &&KeyCard| key.len() >= 8 && k.id.starts_with(key);
    let found = ring.keys.iter().find(fits).ok_or_else(|| unknown(key))?;
    let place = match (found.here, found.own) {
        (true, _) => format!("{}, this computer", ring.vault.label),
        (false, true) => format!("recorded here, and not in the {}", ring.vault.label),
        (false, false) if found.holder.is_empty() => "elsewhere".into(),
        (false, false) => format!("elsewhere, with {}", found.holder),
    };
    let used = found.used.as_ref().map_or_else(
        || "no signature in force".to_owned(),
        |used| format!("{}, {} version {}", used.at, used.role, used.version),
    );
    let mut rows = vec![
        ("name", found.name.clone()),
        ("purpose", found.purpose.clone()),
        ("algorithm", found.algorithm.to_owned()),
        ("fingerprint", groups(&found.id)),
        (
            "words",
            format!("{} (first {WORD_BITS} bits)", found.words.join(" ")),
        ),
        ("place", place),
        ("last signature", used),
        ("backup", backup(found)),
    ];
    if let Some(at) = found.created {
        rows.push(("here since", at.to_string()));
    }
    if let Some(at) = found.retired {
        rows.push(("retired", at.to_string()));
    }
    if let Some(problem) = &found.problem {
        rows.push(("problem", format!("{} {}", problem.message, problem.remedy)));
    }
    let mut text = pairs(&rows);
    if let Some(key) = &found.public {
        text += &format!("{}\n", public(key).trim_end());
    }
    Ok(Answer::new(key_json(found), text))
}

pub(super) fn imported(ring: &KeyRing, id: &str) -> Outcome {
    let found = ring.keys.iter().find(|k| k.id == id);
    let found = found.ok_or_else(|| unknown(id))?;
    let said = if found.roles.is_empty() && found.channels.is_empty() {
        "no role yet".to_owned()
    } else {
        [&found.roles[..], &found.channels[..]].concat().join(", ")
    };
    let rows = [
        ("id", found.id.clone()),
        ("algorithm", found.algorithm.to_owned()),
        (
            "public",
            found.public.as_ref().map(public).unwrap_or_default(),
        ),
        ("accepted for", said),
    ];
    Ok(Answer::new(key_json(found), pairs(&rows)))
}

fn backup(key: &KeyCard) -> String {
    match (key.drilled, key.exported) {
        (Some(at), _) => format!("restore drill passed {at}"),
        (None, Some(at)) => format!("exported {at}, restore not tried"),
        (None, None) => "none".into(),
    }
}

fn row(key: &KeyCard) -> Vec<String> {
    let here = match (key.here, key.retired) {
        (_, Some(_)) => "retired",
        (true, None) => "yes",
        (false, None) => "no",
    };
    let backup = match (key.drilled, key.exported) {
        (Some(_), _) => "proven",
        (None, Some(_)) => "exported",
        (None, None) => "none",
    };
    vec![
        short(&key.id).into(),
        key.name.clone(),
        key.algorithm.into(),
        here.into(),
        backup.into(),
        key.purpose.clone(),
    ]
}

fn role_row(role: &RoleRow) -> Vec<String> {
    let names: Vec<&str> = role.keys.iter().map(|k| k.name.as_str()).collect();
    vec![
        role.label.clone(),
        format!("{} of {}", role.threshold, role.keys.len()),
        names.join(", "),
    ]
}

fn expiry_row(role: &RoleExpiry) -> Vec<String> {
    let used = format!("{} %", role.used_permille.min(1000) / 10);
    vec![role.label.clone(), role.expires.to_string(), used]
}

fn problem_json(problem: &Problem) -> Value {
    json!({ "code": problem.code.text(), "message": problem.message, "remedy": problem.remedy })
}

fn key_json(key: &KeyCard) -> Value {
    let used = key
        .used
        .as_ref()
        .map(|u| json!({ "at": u.at, "role": u.role, "version": u.version }));
    json!({
        "id": key.id, "name": key.name, "holder": key.holder, "algorithm": key.algorithm,
        "purpose": key.purpose, "public": key.public.as_ref().map(public),
        "roles": key.roles, "channels": key.channels, "words": key.words, "word_bits": WORD_BITS,
        "own": key.own, "here": key.here, "created": key.created, "used": used,
        "exported": key.exported, "drilled": key.drilled, "retired": key.retired,
        "problem": key.problem.as_ref().map(problem_json),
    })
}

fn role_json(role: &RoleRow) -> Value {
    let key = |k: &headgate_engine::RoleKey| json!({ "id": k.id, "name": k.name, "holder": k.holder, "own": k.own });
    json!({
        "role": role.role, "kind": role.kind, "unit": role.unit, "channel": role.channel,
        "threshold": role.threshold, "keys": role.keys.iter().map(key).collect::<Vec<_>>(),
    })
}

fn expiry_json(role: &RoleExpiry) -> Value {
    json!({
        "role": role.role, "signed": role.signed, "expires": role.expires,
        "used_permille": role.used_permille, "level": role.level.as_str(),
    })
}
