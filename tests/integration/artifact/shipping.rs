//! The way of an artifact: inspected, signed at its address, read back, promoted, and found changed or gone.

use std::time::{Duration, SystemTime};

use headgate_core::{Code, Platform};
use headgate_engine::{Console, JobState, PromoteRequest, VerifyRequest};
use headgate_tests::{Bench, Person, bench, code, files_below, promote};
use headgate_tuf::sha256_hex;

use crate::server::{Answer, Host, inspect, left_in_work, plan, start, zip_folder};

async fn shipped() -> (Bench, Person, Host, Vec<u8>) {
    let bench = bench();
    let person = bench.first("anna").await;
    let zip = zip_folder(&bench.build("one"));
    let host = Host::zip(zip.clone()).await;
    let job = start(&person, &host.url).await.unwrap();
    person.receipt(&job).await.unwrap();
    (bench, person, host, zip)
}

fn promotion(person: &Person, from: &str, to: &str) -> PromoteRequest {
    PromoteRequest {
        workspace: person.workspace.id.clone(),
        unit: "main".into(),
        build: 1,
        from: from.into(),
        to: to.into(),
        permille: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_at_an_address_is_signed_there_and_not_uploaded() {
    let bench = bench();
    let person = bench.first("anna").await;
    let zip = zip_folder(&bench.build("one"));
    let host = Host::zip(zip.clone()).await;
    let report = inspect(&person, &host.url).await.unwrap();
    assert_eq!(
        (report.kind, report.name.as_str()),
        ("location", "abc123.zip")
    );
    assert_eq!(report.location.as_deref(), Some(host.url.as_str()));
    assert_eq!(report.packed.sha256, sha256_hex(&zip));
    assert_eq!(report.packed.size, zip.len() as u64);
    assert_eq!(report.packed.packer.name, "external");
    assert_eq!(report.to_upload, report.packed.inventory_bytes.len() as u64);
    let codes: Vec<&str> = report.findings.iter().map(|f| f.code).collect();
    assert!(codes.contains(&"location.external") && codes.contains(&"location.local"));

    let plan = plan(&person, &report.handle).await.unwrap();
    assert_eq!(plan.manifest.bundle.url.as_deref(), Some(host.url.as_str()));
    assert_eq!(plan.manifest.bundle.sha256, sha256_hex(&zip));
    let job = person.console.start_plan(&plan.plan, None).await.unwrap();
    let receipt = person.receipt(&job).await.unwrap();
    assert_eq!(receipt.read_back_sha256, Some(sha256_hex(&zip)));
    assert_eq!(receipt.size, zip.len() as u64);
    // To inspect it, before it was signed, and to read it back.
    assert_eq!(host.asked(), 3);
    let bundles = files_below(&bench.storage());
    assert!(
        bundles
            .iter()
            .all(|p| p.extension().is_none_or(|e| e != "zip"))
    );
    assert!(receipt.uploaded_bytes < zip.len() as u64 + 20_000);
    assert_eq!(left_in_work(&person), Vec::<std::path::PathBuf>::new());

    let seen = bench.device(&person.workspace.root).await.unwrap();
    assert_eq!(
        seen.channels["main.development"].bundle,
        Some(sha256_hex(&zip))
    );

    let verify = VerifyRequest {
        url: bench.storage().display().to_string(),
        root: person.workspace.root.clone(),
        unit: "main".into(),
        channel: "development".into(),
        platform: Platform::Android,
        native: None,
        install_id: None,
        running: None,
        download: Some(bench.dir.path().join("got")),
    };
    let verified = person.console.verify(verify.clone()).await.unwrap();
    assert_eq!(verified.bundle, Some(sha256_hex(&zip)));
    assert_eq!(std::fs::read(verified.saved.unwrap()).unwrap(), zip);
    host.answers(Answer::Zip(b"other".to_vec()));
    let problem = person.console.verify(verify).await.unwrap_err();
    assert_eq!(problem.code, Code::ArtifactChanged);
    let got = files_below(&bench.dir.path().join("got"));
    assert_eq!(got.len(), 1, "other bytes are not kept: {got:?}");
    let device = bench.device(&person.workspace.root).await;
    assert_eq!(code(device), Code::ArtifactChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promotion_reads_the_artifact_again() {
    let (bench, person, host, zip) = shipped().await;
    let before = host.asked();
    promote(&person, 1, "development", "staging").await.unwrap();
    // To show the proof, before it was signed, and to read it back.
    assert_eq!(host.asked() - before, 3);

    let other = zip_folder(&bench.build("two"));
    host.answers(Answer::Zip(other.clone()));
    let request = promotion(&person, "staging", "production");
    let problem = person
        .console
        .promote_prepare(request.clone())
        .await
        .unwrap_err();
    assert_eq!(problem.code, Code::ArtifactChanged);
    for words in [host.url.as_str(), &sha256_hex(&zip), &sha256_hex(&other)] {
        assert!(
            problem.message.contains(words),
            "{words}: {}",
            problem.message
        );
    }

    for (answer, said) in [(Answer::Status(404), "404"), (Answer::Page, "")] {
        host.answers(answer);
        let problem = person
            .console
            .promote_prepare(request.clone())
            .await
            .unwrap_err();
        let expected = if said.is_empty() {
            Code::ArtifactChanged
        } else {
            Code::ArtifactMissing
        };
        assert_eq!(problem.code, expected);
        assert!(problem.message.contains(said) && problem.holds.contains("Both channels"));
    }

    // Shown as it was signed, and replaced before the person confirms.
    host.answers(Answer::Zip(zip.clone()));
    let plan = person.console.promote_prepare(request).await.unwrap();
    assert_eq!(plan.recomputed, sha256_hex(&zip));
    host.answers(Answer::Zip(other));
    let typed = plan.type_to_confirm.as_deref();
    let job = person.console.start_plan(&plan.plan, typed).await.unwrap();
    assert_eq!(code(person.receipt(&job).await), Code::ArtifactChanged);
    host.answers(Answer::Zip(zip));
    let seen = bench.device(&person.workspace.root).await.unwrap();
    assert_eq!(seen.build("production"), None, "nothing was signed");
    assert_eq!(seen.build("staging"), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_change_between_inspection_and_publish_are_not_signed() {
    let bench = bench();
    let person = bench.first("anna").await;
    let zip = zip_folder(&bench.build("one"));
    let host = Host::zip(zip.clone()).await;
    let report = inspect(&person, &host.url).await.unwrap();
    let plan = plan(&person, &report.handle).await.unwrap();
    let other = zip_folder(&bench.build("two"));
    host.answers(Answer::Zip(other.clone()));
    let job = person.console.start_plan(&plan.plan, None).await.unwrap();
    let problem = person.receipt(&job).await.unwrap_err();
    assert_eq!(problem.code, Code::ArtifactChanged);
    assert!(problem.message.contains(&sha256_hex(&zip)));
    assert!(problem.message.contains(&sha256_hex(&other)));
    let seen = bench.device(&person.workspace.root).await.unwrap();
    assert_eq!(seen.build("development"), None);

    // The job can go on, so what was inspected stays, however old it is; without the job it would be swept.
    let stray = report.path.with_file_name("stray.zip");
    std::fs::write(&stray, b"x").unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for path in [&report.path, &report.inventory_path, &stray] {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(old).unwrap();
    }
    person.console.close().await;
    let console = Console::open(bench.options("anna")).await.unwrap();
    console.recover().await.unwrap();
    assert!(!stray.exists() && report.path.exists() && report.inventory_path.exists());

    host.answers(Answer::Zip(zip.clone()));
    let person = Person {
        console,
        workspace: person.workspace,
    };
    person.console.resume_job(&job).await.unwrap();
    person.receipt(&job).await.unwrap();
    assert_eq!(left_in_work(&person), Vec::<std::path::PathBuf>::new());
    let seen = bench.device(&person.workspace.root).await.unwrap();
    assert_eq!(
        seen.channels["main.development"].bundle,
        Some(sha256_hex(&zip))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_change_while_it_is_published_are_found_by_the_read_back() {
    let bench = bench();
    let person = bench.first("anna").await;
    let (zip, other) = (
        zip_folder(&bench.build("one")),
        zip_folder(&bench.build("two")),
    );
    let host = Host::zip(zip.clone()).await;
    let now = |bytes: &Vec<u8>| Answer::Zip(bytes.clone());
    // Inspected, hashed before signing, and then something else.
    host.in_turn(vec![now(&zip), now(&zip), now(&other)]);
    let job = start(&person, &host.url).await.unwrap();
    let problem = person.receipt(&job).await.unwrap_err();
    assert_eq!(problem.code, Code::PublishReadBack);
    for words in ["is committed", &sha256_hex(&zip), &sha256_hex(&other)] {
        assert!(
            problem.message.contains(words),
            "{words}: {}",
            problem.message
        );
    }
    assert_eq!(
        host.asked(),
        3,
        "waiting does not bring the signed bytes back"
    );
    host.answers(now(&zip));
    person.console.resume_job(&job).await.unwrap();
    assert_eq!(
        person.console.wait(&job).await.unwrap().state,
        JobState::Done
    );
}
