//! The rules against golden vectors; each file says how its expectations were made.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed expectation is the test"
)]

use headgate_core::native::{self, Native, NativeRange, Platform};
use headgate_core::offer::{ChannelState, Device, Offer, who_gets};
use headgate_core::settings::EmbeddedBuilds;
use headgate_core::share::{bucket, in_share};
use headgate_core::{Code, ReleaseManifest, Result, RolloutDocument, Start};
use headgate_tuf::{UtcTime, sha256_hex};
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value};

fn load(name: &str) -> Value {
    let path = format!(
        "{}/../../tests/fixtures/vectors/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn list<'a>(v: &'a Value, key: &str) -> &'a Vec<Value> {
    v[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

fn text<'a>(v: &'a Value, key: &str) -> &'a str {
    v[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key} in {v}"))
}

fn get<T: DeserializeOwned>(v: &Value, key: &str) -> T {
    from_value(v[key].clone()).unwrap_or_else(|e| panic!("{key}: {e} in {v}"))
}

#[test]
fn shares_are_those_of_the_formula() {
    for case in list(&load("share.json"), "cases") {
        let (id, salt) = (text(case, "install_id"), text(case, "salt"));
        assert_eq!(bucket(id, salt), get::<u16>(case, "bucket"), "{case}");
        for share in list(case, "shares") {
            let permille = get(share, "permille");
            assert_eq!(
                in_share(Some(id), salt, permille),
                get::<bool>(share, "matches"),
                "{id} {salt} {share}"
            );
        }
    }
}

#[test]
fn native_ranges_match_what_npm_matches() {
    for case in list(&load("native.json"), "cases") {
        let range: NativeRange = get(case, "range");
        for (key, expected) in [("matches", true), ("others", false)] {
            for version in get::<Vec<String>>(case, key) {
                assert_eq!(range.matches(&version), expected, "{version} in {range:?}");
            }
        }
        let both = Native {
            ios: Some(range),
            android: None,
        };
        both.check().unwrap();
        assert!(
            !both.matches(Platform::Ios, "unknown"),
            "unreadable is in no range"
        );
        assert!(
            both.matches(Platform::Android, "unknown"),
            "no range is no limit"
        );
    }
}

#[test]
fn what_is_no_native_range_is_refused() {
    for range in list(&load("native.json"), "refused") {
        let native = Native {
            ios: None,
            android: Some(from_value(range.clone()).unwrap()),
        };
        assert_eq!(
            native.check().unwrap_err().code,
            Code::UsageArgument,
            "{range}"
        );
    }
}

#[test]
fn native_versions_of_devices_are_read_as_documented() {
    let file = load("native.json");
    for (sent, read) in file["coerced"].as_object().unwrap() {
        let version = native::coerce(sent).map(|v| v.to_string());
        assert_eq!(version.as_deref(), read.as_str(), "{sent:?}");
    }
    for case in list(&file, "words") {
        assert_eq!(native::summary(&get(case, "native")), text(case, "words"));
    }
}

#[test]
fn manifests_are_written_and_read_byte_for_byte() {
    for case in list(&load("manifest.json"), "cases") {
        let bytes = text(case, "text").as_bytes();
        let manifest = ReleaseManifest::parse(bytes).unwrap();
        assert_eq!(manifest.to_bytes().unwrap(), bytes);
        assert_eq!(manifest.sha256().unwrap(), text(case, "sha256"));
    }
}

#[test]
fn hostile_manifests_are_refused() {
    for case in list(&load("manifest.json"), "refused") {
        let read = ReleaseManifest::parse(text(case, "text").as_bytes());
        assert_eq!(
            read.map_err(|p| p.code),
            Err(Code::TrustFormat),
            "{}",
            case["why"]
        );
    }
}

#[test]
fn hostile_rollout_documents_are_refused() {
    let file = load("rollout.json");
    for good in list(&file, "read") {
        let bytes = good.as_str().unwrap().as_bytes();
        assert_eq!(
            RolloutDocument::parse(bytes).unwrap().to_bytes().unwrap(),
            bytes
        );
    }
    for case in list(&file, "refused") {
        let read = RolloutDocument::parse(text(case, "text").as_bytes());
        assert_eq!(
            read.map_err(|p| p.code),
            Err(Code::TrustFormat),
            "{}",
            case["why"]
        );
    }
}

fn apply(current: Option<&RolloutDocument>, step: &Value, plan: &Value) -> Result<RolloutDocument> {
    let reason = text(step, "reason");
    let now = || UtcTime::parse(text(step, "now")).unwrap();
    let document = || current.expect("a document before this step");
    match text(step, "do") {
        "start" => RolloutDocument::start(
            current,
            Start {
                unit: "main".to_owned().try_into().unwrap(),
                channel: "production".to_owned().try_into().unwrap(),
                release: get(step, "release"),
                manifest: get(step, "manifest"),
                permille: get(step, "permille"),
                salt: get(step, "salt"),
                native: get(step, "native"),
                steps: get(plan, "steps"),
                min_hours: get(plan, "min_hours"),
                gate: None,
                now: now(),
                reason: reason.into(),
            },
        ),
        "set_share" => document().set_share(get(step, "permille"), now(), reason),
        "halt" => document().halt(reason),
        "resume" => document().resume(now(), reason),
        "complete" => document().complete(now(), reason),
        "roll_back" => {
            document().roll_back(get(step, "release"), text(step, "manifest"), now(), reason)
        }
        "embedded" => document().embedded(now(), reason),
        other => panic!("unknown step {other}"),
    }
}

#[test]
fn a_channel_lives_through_every_transition() {
    let file = load("rollout.json");
    let mut current: Option<RolloutDocument> = None;
    for (i, step) in list(&file, "steps").iter().enumerate() {
        let next = apply(current.as_ref(), step, &file["plan"]);
        if let Some(code) = step["error"].as_str() {
            let problem = next.expect_err(&format!("step {i}: {step}"));
            assert_eq!(problem.code.text(), code, "step {i}: {problem}");
            continue;
        }
        let next = next.unwrap_or_else(|p| panic!("step {i}: {p}"));
        assert_eq!(
            serde_json::to_value(&next).unwrap(),
            step["document"],
            "step {i}"
        );
        assert_eq!(
            sha256_hex(&next.to_bytes().unwrap()),
            text(step, "sha256"),
            "step {i}"
        );
        current = Some(next);
    }
}

fn offer(words: &str) -> impl Fn(Offer) -> bool {
    move |offer| match offer {
        Offer::Release(build) => words == format!("release {build}"),
        Offer::UpToDate => words == "up_to_date",
        Offer::Embedded => words == "embedded",
        Offer::Nothing(why) => words == format!("nothing {}", why.code()),
    }
}

#[test]
fn who_gets_what_is_as_the_rules_say() {
    let file = load("offer.json");
    let manifests: Vec<ReleaseManifest> = get(&file, "manifests");
    let embedded: EmbeddedBuilds = get(&file, "embedded");
    for scene in list(&file, "scenes") {
        let name = text(scene, "name");
        let rollout: RolloutDocument = get(scene, "rollout");
        rollout.check().unwrap();
        let approved: Vec<u32> = get(scene, "approved");
        let approved = manifests.iter().filter(|m| approved.contains(&m.build));
        let state = ChannelState::new(rollout, approved, embedded.clone()).unwrap();
        for case in list(scene, "devices") {
            let device = Device {
                install_id: get(case, "install_id"),
                platform: get(case, "platform"),
                native: get(case, "native"),
                running: get(case, "running"),
                failed: Vec::new(),
            };
            let got = who_gets(&state, &device);
            assert!(
                offer(text(case, "offer"))(got),
                "{name}: {case} got {got:?}"
            );
        }
    }
}
