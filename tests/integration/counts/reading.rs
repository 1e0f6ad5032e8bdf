//! Pages by cursor: each count once, whatever happens between two pages.

use headgate_core::Code;
use headgate_core::status::Dialect;
use headgate_engine::{Happened, WINDOW_DAYS};
use headgate_tests::{Bench, Person, bench, files_below, ship};
use zeroize::Zeroizing;

use crate::fake::{Fake, Mood, TOKEN, active, gated};

fn token() -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(TOKEN.to_owned()))
}

async fn connected() -> (Bench, Person, Fake) {
    let bench = bench();
    let person = bench.first("mara").await;
    person.console.sync(&person.workspace.id).await.unwrap();
    let fake = Fake::start().await;
    let id = &person.workspace.id;
    let link = person
        .console
        .server_connect(id, &fake.url, token(), None)
        .await
        .unwrap();
    assert_eq!(link.public_url.as_deref(), Some("https://ota.acme.example"));
    (bench, person, fake)
}

/// Installs on production by build, in the usual window.
async fn on(person: &Person, build: Option<u32>) -> u64 {
    let id = &person.workspace.id;
    let facts = person
        .console
        .facts(id, "main", "production")
        .await
        .unwrap();
    let active = person
        .console
        .active(id, &facts, WINDOW_DAYS)
        .await
        .unwrap();
    let on = active.iter().filter(|c| c.build == build);
    on.map(|c| c.installs).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_come_page_by_page_and_after_days_away_nothing_is_missing() {
    let (_bench, person, fake) = connected().await;
    let id = person.workspace.id.clone();
    fake.set(|held| held.page = 3);
    let natives: Vec<String> = (0..10).map(|n| format!("4.{n}.0")).collect();
    let cells = |n: u64| {
        let of = |native: &String| active(Dialect::Capgo, native, Some(7), n);
        natives.iter().map(of).collect::<Vec<_>>()
    };
    fake.count(cells(1));
    person.console.sync_counts(&id).await.unwrap();
    assert_eq!(on(&person, Some(7)).await, 10);
    // Days later the same cells hold other totals. They replace the old ones.
    fake.count(cells(5));
    fake.count(vec![active(Dialect::Ionic, "4.2.0", None, 40)]);
    fake.set(|held| held.asked.clear());
    person.console.sync_counts(&id).await.unwrap();
    assert_eq!(fake.get(|held| held.asked.clone()), [10, 13, 16, 19]);
    assert_eq!(on(&person, Some(7)).await, 50);
    assert_eq!(on(&person, None).await, 40);
    // Nothing new: one question, and the screens are left alone.
    let mut events = person.console.events();
    person.console.sync_counts(&id).await.unwrap();
    assert!(events.try_recv().is_err(), "nothing changed");
    assert_eq!(on(&person, Some(7)).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_with_the_version_of_an_app_that_devices_run_is_told_before_it_is_signed() {
    let (bench, person, fake) = connected().await;
    fake.count(vec![active(Dialect::Capgo, "4.2.0", Some(7), 100)]);
    let id = &person.workspace.id;
    person.console.sync_counts(id).await.unwrap();
    let build = bench.build("native");
    for (version, told) in [("4.2.0", true), ("4.2.1", false)] {
        let plan = person.plan_ship(&build, "development", version).await;
        let findings = plan.unwrap().findings;
        let clash = findings.iter().find(|(f, _)| f.code == "version.native");
        assert_eq!(clash.is_some(), told, "{version}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_database_is_counted_from_the_beginning() {
    let (_bench, person, fake) = connected().await;
    let id = person.workspace.id.clone();
    fake.count(vec![
        active(Dialect::Capgo, "4.1.0", Some(7), 100),
        active(Dialect::Capgo, "4.2.0", Some(7), 100),
    ]);
    person.console.sync_counts(&id).await.unwrap();
    assert_eq!(on(&person, Some(7)).await, 200);
    fake.set(|held| {
        held.epoch = "two".into();
        held.cells.clear();
        held.asked.clear();
    });
    fake.count(vec![active(Dialect::Capgo, "4.2.0", Some(7), 3)]);
    person.console.sync_counts(&id).await.unwrap();
    assert_eq!(fake.get(|held| held.asked.clone()), [2, 0]);
    assert_eq!(on(&person, Some(7)).await, 3);
    // From then on by cursor again.
    fake.count(vec![active(Dialect::Capgo, "4.1.0", Some(7), 9)]);
    person.console.sync_counts(&id).await.unwrap();
    assert_eq!(on(&person, Some(7)).await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_or_wrong_costs_nothing_that_is_known() {
    let (_bench, person, fake) = connected().await;
    let id = person.workspace.id.clone();
    fake.count(vec![active(Dialect::Capgo, "4.2.0", Some(7), 100)]);
    person.console.sync_counts(&id).await.unwrap();
    let page = |more: &str| {
        format!(
            r#"{{"as_of":"2026-06-01T08:00:00Z","cells":[{more}],"next":9,"more":false,"epoch":"one","channels":[]}}"#
        )
    };
    let cell = |native: &str, installs: &str| {
        page(&format!(
            r#"{{"kind":"active","unit":"main","channel":"production","dialect":"capgo","platform":"ios","native":"{native}","day":1,"installs":{installs}}}"#
        ))
    };
    let deep = "[".repeat(100_000);
    for (mood, code) in [
        (Mood::Status(401), Code::ServerRefused),
        (Mood::Status(403), Code::ServerRefused),
        (Mood::Status(404), Code::ServerUnknown),
        (Mood::Status(500), Code::ServerUnreachable),
        (Mood::Status(503), Code::ServerUnreachable),
        (Mood::Status(302), Code::ServerMalformed),
        (Mood::Status(204), Code::ServerMalformed),
        (Mood::Says(String::new()), Code::ServerMalformed),
        (Mood::Says("<html>".into()), Code::ServerMalformed),
        (Mood::Says("{}".into()), Code::ServerMalformed),
        (Mood::Says(deep), Code::ServerMalformed),
        (Mood::Says(" ".repeat(17 << 20)), Code::ServerMalformed),
        (
            Mood::Says(cell(&"9".repeat(300), "1")),
            Code::ServerMalformed,
        ),
        (Mood::Says(cell("4.2\\u0000", "1")), Code::ServerMalformed),
        (
            Mood::Says(cell("4.2.0", "18446744073709551615")),
            Code::ServerMalformed,
        ),
        (Mood::Says(cell("4.2.0", "-1")), Code::ServerMalformed),
        (
            Mood::Says(page("").replace("\"next\":9", "\"next\":18446744073709551615")),
            Code::ServerMalformed,
        ),
        (
            Mood::Says(page("").replace("\"one\"", "\"\"")),
            Code::ServerMalformed,
        ),
        (Mood::Stuck, Code::ServerMalformed),
    ] {
        fake.set(|held| held.mood = mood.clone());
        let shown = format!("{mood:?}").chars().take(300).collect::<String>();
        let read = person.console.sync_counts(&id).await;
        let problem = read.expect_err(&shown);
        assert_eq!(problem.code, code, "{shown}: {problem}");
        assert!(!format!("{problem:?}").contains(TOKEN), "{shown}");
        let reading = person.console.server_reading(&id).await.unwrap();
        assert_eq!(reading.problem.map(|p| p.code), Some(code), "{shown}");
        assert!(reading.as_of.is_some(), "{shown}: the age stays");
        assert_eq!(on(&person, Some(7)).await, 100, "{shown}");
    }
    fake.set(|held| held.mood = Mood::Good);
    person.console.sync_counts(&id).await.unwrap();
    let reading = person.console.server_reading(&id).await.unwrap();
    assert!(reading.problem.is_none());
    assert_eq!(on(&person, Some(7)).await, 100);
    // One whose database is another in every answer is not followed for ever.
    fake.set(|held| held.mood = Mood::Fickle);
    let problem = person.console.sync_counts(&id).await.unwrap_err();
    assert_eq!(problem.code, Code::ServerMalformed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fails_keeps_nothing_and_the_token_is_in_the_vault_alone() {
    let bench = bench();
    let person = bench.first("mara").await;
    let (console, id) = (&person.console, &person.workspace.id);
    let fake = Fake::start().await;
    let wrong = Some(Zeroizing::new("another-token".to_owned()));
    let problem = console
        .server_connect(id, &fake.url, wrong, None)
        .await
        .unwrap_err();
    assert_eq!(problem.code, Code::ServerRefused);
    let problem = console
        .server_connect(id, &fake.url, None, None)
        .await
        .unwrap_err();
    assert_eq!(problem.code, Code::ServerRefused, "no token is known");
    let gone = console
        .server_connect(id, "http://127.0.0.1:1", token(), None)
        .await
        .unwrap_err();
    assert_eq!(gone.code, Code::ServerUnreachable);
    assert_eq!(console.server_link(id).await.unwrap().url, None);
    let problem = console.install(id, "main", "x").await.unwrap_err();
    assert_eq!(problem.code, Code::ServerNone);
    console.sync_counts(id).await.unwrap();
    console
        .server_connect(id, &fake.url, token(), None)
        .await
        .unwrap();
    // Another process finds it again, and the address alone can be changed.
    console.close().await;
    let again = bench.console("mara").await;
    again.sync_counts(id).await.unwrap();
    let slash = format!("{}/", fake.url);
    again.server_connect(id, &slash, None, None).await.unwrap();
    again.close().await;
    for path in files_below(&bench.home("mara")) {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes());
        assert!(!found, "{path:?} holds the token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_nudges_the_server_and_a_stopped_rollout_is_told_once() {
    let (bench, person, fake) = connected().await;
    let id = person.workspace.id.clone();
    ship(&person, &bench.build("one"), "production")
        .await
        .unwrap();
    for _ in 0..100 {
        if fake.get(|held| held.nudged) > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(fake.get(|held| held.nudged) > 0, "the server was not told");
    let facts = person
        .console
        .facts(&id, "main", "production")
        .await
        .unwrap();
    let attempt = facts.rollout.unwrap().attempt();
    let mut events = person.console.events();
    fake.set(|held| held.channels = vec![gated(1, &attempt, 600, 60, false)]);
    person.console.sync_counts(&id).await.unwrap();
    fake.set(|held| held.channels = vec![gated(1, &attempt, 700, 70, true)]);
    person.console.sync_counts(&id).await.unwrap();
    person.console.sync_counts(&id).await.unwrap();
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Happened::Notice(notice) = event {
            told.push(notice.title);
        }
    }
    assert_eq!(told, ["4.2.5 stopped itself on production"]);
}
