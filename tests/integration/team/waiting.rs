//! Requests that wait: what is known of them without storage, and that freshness does not take their signatures away.

use headgate_core::Code;
use headgate_engine::{Ceremony, Clock as _, Started};
use headgate_tests::{Crew, Person, code};

/// Version of staging's approvals.
async fn staging(crew: &Crew) -> u64 {
    let seen = crew.bench.device(&crew.anna.workspace.root).await.unwrap();
    seen.versions["main.staging"]
}

/// Asks for a change of who approves for staging.
async fn ask(crew: &Crew) -> String {
    let two = Ceremony::Threshold {
        role: "main.staging".into(),
        threshold: 2,
    };
    match crew.anna.ceremony(&two).await.unwrap() {
        Started::Ask(_, id) => id,
        Started::Publish(_) => panic!("others have to sign"),
    }
}

/// What an open console does by itself.
async fn tended(anna: &Person) -> String {
    let id = anna.workspace.id.as_str();
    anna.console.sync(id).await.unwrap();
    let job = anna.console.keep_fresh(id).await.unwrap().unwrap();
    anna.receipt(&job).await.unwrap();
    anna.console.job(&job).await.unwrap().title
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_and_shown_without_storage_and_not_signed() {
    let (crew, _, id) = Crew::asking().await;
    let (console, workspace) = (&crew.anna.console, &crew.anna.workspace.id);
    let away = crew.bench.dir.path().join("away");
    std::fs::rename(crew.bench.storage(), &away).unwrap();
    console.sync(workspace).await.unwrap_err();
    let list = console.approvals(workspace).await.unwrap();
    let info = list.iter().find(|a| a.id == id).unwrap();
    assert_eq!((info.have, info.need, info.mine), (1, 2, false));
    assert!(info.stale.is_none());
    let shown = console.approval(workspace, &id).await.unwrap();
    assert_eq!(shown.review.title, "Promote 1.0.0 to production");
    assert_eq!(shown.type_to_confirm.as_deref(), Some("production"));
    console.approval_sign(workspace, &id).await.unwrap_err();

    // What others publish meanwhile is seen with the next reading.
    std::fs::rename(&away, crew.bench.storage()).unwrap();
    let other = crew.staged("two", "1.1.0").await;
    let faster = crew.anna.ask_promote(other, "staging", "production").await;
    let faster = faster.unwrap();
    crew.ines.co_sign(&faster).await.unwrap();
    crew.anna.publish(&faster).await.unwrap();
    let list = console.approvals(workspace).await.unwrap();
    let info = list.iter().find(|a| a.id == id).unwrap();
    assert!(info.stale.as_ref().unwrap().contains("main.production"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_signature_says_when_it_came_here() {
    let (crew, _, id) = Crew::asking().await;
    let (console, workspace) = (&crew.anna.console, &crew.anna.workspace.id);
    let asked = crew.bench.clock.now();
    crew.bench.clock.advance(3_600);
    crew.mara.co_sign(&id).await.unwrap();
    crew.bench.clock.advance(60);
    console.proposals_read(workspace).await.unwrap();
    let view = console.approval(workspace, &id).await.unwrap();
    let role = view
        .review
        .roles
        .iter()
        .find(|r| r.role == "main.production");
    let signed: Vec<_> = role.unwrap().keys.iter().filter(|k| k.signed).collect();
    assert_eq!(signed.len(), 2);
    for key in signed {
        let expected = if key.own { asked } else { asked.plus(3_660) };
        assert_eq!(view.arrived[&key.id], expected, "{}", key.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_by_itself_leaves_alone_what_an_open_request_is_about() {
    let crew = Crew::new().await;
    // Approvals live 180 days: at day 92 they are due.
    for days in [25, 25, 25] {
        crew.bench.clock.days(days);
        let job = crew.anna.console.refresh(&crew.anna.workspace.id).await;
        crew.anna.receipt(&job.unwrap()).await.unwrap();
    }
    crew.bench.clock.days(17);
    let id = ask(&crew).await;
    let before = staging(&crew).await;
    let title = tended(&crew.anna).await;
    assert!(title.contains("main.staging not renewed"), "{title}");
    assert_eq!(staging(&crew).await, before);
    crew.mara.co_sign(&id).await.unwrap();
    // By hand everything is renewed, and the request has to be made again.
    let job = crew.anna.console.refresh(&crew.anna.workspace.id).await;
    crew.anna.receipt(&job.unwrap()).await.unwrap();
    assert_eq!(staging(&crew).await, before + 1);
    assert_eq!(code(crew.anna.publish(&id).await), Code::SigningStale);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_ends_before_the_request_would_is_renewed_all_the_same() {
    let crew = Crew::new().await;
    let before = staging(&crew).await;
    for day in (16..=160).step_by(16) {
        crew.bench.clock.days(16);
        if day > 90 {
            ask(&crew).await;
        }
        tended(&crew.anna).await;
    }
    assert_eq!(staging(&crew).await, before);
    // 4 of 180 days are left.
    crew.bench.clock.days(16);
    ask(&crew).await;
    tended(&crew.anna).await;
    assert_eq!(staging(&crew).await, before + 1);
}
