//! The first publish of a workspace: the *solo* profile.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{
    Code, Problem, Result,
    rollout::Gate,
    settings::{Settings, TopTargets},
    text::check_text,
};
use headgate_tuf::{
    KeyId, Metadata, Name, PublicKey, RoleBytes, RoleName, UtcTime,
    metadata::{
        Delegation, Delegations, Header, KeyName, MetaVersion, RoleKeys, Root, RootHeader,
        Snapshot, Targets, Timestamp,
    },
    policy,
};

use super::{Action, Draft, DraftRole, Intent, partial::take};

/// Name of the first unit.
pub(crate) const FIRST_UNIT: &str = "main";

/// Gate of the sandbox's last channel: few devices, and a bad build is to stop itself while someone watches.
const SANDBOX_GATE: Gate = Gate {
    min_sample: 50,
    max_failure_permille: 50,
};

/// Appflow id of the sandbox's app, for clients that ask with one.
const SANDBOX_APPFLOW: &str = "5a4d6b0c";

/// Everything that makes a registry: root, settings, empty channel roles, freshness.
pub(crate) fn first_draft(intent: &Intent) -> Result<Draft> {
    let Action::Init {
        app,
        name,
        identity,
        channels,
        release_key,
        online_key,
        key_names,
        at,
        sandbox,
        team,
    } = &intent.action
    else {
        return Err(Problem::new(
            Code::Internal,
            "Only an init makes a first draft.",
        ));
    };
    let now = *at;
    let unit = Name::new(FIRST_UNIT)?;
    let members = team.iter().flat_map(|t| &t.members);
    let mut owners = one(release_key.id()?);
    for member in members.clone() {
        owners.keyids.insert(member.public.id()?);
    }
    let of = |threshold: u32| RoleKeys {
        threshold,
        ..owners.clone()
    };
    let release = of(team.as_ref().map_or(1, |t| t.root_threshold));
    let last_threshold = team.as_ref().map_or(1, |t| t.last_threshold);
    let online = one(online_key.id()?);
    let header = |unit: Option<&Name>, channel: Option<&Name>| Header {
        workspace: identity.clone(),
        unit: unit.map(Name::to_string),
        channel: channel.map(Name::to_string),
        action: "init".into(),
        at: now,
        by: intent.by.clone(),
        reason: intent.reason.clone(),
        prev: None,
    };
    let own = [(release_key, &key_names[0]), (online_key, &key_names[1])];
    let own = own.into_iter().map(|(key, name)| (key, name, &intent.by));
    let mut keys = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (key, name, holder) in own.chain(members.map(|m| (&m.public, &m.name, &m.holder))) {
        check_text("name", name, 128)?;
        check_text("holder", holder, 128)?;
        let known = KeyName {
            name: name.clone(),
            holder: holder.clone(),
        };
        if keys.insert(key.id()?, key.clone()).is_some() {
            let what = format!("The key ‘{name}’ stands twice.");
            return Err(Problem::new(Code::UsageArgument, what).field("key"));
        }
        names.insert(key.id()?, known);
    }
    let root = Root::new(
        1,
        policy::expires(&RoleName::Root, now),
        keys.clone(),
        BTreeMap::from([
            ("root".into(), release.clone()),
            ("targets".into(), release.clone()),
            ("snapshot".into(), online.clone()),
            ("timestamp".into(), online.clone()),
        ]),
        RootHeader {
            header: header(None, None),
            app: app.clone(),
            name: name.clone(),
            profile: if team.is_some() { "team" } else { "solo" }.into(),
            keys: names,
        },
    );
    let mut roles = Vec::new();
    let mut delegations = Vec::new();
    let mut meta = BTreeMap::from([("targets.json".to_owned(), MetaVersion { version: 1 })]);
    for channel in channels {
        let last = channels.last() == Some(channel);
        let approvers = of(if last { last_threshold } else { 1 });
        for (role, set) in [
            (RoleName::Channel(unit.clone(), channel.clone()), &approvers),
            (RoleName::Rollout(unit.clone(), channel.clone()), &online),
        ] {
            delegations.push(Delegation {
                name: role.to_string(),
                keyids: set.keyids.clone(),
                threshold: set.threshold,
                terminating: true,
                paths: role.paths(),
            });
            meta.insert(format!("{role}.json"), MetaVersion { version: 1 });
            let content = Targets::new(
                1,
                policy::expires(&role, now),
                BTreeMap::new(),
                None,
                header(Some(&unit), Some(channel)),
            );
            roles.push(new(role, &content, set, &keys, "Nothing yet")?);
        }
    }
    let mut settings = Settings::standard(header(None, None), app, unit, channels);
    if let Some(main) = settings.units.first_mut() {
        main.label = "Main bundle".into();
    }
    if *sandbox {
        // Some of the simulated clients take zips, others single files.
        settings.delivers.files = true;
    }
    if *sandbox && let Some(last) = settings.channels.last_mut() {
        last.gate = Some(SANDBOX_GATE);
        last.min_hours = 0;
        for unit in &mut settings.units {
            // So that simulated devices of every client have something to ask with.
            unit.device_ids
                .insert("ionic".into(), SANDBOX_APPFLOW.into());
        }
    }
    settings.check()?;
    let content: TopTargets = Targets::new(
        1,
        policy::expires(&RoleName::Targets, now),
        BTreeMap::new(),
        Some(Delegations {
            keys: keys.clone(),
            roles: delegations,
        }),
        settings,
    );
    roles.insert(
        0,
        new(
            RoleName::Targets,
            &content,
            &release,
            &keys,
            "Channels and their keys",
        )?,
    );
    let content = Snapshot::new(
        1,
        policy::expires(&RoleName::Snapshot, now),
        meta,
        header(None, None),
    );
    roles.push(new(
        RoleName::Snapshot,
        &content,
        &online,
        &keys,
        "This is current",
    )?);
    let content = Timestamp::new(1, policy::expires(&RoleName::Timestamp, now), 1);
    roles.push(new(
        RoleName::Timestamp,
        &content,
        &online,
        &keys,
        "Snapshot 1 is the newest",
    )?);
    let mut root = new(RoleName::Root, &root, &release, &keys, "The root of trust")?;
    for (name, file) in &intent.collected.files {
        let all = roles.iter_mut().chain([&mut root]);
        let missing = || {
            Problem::new(
                Code::SigningAltered,
                format!("A new registry has no role {name}."),
            )
        };
        let slot = all
            .into_iter()
            .find(|r| r.role.to_string() == *name)
            .ok_or_else(missing)?;
        take(slot, file)?;
    }
    Ok(Draft {
        objects: Vec::new(),
        roles,
        root: Some(root),
        manifest: None,
        located: None,
        release: None,
        wanted: None,
        complete: true,
        intent: intent.clone(),
    })
}

fn one(id: KeyId) -> RoleKeys {
    RoleKeys {
        keyids: BTreeSet::from([id]),
        threshold: 1,
    }
}

fn new<M: Metadata>(
    role: RoleName,
    content: &M,
    signers: &RoleKeys,
    keys: &BTreeMap<KeyId, PublicKey>,
    says: &str,
) -> Result<DraftRole> {
    Ok(DraftRole {
        role,
        version: 1,
        before: None,
        bytes: RoleBytes::new(content)?,
        signers: vec![signers.clone()],
        keys: keys.clone(),
        signed: None,
        says: says.into(),
    })
}

/// When a root was made, and by whom: for the person who compares it.
pub(crate) fn made(root: &Root) -> UtcTime {
    root.x.header.at
}
