//! What a folder does, a bucket does.

use headgate_core::Code;
use headgate_engine::RolloutChange;
use headgate_tests::{code, promote};
use zeroize::Zeroizing;

use super::bench::{bucket, ship};

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_from_development_to_production_halts_and_rolls_back_in_a_bucket() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let first = ship(&anna, &bucket.build("one")).await.unwrap();
    assert_eq!(first.signed_sha256, first.read_back_sha256);
    ship(&anna, &bucket.build("two")).await.unwrap();
    promote(&anna, 2, "development", "staging").await.unwrap();
    promote(&anna, 2, "staging", "production").await.unwrap();
    let seen = bucket.device(&anna).await;
    assert_eq!(seen.build("staging"), Some(2));
    assert_eq!(seen.channels["main.production"].permille, 10);
    let back = RolloutChange::RollBack { to: 1 };
    let id = &anna.workspace.id;
    let job = anna
        .console
        .rollout(id, "main", "development", back, "a test");
    let job = job.await.unwrap();
    anna.receipt(&job).await.unwrap();
    assert_eq!(bucket.device(&anna).await.build("development"), Some(1));
    let log = anna.log().await.unwrap();
    assert_eq!(log.len(), 6, "{log:?}");
    // A colleague's console reads the same, and a second registry is not made over the first.
    let berta = bucket.second(&anna, "berta").await;
    assert_eq!(berta.log().await.unwrap(), log);
    let carla = bucket.console("carla").await;
    assert_eq!(code(bucket.init(&carla, None).await), Code::UsageExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_test_names_every_step_and_leaves_nothing() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    // The server keeps notes of its own beside the bucket.
    let objects = bucket.s3.folder.join(headgate_tests::BUCKET);
    let before = headgate_tests::files_below(&objects);
    let checks = anna
        .console
        .storage_check(&anna.workspace.id)
        .await
        .unwrap();
    let titles: Vec<&str> = checks.iter().map(|c| c.title.as_str()).collect();
    for title in [
        "Reads",
        "Writes",
        "Create-only",
        "Compare-and-swap",
        "Uploads in parts",
    ] {
        assert!(titles.contains(&title), "{titles:?}");
    }
    // The clock of the test is not the storage's.
    let failed: Vec<_> = checks
        .iter()
        .filter_map(|c| c.result.as_ref().err())
        .collect();
    assert!(
        failed.iter().all(|p| p.code == Code::StorageClock),
        "{failed:?}"
    );
    assert_eq!(headgate_tests::files_below(&objects), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_lie_in_the_vault_and_nowhere_else() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    anna.console.close().await;
    let stores = bucket.s3.stores().own_credentials();
    let options = bucket.options("anna", stores);
    let home = options.home.clone();
    let console = headgate_engine::Console::open(options).await.unwrap();
    let id = anna.workspace.id.as_str();
    let keys = |secret: &str| headgate_engine::StorageKeys {
        access_key_id: Zeroizing::new(headgate_tests::ACCESS_KEY.into()),
        secret: Zeroizing::new(secret.into()),
        session_token: None,
    };
    console
        .set_credentials(id, None, &keys("wrong"))
        .await
        .unwrap();
    let problem = console.sync(id).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageCredentials, "{problem}");
    console
        .set_credentials(id, None, &keys(headgate_tests::SECRET))
        .await
        .unwrap();
    console.sync(id).await.unwrap();
    console.close().await;
    for file in headgate_tests::files_below(&home) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [headgate_tests::SECRET, headgate_tests::ACCESS_KEY] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{} holds the credentials", file.display());
        }
    }
}
