//! What a publisher meets in the storage: objects that somebody poisoned, and what dead consoles left behind.

use headgate_core::Code;
use headgate_engine::{InspectOptions, PromoteRequest, RolloutChange};
use headgate_tests::{code, promote, ship};

use super::registry::{TIMESTAMP, registry};

#[tokio::test]
async fn a_poisoned_object_under_a_content_addressed_name_stops_the_publish() {
    let r = registry().await;
    let before = r.device().await.unwrap();
    let build = r.bench.build("two");
    let packed = r.bench.dir.path().join("packed.zip");
    let options = InspectOptions::default();
    let packed = r
        .anna
        .console
        .pack_to(&build, &packed, options)
        .await
        .unwrap();
    let size = usize::try_from(packed.size).unwrap();
    for (key, poison) in [
        (format!("bundles/{}.zip", packed.sha256), vec![b'x'; size]),
        (format!("bundles/{}.zip", packed.sha256), b"short".to_vec()),
        (
            format!("inventories/{}.json", packed.inventory_sha256),
            b"{}".to_vec(),
        ),
    ] {
        r.put(&key, &poison);
        let timestamp = r.bytes(TIMESTAMP);
        let refused = ship(&r.anna, &build, "development").await;
        assert_eq!(code(refused), Code::StoragePoisoned, "{key}");
        assert_eq!(r.bytes(TIMESTAMP), timestamp);
        assert_eq!(r.bytes(&key), poison, "evidence is kept");
        assert_eq!(r.device().await.unwrap(), before);
        std::fs::remove_file(r.path(&key)).unwrap();
    }
    ship(&r.anna, &build, "development").await.unwrap();
}

#[tokio::test]
async fn a_promotion_hashes_the_bundle_again_and_refuses_other_bytes() {
    let r = registry().await;
    let build = r.bench.build("two");
    let shipped = ship(&r.anna, &build, "development").await.unwrap();
    let number = shipped.release.unwrap().1;
    let key = format!("bundles/{}.zip", shipped.signed_sha256.unwrap());
    let good = r.bytes(&key);
    let mut bad = good.clone();
    bad[40] ^= 1;
    r.put(&key, &bad);
    let refused = promote(&r.anna, number, "development", "staging").await;
    assert_eq!(code(refused), Code::TrustHash);
    r.put(&key, &good);
    promote(&r.anna, number, "development", "staging")
        .await
        .unwrap();
}

#[tokio::test]
async fn versions_that_a_dead_console_left_behind_are_stepped_over() {
    let r = registry().await;
    for left in [
        "3.main.development.json",
        "4.main.development.json",
        "7.snapshot.json",
    ] {
        r.put(&format!("metadata/{left}"), b"never committed");
    }
    let build = r.bench.build("two");
    ship(&r.anna, &build, "development").await.unwrap();
    let seen = r.device().await.unwrap();
    assert_eq!(seen.versions["main.development"], 5);
    assert_eq!(seen.versions["main.development.rollout"], 3);
    assert_eq!(seen.versions["snapshot"], 8);
    assert_eq!(seen.versions["timestamp"], 5);
    // The chain leads from each committed version to the one before it, over the gap.
    assert_eq!(r.anna.log().await.unwrap().len(), 5);
}

#[tokio::test]
async fn the_log_notices_a_committed_file_that_was_changed_later() {
    let r = registry().await;
    for key in [
        "metadata/2.snapshot.json",
        "metadata/1.main.production.json",
    ] {
        let good = r.bytes(key);
        let newer = r.bytes(&key.replace("/2.", "/3.").replace("/1.", "/2."));
        for bad in [Some(newer), None] {
            match bad {
                Some(bytes) => r.put(key, &bytes),
                None => std::fs::remove_file(r.path(key)).unwrap(),
            }
            assert_eq!(code(r.anna.log().await), Code::TrustLog, "{key}");
        }
        r.put(key, &good);
    }
    assert_eq!(r.anna.log().await.unwrap().len(), 4);
}

#[tokio::test]
async fn names_that_anybody_can_write_do_not_push_our_numbers_out_of_reach() {
    let r = registry().await;
    for bomb in [
        "9007199254740990.main.development.json",
        "18446744073709551615.snapshot.json",
    ] {
        r.put(&format!("metadata/{bomb}"), b"{}");
    }
    let name = format!(
        "{}.main.development.release-{}.json",
        "0".repeat(64),
        u32::MAX
    );
    r.put(&format!("targets/{name}"), b"{}");
    let build = r.bench.build("two");
    let shipped = ship(&r.anna, &build, "development").await.unwrap();
    assert!(shipped.release.unwrap().1 < 100);
    let seen = r.device().await.unwrap();
    assert!(
        seen.versions.values().all(|version| *version < 100),
        "{:?}",
        seen.versions
    );
    r.anna.log().await.unwrap();
}

#[tokio::test]
async fn a_signature_that_is_none_names_nobody_in_the_receipt() {
    let r = registry().await;
    let file = r.bytes("metadata/1.targets.json");
    let mut value: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let stranger = serde_json::json!({"keyid": "ab".repeat(32), "sig": "cd".repeat(64)});
    value["signatures"].as_array_mut().unwrap().push(stranger);
    // The signed part must stay as it was signed, so only the list is replaced.
    let text = String::from_utf8(file).unwrap();
    let signed = &text[text.find(r#""signed":"#).unwrap()..];
    let forged = format!(r#"{{"signatures":{},{signed}"#, value["signatures"]);
    r.put("metadata/1.targets.json", forged.as_bytes());
    let view = r
        .view(&r.marks().await, headgate_registry::Expiry::Enforce)
        .await
        .unwrap();
    assert_eq!(view.targets.signers.len(), 1);
    assert!(
        view.targets
            .signers
            .iter()
            .all(|id| id.as_str() != "ab".repeat(32))
    );
}

#[tokio::test]
async fn nothing_ships_on_top_of_expired_freshness_until_somebody_looked() {
    let r = registry().await;
    let build = r.bench.build("two");
    r.bench.clock.days(31);
    assert_eq!(
        code(ship(&r.anna, &build, "development").await),
        Code::TrustExpired
    );
    let (console, id) = (&r.anna.console, &r.anna.workspace.id);
    assert_eq!(code(console.check_fresh(id).await), Code::TrustExpired);
    let job = console.refresh(id).await.unwrap();
    console.wait(&job).await.unwrap();
    console.check_fresh(id).await.unwrap();
    ship(&r.anna, &build, "development").await.unwrap();
}

#[tokio::test]
async fn a_lost_race_on_the_last_channel_asks_for_a_new_decision() {
    let r = registry().await;
    let (console, id) = (&r.anna.console, r.anna.workspace.id.as_str());
    let build = r.bench.build("two");
    let number = ship(&r.anna, &build, "development")
        .await
        .unwrap()
        .release
        .unwrap()
        .1;
    promote(&r.anna, number, "development", "staging")
        .await
        .unwrap();
    let request = PromoteRequest {
        workspace: id.into(),
        unit: "main".into(),
        build: number,
        from: "staging".into(),
        to: "production".into(),
        permille: None,
    };
    let plan = console.promote_prepare(request).await.unwrap();
    let untyped = console.start_plan(&plan.plan, Some("prod")).await;
    assert_eq!(code(untyped), Code::UsageConfirm);
    // Somebody rolls back to the embedded build while the plan waits for its name.
    let other = console
        .rollout(id, "main", "production", RolloutChange::Embedded, "broken")
        .await;
    console.wait(&other.unwrap()).await.unwrap();
    let job = console
        .start_plan(&plan.plan, Some("production"))
        .await
        .unwrap();
    assert_eq!(code(console.wait(&job).await), Code::PublishConflict);
    assert_eq!(code(console.resume_job(&job).await), Code::UsageConfirm);
    assert_eq!(r.device().await.unwrap().build("production"), None);
    // The plan was used up: a second click starts nothing.
    assert_eq!(
        code(console.start_plan(&plan.plan, Some("production")).await),
        Code::UsageUnknown
    );
}
