//! Addresses and answers that are no artifact.

use std::time::{Duration, Instant};

use headgate_core::Code;
use headgate_engine::InspectOptions;
use headgate_tests::{bench, code};

use crate::server::{Answer, Host, inspect, left_in_work, zip_folder, zip_of};

const PAGE: &[u8] = b"<!doctype html><title>Field</title>";

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_bundle_are_refused_and_leave_nothing() {
    let bench = bench();
    let person = bench.first("anna").await;
    let good = zip_folder(&bench.build("one"));
    let other = Host::zip(good.clone()).await;
    let mut damaged = good.clone();
    damaged.extend_from_slice(b"and more");
    let in_folder = zip_of(&[("www/index.html", PAGE)]);
    let outside = zip_of(&[("index.html", PAGE), ("../evil.js", b"1")]);
    let decomposed = zip_of(&[("index.html", PAGE), ("u\u{308}.js", b"1")]);
    let bomb = zip_of(&[("index.html", PAGE), ("zeros", &vec![0; 64 << 20])]);
    for (name, answer, expected) in [
        ("404", Answer::Status(404), Code::ArtifactMissing),
        ("403", Answer::Status(403), Code::ArtifactMissing),
        ("503", Answer::Status(503), Code::ArtifactMissing),
        (
            "other host",
            Answer::Redirect(other.url.clone()),
            Code::ArtifactMissing,
        ),
        ("gzip", Answer::Coded(good.clone()), Code::ArtifactMissing),
        ("login", Answer::Page, Code::ArtifactMissing),
        ("too large", Answer::Announced(3 << 30), Code::BuildTooLarge),
        ("no zip", Answer::Zip(b"hello".to_vec()), Code::ZipMalformed),
        ("empty", Answer::Zip(Vec::new()), Code::ZipMalformed),
        ("damaged", Answer::Zip(damaged), Code::ZipMalformed),
        ("in a folder", Answer::Zip(in_folder), Code::BuildNoIndex),
        (
            "no index",
            Answer::Zip(zip_of(&[("a.js", b"1")])),
            Code::BuildNoIndex,
        ),
        ("outside", Answer::Zip(outside), Code::ZipUnsafe),
        ("decomposed", Answer::Zip(decomposed), Code::BuildPath),
        ("bomb", Answer::Zip(bomb), Code::ZipBomb),
    ] {
        let host = Host::start(answer).await;
        let problem = inspect(&person, &host.url).await.unwrap_err();
        assert_eq!(problem.code, expected, "{name}: {problem:?}");
        assert!(
            !problem.message.contains(".part"),
            "{name}: {}",
            problem.message
        );
        assert_eq!(left_in_work(&person).len(), 0, "{name} left something");
    }
    assert_eq!(other.asked(), 0, "nobody went to the other host");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_holds_a_secret_is_refused_and_not_repeated() {
    let bench = bench();
    let person = bench.first("anna").await;
    for url in [
        "https://me:hunter2@abc.example/a.zip",
        "https://abc.example/a.zip?token=hunter2",
        "https://abc.example/a.zip#hunter2",
        "ftp://abc.example/hunter2.zip",
    ] {
        let problem = person.console.pick_url(url).unwrap_err();
        assert_eq!(problem.code, Code::ArtifactUrl, "{url}");
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    }
    let picked = person
        .console
        .pick_url("https://abc.example/a.zip")
        .unwrap();
    assert_eq!(
        (picked.kind, picked.ok, picked.name.as_str()),
        ("location", true, "a.zip")
    );
    assert_eq!(picked.says, "zip at abc.example");
    let options = InspectOptions {
        exclude_source_maps: true,
    };
    let (console, id) = (&person.console, &person.workspace.id);
    let refused = console.inspect(id, "main", &picked.handle, options).await;
    assert_eq!(code(refused), Code::UsageArgument, "it is served as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_does_not_end_can_be_cancelled() {
    let bench = bench();
    let person = bench.first("anna").await;
    let host = Host::start(Answer::Drip).await;
    let picked = person.console.pick_url(&host.url).unwrap();
    let (console, id) = (&person.console, &person.workspace.id);
    let inspect = console.inspect(id, "main", &picked.handle, InspectOptions::default());
    let job = inspect.await.unwrap();
    while console.job(&job).await.unwrap().done == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let begun = Instant::now();
    console.cancel_job(&job).await.unwrap();
    assert_eq!(code(console.wait(&job).await), Code::JobCancelled);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(left_in_work(&person).len(), 0);
}
