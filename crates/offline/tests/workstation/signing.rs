//! Looking, signing, refusing, and what is remembered of it.

use std::fs;

use headgate_core::Code;
use headgate_offline::{BundleVerdict, SignOptions, Standing};

use crate::place::Place;
use crate::world::*;

#[test]
fn a_request_is_looked_at_signed_and_merged() {
    let place = Place::new();
    let request = place.world.request();
    let path = place.put("r.hgrequest", &request);
    let found = place.station.requests(place.drive.path()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].standing, Standing::ToSign);
    assert_eq!(found[0].title, "Approve 4.2.7 for production");
    assert_eq!((&*found[0].app, &*found[0].by), ("Acme Field", "Mara"));

    let look = place
        .station
        .look(&fs::read(&path).unwrap(), Some(place.drive.path()))
        .unwrap();
    assert_eq!(look.keys, std::slice::from_ref(&place.key));
    assert_eq!(look.bundles, [(7, BundleVerdict::Absent)]);
    assert!(!look.signed);

    let handed = place.sign(&request, &[]).unwrap();
    assert_eq!(handed.name, "00000000-ines-2026.hgresponse");
    assert!(place.merged(&request, &handed.bytes).unwrap(), "2 of 2");
    let saved = handed.save(place.drive.path()).unwrap();
    assert_eq!(fs::read(&saved).unwrap(), handed.bytes);
    // Once more is the same file; another answer gets another name.
    assert_eq!(handed.save(place.drive.path()).unwrap(), saved);
    let refused = place
        .station
        .refuse(&request.to_bytes().unwrap(), "Not now", "")
        .unwrap();
    assert_ne!(refused.save(place.drive.path()).unwrap(), saved);

    let history = place.station.history().unwrap();
    let did: Vec<&str> = history.iter().map(|e| e.did.as_str()).collect();
    assert_eq!(did, ["key_created", "pinned", "signed", "refused"]);
    assert_eq!(history[2].roles[0].sha256, request.roles[0].sha256());
    assert_eq!(history[2].title, "Approve 4.2.7 for production");
    assert_eq!(history[3].reason, "Not now");
    let kept = place.station.answered(&request.id).unwrap().unwrap();
    assert_eq!(kept.bytes, refused.bytes);
}

#[test]
fn what_was_signed_is_remembered_and_an_older_version_is_an_alarm() {
    let place = Place::new();
    let request = place.world.request();
    place.sign(&request, &[]).unwrap();
    // The same once more, for a response that was lost, raises nothing.
    place.sign(&request, &[]).unwrap();

    let other = approvals(3, &[5, 6, 8], Some(&place.world.approvals));
    let mut other = place
        .world
        .asks(&signed(&other, &[1]), Some(&place.world.approvals));
    other.id = "ab".repeat(16);
    let problem = place.sign(&other, &[]).unwrap_err();
    assert_eq!(problem.code, Code::SigningAlarm);
    let problem = place.sign(&other, &["prev"]).unwrap_err();
    assert_eq!(problem.detail.as_deref(), Some("version"));
    place.sign(&other, &["prev", "version"]).unwrap();
    let last = place.station.history().unwrap().pop().unwrap();
    assert!(
        last.accepted
            .iter()
            .any(|a| a.starts_with("version: main.production: version 3"))
    );
}

#[test]
fn every_alarm_is_confirmed_by_itself() {
    let place = Place::new();
    let mut role = approvals(3, &[5, 6, 7], Some(b"another one"));
    role.expires = role.expires.plus(86_400);
    let mut request = place
        .world
        .asks(&signed(&role, &[1]), Some(&place.world.approvals));
    request.expires = now();
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap();
    let texts: Vec<String> = look.review.alarms.iter().map(|a| a.text.clone()).collect();
    assert_eq!(texts.len(), 3);
    for missing in 0..3 {
        let accept: Vec<&str> = texts
            .iter()
            .enumerate()
            .filter(|(n, _)| *n != missing)
            .map(|(_, t)| t.as_str())
            .collect();
        assert_eq!(
            place.sign(&request, &accept).unwrap_err().code,
            Code::SigningAlarm
        );
    }
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    place.sign(&request, &all).unwrap();
    assert_eq!(
        place
            .station
            .history()
            .unwrap()
            .pop()
            .unwrap()
            .accepted
            .len(),
        3
    );
}

#[test]
fn only_what_was_shown_is_signed() {
    let place = Place::new();
    let request = place.world.request();
    let shown = place
        .station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap()
        .sha256;
    let role = approvals(3, &[5, 6, 7, 8], Some(&place.world.approvals));
    let swapped = place
        .world
        .asks(&signed(&role, &[1]), Some(&place.world.approvals));
    let options = SignOptions {
        shown: Some(shown),
        ..SignOptions::default()
    };
    let signed = place
        .station
        .sign(&swapped.to_bytes().unwrap(), None, &options, &place.vault);
    assert_eq!(signed.unwrap_err().code, Code::SigningAltered);
    assert_eq!(
        place.station.history().unwrap().len(),
        2,
        "nothing was signed"
    );
}
