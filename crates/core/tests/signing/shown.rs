//! What you see is what you sign: the text on the screen is a function of the signed bytes.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::signing::{Line, Mark, Review, RoleRequest, SigningRequest, plain};
use headgate_core::words;
use headgate_tuf::{UtcTime, sha256_hex};
use proptest::prelude::*;

use crate::world::*;

/// What a screen says about the signature itself.
fn screen(review: &Review) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::from([("title".to_owned(), review.title.clone())]);
    all.insert(("app".into(), format!("{:?}", review.app)));
    for role in &review.roles {
        all.insert(("hash".into(), role.sha256.clone()));
        all.insert((
            "words".into(),
            words::words(&role.sha256).unwrap().join(" "),
        ));
        let lines = role.lines.iter();
        all.extend(lines.map(|l| (format!("{} {}", role.role, l.what), l.after.clone())));
    }
    all
}

/// Everything in a request that is not signed, changed at will.
#[derive(Debug, Clone)]
struct Around {
    id: String,
    by: String,
    reason: String,
    created: i64,
    lasts: i64,
    documents: Vec<String>,
    drop_documents: bool,
    previous: Option<Vec<u8>>,
    again: bool,
    more_roots: bool,
    signatures: Vec<u8>,
}

fn around() -> impl Strategy<Value = Around> {
    let text = "[ -~äöü–…’]{0,60}";
    (
        (
            "[0-9a-f]{32}",
            text,
            text,
            NOW - 10_000..NOW + 10_000,
            -10_000_i64..10_000_000,
        ),
        prop::collection::vec(hostile_document(), 0..4),
        any::<bool>(),
        prop::option::of(prop_oneof![
            Just(file(&approvals(2, &[7], None), &[1, 2])),
            Just(file(&approvals(9, &[1, 2, 3], None), &[1, 2, 3])),
            Just(file(&approvals_of("staging", 2, &[], None), &[1])),
            Just(b"{}".to_vec()),
        ]),
        any::<bool>(),
        any::<bool>(),
        prop::sample::subsequence(vec![1_u8, 2, 3], 0..=3),
    )
        .prop_map(
            |(said, documents, drop_documents, previous, again, more_roots, signatures)| Around {
                id: said.0,
                by: said.1,
                reason: said.2,
                created: said.3,
                lasts: said.4,
                documents,
                drop_documents,
                previous,
                again,
                more_roots,
                signatures,
            },
        )
}

/// Manifests and rollouts that say something else than what is listed.
fn hostile_document() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,80}",
        (1_u32..12, "[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}").prop_map(|(build, version)| {
            let mut other = manifest(build);
            other.version = version;
            let bytes = other.to_bytes().unwrap_or_default();
            String::from_utf8(bytes).unwrap()
        }),
        (1_u32..12).prop_map(|build| {
            String::from_utf8(rollout_document(build).to_bytes().unwrap()).unwrap()
        }),
    ]
}

fn put(mut request: SigningRequest, around: &Around) -> SigningRequest {
    let said = |text: &str, instead: &str| match text.trim().is_empty() {
        true => instead.to_owned(),
        false => text.to_owned(),
    };
    request.id.clone_from(&around.id);
    request.by = said(&around.by, "x");
    request.reason = said(&around.reason, "");
    request.created = UtcTime::from_unix(around.created);
    request.expires = UtcTime::from_unix(around.created + around.lasts);
    if around.drop_documents {
        request.documents.clear();
    }
    for document in &around.documents {
        request
            .documents
            .insert(sha256_hex(document.as_bytes()), document.clone());
    }
    let bytes = request.roles[0].bytes().unwrap();
    let mut envelope = headgate_tuf::Envelope::new(bytes.clone());
    for n in &around.signatures {
        envelope.add(&public(*n), sign(&bytes, *n)).unwrap();
    }
    let previous = match &around.previous {
        Some(other) => Some(other.clone()),
        None if around.again => None,
        None => request.roles[0].previous.clone().map(String::into_bytes),
    };
    request.roles[0] = RoleRequest::new(&envelope, previous.as_deref()).unwrap();
    if around.more_roots {
        let next = file(&root(2, 2, Some(&World::new().root)), &[1, 2]);
        request.roots.push(String::from_utf8(next).unwrap());
    }
    request
}

fn same_screen(request: SigningRequest, around: &Around) -> Result<(), TestCaseError> {
    let world = World::new();
    let honest = look(&request, &world.root, &BTreeMap::new()).unwrap();
    let Ok(review) = look(&put(request, around), &world.root, &BTreeMap::new()) else {
        return Ok(());
    };
    let (mut honest, mut seen) = (screen(&honest), screen(&review));
    // The documents may be missing, and the version before too: then the screen says so, and says nothing else.
    let absent = |text: &str| text.contains("not in the request");
    let compared = review.roles[0].against.is_some();
    let neutral = |(what, after): &(String, String)| {
        if what == "title" {
            return after == "Sign approvals of production"
                || after == "Approve build 7 for production";
        }
        absent(after)
    };
    if !compared {
        // All that the role lists stands there then, since nothing is known to be unchanged.
        prop_assert!(
            !review.alarms.is_empty(),
            "no alarm without the version before"
        );
        for (_, after) in seen.difference(&honest) {
            let release = [5_u32, 6, 7]
                .iter()
                .any(|b| after.contains(&format!("4.2.{b} build {b},")));
            prop_assert!(
                release || absent(after) || after == "Sign approvals of production",
                "{after:?}"
            );
        }
        return Ok(());
    }
    seen.retain(|line| !neutral(line));
    let extra: Vec<_> = seen.difference(&honest).collect();
    prop_assert!(extra.is_empty(), "shown besides: {extra:?}");
    if !around.drop_documents {
        let all = screen(&review);
        honest.retain(|line| !all.contains(line));
        prop_assert!(honest.is_empty(), "not shown any more: {honest:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_shown_of_an_approval_depends_on_its_signed_bytes_alone(around in around()) {
        same_screen(World::new().request(), &around)?;
    }

    #[test]
    fn what_is_shown_of_a_rollout_depends_on_its_signed_bytes_alone(around in around()) {
        let world = World::new();
        let bytes = rollout_document(7).to_bytes().unwrap();
        let mut role = approvals(3, &[], None);
        role.x.action = "roll_out".into();
        role.expires = headgate_tuf::policy::expires(
            &headgate_tuf::RoleName::parse("main.production.rollout").unwrap(), now());
        role.targets = BTreeMap::from([("main.production.rollout.json".into(), listed(&bytes))]);
        let mut request = world.asks(&signed(&role, &[]), None);
        request.documents.insert(sha256_hex(&bytes), String::from_utf8(bytes).unwrap());
        let mut around = around;
        around.previous = None;
        around.signatures.clear();
        same_screen_of_a_first(request, &around)?;
    }

    #[test]
    fn every_change_of_the_signed_bytes_changes_what_is_shown(
        version in 1_u64..1_000, builds in prop::collection::btree_set(1_u32..20, 0..6),
        later in 0_i64..1_000_000, reason in "[a-z ]{0,20}", by in "[A-Za-z]{1,12}",
    ) {
        let world = World::new();
        let builds: Vec<u32> = builds.into_iter().collect();
        let mut role = approvals(version, &builds, Some(&world.approvals));
        role.x.reason = reason;
        role.x.by = by;
        role.x.at = role.x.at.plus(later);
        let honest = world.request();
        let other = world.asks(&signed(&role, &[]), Some(&world.approvals));
        let shown = |r: &SigningRequest| screen(&look(r, &world.root, &BTreeMap::new()).unwrap());
        let same_bytes = other.roles[0].signed == honest.roles[0].signed;
        prop_assert_eq!(shown(&other) == shown(&honest), same_bytes);
        // Without the hash and the words the lines alone tell them apart.
        let lines = |r: &SigningRequest| -> Vec<Line> {
            let review = look(r, &world.root, &BTreeMap::new()).unwrap();
            review.roles[0].lines.clone()
        };
        prop_assert_eq!(lines(&other) == lines(&honest), same_bytes);
    }
}

fn same_screen_of_a_first(request: SigningRequest, around: &Around) -> Result<(), TestCaseError> {
    let world = World::new();
    let honest = screen(&look(&request, &world.root, &BTreeMap::new()).unwrap());
    let review = look(&put(request, around), &world.root, &BTreeMap::new());
    let Ok(review) = review else { return Ok(()) };
    for line in screen(&review).difference(&honest) {
        prop_assert!(line.1.contains("not in the request"), "{line:?}");
    }
    Ok(())
}

#[test]
fn the_order_of_roles_which_is_not_signed_does_not_change_the_title() {
    let world = World::new();
    let approval = RoleRequest::new(
        &signed(&approvals(3, &[5, 6, 7], Some(&world.approvals)), &[1]),
        Some(&world.approvals),
    )
    .unwrap();
    let mut rollout = approvals(1, &[], None);
    rollout.targets = BTreeMap::from([("main.production.rollout.json".into(), listed(b"x"))]);
    let rollout = RoleRequest::new(&signed(&rollout, &[]), None).unwrap();
    let title = |roles| {
        let mut request = world.request();
        request.roles = roles;
        look(&request, &world.root, &BTreeMap::new()).unwrap().title
    };
    let first = title(vec![approval.clone(), rollout.clone()]);
    assert_eq!(
        first,
        "Approve 4.2.7 for production; change what production serves"
    );
    assert_eq!(title(vec![rollout, approval]), first);
}

#[test]
fn the_title_names_every_release_and_every_channel() {
    let world = World::new();
    let role = approvals(3, &[5, 6, 7, 8], Some(&world.approvals));
    let request = world.asks(&signed(&role, &[]), Some(&world.approvals));
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(review.title, "Approve build 8 and 4.2.7 for production");

    let staging = approvals_of("staging", 1, &[manifest(7)], None);
    let mut request = world.request();
    request
        .roles
        .push(RoleRequest::new(&signed(&staging, &[]), None).unwrap());
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    assert_eq!(
        review.title,
        "Approve 4.2.7 for production; approve 4.2.7 for staging"
    );
}

#[test]
fn a_manifest_listed_under_another_build_or_unit_is_not_shown_as_that_release() {
    let world = World::new();
    for (build, unit) in [(4, "main"), (7, "portal")] {
        let mut other = manifest(build);
        other.unit = headgate_tuf::Name::new(unit).unwrap();
        let bytes = other.to_bytes().unwrap();
        let mut role = approvals(3, &[5, 6], Some(&world.approvals));
        role.targets
            .insert("main.production.release-7.json".into(), listed(&bytes));
        let mut request = world.asks(&signed(&role, &[]), Some(&world.approvals));
        request
            .documents
            .insert(sha256_hex(&bytes), String::from_utf8(bytes).unwrap());
        let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
        assert_eq!(review.title, "Approve build 7 for production");
        assert!(review.releases.is_empty());
        let line = review.roles[0]
            .lines
            .iter()
            .find(|l| l.what.contains("build 7"))
            .unwrap();
        assert!(
            line.after.contains("listed under another name"),
            "{}",
            line.after
        );
    }
}

#[test]
fn a_lowered_threshold_is_marked_in_its_line() {
    let world = World::new();
    let request = world.asks(
        &signed(&top(2, 1, Some(&world.top)), &[1]),
        Some(&world.top),
    );
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    let danger: Vec<&Line> = review.roles[0]
        .lines
        .iter()
        .filter(|l| l.mark == Mark::Danger)
        .collect();
    assert_eq!(danger.len(), 1);
    assert_eq!(danger[0].what, "Signs main.production");
    assert!(danger[0].before.as_deref().unwrap().starts_with("2 of 3"));
    assert!(danger[0].after.starts_with("1 of 3"));
}

#[test]
fn characters_that_hide_or_reorder_stand_there_by_their_code_point() {
    let world = World::new();
    let mut role = approvals(3, &[5, 6, 7], Some(&world.approvals));
    role.x.by = "Mara\u{202e}noitcudorp\u{200b}".into();
    let request = world.asks(&signed(&role, &[]), Some(&world.approvals));
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    let own = review.roles[0]
        .lines
        .iter()
        .find(|l| l.what == "Says of itself")
        .unwrap();
    assert!(
        own.after.contains("Mara‹U+202E›noitcudorp‹U+200B›"),
        "{}",
        own.after
    );

    let mut next = root(2, 2, Some(&world.root));
    next.x.keys.get_mut(&id(2)).unwrap().name = "Ma\u{2066}ra".into();
    let request = world.asks(&signed(&next, &[]), Some(&world.root));
    let review = look(&request, &world.root, &BTreeMap::new()).unwrap();
    let all = format!("{:?} {:?}", review.roles[0].lines, review.roles[0].keys);
    assert!(all.contains("Ma‹U+2066›ra"));
    assert!(
        !all.contains('\u{2066}') && !all.contains("\\u{2066}"),
        "{all}"
    );
}

proptest! {
    #[test]
    fn nothing_invisible_is_left(text in "\\PC{0,40}|[\\s\\S]{0,40}") {
        let shown = plain(&text);
        let hidden = |c: char| c.is_control()
            || ('\u{200b}'..='\u{200f}').contains(&c) || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2060}'..='\u{206f}').contains(&c) || c == '\u{feff}';
        prop_assert!(!shown.chars().any(hidden));
        prop_assert_eq!(plain(&shown), shown);
    }
}
