//! Signatures come back in any order and count once; what is not an answer to the request changes nothing.

use headgate_core::Code;
use headgate_core::signing::{
    Answer, Merged, RoleSignature, Signers, SigningRequest, SigningResponse, merge, signers,
};
use headgate_tuf::Envelope;
use proptest::prelude::*;

use crate::world::*;

fn answer(request: &SigningRequest, keys: &[u8]) -> SigningResponse {
    let bytes = request.roles[0].bytes().unwrap();
    let one = |n: &u8| RoleSignature {
        signed: request.roles[0].sha256(),
        keyid: id(*n),
        sig: sign(&bytes, *n),
    };
    let list = keys.iter().map(one).collect();
    SigningResponse::new(request, "Ines".into(), now(), Answer::Signed(list))
}

fn parts(request: &SigningRequest) -> (Vec<Envelope>, Vec<Signers>) {
    let (root, targets) = (root(1, 2, None), top(1, 2, None));
    let roles = request.signed_roles().unwrap();
    let of = |r| signers(r, Some(&root), Some(&targets), &roles).unwrap();
    let envelopes = request.roles.iter().map(|r| r.envelope().unwrap());
    (envelopes.collect(), roles.iter().map(of).collect())
}

fn put(
    request: &SigningRequest,
    response: &SigningResponse,
) -> headgate_core::Result<(Merged, bool)> {
    let (mut envelopes, signers) = parts(request);
    let before = envelopes.clone();
    let merged = merge(request, response, &mut envelopes, &signers);
    if merged.is_err() {
        assert_eq!(envelopes, before, "a refused response changed something");
    }
    merged.map(|m| (m, signers[0].complete(&envelopes[0])))
}

#[test]
fn the_second_signature_completes_two_of_three() {
    let request = World::new().request();
    let (envelopes, needed) = parts(&request);
    assert_eq!(needed[0].count(&envelopes[0]), (1, 2));
    let (merged, complete) = put(&request, &answer(&request, &[2])).unwrap();
    assert_eq!(merged.added, ids(&[2]));
    assert!(merged.known.is_empty() && complete);
}

#[test]
fn a_key_that_signs_twice_counts_once() {
    let request = World::new().request();
    let (merged, complete) = put(&request, &answer(&request, &[1, 1])).unwrap();
    assert!(merged.added.is_empty() && !complete);
    assert_eq!(merged.known, ids(&[1]));
    let (merged, complete) = put(&request, &answer(&request, &[2, 2])).unwrap();
    assert_eq!(merged.added, ids(&[2]));
    assert!(complete);
}

proptest! {
    #[test]
    fn the_order_of_answers_does_not_matter(order in Just(vec![2_u8, 3, 1, 2]).prop_shuffle()) {
        let request = World::new().request();
        let (mut envelopes, signers) = parts(&request);
        for n in order {
            merge(&request, &answer(&request, &[n]), &mut envelopes, &signers).unwrap();
        }
        let (mut once, _) = parts(&request);
        merge(&request, &answer(&request, &[1, 2, 3]), &mut once, &signers).unwrap();
        prop_assert_eq!(envelopes, once);
    }
}

#[test]
fn keys_that_the_role_does_not_accept_are_refused() {
    let request = World::new().request();
    for n in [STRANGER, ONLINE] {
        let problem = put(&request, &answer(&request, &[2, n])).unwrap_err();
        assert_eq!(problem.code, Code::KeyNotAllowed);
    }
}

#[test]
fn an_altered_response_is_refused() {
    let request = World::new().request();
    let good = answer(&request, &[2]);
    let text = String::from_utf8(good.to_bytes().unwrap()).unwrap();

    // One hex digit of the signature.
    let Answer::Signed(list) = &good.answer else {
        unreachable!()
    };
    let mut bytes = list[0].sig.0;
    bytes[7] ^= 1;
    let mut altered = good.clone();
    altered.answer = Answer::Signed(vec![RoleSignature {
        sig: headgate_tuf::Signature(bytes),
        ..list[0].clone()
    }]);
    assert_eq!(
        put(&request, &altered).unwrap_err().code,
        Code::TrustSignature
    );

    // Somebody else's signature under this key's id.
    let bytes = request.roles[0].bytes().unwrap();
    altered.answer = Answer::Signed(vec![RoleSignature {
        sig: sign(&bytes, 3),
        ..list[0].clone()
    }]);
    assert_eq!(
        put(&request, &altered).unwrap_err().code,
        Code::TrustSignature
    );

    // Other bytes than were asked for.
    let elsewhere = text.replace(&request.roles[0].sha256(), &"ab".repeat(32));
    let elsewhere = SigningResponse::parse(elsewhere.as_bytes()).unwrap();
    assert_eq!(
        put(&request, &elsewhere).unwrap_err().code,
        Code::SigningAltered
    );
}

#[test]
fn a_response_to_another_request_or_workspace_is_refused() {
    let world = World::new();
    let request = world.request();
    let mut older = request.clone();
    older.id = "11".repeat(16);
    let problem = put(&request, &answer(&older, &[2])).unwrap_err();
    assert_eq!(problem.code, Code::SigningOther);

    let mut other = answer(&request, &[2]);
    other.workspace = "com.other#00112233445566aa".into();
    assert_eq!(
        put(&request, &other).unwrap_err().code,
        Code::SigningWorkspace
    );
}

#[test]
fn a_replayed_signature_over_other_bytes_is_refused_under_the_new_request_id() {
    let world = World::new();
    let old = world.request();
    let role = approvals(3, &[5, 6, 7, 8], Some(&world.approvals));
    let mut next = world.asks(&signed(&role, &[1]), Some(&world.approvals));
    next.id = "22".repeat(16);
    let mut replayed = answer(&old, &[2]);
    replayed.request.clone_from(&next.id);
    assert_eq!(
        put(&next, &replayed).unwrap_err().code,
        Code::SigningAltered
    );
}

#[test]
fn a_refusal_is_a_message_with_its_reason() {
    let request = World::new().request();
    let refused = Answer::Refused {
        reason: "Not on a Friday".into(),
    };
    let response = SigningResponse::new(&request, "Ines".into(), now(), refused);
    let problem = put(&request, &response).unwrap_err();
    assert_eq!(problem.code, Code::SigningRefused);
    assert!(problem.message.contains("Not on a Friday"));
}
