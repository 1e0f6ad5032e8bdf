//! Two consoles on one bucket at the same time.

use headgate_core::Code;

use super::bench::{bucket, ship};

/// Meetings of two publishers; `HEADGATE_RACES=1000` for the long run.
fn meetings() -> usize {
    let asked = std::env::var("HEADGATE_RACES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(60)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_publishers_both_come_through_one_after_the_other_and_nothing_is_lost() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let berta = bucket.second(&anna, "berta").await;
    let refresh = |person: headgate_tests::Person| async move {
        let job = person.console.refresh(&person.workspace.id).await?;
        person.receipt(&job).await
    };
    let before = anna.log().await.unwrap().len();
    for n in 0..meetings() {
        let (a, b) = tokio::join!(refresh(anna.clone()), refresh(berta.clone()));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_ne!(a.entry, b.entry, "meeting {n}");
    }
    let log = anna.log().await.unwrap();
    assert_eq!(
        log.len(),
        before + 2 * meetings(),
        "every publish stands in the log once"
    );
    let by = |who: &str| {
        log.iter()
            .filter(|(action, by)| action == "refresh" && by == who)
            .count()
    };
    assert_eq!((by("anna"), by("berta")), (meetings(), meetings()));
    bucket.device(&anna).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_is_a_version_behind_publishes_on_top_or_asks() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let berta = bucket.second(&anna, "berta").await;
    ship(&anna, &bucket.build("one")).await.unwrap();
    // Berta decides about staging on what she saw, while development moves on: hers goes on top.
    let request = headgate_engine::PromoteRequest {
        workspace: berta.workspace.id.clone(),
        unit: "main".into(),
        build: 1,
        from: "development".into(),
        to: "staging".into(),
        permille: None,
    };
    let plan = berta.console.promote_prepare(request).await.unwrap();
    let id = &anna.workspace.id;
    let job = anna.console.refresh(id).await.unwrap();
    anna.receipt(&job).await.unwrap();
    let job = berta
        .console
        .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
        .await
        .unwrap();
    berta.receipt(&job).await.unwrap();
    // About the same channel a person must look again.
    let build = bucket.build("two");
    let picked = berta.console.pick(&build).unwrap();
    let options = headgate_engine::InspectOptions::default();
    let job = berta
        .console
        .inspect(&berta.workspace.id, "main", &picked.handle, options)
        .await
        .unwrap();
    berta.console.wait(&job).await.unwrap();
    let request = headgate_engine::ShipRequest {
        workspace: berta.workspace.id.clone(),
        unit: "main".into(),
        handle: picked.handle,
        version: "4.2.6".into(),
        channel: "development".into(),
        ..Default::default()
    };
    let plan = berta.console.ship_prepare(request).await.unwrap();
    ship(&anna, &bucket.build("three")).await.unwrap();
    let job = berta
        .console
        .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
        .await
        .unwrap();
    let problem = berta.console.wait(&job).await.unwrap_err();
    assert_eq!(problem.code, Code::PublishConflict);
    assert!(problem.message.contains("anna"), "{}", problem.message);
    let seen = bucket.device(&anna).await;
    assert_eq!(
        (seen.build("development"), seen.build("staging")),
        (Some(2), Some(1))
    );
}
