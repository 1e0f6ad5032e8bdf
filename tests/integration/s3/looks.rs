//! What is asked before thousands of small objects are sent.

use std::collections::BTreeSet;

use axum::http::Method;
use headgate_core::settings::Delivers;
use headgate_tests::{BUCKET, noise};

use super::bench::{Bucket, bucket, puts, ship};

const FILES: usize = 300;

/// A build of files that a release has never had.
fn fresh(bucket: &Bucket) -> std::path::PathBuf {
    let build = bucket.build("fresh");
    std::fs::create_dir_all(build.join("chunks")).unwrap();
    for n in 0..FILES {
        let text = noise(&format!("fresh/{n}"), 500);
        std::fs::write(build.join(format!("chunks/{n}.bin")), text).unwrap();
    }
    build
}

/// Objects that were asked for before anything was published. Afterwards every one is read back.
fn looks(bucket: &Bucket) -> Vec<String> {
    let asked = bucket.s3.asked();
    asked
        .into_iter()
        .take_while(|asked| !(asked.is_put() && asked.key.starts_with("ota/metadata/")))
        .filter(|asked| asked.method == Method::HEAD)
        .map(|asked| asked.key)
        .filter(|key| key.starts_with("ota/files/") || key.starts_with("ota/inventories/"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_asks_for_a_few_of_its_files_and_one_that_is_there_makes_it_ask_for_all() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let delivers = Delivers::parse("files").unwrap();
    let job = anna
        .console
        .set_delivers(&anna.workspace.id, delivers)
        .await
        .unwrap();
    anna.receipt(&job).await.unwrap();
    let build = fresh(&bucket);
    bucket.s3.forget();
    ship(&anna, &build).await.unwrap();
    let sent = puts(&bucket, "files/").len();
    let sample = looks(&bucket);
    assert!(sent >= FILES, "{sent}");
    // The inventory is also looked for when the release is prepared.
    assert!(sample.len() <= 40, "{} questions", sample.len());

    // What a job that was given up leaves: everything but what happens to be asked for.
    let folder = bucket.s3.folder.join(BUCKET);
    let sample: BTreeSet<String> = sample
        .into_iter()
        .filter(|key| folder.join(key).exists())
        .collect();
    for key in &sample {
        std::fs::remove_file(folder.join(key)).unwrap();
    }
    bucket.s3.forget();
    let again = ship(&anna, &build).await.unwrap();
    for key in &sample {
        assert!(folder.join(key).exists(), "{key} was not sent");
    }
    let sample = sample.iter().filter(|key| key.starts_with("ota/files/"));
    let sample = sample.count();
    let in_vain = puts(&bucket, "files/").len() - sample;
    assert!((1..=64).contains(&in_vain), "{in_vain} sent in vain");
    let skipped = usize::try_from(again.skipped_objects).unwrap();
    assert!(skipped >= sent - sample, "{skipped} of {sent}");
}
