//! Responses: what is merged, and what is refused.

use headgate_core::Code;
use headgate_core::signing::{Answer, SigningResponse};

use headgate_tests::{Crew, answer};

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_merged_in_any_order_and_everything_else_is_refused() {
    let crew = Crew::new().await;
    let anna = &crew.anna.console;
    let workspace = &crew.anna.workspace.id;
    let three = headgate_engine::Ceremony::Threshold {
        role: "main.production".into(),
        threshold: 3,
    };
    let headgate_engine::Started::Ask(_, id) = crew.anna.ceremony(&three).await.unwrap() else {
        panic!("others have to sign");
    };
    let request = crew.anna.request(&id).await;
    let import = async |response: &SigningResponse| {
        anna.approval_import(workspace, &response.to_bytes().unwrap())
            .await
    };
    let code = async |response: &SigningResponse| import(response).await.unwrap_err().code;

    // A signature that somebody changed on the way.
    let mut broken = answer(&crew.mara, &request);
    if let Answer::Signed(list) = &mut broken.answer {
        list[0].sig.0[3] ^= 1;
    }
    assert_eq!(code(&broken).await, Code::TrustSignature);
    // A key that no role of it accepts.
    let spare = headgate_tests::colleague(&crew.bench, &crew.anna, "spare").await;
    assert_eq!(code(&answer(&spare, &request)).await, Code::KeyNotAllowed);
    // One good and one wrong signature: nothing of it is taken.
    let mut mixed = answer(&crew.mara, &request);
    if let (Answer::Signed(list), Answer::Signed(more)) =
        (&mut mixed.answer, answer(&spare, &request).answer)
    {
        list.extend(more);
    }
    assert_eq!(code(&mixed).await, Code::KeyNotAllowed);
    // Another workspace, another request, other bytes.
    let mut other = answer(&crew.mara, &request);
    other.workspace = "com.acme.other#0011223344556677".into();
    assert_eq!(code(&other).await, Code::SigningWorkspace);
    let mut replayed = answer(&crew.mara, &request);
    replayed.request = "0".repeat(32);
    assert_eq!(code(&replayed).await, Code::SigningUnknown);
    let mut altered = answer(&crew.mara, &request);
    if let Answer::Signed(list) = &mut altered.answer {
        list[0].signed = "0".repeat(64);
    }
    assert_eq!(code(&altered).await, Code::SigningAltered);
    assert_eq!(
        anna.approval_import(workspace, b"{}")
            .await
            .unwrap_err()
            .code,
        Code::SigningFormat
    );
    let before = anna.approval(workspace, &id).await.unwrap().info;
    assert_eq!((before.have, before.complete), (1, false));

    // Ines first, then Mara, then both again.
    let ines = import(&answer(&crew.ines, &request)).await.unwrap();
    assert_eq!(
        (ines.added.as_slice(), ines.complete),
        (["ines 2026".to_owned()].as_slice(), false)
    );
    let mara = import(&answer(&crew.mara, &request)).await.unwrap();
    assert!(mara.complete);
    let again = import(&answer(&crew.ines, &request)).await.unwrap();
    assert!(again.added.is_empty() && again.known == ["ines 2026"]);
    crew.anna.publish(&id).await.unwrap();
    // A response that comes late changes nothing.
    assert_eq!(
        code(&answer(&crew.mara, &request)).await,
        Code::SigningOther
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_location_is_read_as_a_stranger_wrote_it() {
    let crew = Crew::new().await;
    let folder = crew.bench.dir.path().join("private/proposals");
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let build = crew.staged("one", "1.0.0").await;
    let id = crew
        .anna
        .ask_promote(build, "staging", "production")
        .await
        .unwrap();
    let good = crew.anna.request(&id).await.light();

    put(
        &format!("{}.hgrequest", "1".repeat(32)),
        &vec![b' '; 70_000],
    );
    put(&format!("{}.hgrequest", "2".repeat(32)), b"not json");
    let mut unsigned = good.clone();
    unsigned.id = "3".repeat(32);
    unsigned.roles[0].signatures.clear();
    put(
        &format!("{}.hgrequest", unsigned.id),
        &unsigned.to_bytes().unwrap(),
    );
    put(
        &format!("{}.hgrequest", "4".repeat(32)),
        &good.to_bytes().unwrap(),
    );
    put(
        &format!("{id}.ffffffffffffffff.hgresponse"),
        b"{\"format\":\"x\"}",
    );
    put("..hgrequest", b"x");
    let mara = &crew.mara.workspace.id;
    let read = crew.mara.console.proposals_read(mara).await.unwrap();
    assert_eq!(read.proposals, 1, "{read:?}");
    assert!(read.ignored.len() >= 4, "{read:?}");
    let list = crew.mara.console.approvals(mara).await.unwrap();
    assert_eq!(
        list.iter()
            .filter(|a| a.title.starts_with("Promote"))
            .map(|a| a.id.as_str())
            .collect::<Vec<_>>(),
        [id.as_str()]
    );
    // A withdrawal that belongs to another request takes nothing back.
    let mut other = good.clone();
    other.id = "5".repeat(32);
    let refused = Answer::Refused {
        reason: "withdrawn".into(),
    };
    let forged = SigningResponse::new(&other, "x".into(), good.created, refused);
    put(
        &format!("{id}.withdrawn.hgresponse"),
        &forged.to_bytes().unwrap(),
    );
    crew.mara.console.proposals_read(mara).await.unwrap();
    let still = crew.mara.console.approval(mara, &id).await.unwrap();
    assert_eq!(still.info.state, headgate_engine::ApprovalState::Open);
    // An answer of a stranger is ignored by the asker too.
    let read = crew
        .anna
        .console
        .proposals_read(&crew.anna.workspace.id)
        .await
        .unwrap();
    assert_eq!(read.answers, 0, "{read:?}");
    assert!(!read.ignored.is_empty());

    // The registry itself is no private location.
    let public = crew.bench.storage().join("proposals").display().to_string();
    let refused = crew
        .anna
        .console
        .set_proposals_location(&crew.anna.workspace.id, Some(&public))
        .await;
    assert_eq!(refused.unwrap_err().code, Code::UsageArgument);
}
