//! Words from documents: each test says what a person reads.

use headgate_core::rollout::{Base, Entry, RolloutDocument, RolloutState};
use headgate_core::{Native, NativeRange, ReleaseManifest};
use headgate_tuf::{Name, UtcTime};

use super::rollout::channel;
use super::{ChannelMove, LogKind, Words};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn document(build: u32, permille: u16) -> RolloutDocument {
    let start = headgate_core::Start {
        unit: name("main"),
        channel: name("production"),
        release: build,
        manifest: "a".repeat(64),
        permille,
        salt: "salt".into(),
        native: None,
        steps: Vec::new(),
        min_hours: 24,
        gate: None,
        now: UtcTime::from_unix(1_000),
        reason: "because".into(),
    };
    RolloutDocument::start(None, start).unwrap()
}

fn manifest(version: &str, build: u32) -> ReleaseManifest {
    serde_json::from_value(serde_json::json!({
        "unit": "main", "version": version, "build": build, "created": "2026-07-16T13:48:21Z",
        "packer": { "name": "headgate", "version": "0.1.0", "level": 9 },
        "bundle": { "sha256": "b".repeat(64), "size": 1 }, "inventory": { "sha256": "c".repeat(64), "size": 1 },
    }))
    .unwrap()
}

fn words(before: Option<RolloutDocument>, after: RolloutDocument) -> Words {
    moved(Vec::new(), Some((before, Some(after)))).unwrap()
}

fn moved(
    approved: Vec<(ReleaseManifest, Option<Name>)>,
    rollout: Option<(Option<RolloutDocument>, Option<RolloutDocument>)>,
) -> Option<Words> {
    let version = |build: u32| (build > 1).then(|| format!("4.2.{build}"));
    let (unit, place) = (name("main"), name("production"));
    let moved = ChannelMove {
        unit: &unit,
        channel: &place,
        approved,
        withdrawn: Vec::new(),
        rollout,
        version: &version,
    };
    channel(&moved, None)
}

#[test]
fn a_share_says_from_and_to() {
    let old = document(4, 100);
    let new = old
        .set_share(250, UtcTime::from_unix(2_000), "fine so far")
        .unwrap();
    let words = words(Some(old), new);
    assert_eq!(words.kind, LogKind::Advance);
    assert_eq!(words.text(), "advanced 4.2.4 in production to 25 %");
    assert_eq!(words.detail.as_deref(), Some("Was 10 %"));
    assert_eq!(words.release, Some(("4.2.4".into(), 4)));
    let line = words.changes[0].line();
    assert_eq!(line, "served in production: 4.2.4 at 10 % → 4.2.4 at 25 %");
}

#[test]
fn halts_resumes_and_completions() {
    let going = document(4, 100);
    let halted = going.halt("crashes").unwrap();
    let said = words(Some(going.clone()), halted.clone());
    assert_eq!(
        (said.kind, said.text().as_str()),
        (LogKind::Halt, "halted 4.2.4 in production at 10 %")
    );
    let resumed = halted.resume(UtcTime::from_unix(2_000), "fixed").unwrap();
    let said = words(Some(halted), resumed);
    assert_eq!(
        (said.kind, said.text().as_str()),
        (LogKind::Resume, "resumed 4.2.4 in production at 10 %")
    );
    let complete = going.complete(UtcTime::from_unix(3_000), "good").unwrap();
    let said = words(Some(going), complete);
    assert_eq!(
        (said.kind, said.text().as_str()),
        (LogKind::Complete, "completed 4.2.4 in production: 100 %")
    );
    assert_eq!(said.detail.as_deref(), Some("Was 10 %"));
}

#[test]
fn ways_back() {
    let now = UtcTime::from_unix(3_000);
    let all = document(3, 1000);
    let manifest = "d".repeat(64);
    let back = all.roll_back(2, &manifest, now, "broken").unwrap();
    let said = words(Some(all.clone()), back);
    assert_eq!(
        (said.kind, said.text().as_str()),
        (
            LogKind::RollBack,
            "rolled back production from 4.2.3 to 4.2.2"
        )
    );
    let embedded = all.embedded(now, "broken").unwrap();
    let said = words(Some(all.clone()), embedded.clone());
    assert_eq!(
        (said.kind, said.text().as_str()),
        (
            LogKind::Embedded,
            "returned production to the embedded build"
        )
    );
    assert_eq!(said.detail.as_deref(), Some("Was 4.2.3 to everyone"));
    // A rollout above a base, taken back to that base.
    let mut above = all.clone();
    above.entries = document(4, 100).entries;
    let back = above.roll_back(3, &"a".repeat(64), now, "broken").unwrap();
    let said = words(Some(above), back);
    assert_eq!(
        (said.kind, said.text().as_str()),
        (
            LogKind::RollBack,
            "rolled back production from 4.2.4 to 4.2.3"
        )
    );
}

#[test]
fn two_builds_of_one_version_are_told_apart() {
    let version = |_: u32| Some("4.2.5".to_owned());
    let (unit, place) = (name("main"), name("production"));
    let all = document(3, 1000);
    let back = all.roll_back(2, &"d".repeat(64), UtcTime::from_unix(3_000), "broken");
    let moved = ChannelMove {
        unit: &unit,
        channel: &place,
        approved: Vec::new(),
        withdrawn: Vec::new(),
        rollout: Some((Some(all), Some(back.unwrap()))),
        version: &version,
    };
    let said = channel(&moved, None).unwrap();
    assert_eq!(
        said.text(),
        "rolled back production from 4.2.5 (build 3) to 4.2.5 (build 2)"
    );
    assert_eq!(said.release, Some(("4.2.5".into(), 2)));
}

#[test]
fn freezes() {
    let open = document(4, 100);
    let frozen = open.freeze("Ines", "audit").unwrap();
    let said = words(Some(open.clone()), frozen.clone());
    assert_eq!(
        (said.kind, said.text().as_str(), said.detail.as_deref()),
        (LogKind::Freeze, "froze production", None)
    );
    let said = words(Some(frozen.clone()), frozen.unfreeze("audited").unwrap());
    assert_eq!(
        (said.kind, said.text().as_str(), said.detail.as_deref()),
        (
            LogKind::Unfreeze,
            "unfroze production",
            Some("Was frozen by Ines: audit")
        )
    );
    // A way back on a frozen channel is what happened; that it stays frozen is no news.
    let halted = frozen.halt("crashes").unwrap();
    assert_eq!(words(Some(frozen), halted.clone()).kind, LogKind::Halt);
    assert!(halted.frozen.is_some());
}

#[test]
fn native_versions_and_the_rest() {
    let old = document(4, 100);
    let mut narrowed = old.clone();
    let range = NativeRange {
        min: Some("4.1.0".into()),
        max: Some("4.2.x".into()),
        exclude: Vec::new(),
    };
    let native = Native::new(range.clone(), range).unwrap();
    narrowed.entries = vec![Entry {
        native: Some(native),
        ..old.entries[0].clone()
    }];
    let said = words(Some(old.clone()), narrowed);
    assert_eq!(said.kind, LogKind::Native);
    assert_eq!(
        said.text(),
        "set native versions of 4.2.4 in production to 4.1.0 – 4.2.x"
    );
    assert_eq!(said.detail.as_deref(), Some("Was all native versions"));
    let mut same = old.clone();
    same.reason = "signed again".into();
    assert!(moved(Vec::new(), Some((Some(old), Some(same)))).is_none());
}

#[test]
fn releases_and_promotions() {
    let began = document(5, 10);
    let shipped = moved(
        vec![(manifest("4.2.5", 5), None)],
        Some((None, Some(began.clone()))),
    )
    .unwrap();
    assert_eq!(
        (shipped.kind, shipped.text().as_str()),
        (LogKind::Ship, "released 4.2.5, build 5, to production")
    );
    assert_eq!(
        shipped.detail.as_deref(),
        Some("Begins with 1 % of the devices; was nothing")
    );
    let from = Some(name("staging"));
    let old = document(3, 1000);
    let promoted = moved(
        vec![(manifest("4.2.5", 5), from)],
        Some((Some(old), Some(began))),
    )
    .unwrap();
    assert_eq!(
        (promoted.kind, promoted.text().as_str()),
        (
            LogKind::Promote,
            "promoted 4.2.5 from staging to production"
        )
    );
    let approved = moved(vec![(manifest("4.2.5", 5), None)], None).unwrap();
    assert_eq!(
        (approved.kind, approved.text().as_str()),
        (LogKind::Approve, "approved 4.2.5, build 5, for production")
    );
    assert_eq!(document(4, 1000).base.build(), Some(4));
    assert!(matches!(document(4, 10).base, Base::Nothing));
    assert_eq!(document(4, 10).entries[0].state, RolloutState::RollingOut);
}
