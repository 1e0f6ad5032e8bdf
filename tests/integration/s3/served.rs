//! The update server on a registry in a bucket: what is published there is served, and a bucket that is away stops nothing.

use std::time::{Duration, Instant};

use headgate_tests::{
    ACCESS_KEY, APP, Fault, Person, SECRET, Serving, TestClock, promote, server_program,
};
use reqwest::Client;
use serde_json::Value;

use super::bench::{Bucket, bucket, ship};

/// The admin token.
const TOKEN: &str = "token-of-the-tests-only";

/// A bucket with a release on development, on the time of the system: the program knows no other.
async fn shipped() -> (Bucket, Person) {
    let b = bucket().await;
    let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    b.clock
        .advance(i64::try_from(since).unwrap() - TestClock::START);
    let anna = b.first("anna").await;
    ship(&anna, &b.build("one")).await.unwrap();
    (b, anna)
}

/// The program on it, with credentials from the environment alone, telling all that it can.
async fn serving(b: &Bucket, anna: &Person) -> Serving {
    let (root, token) = (b.dir.path().join("1.root.json"), b.dir.path().join("token"));
    std::fs::write(&root, &anna.workspace.root).unwrap();
    std::fs::write(&token, TOKEN).unwrap();
    let mut program = server_program();
    program
        .args(["--registry", &b.address(), "--root"])
        .arg(&root)
        .args(["--objects", "https://cdn.acme.example/field"])
        .args(["--telemetry", "none", "--poll-seconds", "1"])
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .arg("--admin-token-file")
        .arg(&token)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("HEADGATE_SERVER_LOG", "trace");
    let serving = Serving::start(&mut program);
    serving.ready().await;
    serving
}

/// What devices of a channel verify; nothing where it is withheld.
async fn pack(serving: &Serving, channel: &str) -> Option<String> {
    let url = format!(
        "http://{}/headgate/{APP}/packs/{channel}.json",
        serving.devices
    );
    let response = reqwest::get(url).await.unwrap();
    let found = response.status() == 200;
    let text = response.text().await.unwrap();
    found.then_some(text)
}

async fn nudge(serving: &Serving) -> Value {
    let url = format!("http://{}/nudge/{APP}", serving.admin);
    let asked = Client::new().post(url).bearer_auth(TOKEN).send();
    let said: Value = asked.await.unwrap().json().await.unwrap();
    said[0].clone()
}

/// The value of a metric of the registry.
async fn metric(serving: &Serving, name: &str) -> f64 {
    let url = format!("http://{}/metrics", serving.admin);
    let asked = Client::new().get(url).bearer_auth(TOKEN).send();
    let text = asked.await.unwrap().text().await.unwrap();
    let line = text
        .lines()
        .find(|l| l.starts_with(&format!("{name}{{app=\"{APP}\"}}")));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_published_to_a_bucket_is_served_by_poll_and_by_nudge() {
    let (b, anna) = shipped().await;
    let mut serving = serving(&b, &anna).await;
    let first = pack(&serving, "development").await.unwrap();
    assert!(first.contains("main.development.release-1.json"), "{first}");
    assert!(first.contains("https://cdn.acme.example/field"), "{first}");
    assert_eq!(pack(&serving, "staging").await, None);

    promote(&anna, 1, "development", "staging").await.unwrap();
    let begun = Instant::now();
    while pack(&serving, "staging").await.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no poll saw it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ship(&anna, &b.build("two")).await.unwrap();
    let health = nudge(&serving).await;
    assert_eq!(health["failures"], 0, "{health}");
    let second = pack(&serving, "development").await.unwrap();
    assert!(second.contains("main.development.release-2.json"));

    // Not the secret, and not the name of the key either: it stands in the headers of every request.
    let log = serving.log();
    assert!(log.len() > 20, "nothing was traced: {log:?}");
    for said in [SECRET, ACCESS_KEY, TOKEN] {
        let line = log.iter().find(|line| line.contains(said));
        assert_eq!(line, None);
    }
}

#[tokio::test]
async fn a_bucket_that_is_away_leaves_what_was_verified_and_says_why() {
    let (b, anna) = shipped().await;
    let mut serving = serving(&b, &anna).await;
    let before = pack(&serving, "development").await;
    assert!(before.is_some());
    assert!(metric(&serving, "headgate_poll_failures").await < 1.0);
    for (fault, code) in [
        (Fault::Break, "storage.unavailable"),
        (
            Fault::Refuse(403, "AccessDenied", String::new()),
            "storage.access",
        ),
    ] {
        b.s3.faults(move |_| fault.clone());
        let health = nudge(&serving).await;
        assert_eq!(health["problem"], code, "{health}");
        assert!(health["failures"].as_u64() >= Some(1), "{health}");
        assert!(health["verified"].is_string(), "{health}");
        assert!(metric(&serving, "headgate_poll_failures").await >= 1.0);
        assert_eq!(pack(&serving, "development").await, before);
        serving.ready().await;
    }
    b.s3.heal();
    let health = nudge(&serving).await;
    assert_eq!(
        (&health["failures"], &health["problem"]),
        (&0.into(), &Value::Null)
    );
    let log = serving.log();
    assert!(log.iter().all(|line| !line.contains(SECRET)));
}
