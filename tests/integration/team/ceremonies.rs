//! Root ceremonies: each is a commit that every client follows. Replacing keys is in the drills.

use headgate_core::Code;
use headgate_engine::{Ceremony, InitRequest, LogRead, Started, Team, VaultChoice};
use headgate_tests::{APP, CHANNELS};

use headgate_tests::{Crew, colleague};

#[tokio::test(flavor = "multi_thread")]
async fn solo_becomes_a_team_and_a_device_with_the_first_root_follows() {
    let (crew, members) = Crew::solo().await;
    let build = crew.anna.ship(&crew.bench, "one", "1.0.0").await.unwrap();
    let ceremony = Ceremony::Team {
        members,
        root_threshold: 2,
        last_threshold: 2,
    };
    let plan = crew
        .anna
        .console
        .trust_prepare(&crew.anna.workspace.id, &ceremony, "")
        .await
        .unwrap();
    let line = plan
        .lines
        .iter()
        .find(|l| l.what == "Signs main.production")
        .unwrap();
    assert!(
        line.before.as_ref().unwrap().starts_with("1 of 1"),
        "{line:?}"
    );
    assert!(line.after.starts_with("2 of 3"), "{line:?}");
    assert!(plan.weakened.is_empty() && plan.planned.can_ask);
    // People who are new are named by the root that the change makes.
    let missing = plan.planned.missing.iter().flat_map(|m| &m.keys);
    for (id, name, holder, _) in missing {
        assert!(!id.as_str().starts_with(name.as_str()), "{id} has no name");
        assert!(!holder.is_empty(), "{name} is held by someone");
    }
    let receipt = crew.ceremony(&ceremony, &crew.ines).await.unwrap();
    assert_eq!(receipt.root_now, 2);
    let log = crew
        .anna
        .console
        .audit(&crew.anna.workspace.id, LogRead::Anew);
    let log = log.await.unwrap();
    assert_eq!(
        log.entries.last().unwrap().words.text(),
        "made a team with ‘ines 2026’ and ‘mara 2026’"
    );
    let table = crew
        .mara
        .console
        .trust_table(&crew.mara.workspace.id)
        .await
        .unwrap();
    assert_eq!(table.profile.as_deref(), Some("team"));
    assert_eq!(
        (
            table.roles["root"].threshold,
            table.roles["main.production"].threshold
        ),
        (2, 2)
    );
    assert_eq!(table.roles["main.staging"].threshold, 1);
    let device = crew.bench.device(&crew.anna.workspace.root).await.unwrap();
    assert_eq!(device.build("development"), Some(build));
    // The next signature of freshness stands on the new root alone.
    let job = crew
        .anna
        .console
        .refresh(&crew.anna.workspace.id)
        .await
        .unwrap();
    crew.anna.receipt(&job).await.unwrap();
    crew.bench.device(&crew.anna.workspace.root).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made_from_the_start_once_its_owners_signed() {
    let (crew, members) = Crew::solo().await;
    let storage = crew.bench.dir.path().join("other storage");
    let request = InitRequest {
        app: format!("{APP}.team"),
        name: "Acme Team".into(),
        storage: format!("file://{}", storage.display()),
        public_url: None,
        channels: CHANNELS.map(String::from).to_vec(),
        vault: VaultChoice::Os,
        vault_why: None,
        sandbox: false,
        credentials: None,
    };
    let team = Team {
        members,
        root_threshold: 2,
        last_threshold: 2,
    };
    let (workspace, started) = crew.anna.console.init_team(request, team).await.unwrap();
    let Started::Ask(_, id) = started else {
        panic!("two owners have to sign");
    };
    assert!(
        !storage.join("metadata").exists(),
        "nothing is published before the second owner signed"
    );
    let early = crew
        .anna
        .console
        .approval_publish_confirmed(&workspace.id, &id)
        .await
        .unwrap_err();
    assert_eq!(early.code, Code::SigningMissing);
    // Mara signs the very same bytes elsewhere, by file.
    let file = crew
        .anna
        .console
        .approval_request(&workspace.id, &id)
        .await
        .unwrap();
    let response = headgate_tests::signed_by(&crew.mara, &file);
    let merged = crew
        .anna
        .console
        .approval_import(&workspace.id, &response)
        .await
        .unwrap();
    assert!(merged.complete, "{merged:?}");
    let job = crew
        .anna
        .console
        .approval_publish_confirmed(&workspace.id, &id)
        .await
        .unwrap();
    let receipt = crew.anna.console.wait(&job).await.unwrap().receipt.unwrap();
    assert_eq!(receipt.root_now, 1);
    let table = crew.anna.console.trust_table(&workspace.id).await.unwrap();
    assert_eq!(
        (
            table.roles["root"].threshold,
            table.roles["root"].keyids.len()
        ),
        (2, 3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_thresholds_change_and_what_cannot_be_met_is_refused() {
    let crew = Crew::new().await;
    let tom = colleague(&crew.bench, &crew.anna, "tom").await.member;
    let add = Ceremony::AddPerson {
        member: tom,
        roles: vec!["main.staging".into(), "main.staging.rollout".into()],
    };
    crew.ceremony(&add, &crew.mara).await.unwrap();
    let table = crew
        .anna
        .console
        .trust_table(&crew.anna.workspace.id)
        .await
        .unwrap();
    assert_eq!(table.roles["main.staging"].keyids.len(), 4);
    let four = Ceremony::Threshold {
        role: "main.production".into(),
        threshold: 4,
    };
    let refused = crew.anna.ceremony(&four).await.unwrap_err();
    assert_eq!(refused.code, Code::UsageArgument);
    // Raising a threshold needs the signatures that the raised one asks for.
    let three = Ceremony::Threshold {
        role: "main.production".into(),
        threshold: 3,
    };
    let Started::Ask(_, id) = crew.anna.ceremony(&three).await.unwrap() else {
        panic!("others have to sign");
    };
    crew.mara.co_sign(&id).await.unwrap();
    assert_eq!(
        crew.anna.publish(&id).await.unwrap_err().code,
        Code::SigningMissing
    );
    crew.ines.co_sign(&id).await.unwrap();
    crew.anna.publish(&id).await.unwrap();
    // Lowering is marked, and a console does not co-sign it without being asked twice.
    let two = Ceremony::Threshold {
        role: "main.production".into(),
        threshold: 2,
    };
    let plan = crew
        .anna
        .console
        .trust_prepare(&crew.anna.workspace.id, &two, "")
        .await
        .unwrap();
    assert_eq!(plan.weakened.len(), 1);
    let Started::Ask(_, id) = crew.anna.ceremony(&two).await.unwrap() else {
        panic!("others have to sign");
    };
    let alarm = crew.mara.co_sign(&id).await.unwrap_err();
    assert_eq!(alarm.code, Code::SigningAlarm);
    let remove = Ceremony::RemoveKey {
        key: "tom 2026".into(),
    };
    crew.ceremony(&remove, &crew.mara).await.unwrap();
    crew.bench.device(&crew.anna.workspace.root).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn expiring_roles_are_renewed_by_as_many_people_as_sign_them() {
    let crew = Crew::new().await;
    crew.bench.clock.days(20);
    let renew = Ceremony::Renew {
        roles: vec!["root".into(), "targets".into(), "main.production".into()],
    };
    let plan = crew
        .anna
        .console
        .trust_prepare(&crew.anna.workspace.id, &renew, "")
        .await
        .unwrap();
    assert!(
        plan.lines.iter().any(|l| l.what == "root is valid until"),
        "{:?}",
        plan.lines
    );
    let receipt = crew.ceremony(&renew, &crew.mara).await.unwrap();
    assert_eq!(receipt.root_now, 3);
    crew.bench.clock.days(5);
    crew.bench.device(&crew.anna.workspace.root).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_online_key_is_handed_to_another_person() {
    let (crew, _) = Crew::solo().await;
    let made = crew
        .anna
        .console
        .create_key(&crew.anna.workspace.id, "fresh 2")
        .await
        .unwrap();
    let rotate = Ceremony::RemoveKey {
        key: "Acme Field online".into(),
    };
    // The operator's key signs rollouts too, so it cannot simply be taken out.
    assert_eq!(
        crew.anna.ceremony(&rotate).await.unwrap_err().code,
        Code::UsageArgument
    );
    let _ = made;
    let replace = Ceremony::Rotate {
        old: "Acme Field online".into(),
        new: headgate_engine::Member {
            public: crew.mara.member.public.clone(),
            name: "mara 2026".into(),
            holder: "mara".into(),
        },
    };
    // Anna holds no key that would sign rollouts then: mara has to sign with her.
    let Started::Ask(_, id) = crew.anna.ceremony(&replace).await.unwrap() else {
        panic!("the new key has to sign what it will be trusted for");
    };
    crew.mara.co_sign(&id).await.unwrap();
    crew.anna.publish(&id).await.unwrap();
    crew.bench.device(&crew.anna.workspace.root).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_trust_is_published_from_the_window_by_typing_the_apps_identifier() {
    let crew = Crew::new().await;
    let (console, workspace) = (&crew.anna.console, &crew.anna.workspace.id);
    let two = Ceremony::Threshold {
        role: "main.staging".into(),
        threshold: 2,
    };
    let Started::Ask(_, id) = crew.anna.ceremony(&two).await.unwrap() else {
        panic!("others have to sign");
    };
    crew.mara.co_sign(&id).await.unwrap();
    console.proposals_read(workspace).await.unwrap();
    for typed in [None, Some("production")] {
        let refused = console.approval_publish(workspace, &id, typed).await;
        assert_eq!(refused.unwrap_err().code, Code::UsageConfirm);
    }
    let job = console.approval_publish(workspace, &id, Some(APP)).await;
    crew.anna.receipt(&job.unwrap()).await.unwrap();
    // What was signed in part is a local event, apart from the log.
    let events = console.local_events(workspace).await.unwrap();
    assert!(
        events
            .iter()
            .any(|e| e.title.contains("mara 2026 signed in part"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_approval_says_who_gets_it_and_what_is_typed() {
    let (crew, _, id) = Crew::asking().await;
    let (console, workspace) = (&crew.anna.console, &crew.anna.workspace.id);
    crew.mara.co_sign(&id).await.unwrap();
    console.proposals_read(workspace).await.unwrap();
    let view = console.approval(workspace, &id).await.unwrap();
    assert_eq!(view.type_to_confirm.as_deref(), Some("production"));
    assert!(
        view.effect
            .is_some_and(|e| e.contains("All devices on production"))
    );
}
