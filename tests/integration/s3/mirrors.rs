//! Mirrors get what the registry gets, and hold nothing up.

use headgate_core::Code;
use headgate_engine::{Clock as _, JobKind, JobState, OpenStore as _, StorageKeys};
use headgate_tests::{Fault, S3, device};

use super::bench::{bucket, ship};

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_holds_the_same_state_also_when_it_was_away_meanwhile() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    ship(&anna, &bucket.build("one")).await.unwrap();
    let other = S3::start(&bucket.dir.path().join("mirror")).await;
    let address = other.address("copy");
    let id = anna.workspace.id.clone();
    let job = anna.console.add_mirror(&id, &address, None).await.unwrap();
    anna.console.wait(&job).await.unwrap();
    let mirrored = || async {
        let store = other.stores().open(&address).unwrap();
        device(store.as_ref(), &anna.workspace.root, bucket.clock.now()).await
    };
    assert_eq!(mirrored().await.unwrap(), bucket.device(&anna).await);

    ship(&anna, &bucket.build("two")).await.unwrap();
    assert_eq!(mirrored().await.unwrap(), bucket.device(&anna).await);

    // It is away: the release is out all the same, and a job says that the mirror is behind.
    other.faults(|_| Fault::Break);
    ship(&anna, &bucket.build("missed")).await.unwrap();
    let receipt = ship(&anna, &bucket.build("three")).await.unwrap();
    assert_eq!(receipt.release.unwrap().1, 4);
    let jobs = anna.console.jobs().await.unwrap();
    let behind: Vec<_> = jobs
        .iter()
        .filter(|j| j.kind == JobKind::Mirror && j.state == JobState::Failed)
        .collect();
    assert_eq!(behind.len(), 1, "one for two releases");
    let behind = behind[0].id.clone();
    assert_eq!(
        jobs.iter().find(|j| j.kind == JobKind::Ship).unwrap().state,
        JobState::Done
    );
    let shown = anna.console.storage_settings(&id).await.unwrap();
    assert!(shown.mirrors[0].behind.is_some());
    other.heal();
    assert_eq!(
        mirrored().await.unwrap().build("development"),
        Some(2),
        "a whole earlier state"
    );
    let again = anna.console.sync_mirror(&id, &address).await.unwrap();
    assert_eq!(again, behind, "the job that failed goes on");
    anna.console.wait(&behind).await.unwrap();
    let shown = anna.console.storage_settings(&id).await.unwrap();
    assert_eq!(shown.mirrors[0].behind, None);
    assert_eq!(mirrored().await.unwrap(), bucket.device(&anna).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_is_no_mirror_of_itself() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let refused = anna
        .console
        .add_mirror(&anna.workspace.id, &bucket.address(), None)
        .await;
    assert_eq!(refused.unwrap_err().code, Code::UsageExists);
    let (id, nobody) = (&anna.workspace.id, "s3://nobody/x?region=eu-north-1");
    let unknown = anna.console.remove_mirror(id, nobody).await;
    assert_eq!(unknown.unwrap_err().code, Code::UsageUnknown);
    // Nothing is written to a place that nobody made a mirror.
    let elsewhere = format!("file://{}", bucket.dir.path().join("elsewhere").display());
    let unknown = anna.console.sync_mirror(id, &elsewhere).await;
    assert_eq!(unknown.unwrap_err().code, Code::UsageUnknown);
    assert!(!bucket.dir.path().join("elsewhere").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_removed_leaves_no_secret_and_no_job() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let id = anna.workspace.id.clone();
    let other = S3::start(&bucket.dir.path().join("mirror")).await;
    other.faults(|_| Fault::Break);
    let keys = StorageKeys {
        access_key_id: "AKMIRROR".to_owned().into(),
        secret: "of-the-mirror-alone".to_owned().into(),
        session_token: None,
    };
    let address = other.address("copy");
    let job = anna.console.add_mirror(&id, &address, Some(&keys)).await;
    assert!(anna.console.wait(&job.unwrap()).await.is_err());
    let shown = anna.console.storage_settings(&id).await.unwrap();
    let mirror = &shown.mirrors[0];
    assert!(mirror.in_vault && mirror.behind.is_some(), "{mirror:?}");
    anna.console
        .remove_mirror(&id, &mirror.address)
        .await
        .unwrap();
    assert!(anna.console.mirrors(&id).await.unwrap().is_empty());
    let jobs = anna.console.jobs().await.unwrap();
    assert!(
        jobs.iter().all(|job| job.kind != JobKind::Mirror),
        "{jobs:?}"
    );
    // Added again without a key, it has none.
    let again = anna.console.add_mirror(&id, &address, None).await.unwrap();
    let _ = anna.console.wait(&again).await;
    let shown = anna.console.storage_settings(&id).await.unwrap();
    assert!(!shown.mirrors[0].in_vault);
}
