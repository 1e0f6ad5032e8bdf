//! Single files: a release of thousands in which one changed sends that one.

use headgate_core::settings::Delivers;
use headgate_tests::{Person, code, noise, promote};

use super::bench::{Bucket, bucket, puts, ship};

const FILES: usize = 4_000;

async fn deliver(person: &Person, what: &str) {
    let delivers = Delivers::parse(what).unwrap();
    let id = &person.workspace.id;
    let job = person.console.set_delivers(id, delivers).await.unwrap();
    person.receipt(&job).await.unwrap();
}

/// The sample with thousands of small files in it.
fn many(bucket: &Bucket) -> std::path::PathBuf {
    let build = bucket.build("many");
    for folder in 0..40 {
        let folder_path = build.join(format!("chunks/{folder}"));
        std::fs::create_dir_all(&folder_path).unwrap();
        for n in 0..FILES / 40 {
            let text = format!(
                "export const chunk{n} = {:?};\n",
                hex::encode(noise(&format!("{folder}/{n}"), 300))
            );
            std::fs::write(folder_path.join(format!("{n}.js")), text).unwrap();
        }
    }
    build
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_file_of_four_thousand_sends_that_file_and_no_zip() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    deliver(&anna, "files").await;
    let build = many(&bucket);
    let first = ship(&anna, &build).await.unwrap();
    assert!(
        puts(&bucket, "bundles/").is_empty(),
        "no dialect here needs the zip"
    );
    assert!(puts(&bucket, "files/").len() >= FILES);
    assert_eq!(first.signed_sha256, first.read_back_sha256);

    let text = format!(
        "export const changed = {:?};\n",
        hex::encode(noise("changed", 20_000))
    );
    std::fs::write(build.join("chunks/7/7.js"), &text).unwrap();
    bucket.s3.forget();
    let second = ship(&anna, &build).await.unwrap();
    let sent = puts(&bucket, "files/");
    assert_eq!(sent.len(), 1);
    let compressed = {
        let mut out = Vec::new();
        let params = brotli::enc::BrotliEncoderParams {
            quality: 5,
            lgwin: 22,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut text.as_bytes(), &mut out, &params).unwrap();
        out.len() as u64
    };
    assert!(
        sent[0].size * 10 <= compressed * 11,
        "{} of {compressed}",
        sent[0].size
    );
    assert!(puts(&bucket, "bundles/").is_empty());
    // The rest is metadata: the map of the files, the inventory, roles.
    assert!(
        second.uploaded_bytes < 2_000_000,
        "{}",
        second.uploaded_bytes
    );
    assert!(second.skipped_objects >= u32::try_from(FILES).unwrap() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_single_files_is_promoted_only_while_every_one_is_as_signed() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    deliver(&anna, "files").await;
    ship(&anna, &bucket.build("one")).await.unwrap();
    promote(&anna, 1, "development", "staging").await.unwrap();
    let files = bucket
        .s3
        .folder
        .join(format!("{}/ota/files", headgate_tests::BUCKET));
    let file = headgate_tests::files_below(&files).remove(0);
    std::fs::write(&file, "something else").unwrap();
    let refused = promote(&anna, 1, "staging", "production").await;
    assert_eq!(code(refused), headgate_core::Code::TrustHash);
}

#[tokio::test(flavor = "multi_thread")]
async fn zip_and_files_lie_side_by_side_where_both_are_delivered() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    deliver(&anna, "zip,files").await;
    bucket.s3.forget();
    ship(&anna, &bucket.build("both")).await.unwrap();
    assert_eq!(puts(&bucket, "bundles/").len(), 1);
    assert!(!puts(&bucket, "files/").is_empty());
    assert_eq!(bucket.device(&anna).await.build("development"), Some(1));
    let again = anna
        .console
        .set_delivers(&anna.workspace.id, Delivers::parse("files,zip").unwrap());
    assert_eq!(code(again.await), headgate_core::Code::UsageExists);
}
