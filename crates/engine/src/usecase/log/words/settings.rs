//! Settings, before and after.

use std::collections::BTreeMap;

use headgate_core::percent;
use headgate_core::rollout::Gate;
use headgate_core::settings::{
    ChannelSettings, Confirm, Delivers, EmbeddedBuilds, Settings, UnitSettings,
};

use super::{LogChange, LogKind, Words, one_or_many};

/// What is set otherwise.
pub(super) fn changes(before: &Settings, after: &Settings) -> Vec<LogChange> {
    let mut found = Vec::new();
    for unit in &after.units {
        unit_changes(before.unit(unit.id.as_str()), unit, &mut found);
    }
    for gone in before
        .units
        .iter()
        .filter(|u| after.unit(u.id.as_str()).is_none())
    {
        found.extend(LogChange::new("unit", Some(gone.id.to_string()), None));
    }
    let of = |settings: &Settings, id: &headgate_tuf::Name| {
        settings.channels.iter().find(|c| c.id == *id).cloned()
    };
    for channel in &after.channels {
        channel_changes(of(before, &channel.id).as_ref(), channel, &mut found);
    }
    for gone in before
        .channels
        .iter()
        .filter(|c| of(after, &c.id).is_none())
    {
        found.extend(LogChange::new("channel", Some(gone.id.to_string()), None));
    }
    let order = |s: &Settings| {
        let names: Vec<String> = s.channels.iter().map(|c| c.id.to_string()).collect();
        names.join(", ")
    };
    if before.channels.len() == after.channels.len() {
        found.extend(LogChange::new(
            "order of channels",
            Some(order(before)),
            Some(order(after)),
        ));
    }
    found.extend(LogChange::new(
        "what a release puts into storage",
        Some(delivers(before.delivers)),
        Some(delivers(after.delivers)),
    ));
    found
}

/// The sentence.
pub(super) fn words(changes: &[LogChange]) -> Words {
    one_or_many(LogKind::Settings, changes, "settings")
}

fn unit_changes(before: Option<&UnitSettings>, unit: &UnitSettings, found: &mut Vec<LogChange>) {
    let Some(before) = before else {
        found.extend(LogChange::new("unit", None, Some(unit.id.to_string())));
        return;
    };
    let id = &unit.id;
    found.extend(LogChange::new(
        format!("name of {id}"),
        Some(before.label.clone()),
        Some(unit.label.clone()),
    ));
    map(
        &before.device_ids,
        &unit.device_ids,
        |kind| format!("{kind} id of {id}"),
        found,
    );
    let embedded = |builds: &EmbeddedBuilds, ios: bool| -> BTreeMap<String, String> {
        let builds = if ios { &builds.ios } else { &builds.android };
        let says = |(native, build): (&String, &u32)| (native.clone(), format!("build {build}"));
        builds.iter().map(says).collect()
    };
    for (ios, name) in [(true, "iOS"), (false, "Android")] {
        map(
            &embedded(&before.embedded, ios),
            &embedded(&unit.embedded, ios),
            |native| format!("build of {id} that {name} {native} embeds"),
            found,
        );
    }
}

fn channel_changes(
    before: Option<&ChannelSettings>,
    channel: &ChannelSettings,
    found: &mut Vec<LogChange>,
) {
    let Some(before) = before else {
        found.extend(LogChange::new(
            "channel",
            None,
            Some(channel.id.to_string()),
        ));
        return;
    };
    let id = &channel.id;
    let hours = |c: &ChannelSettings| Some(format!("{} h", c.min_hours));
    let may = |c: &ChannelSettings| Some(if c.self_assign { "yes" } else { "no" }.to_owned());
    let aliases = |c: &ChannelSettings| Some(c.aliases.join(", ")).filter(|text| !text.is_empty());
    let rsa = |c: &ChannelSettings| {
        // The name alone would hide that the key behind it is another.
        c.rsa.as_ref().map(|r| {
            let digits = headgate_tuf::sha256_hex(r.public.as_bytes());
            format!("‘{}’ ({})", r.name, &digits[..8])
        })
    };
    let all = [
        LogChange::new(
            format!("name of {id}"),
            Some(before.label.clone()),
            Some(channel.label.clone()),
        ),
        LogChange::new(
            format!("aliases of {id}"),
            aliases(before),
            aliases(channel),
        ),
        LogChange::new(
            format!("confirmation for {id}"),
            Some(confirm(before.confirm)),
            Some(confirm(channel.confirm)),
        ),
        LogChange::new(
            format!("first share in {id}"),
            Some(percent(before.start_permille)),
            Some(percent(channel.start_permille)),
        ),
        LogChange::new(
            format!("gate of {id}"),
            before.gate.as_ref().map(gate),
            channel.gate.as_ref().map(gate),
        ),
        LogChange::new(
            format!("hours of a step in {id}"),
            hours(before),
            hours(channel),
        ),
        LogChange::new(
            format!("devices may move themselves to {id}"),
            may(before),
            may(channel),
        ),
        LogChange::new(format!("RSA key of {id}"), rsa(before), rsa(channel)),
    ];
    found.extend(all.into_iter().flatten());
}

fn map(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    what: impl Fn(&str) -> String,
    found: &mut Vec<LogChange>,
) {
    for (key, value) in after {
        found.extend(LogChange::new(
            what(key),
            before.get(key).cloned(),
            Some(value.clone()),
        ));
    }
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        found.extend(LogChange::new(what(key), Some(value.clone()), None));
    }
}

/// "at most 1 % of 500 attempts or more".
pub(super) fn gate(gate: &Gate) -> String {
    format!(
        "at most {} failed of {} attempts or more",
        percent(gate.max_failure_permille),
        gate.min_sample
    )
}

fn confirm(confirm: Confirm) -> String {
    match confirm {
        Confirm::None => "none",
        Confirm::Plain => "a button",
        Confirm::Typed => "the channel's name typed",
        Confirm::Wait => "the channel's name typed, then 5 s to undo",
    }
    .into()
}

fn delivers(delivers: Delivers) -> String {
    match (delivers.zip, delivers.files) {
        (true, true) => "zip and single files",
        (true, false) => "zip",
        (false, _) => "single files",
    }
    .into()
}
