//! Approvals by k of n.

use headgate_core::Code;
use headgate_engine::{ApprovalState, ChannelDefaults, GateChoice, RolloutChange};

use headgate_tests::Crew;

#[tokio::test(flavor = "multi_thread")]
async fn production_needs_two_people_and_nothing_is_served_before_the_second() {
    let crew = Crew::new().await;
    let build = crew.staged("one", "1.0.0").await;

    // One of three is not enough: refused, not merely warned about.
    let alone = crew
        .anna
        .promote(build, "staging", "production")
        .await
        .unwrap_err();
    assert_eq!(alone.code, Code::KeyNotAllowed);

    let id = crew
        .anna
        .ask_promote(build, "staging", "production")
        .await
        .unwrap();
    let waiting = crew
        .anna
        .console
        .approvals(&crew.anna.workspace.id)
        .await
        .unwrap();
    let info = waiting.iter().find(|a| a.id == id).unwrap();
    assert_eq!(
        (info.have, info.need, info.complete, info.mine),
        (1, 2, false, false)
    );
    assert_eq!(info.title, "Promote 1.0.0 to production");
    let early = crew.anna.publish(&id).await.unwrap_err();
    assert_eq!(early.code, Code::SigningMissing);
    let device = crew.bench.device(&crew.anna.workspace.root).await.unwrap();
    assert_eq!(
        device.build("production"),
        None,
        "nothing is served before the threshold is met"
    );

    // The colleague sees the proposal, with what changes derived from the bytes.
    crew.mara
        .console
        .proposals_read(&crew.mara.workspace.id)
        .await
        .unwrap();
    let seen = crew
        .mara
        .console
        .approval(&crew.mara.workspace.id, &id)
        .await
        .unwrap();
    assert_eq!(seen.review.title, "Promote 1.0.0 to production");
    assert!(
        seen.info.mine && !seen.info.own && seen.review.alarms.is_empty(),
        "{:?}",
        seen.review.alarms
    );
    assert_eq!(seen.review.releases.len(), 1);
    assert!(seen.difference.is_some_and(|d| !d.added.is_empty()));

    crew.mara.co_sign(&id).await.unwrap();
    let receipt = crew.anna.publish(&id).await.unwrap();
    assert_eq!(receipt.release, Some(("1.0.0".to_owned(), build)));
    let device = crew.bench.device(&crew.anna.workspace.root).await.unwrap();
    assert_eq!(device.build("production"), Some(build));
    let done = crew
        .anna
        .console
        .approval(&crew.anna.workspace.id, &id)
        .await
        .unwrap();
    assert_eq!(done.info.state, ApprovalState::Done);
    let again = crew.anna.publish(&id).await.unwrap_err();
    assert_eq!(again.code, Code::SigningOther);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_do_elsewhere_meanwhile_does_no_harm_and_the_same_role_makes_it_stale() {
    let crew = Crew::new().await;
    let first = crew.staged("one", "1.0.0").await;
    let id = crew
        .anna
        .ask_promote(first, "staging", "production")
        .await
        .unwrap();

    // Development and staging go on, freshness is signed again.
    let second = crew.staged("two", "1.1.0").await;
    let job = crew
        .anna
        .console
        .refresh(&crew.anna.workspace.id)
        .await
        .unwrap();
    crew.anna.receipt(&job).await.unwrap();
    crew.mara.co_sign(&id).await.unwrap();
    let receipt = crew.anna.publish(&id).await.unwrap();
    assert_eq!(receipt.release, Some(("1.0.0".to_owned(), first)));

    // Two requests for one channel: the second is stale once the first is published, and is asked for again.
    let other = crew
        .anna
        .ask_promote(second, "staging", "production")
        .await
        .unwrap();
    let third = crew.staged("three", "1.2.0").await;
    let faster = crew
        .anna
        .ask_promote(third, "staging", "production")
        .await
        .unwrap();
    crew.mara.co_sign(&faster).await.unwrap();
    crew.anna.publish(&faster).await.unwrap();
    let stale = crew.mara.co_sign(&other).await.unwrap_err();
    assert_eq!(stale.code, Code::SigningStale);
    assert!(
        stale
            .message
            .contains("anna published main.production meanwhile"),
        "{}",
        stale.message
    );
    let workspace = &crew.anna.workspace.id;
    let info = crew
        .anna
        .console
        .approval(workspace, &other)
        .await
        .unwrap()
        .info;
    assert!(info.stale.is_some());
    assert_eq!(
        crew.anna.publish(&other).await.unwrap_err().code,
        Code::SigningStale
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_narrows_what_was_approved_alone_and_cannot_approve() {
    let (crew, build, id) = Crew::asking().await;
    crew.ines.co_sign(&id).await.unwrap();
    crew.anna.publish(&id).await.unwrap();
    // Halting needs no second person.
    let halt = crew.anna.console.rollout(
        &crew.anna.workspace.id,
        "main",
        "production",
        RolloutChange::Embedded,
        "crashes",
    );
    crew.anna.receipt(&halt.await.unwrap()).await.unwrap();
    let device = crew.bench.device(&crew.anna.workspace.root).await.unwrap();
    assert_eq!(device.build("production"), None);
    // Mara holds an approver's key and no operator's: she is told before she tries.
    let change = RolloutChange::Share {
        build,
        permille: 1000,
    };
    let plan = crew.mara.console.rollout_prepare(
        &crew.mara.workspace.id,
        "main",
        "production",
        change,
        "x",
    );
    let plan = plan.await.unwrap();
    assert_eq!(plan.planned.problem.unwrap().code, Code::KeyNotAllowed);
    assert!(!plan.planned.can_ask);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_withdrawn_refused_or_expires() {
    let crew = Crew::new().await;
    let build = crew.staged("one", "1.0.0").await;

    let refused = crew
        .anna
        .ask_promote(build, "staging", "production")
        .await
        .unwrap();
    let mara = &crew.mara.workspace.id;
    crew.mara.console.proposals_read(mara).await.unwrap();
    assert_eq!(
        crew.mara
            .console
            .approval_refuse(mara, &refused, " ")
            .await
            .unwrap_err()
            .code,
        Code::UsageArgument
    );
    crew.mara
        .console
        .approval_refuse(mara, &refused, "not tested on Android")
        .await
        .unwrap();
    let anna = &crew.anna.workspace.id;
    assert_eq!(
        crew.anna
            .console
            .proposals_read(anna)
            .await
            .unwrap()
            .answers,
        1
    );
    assert_eq!(
        crew.anna
            .console
            .proposals_read(anna)
            .await
            .unwrap()
            .answers,
        0,
        "read once"
    );
    let info = crew
        .anna
        .console
        .approval(anna, &refused)
        .await
        .unwrap()
        .info;
    let note = info.notes.last().unwrap();
    assert_eq!(
        (note.by.as_str(), note.what.as_str(), note.text.as_str()),
        ("mara", "refused", "not tested on Android")
    );

    crew.anna
        .console
        .approval_withdraw(anna, &refused, "")
        .await
        .unwrap();
    assert_eq!(
        crew.ines.co_sign(&refused).await.unwrap_err().code,
        Code::SigningOther
    );

    let slow = crew
        .anna
        .ask_promote(build, "staging", "production")
        .await
        .unwrap();
    crew.mara.co_sign(&slow).await.unwrap();
    crew.bench.clock.days(8);
    assert_eq!(
        crew.anna.publish(&slow).await.unwrap_err().code,
        Code::SigningExpired
    );
    let (job, again) = crew.anna.console.approval_again(anna, &slow).await.unwrap();
    crew.anna.console.wait(&job).await.unwrap();
    crew.mara.co_sign(&again).await.unwrap();
    crew.anna.publish(&again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_approvals_survive_a_restart() {
    let (crew, build, id) = Crew::asking().await;
    crew.mara.co_sign(&id).await.unwrap();
    crew.anna.console.close().await;
    let console = headgate_tests::first_console(&crew.bench).await;
    let anna = headgate_tests::Person {
        console,
        workspace: crew.anna.workspace.clone(),
    };
    let receipt = anna.publish(&id).await.unwrap();
    assert_eq!(receipt.release, Some(("1.0.0".to_owned(), build)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_shipped_straight_to_a_channel_of_two() {
    let crew = Crew::new().await;
    let anna = &crew.anna;
    let picked = anna.console.pick(&crew.bench.build("direct")).unwrap();
    let options = headgate_engine::InspectOptions::default();
    let job = anna
        .console
        .inspect(&anna.workspace.id, "main", &picked.handle, options)
        .await
        .unwrap();
    anna.console.wait(&job).await.unwrap();
    let request = headgate_engine::ShipRequest {
        workspace: anna.workspace.id.clone(),
        unit: "main".into(),
        handle: picked.handle,
        version: "2.0.0".into(),
        channel: "production".into(),
        permille: Some(1000),
        ..Default::default()
    };
    let plan = anna.console.ship_prepare(request).await.unwrap();
    assert!(plan.planned.can_ask);
    let (job, id) = anna.console.ask_plan(&plan.plan, "").await.unwrap();
    anna.console.wait(&job).await.unwrap();
    // The bundle is in storage; what lies in the work folder may be swept away meanwhile.
    let work = crew.bench.home("anna").join("work");
    for file in headgate_tests::files_below(&work) {
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(
        crew.bench
            .device(&anna.workspace.root)
            .await
            .unwrap()
            .build("production"),
        None
    );
    crew.ines.co_sign(&id).await.unwrap();
    let receipt = anna.publish(&id).await.unwrap();
    assert_eq!(receipt.release.map(|r| r.0), Some("2.0.0".to_owned()));
}

/// Time as it is: what can be undone can be undone for seconds.
struct RealPauses(std::sync::Arc<headgate_tests::TestClock>);

impl headgate_engine::Clock for RealPauses {
    fn now(&self) -> headgate_tuf::UtcTime {
        self.0.now()
    }

    fn ticks(&self) -> u64 {
        self.0.ticks()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reaches_a_channel_can_be_undone_for_some_seconds() {
    use headgate_engine::{Console, JobState, Options, Phase};
    let bench = headgate_tests::bench();
    let options = bench.options("anna");
    let world = headgate_engine::World {
        clock: std::sync::Arc::new(RealPauses(std::sync::Arc::clone(&bench.clock))),
        ..options.world.clone()
    };
    let console = Console::open(Options { world, ..options }).await.unwrap();
    let workspace = headgate_tests::init(&console, &bench.storage())
        .await
        .unwrap();
    let anna = headgate_tests::Person { console, workspace };
    let wait = ChannelDefaults {
        confirm: Some(headgate_core::Confirm::Wait),
        ..ChannelDefaults::default()
    };
    let set = anna
        .console
        .set_channel(&anna.workspace.id, "development", wait);
    anna.receipt(&set.await.unwrap()).await.unwrap();

    let job = anna
        .start_ship(&bench.build("one"), "development", "1.0.0")
        .await
        .unwrap();
    while anna.console.job(&job).await.unwrap().phase != Phase::Wait {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let device = bench.device(&anna.workspace.root).await.unwrap();
    assert_eq!(
        device.build("development"),
        None,
        "nothing is signed while it can be undone"
    );
    anna.console.cancel_job(&job).await.unwrap();
    assert_eq!(
        anna.console.wait(&job).await.unwrap_err().code,
        Code::JobCancelled
    );
    assert_eq!(
        anna.console.job(&job).await.unwrap().state,
        JobState::Cancelled
    );
    assert_eq!(anna.log().await.unwrap().len(), 2, "init and the setting");

    let begun = std::time::Instant::now();
    anna.ship(&bench, "two", "1.1.0").await.unwrap();
    assert!(begun.elapsed().as_secs() >= u64::from(headgate_core::Confirm::UNDO_SECONDS));
    let plan = anna
        .console
        .rollout_prepare(
            &anna.workspace.id,
            "main",
            "development",
            RolloutChange::Embedded,
            "crashes",
        )
        .await
        .unwrap();
    assert_eq!(plan.type_to_confirm.as_deref(), Some("development"));
    let refused = anna.console.start_plan(&plan.plan, None).await.unwrap_err();
    assert_eq!(refused.code, Code::UsageConfirm);

    // What protects the channel is taken away in the same way, and can be undone as long.
    let less = ChannelDefaults {
        confirm: Some(headgate_core::Confirm::None),
        ..ChannelDefaults::default()
    };
    let plan = anna
        .console
        .channel_prepare(&anna.workspace.id, "development", less);
    let plan = plan.await.unwrap();
    assert_eq!(plan.type_to_confirm.as_deref(), Some("development"));
    let job = anna.console.start_plan(&plan.plan, Some("development"));
    let job = job.await.unwrap();
    while anna.console.job(&job).await.unwrap().phase != Phase::Wait {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    anna.console.cancel_job(&job).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_releases_put_into_storage_is_asked_for_and_changes_with_the_second_owner() {
    let crew = Crew::new().await;
    let (anna, id) = (&crew.anna, crew.anna.workspace.id.as_str());
    let both = headgate_core::settings::Delivers {
        zip: true,
        files: true,
    };
    let plan = anna.console.deliver_prepare(id, both).await.unwrap();
    assert!(plan.planned.can_ask, "{:?}", plan.planned.problem);
    let (job, request) = anna.console.ask_plan(&plan.plan, "").await.unwrap();
    anna.console.wait(&job).await.unwrap();
    let delivers = async || anna.console.storage_settings(id).await.unwrap().delivers;
    assert_eq!(delivers().await, Some(Default::default()), "nothing yet");
    crew.mara.co_sign(&request).await.unwrap();
    anna.publish(&request).await.unwrap();
    anna.console.sync(id).await.unwrap();
    assert_eq!(delivers().await, Some(both));
}

#[tokio::test(flavor = "multi_thread")]
async fn less_protection_of_a_channel_is_published_only_by_typing_its_name() {
    let crew = Crew::new().await;
    let (anna, id) = (&crew.anna, crew.anna.workspace.id.as_str());
    let open = ChannelDefaults {
        start_permille: Some(1000),
        gate: Some(GateChoice::Off),
        ..ChannelDefaults::default()
    };
    let plan = anna.console.channel_prepare(id, "production", open);
    let plan = plan.await.unwrap();
    assert!(plan.planned.can_ask, "{:?}", plan.planned.problem);
    assert_eq!(plan.channel.unwrap().start_permille, 10, "as storage says");
    let (job, request) = anna.console.ask_plan(&plan.plan, "").await.unwrap();
    anna.console.wait(&job).await.unwrap();
    crew.mara.co_sign(&request).await.unwrap();
    anna.console.proposals_read(id).await.unwrap();
    let seen = anna.console.approval(id, &request).await.unwrap();
    assert_eq!(seen.type_to_confirm.as_deref(), Some("production"));
}
