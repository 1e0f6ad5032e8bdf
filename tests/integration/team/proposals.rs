//! What a console does by itself with the private location.

use headgate_core::Code;
use headgate_engine::{ApprovalState, NoticeKind};
use headgate_tests::Person;

use headgate_tests::Crew;

async fn tend(person: &Person) {
    person
        .console
        .proposals_tend(&person.workspace.id)
        .await
        .unwrap();
}

/// State of a request, and whether it waits for this person.
async fn stands(person: &Person, id: &str) -> (ApprovalState, bool) {
    let list = person.console.approvals(&person.workspace.id).await;
    let list = list.unwrap();
    let info = list.iter().find(|a| a.id == id).unwrap();
    (info.state, info.mine)
}

/// Titles of what a person was told of that waits for them.
fn told(events: &mut tokio::sync::broadcast::Receiver<headgate_engine::Happened>) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let headgate_engine::Happened::Notice(notice) = event
            && notice.kind == NoticeKind::Waits
        {
            told.push(notice.title);
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_person_comes_to_them_and_leaves_by_itself() {
    let (crew, _, id) = Crew::asking().await;
    let (mut mara_hears, mut anna_hears) = (crew.mara.console.events(), crew.anna.console.events());

    tend(&crew.mara).await;
    tend(&crew.ines).await;
    assert_eq!(stands(&crew.mara, &id).await, (ApprovalState::Open, true));
    assert_eq!(stands(&crew.ines, &id).await, (ApprovalState::Open, true));
    assert_eq!(
        told(&mut mara_hears),
        ["A request waits for your signature"]
    );
    // It is told once.
    tend(&crew.mara).await;
    assert!(told(&mut mara_hears).is_empty());

    crew.mara.co_sign(&id).await.unwrap();
    tend(&crew.anna).await;
    assert_eq!(told(&mut anna_hears), ["Every signature is there"]);
    crew.anna.publish(&id).await.unwrap();
    // Ines was asked too, and another was faster: nothing waits for her any more, and it is no failure.
    tend(&crew.ines).await;
    assert_eq!(stands(&crew.ines, &id).await, (ApprovalState::Done, false));
    tend(&crew.mara).await;
    assert_eq!(stands(&crew.mara, &id).await, (ApprovalState::Done, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_request_of_a_colleague_leaves_too() {
    let (crew, _, id) = Crew::asking().await;
    tend(&crew.mara).await;
    let back = crew
        .anna
        .console
        .approval_withdraw(&crew.anna.workspace.id, &id, "wrong build");
    back.await.unwrap();
    tend(&crew.mara).await;
    assert_eq!(
        stands(&crew.mara, &id).await,
        (ApprovalState::Withdrawn, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_look_that_failed_nobody_looks_again_at_once_and_the_last_good_one_is_known() {
    let (crew, _, id) = Crew::asking().await;
    let (console, workspace) = (&crew.mara.console, &crew.mara.workspace.id);
    let seen = console.proposals_seen(workspace).await.unwrap();
    let folder = crew.bench.dir.path().join("private/proposals");
    let away = crew.bench.dir.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    // A file where the folder was cannot be listed.
    std::fs::write(&folder, b"").unwrap();
    let failed = console.proposals_tend(workspace).await.unwrap_err();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    let after = console.proposals_seen(workspace).await.unwrap();
    assert_eq!(after.at, seen.at, "a look that failed is none");
    assert_eq!(after.problem.unwrap().code, failed.code);

    // The pause: nothing is read, and nothing fails.
    console.proposals_tend(workspace).await.unwrap();
    let unread = console.approval(workspace, &id).await.unwrap_err();
    assert_eq!(unread.code, Code::SigningUnknown);
    crew.bench.clock.advance(61);
    console.proposals_tend(workspace).await.unwrap();
    assert_eq!(stands(&crew.mara, &id).await, (ApprovalState::Open, true));
    let healed = console.proposals_seen(workspace).await.unwrap();
    assert!(healed.problem.is_none() && healed.at > seen.at);

    // By hand there is no pause, and another location is another story.
    console.proposals_read(workspace).await.unwrap();
    console
        .set_proposals_location(workspace, None)
        .await
        .unwrap();
    let gone = console.proposals_seen(workspace).await.unwrap();
    assert!(gone.at.is_none());
}
