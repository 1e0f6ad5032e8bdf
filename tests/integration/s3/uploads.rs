//! Uploads: in parts, skipped when proven, tried again, held, taken up after a crash, taken back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headgate_core::Code;
use headgate_engine::{Console, JobState};
use headgate_tests::{Fault, Person};

use super::bench::{bucket, fails, first, puts, resume, ship, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_large_bundle_goes_in_parts_of_eight_mebibytes_and_the_same_one_is_skipped() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let build = bucket.large("large", 20);
    bucket.s3.forget();
    let receipt = ship(&anna, &build).await.unwrap();
    let parts: Vec<u32> = puts(&bucket, "bundles/")
        .iter()
        .filter_map(|a| a.part())
        .collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
    assert_eq!(receipt.skipped_objects, 0);
    // The very same bytes as another build: proven, not sent.
    bucket.s3.forget();
    let again = ship(&anna, &build).await.unwrap();
    assert!(puts(&bucket, "bundles/").is_empty());
    assert_eq!(again.skipped_objects, 2, "the bundle and its inventory");
    assert_eq!(bucket.device(&anna).await.build("development"), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_parts_costs_only_what_was_not_acknowledged() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let build = bucket.large("crash", 30);
    anna.console.close().await;
    let workspace = anna.workspace.clone();
    bucket.s3.faults(|a| match a.part() {
        Some(3) => Fault::Hold,
        _ => Fault::Pass,
    });
    bucket.s3.forget();
    // A process of its own in small: when its runtime ends, everything in it stops where it stands.
    let process = tokio::runtime::Runtime::new().unwrap();
    let (options, own) = (
        bucket.options("anna", bucket.s3.stores()),
        workspace.clone(),
    );
    let begun = process.spawn(async move {
        let console = Console::open(options).await.unwrap();
        let person = Person {
            console,
            workspace: own,
        };
        let job = person
            .start_ship(&build, "development", "4.2.5")
            .await
            .unwrap();
        (person, job)
    });
    let (dying, job) = begun.await.unwrap();
    // Three of the four parts are acknowledged, the third is held.
    let sent = |job: &headgate_engine::Job| {
        let bundle = job.steps.iter().find(|s| s.key.starts_with("bundles/"));
        bundle.map_or(0, |s| s.sent)
    };
    loop {
        let now = dying.console.job(&job).await.unwrap();
        assert_eq!(now.state, JobState::Running, "{:?}", now.error);
        if sent(&now) >= 22 * 1024 * 1024 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    process.shutdown_background();
    drop(dying);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    bucket.s3.faults(|_| Fault::Pass);
    bucket.s3.forget();
    let console = bucket.console("anna").await;
    let said = console.recover().await.unwrap();
    assert!(said[0].contains("wrote what was left"), "{said:?}");
    let after: Vec<u32> = puts(&bucket, "bundles/")
        .iter()
        .filter_map(|a| a.part())
        .collect();
    assert_eq!(
        after,
        [3],
        "only the part that was not acknowledged is sent"
    );
    let next = Person { console, workspace };
    assert_eq!(bucket.device(&next).await.build("development"), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_keeps_what_was_sent_and_a_cancel_takes_the_parts_back() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let hold = |a: &headgate_tests::Asked| match a.part() {
        Some(2) => Fault::Hold,
        _ => Fault::Pass,
    };
    bucket.s3.faults(hold);
    let job = anna
        .start_ship(&bucket.large("paused", 20), "development", "4.2.5")
        .await
        .unwrap();
    let parts = |bucket: &super::bench::Bucket| {
        puts(bucket, "bundles/")
            .iter()
            .filter_map(|a| a.part())
            .count()
    };
    while parts(&bucket) < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    anna.console.pause_job(&job).await.unwrap();
    let paused = until(&anna, &job, JobState::Paused).await;
    assert_eq!(paused.targets[0].state, "paused");
    // A start does not take up what a person holds.
    assert!(anna.console.recover().await.unwrap().is_empty());
    bucket.s3.heal();
    bucket.s3.forget();
    resume(&anna, &job).await;
    let sent: Vec<u32> = puts(&bucket, "bundles/")
        .iter()
        .filter_map(|a| a.part())
        .collect();
    assert_eq!(sent, [2]);

    bucket.s3.faults(hold);
    bucket.s3.forget();
    let job = anna
        .start_ship(&bucket.large("given-up", 20), "development", "4.2.6")
        .await
        .unwrap();
    while parts(&bucket) < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anna.console.pause_job(&job).await.unwrap();
    until(&anna, &job, JobState::Paused).await;
    bucket.s3.heal();
    anna.console.cancel_job(&job).await.unwrap();
    let aborted = bucket
        .s3
        .asked()
        .into_iter()
        .filter(|a| a.method == "DELETE" && a.query.contains("uploadId"));
    assert_eq!(aborted.count(), 1);
    assert_eq!(bucket.device(&anna).await.build("development"), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_the_moment_is_tried_again_and_the_person_sees_it() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let slow = Fault::Refuse(503, "SlowDown", String::new());
    bucket
        .s3
        .faults(first(3, |a| a.is_put() && a.key.contains("bundles/"), slow));
    let mut events = anna.console.events();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let watch = tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            if let headgate_engine::Happened::Job(job) = event
                && let Some(retry) = job.targets.first().and_then(|t| t.retry.clone())
            {
                assert_eq!(retry.of, 5);
                count.fetch_max(retry.attempt as usize, Ordering::SeqCst);
            }
        }
    });
    ship(&anna, &bucket.build("busy")).await.unwrap();
    watch.abort();
    assert_eq!(
        seen.load(Ordering::SeqCst),
        4,
        "the fourth try came through"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_try_it_waits_for_a_person_and_sends_only_what_failed() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    bucket.s3.faults(|a| {
        if a.is_put() && a.key.contains("bundles/") {
            Fault::Break
        } else {
            Fault::Pass
        }
    });
    let (job, problem) = fails(&anna, &bucket.build("broken")).await;
    assert_eq!(problem.code, Code::StorageUnavailable, "{problem:?}");
    assert_eq!(puts(&bucket, "bundles/").len(), 5);
    assert_eq!(bucket.device(&anna).await.build("development"), None);
    bucket.s3.forget();
    resume(&anna, &job).await;
    assert_eq!(puts(&bucket, "bundles/").len(), 1);
    assert!(puts(&bucket, "inventories/").is_empty(), "it was there");
    assert_eq!(bucket.device(&anna).await.build("development"), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_object_under_a_name_of_ours_is_never_taken_for_ours() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let build = bucket.build("poisoned");
    let receipt = ship(&anna, &build).await.unwrap();
    let hash = receipt.signed_sha256.unwrap();
    // Somebody who may write to the bucket, as nothing stops them at the storage.
    let (store, key) = (bucket.store(), format!("bundles/{hash}.zip"));
    let object = store.get(&key, 100_000_000).await.unwrap().unwrap();
    let mut bytes = object.bytes.to_vec();
    bytes[100] ^= 1;
    store
        .swap(&key, bytes.into(), Some(&object.etag))
        .await
        .unwrap();
    let (_, problem) = fails(&anna, &build).await;
    assert_eq!(problem.code, Code::StoragePoisoned);
}
