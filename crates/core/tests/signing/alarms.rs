//! Everything that speaks against a signature is said, and nothing else is.

use std::collections::BTreeMap;

use headgate_core::Code;
use headgate_core::signing::{self, Committed, Facts, RoleRequest, SigningRequest};
use headgate_tuf::{Envelope, RoleBytes, policy};

use crate::world::*;

#[test]
fn an_ordinary_request_raises_no_alarm() {
    let world = World::new();
    let review = look(&world.request(), &world.root, &BTreeMap::new()).unwrap();
    assert!(review.alarms.is_empty(), "{:?}", review.alarms);
    assert_eq!(review.title, "Approve 4.2.7 for production");
    assert_eq!(review.app, (APP.to_owned(), "Acme Field".to_owned()));
    assert!(!review.complete);
    let role = &review.roles[0];
    assert_eq!((role.have, role.need, role.against), (1, 2, Some(2)));
    let ines = role.keys.iter().find(|k| k.id == id(2)).unwrap();
    assert!(ines.own && !ines.signed);
    assert_eq!((&*ines.name, &*ines.holder), ("Ines 2026", "Ines"));
    let mara = role.keys.iter().find(|k| k.id == id(1)).unwrap();
    assert!(mara.signed && !mara.own);
    assert_eq!(review.releases.len(), 1);
    assert_eq!(review.former.unwrap().build, 6);
}

#[test]
fn a_lowered_threshold_is_an_alarm_wherever_it_stands() {
    let world = World::new();
    let request = world.asks(
        &signed(&top(2, 1, Some(&world.top)), &[1]),
        Some(&world.top),
    );
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["threshold"]);
    assert!(
        review.alarms[0]
            .text
            .contains("main.production needs 1 of 3")
    );

    let request = world.asks(
        &signed(&root(2, 1, Some(&world.root)), &[1]),
        Some(&world.root),
    );
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["threshold", "threshold"]);
    assert_eq!(review.title, "Change the root of trust");
}

#[test]
fn a_role_that_loses_its_delegation_is_an_alarm() {
    let world = World::new();
    let mut next = top(2, 2, Some(&world.top));
    if let Some(delegations) = &mut next.delegations {
        delegations.roles.retain(|r| r.name != "main.production");
    }
    let request = world.asks(&signed(&next, &[1]), Some(&world.top));
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["threshold"]);
}

#[test]
fn a_version_before_that_the_bytes_do_not_name_is_an_alarm() {
    let world = World::new();
    let role = approvals(3, &[5, 6, 7], Some(b"something else"));
    let request = world.asks(&signed(&role, &[1]), Some(&world.approvals));
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["prev"]);
    assert_eq!(review.roles[0].against, None);
}

#[test]
fn a_version_before_that_is_missing_or_unsigned_is_an_alarm() {
    let world = World::new();
    let mut request = world.request();
    request.roles[0].previous = None;
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["prev"]);

    let before = file(&approvals(2, &[5], None), &[1]);
    let role = approvals(3, &[5, 7], Some(&before));
    let request = world.asks(&signed(&role, &[1]), Some(&before));
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["prev"]);
}

#[test]
fn the_version_before_of_another_role_is_refused() {
    let world = World::new();
    let other = file(&approvals_of("staging", 2, &[manifest(6)], None), &[1]);
    let role = approvals(3, &[6, 7], Some(&other));
    let request = world.asks(&signed(&role, &[1]), Some(&other));
    let problem = look(&request, &world.root, &BTreeMap::new()).unwrap_err();
    assert_eq!(problem.code, Code::SigningFormat);
}

#[test]
fn a_version_that_is_not_above_the_last_one_signed_here_is_an_alarm() {
    let world = World::new();
    let own = RoleBytes::new(&approvals(4, &[5, 6, 8], None)).unwrap();
    let review = look(
        &world.request(),
        &world.root,
        &seen("main.production", 4, &own),
    )
    .unwrap();
    assert_eq!(kinds(&review), ["prev", "version"]);

    // The same bytes once more are no alarm: a response was lost.
    let again = world.request().roles[0].bytes().unwrap();
    let review = look(
        &world.request(),
        &world.root,
        &seen("main.production", 3, &again),
    )
    .unwrap();
    assert!(review.alarms.is_empty(), "{:?}", review.alarms);

    let other = RoleBytes::new(&approvals(3, &[5, 6, 8], None)).unwrap();
    let review = look(
        &world.request(),
        &world.root,
        &seen("main.production", 3, &other),
    )
    .unwrap();
    assert!(kinds(&review).contains(&"version"));
}

#[test]
fn another_version_under_the_number_that_was_signed_here_is_an_alarm() {
    let world = World::new();
    let mine = RoleBytes::new(&approvals(2, &[5, 9], None)).unwrap();
    let review = look(
        &world.request(),
        &world.root,
        &seen("main.production", 2, &mine),
    )
    .unwrap();
    assert_eq!(kinds(&review), ["prev"]);
}

#[test]
fn a_role_that_counts_for_too_long_or_no_more_is_an_alarm() {
    let world = World::new();
    let ask = |expires| {
        let mut role = approvals(3, &[5, 6, 7], Some(&world.approvals));
        role.expires = expires;
        let request = world.asks(&signed(&role, &[1]), Some(&world.approvals));
        kinds(&look(&request, &world.root, &BTreeMap::new()).unwrap())
    };
    let role = headgate_tuf::RoleName::parse("main.production").unwrap();
    let most = policy::expires(&role, now());
    assert!(ask(most).is_empty());
    assert_eq!(ask(most.plus(1)), ["expiry"]);
    assert_eq!(ask(now()), ["expiry"]);
}

#[test]
fn a_request_that_has_expired_is_an_alarm() {
    let world = World::new();
    let mut request = world.request();
    request.expires = now();
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(kinds(&review), ["request"]);
}

#[test]
fn without_a_root_only_a_new_workspace_can_be_looked_at_and_that_is_an_alarm() {
    let world = World::new();
    let facts = Facts {
        committed: None,
        seen: &BTreeMap::new(),
        own: &ids(&[1]),
        now: now(),
    };
    let problem = signing::review(&world.request(), facts).unwrap_err();
    assert_eq!(problem.code, Code::SigningUnpinned);

    let part = |e: &Envelope| RoleRequest::new(e, None).unwrap();
    let request = world.empty(vec![
        part(&signed(&root(1, 2, None), &[])),
        part(&signed(&top(1, 2, None), &[])),
    ]);
    let review = signing::review(&request, facts).unwrap();
    assert_eq!(kinds(&review), ["new_workspace"]);
    assert_eq!(review.title, "Make the registry of com.acme.field");

    let request = world.empty(vec![part(&signed(&root(2, 2, Some(b"x")), &[]))]);
    assert!(signing::review(&request, facts).is_err());
}

#[test]
fn the_root_that_counts_is_the_pinned_one_and_what_its_owners_made_of_it() {
    let world = World::new();
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
    let second = root(2, 2, Some(&world.root));

    let mut request = world.request();
    request.roots.push(text(&file(&second, &[2, 3])));
    let committed = Committed::follow(&request, &world.root).unwrap();
    assert_eq!(committed.root.version, 2);

    // Not by strangers, not with a gap, not another one under the pinned number.
    request.roots = vec![text(&file(&second, &[1, STRANGER]))];
    let refused = |r: &SigningRequest| Committed::follow(r, &world.root).unwrap_err().code;
    assert_eq!(refused(&request), Code::TrustRoot);
    request.roots = vec![text(&file(&root(3, 2, Some(b"x")), &[1, 2]))];
    assert_eq!(refused(&request), Code::TrustRoot);
    request.roots = vec![text(&file(&root(1, 1, None), &[1, 2]))];
    assert_eq!(refused(&request), Code::TrustRoot);

    // A copy of the pinned root with other signatures is the pinned root.
    request.roots = vec![text(&file(&root(1, 2, None), &[2, 3]))];
    assert!(Committed::follow(&request, &world.root).is_ok());
}

#[test]
fn a_request_of_another_workspace_is_refused() {
    let world = World::new();
    let mut other = root(1, 2, None);
    other.x.header.workspace = "com.other#00112233445566aa".into();
    let problem = Committed::follow(&world.request(), &file(&other, &[1, 2])).unwrap_err();
    assert_eq!(problem.code, Code::SigningUnpinned);

    let mut settings = top(1, 2, None);
    settings.x.header.workspace = "com.other#00112233445566aa".into();
    let mut request = world.request();
    request.targets = Some(String::from_utf8(file(&settings, &[1, 2])).unwrap());
    assert!(Committed::follow(&request, &world.root).is_err());

    request.targets = Some(String::from_utf8(file(&top(1, 2, None), &[1])).unwrap());
    let problem = Committed::follow(&request, &world.root).unwrap_err();
    assert_eq!(problem.code, Code::TrustSignature);
}

#[test]
fn a_signature_that_does_not_belong_to_the_bytes_is_found() {
    let world = World::new();
    let mut request = world.request();
    let other = RoleBytes::new(&approvals(3, &[5], None)).unwrap();
    request.roles[0].signatures[0].sig = sign(&other, 1);
    let problem = look(&request, &world.root, &BTreeMap::new()).unwrap_err();
    assert_eq!(problem.code, Code::SigningAltered);
}
