//! An open console renews freshness below half of its lifetime, and tells of what ends.

use headgate_core::{Code, Problem};
use headgate_engine::{Console, Happened, Notice, NoticeKind};
use headgate_tests::ship;

use crate::{Setting, refusing, setting};

async fn used(s: &Setting) -> u32 {
    let (console, id) = (&s.anna.console, &s.anna.workspace.id);
    let board = console.board(id, "main").await.unwrap();
    board.freshness.unwrap().used_permille
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_is_signed_again_once_half_of_it_has_passed_and_not_before() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    s.bench.clock.days(14);
    assert_eq!(
        console.keep_fresh(id).await.unwrap(),
        None,
        "more than half is left"
    );
    s.bench.clock.days(1);
    let job = console.keep_fresh(id).await.unwrap().unwrap();
    console.wait(&job).await.unwrap();
    console.sync(id).await.unwrap();
    assert_eq!(used(&s).await, 0);
    assert_eq!(console.keep_fresh(id).await.unwrap(), None, "it is fresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_freshness_is_left_to_a_person() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    s.bench.clock.days(30);
    assert_eq!(console.keep_fresh(id).await.unwrap(), None);
    s.bench.clock.days(300);
    assert_eq!(console.keep_fresh(id).await.unwrap(), None);
    assert!(
        console
            .jobs()
            .await
            .unwrap()
            .iter()
            .all(|j| j.kind.text() != "refresh")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_console_renewed_meanwhile_is_not_signed_again() {
    let s = setting().await;
    let berta = s.bench.second(&s.anna, s.bench.options("berta")).await;
    s.bench.clock.days(16);
    let job = berta.console.refresh(&berta.workspace.id).await.unwrap();
    berta.console.wait(&job).await.unwrap();
    // What this console knows is old; it looks before it signs.
    assert!(used(&s).await >= 500);
    let kept = s.anna.console.keep_fresh(&s.anna.workspace.id).await;
    assert_eq!(kept.unwrap(), None);
    assert_eq!(used(&s).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_used_now_is_left_alone_and_tried_again_after_an_hour() {
    let s = setting().await;
    let id = s.anna.workspace.id.as_str();
    s.anna.console.close().await;
    let (options, keychain) = refusing(&s.bench, "anna");
    let console = Console::open(options).await.unwrap();
    s.bench.clock.days(16);
    *keychain.with.lock().unwrap() = Some(Problem::new(Code::KeyLocked, "Locked."));
    assert_eq!(console.keep_fresh(id).await.unwrap(), None);
    *keychain.with.lock().unwrap() = None;
    s.bench.clock.advance(3599);
    assert_eq!(
        console.keep_fresh(id).await.unwrap(),
        None,
        "not every minute"
    );
    s.bench.clock.advance(2);
    let job = console.keep_fresh(id).await.unwrap().unwrap();
    console.wait(&job).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_is_away_is_an_error_once_and_freshness_is_signed_when_it_is_back() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    s.bench.clock.days(16);
    let away = s.bench.dir.path().join("away");
    std::fs::rename(s.bench.storage(), &away).unwrap();
    console.keep_fresh(id).await.unwrap_err();
    s.bench.clock.days(1);
    assert_eq!(
        console.keep_fresh(id).await.unwrap(),
        None,
        "it is known to be offline"
    );
    std::fs::rename(&away, s.bench.storage()).unwrap();
    console.sync(id).await.unwrap();
    assert!(console.keep_fresh(id).await.unwrap().is_some());
}

fn notices(events: &mut tokio::sync::broadcast::Receiver<Happened>) -> Vec<Notice> {
    let mut found = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Happened::Notice(notice) = event {
            found.push(*notice);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_to_end_is_told_once_at_four_fifths_and_once_when_it_ended() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let build = s.bench.build("one");
    ship(&s.anna, &build, "development").await.unwrap();
    let mut events = console.events();
    // Rollouts last 90 days; freshness is renewed on the way, which renews what is close to its end: not here.
    s.bench.clock.days(25);
    console.tend(id).await.unwrap();
    let told = notices(&mut events);
    assert!(
        told.is_empty(),
        "freshness is past four fifths and renewed by itself: {told:?}"
    );

    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let mut events = console.events();
    s.bench.clock.days(73);
    console.tend(id).await.unwrap();
    let told = notices(&mut events);
    let of = |part: &str| told.iter().find(|n| n.title.contains(part)).cloned();
    let rollouts = of("Rollouts on production").unwrap();
    assert_eq!(rollouts.title, "Rollouts on production end in 17 days");
    assert_eq!(
        (rollouts.kind, rollouts.channel.as_str()),
        (NoticeKind::Expiring, "production")
    );
    assert!(
        rollouts.text.contains("take no update"),
        "{}",
        rollouts.text
    );
    assert_eq!(of("Freshness").unwrap().title, "Freshness has ended");
    assert!(of("Root").is_none() && of("Approvals").is_none());
    s.bench.clock.advance(3600);
    console.tend(id).await.unwrap();
    assert!(notices(&mut events).is_empty(), "once");
    s.bench.clock.days(20);
    console.tend(id).await.unwrap();
    let again = notices(&mut events);
    assert!(
        again
            .iter()
            .any(|n| n.title == "Rollouts on production have ended"),
        "{again:?}"
    );
    // A restart does not tell it again.
    console.close().await;
    let console = s.bench.console("anna").await;
    let mut events = console.events();
    console.tend(id).await.unwrap();
    assert!(notices(&mut events).is_empty());
}
