//! The network: endless data, compression, slow retrieval, cut answers, other hosts.

use std::time::{Duration, Instant};

use headgate_core::Code;
use headgate_core::settings::Delivers;
use headgate_tests::{Trouble, ship};

use super::setting::Setting;

/// A phone with an update in sight of which both zip and single files lie in storage, and what each attack aims at.
async fn in_sight(delivers: &str) -> Setting {
    let s = Setting::on("development").await;
    let id = &s.r.anna.workspace.id;
    let delivers = Delivers::parse(delivers).unwrap();
    if delivers != Delivers::default() {
        let job = s.r.anna.console.set_delivers(id, delivers).await.unwrap();
        s.r.anna.receipt(&job).await.unwrap();
    }
    let build = s.r.bench.build("two");
    ship(&s.r.anna, &build, "development").await.unwrap();
    s
}

/// Each kind of file that a device reads, with the way that releases are delivered for it to be read.
const FILES: [(&str, &str); 4] = [
    ("/packs/", "zip"),
    ("/inventories/", "zip"),
    ("/bundles/", "zip"),
    ("/files/", "files"),
];

#[tokio::test]
async fn endless_data_without_a_length() {
    for (path, delivers) in FILES {
        let mut s = in_sight(delivers).await;
        s.host.trouble(path, Trouble::Endless);
        let code = match path {
            "/packs/" | "/bundles/" => Code::TrustFormat,
            _ => Code::TrustHash,
        };
        s.phone.refuses(code).await;
        s.host.heal();
        s.recovers().await;
    }
}

#[tokio::test]
async fn endless_data_that_announces_its_length() {
    for (path, delivers) in FILES {
        let mut s = in_sight(delivers).await;
        s.host.trouble(path, Trouble::Announced(1 << 40));
        let code = match path {
            "/packs/" | "/bundles/" => Code::TrustFormat,
            _ => Code::TrustHash,
        };
        s.phone.refuses(code).await;
        s.host.heal();
        s.recovers().await;
    }
}

#[tokio::test]
async fn endless_data_by_gzip() {
    // A gzip member whose 1 MiB are zeros; the device never unpacks it.
    let bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for (path, delivers) in FILES {
        let mut s = in_sight(delivers).await;
        s.host.trouble(path, Trouble::Coded(bomb.clone()));
        let code = match path {
            "/inventories/" | "/files/" => Code::TrustHash,
            _ => Code::TrustFormat,
        };
        s.phone.refuses(code).await;
        s.host.heal();
        s.recovers().await;
    }
}

#[tokio::test]
async fn slow_retrieval() {
    for (path, delivers) in FILES {
        let mut s = in_sight(delivers).await;
        s.host.trouble(path, Trouble::Drip);
        let began = Instant::now();
        s.phone.refuses(Code::StorageIo).await;
        assert!(began.elapsed() < Duration::from_secs(20), "{path}");
        s.host.heal();
        s.recovers().await;
    }
}

#[tokio::test]
async fn answers_that_are_cut_or_missing() {
    for (path, delivers) in FILES {
        let mut s = in_sight(delivers).await;
        for trouble in [Trouble::Cut(10), Trouble::Status(500)] {
            s.host.trouble(path, trouble);
            s.phone.refuses(Code::StorageIo).await;
            s.host.heal();
        }
        s.recovers().await;
    }
}

#[tokio::test]
async fn redirects_to_another_host() {
    for (path, delivers) in FILES {
        let mut s = in_sight(delivers).await;
        let elsewhere = Setting::other("elsewhere", "development").await;
        let to = format!("{}/objects/metadata/timestamp.json", elsewhere.host.url);
        elsewhere.host.asked();
        s.host.trouble(path, Trouble::Redirect(to));
        s.phone.refuses(Code::StorageMissing).await;
        assert!(elsewhere.host.asked().is_empty(), "{path}");
        s.host.heal();
        s.recovers().await;
    }
}

#[tokio::test]
async fn a_server_that_withholds_what_was_staged() {
    let mut s = in_sight("zip").await;
    s.phone.runner.check().await;
    assert!(s.phone.runner.memory().staged.is_some());
    // A health gate stopped it before the device started again.
    s.host.trouble("/packs/", Trouble::Status(404));
    s.phone.gets_nothing("withheld").await;
    assert_eq!(s.phone.build(), Some(1));
    // Offered again, it is taken without a download.
    s.host.heal();
    s.host.asked();
    s.recovers().await;
    let asked = s.host.asked();
    assert!(!asked.iter().any(|a| a.contains("/objects/")), "{asked:?}");
}

#[tokio::test]
async fn a_pack_that_is_none() {
    let mut s = in_sight("zip").await;
    let deep = "[".repeat(100_000);
    let huge = format!("{{\"format\":\"{}\"}}", "x".repeat(5 << 20));
    let other = r#"{"format":"headgate-pack-2","objects":"http://x","files":{}}"#;
    let empty = r#"{"format":"headgate-pack-1","objects":"http://x","files":{}}"#;
    for (bad, code) in [
        ("", Code::TrustFormat),
        ("null", Code::TrustFormat),
        (&deep, Code::TrustFormat),
        (&huge, Code::TrustFormat),
        (other, Code::TrustFormat),
        (empty, Code::StorageMissing),
    ] {
        s.host
            .trouble("/packs/", Trouble::Bytes(bad.as_bytes().to_vec()));
        s.phone.refuses(code).await;
        s.host.heal();
    }
    s.recovers().await;
}

#[tokio::test]
async fn reports_that_are_not_acknowledged_are_sent_again() {
    let mut s = in_sight("zip").await;
    s.host.trouble("/events", Trouble::Status(503));
    s.phone.runner.check().await;
    assert!(s.phone.runner.report().await.is_err());
    let waiting = s.phone.runner.memory().outbox.clone();
    assert!(!waiting.is_empty());
    s.phone.restart().await;
    s.phone.runner.ready().await;
    assert!(s.phone.runner.memory().outbox.starts_with(&waiting));
    s.host.heal();
    s.phone.runner.report().await.unwrap();
    assert!(s.phone.runner.memory().outbox.is_empty());
    let last = s.host.reports().pop().unwrap();
    assert_eq!(last.running, Some(2));
    let states: Vec<&str> = last.events.iter().map(|e| e.state.text()).collect();
    assert_eq!(states, ["downloaded", "applied", "confirmed"]);
}
