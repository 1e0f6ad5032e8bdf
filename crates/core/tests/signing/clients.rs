//! Places that a request leaves empty for what plugins need.

use std::collections::BTreeMap;

use headgate_core::clients::{
    CapgoClients, CapgoFile, CapgoFiles, CapgoZip, ClientKey, ClientsDocument, IonicClients,
    ObjectRef,
};
use headgate_core::settings::{ChannelRsa, TopTargets};
use headgate_core::signing::{
    Answer, ClientsAsked, ClientsMade, MAX_RESPONSE, RoleRequest, SigningRequest, SigningResponse,
};
use headgate_core::{Code, Result, RsaPublic};
use headgate_tuf::{Envelope, Name, sha256_hex};

use crate::world::*;

/// The key of the README of the `rsa` crate.
const RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtsQsUV8QpqrygsY+2+JCQ6Fw8/omM71IM2N/R8pPbzbgOl0p78MZGsgPOQ2HSznjD0FPzsH8oO2B5Uftws04LHb2HJAYlz25+lN5cqfHAfa3fgmC38FfwBkn7l582UtPWZ/wcBOnyCgb3yLcvJrXyrt8QxHJgvWO23ITrUVYszImbXQ67YGS0YhMrbixRzmo2tpm3JcIBtnHrEUMsT0NfFdfsZhTT8YbxBvA8FdODgEwx7u/vf3J9qbi4+Kv8cvqyJuleIRSjVXPsIMnoejIn04APPKIjpMyQdnWlby7rNyQtE4+CV+jcFjqJbE/Xilcvqxt6DirjFCvYeKYl1uHLwIDAQAB";

/// The registry, with an RSA key for production.
fn world() -> World {
    let mut world = World::new();
    let envelope = Envelope::parse(&world.top).unwrap();
    let mut top: TopTargets = envelope.signed().parse().unwrap();
    for channel in &mut top.x.channels {
        if channel.id.as_str() == "production" {
            channel.rsa = Some(ChannelRsa {
                name: "production apps".into(),
                public: RSA.into(),
            });
        }
    }
    world.top = file(&top, &[1, 2]);
    world
}

/// "Approve 4.2.7 for production", with a place for what its plugins need.
fn asked(world: &World) -> SigningRequest {
    let role = approvals(3, &[5, 6, 7], Some(&world.approvals));
    let mut request = world.asks(&signed(&role, &[]), Some(&world.approvals));
    request.clients = vec![ClientsAsked {
        role: "main.production".into(),
        build: 7,
    }];
    request
}

fn object(bytes: &[u8]) -> ObjectRef {
    ObjectRef {
        sha256: sha256_hex(bytes),
        size: bytes.len() as u64,
    }
}

/// What a signer could have made, but for the signatures, which are not looked at here.
fn made() -> ClientsMade {
    let key = RsaPublic::from_base64(RSA).unwrap();
    let files = CapgoFiles {
        files: vec![CapgoFile {
            path: "index.html".into(),
            brotli: false,
            file_hash: "a".repeat(512),
            object: object(b"sealed"),
        }],
    };
    let (files, ionic) = (files.to_bytes().unwrap(), b"{\"payload\":\"\"}".to_vec());
    let document = ClientsDocument {
        unit: Name::new("main").unwrap(),
        channel: Name::new("production").unwrap(),
        build: 7,
        manifest: manifest(7).sha256().unwrap(),
        key: Some(ClientKey {
            capgo_id: key.capgo_id(),
            sha256: key.sha256(),
        }),
        capgo: Some(CapgoClients {
            session_key: "aXY=:a2V5".into(),
            zip: Some(CapgoZip {
                object: object(b"zip"),
                checksum: "b".repeat(512),
            }),
            files: Some(object(&files)),
        }),
        ionic: Some(IonicClients {
            manifest: object(&ionic),
            zip: None,
        }),
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    ClientsMade {
        role: "main.production".into(),
        document: text(document.to_bytes().unwrap()),
        files: Some(text(files)),
        ionic: Some(text(ionic)),
    }
}

fn other(change: impl FnOnce(&mut ClientsDocument)) -> ClientsMade {
    let mut made = made();
    let mut document = made.document().unwrap();
    change(&mut document);
    made.document = String::from_utf8(document.to_bytes().unwrap()).unwrap();
    made
}

#[test]
fn a_request_without_places_is_written_as_before() {
    let bytes = World::new().request().to_bytes().unwrap();
    let written: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert!(written.get("clients").is_none());
    assert!(SigningRequest::parse(&bytes).unwrap().clients.is_empty());
    let again = SigningRequest::parse(&asked(&world()).to_bytes().unwrap()).unwrap();
    assert_eq!(again, asked(&world()));
    assert_eq!(again.light().clients, again.clients);
}

#[test]
fn what_is_made_is_the_one_thing_that_is_added() {
    let request = asked(&world());
    let whole = request.complete(&[made()]).unwrap();
    let document = made().document;
    let added = format!(
        "\"main.production.clients-7.json\":{{\"hashes\":{{\"sha256\":\"{}\"}},\"length\":{}}},",
        sha256_hex(document.as_bytes()),
        document.len()
    );
    let signed = &whole.roles[0].signed;
    assert!(signed.contains(&added), "{signed}");
    assert_eq!(signed.replace(&added, ""), request.roles[0].signed);
    assert!(whole.clients.is_empty());
    let again = SigningRequest::parse(&whole.to_bytes().unwrap()).unwrap();
    assert_eq!(
        again.clients_made("main.production", 7).unwrap(),
        Some(made())
    );
    assert_eq!(again.clients_made("main.production", 6).unwrap(), None);
    assert_eq!(request.clients_made("main.production", 7).unwrap(), None);
}

#[test]
fn what_belongs_elsewhere_is_not_put_into_a_place() {
    let request = asked(&world());
    let refused = |made: &[ClientsMade]| request.complete(made).unwrap_err().code;
    for wrong in [
        other(|d| d.build = 6),
        other(|d| d.manifest = manifest(6).sha256().unwrap()),
        other(|d| d.channel = Name::new("staging").unwrap()),
        other(|d| d.unit = Name::new("second").unwrap()),
        other(|d| d.ionic = None),
        ClientsMade {
            files: None,
            ..made()
        },
        ClientsMade {
            ionic: Some("{}".into()),
            ..made()
        },
        ClientsMade {
            role: "main.staging".into(),
            ..made()
        },
    ] {
        assert_eq!(refused(&[wrong]), Code::SigningFormat);
    }
    assert_eq!(refused(&[]), Code::SigningFormat);
    assert_eq!(refused(&[made(), made()]), Code::SigningFormat);
    let spaced = ClientsMade {
        document: format!("{} ", made().document),
        ..made()
    };
    assert_eq!(refused(&[spaced]), Code::TrustFormat);
}

#[test]
fn a_place_must_be_empty_and_its_role_unsigned() {
    let world = world();
    let good = asked(&world);
    let refused = |request: &SigningRequest| request.to_bytes().unwrap_err().code;
    let mut wrong = good.clone();
    wrong.clients[0].build = 8;
    assert_eq!(refused(&wrong), Code::SigningFormat);
    let mut wrong = good.clone();
    wrong.clients[0].role = "main.staging".into();
    assert_eq!(refused(&wrong), Code::SigningFormat);
    let mut wrong = good.clone();
    wrong.clients.push(wrong.clients[0].clone());
    assert_eq!(refused(&wrong), Code::SigningFormat);
    // Signed bytes are whole.
    let role = approvals(3, &[5, 6, 7], Some(&world.approvals));
    let mut wrong = good.clone();
    wrong.roles = vec![RoleRequest::new(&signed(&role, &[1]), Some(&world.approvals)).unwrap()];
    assert_eq!(refused(&wrong), Code::SigningFormat);
    // One that lists a document has no place for another.
    let mut wrong = good.complete(&[made()]).unwrap();
    wrong.clients.clone_from(&good.clients);
    assert_eq!(refused(&wrong), Code::SigningFormat);
}

#[test]
fn the_review_says_what_is_made_from_the_settings_and_the_release_alone() {
    let world = world();
    let look = |request: &SigningRequest| look(request, &world.root, &BTreeMap::new());
    let review = look(&asked(&world)).unwrap();
    assert!(
        review.alarms.is_empty() && !review.complete,
        "{:?}",
        review.alarms
    );
    let made = &review.clients[0];
    assert_eq!(
        (made.channel.as_str(), made.release.build),
        ("production", 7)
    );
    let lines = &review.roles[0].lines;
    let line = lines
        .iter()
        .find(|l| l.what == "For plugins of build 7")
        .unwrap();
    assert_eq!(line.before.as_deref(), Some("no"));
    let bundle = manifest(7).bundle.sha256;
    assert_eq!(
        line.after,
        format!(
            "added where it is signed: its bundle is signed for Capgo plugins with the RSA key ‘production apps’, from bundle {}… of {} bytes",
            &bundle[..16],
            headgate_core::text::grouped(1000)
        )
    );
    // Settings without an RSA key leave nothing to make, and a release whose manifest is not there nothing to show.
    let plain = World::new();
    let review = crate::world::look(&asked(&plain), &plain.root, &BTreeMap::new()).unwrap();
    assert_eq!((kinds(&review), review.clients.len()), (vec!["prev"], 0));
    let mut bare = asked(&world);
    bare.documents.remove(&manifest(7).sha256().unwrap());
    assert_eq!(look(&bare).unwrap_err().code, Code::SigningFormat);
}

#[test]
fn a_response_may_bring_documents_alone_and_is_small_without_them() {
    let request = asked(&world());
    let answer = |list| SigningResponse::new(&request, "Ines".into(), now(), Answer::Signed(list));
    let read = |r: &SigningResponse| -> Result<SigningResponse> {
        SigningResponse::parse(&r.to_bytes().unwrap())
    };
    assert_eq!(read(&answer(vec![])).unwrap_err().code, Code::SigningFormat);
    let good = answer(vec![]).with_clients(vec![made()]);
    assert_eq!(read(&good).unwrap(), good);
    let wrong = answer(vec![]).with_clients(vec![ClientsMade {
        files: None,
        ..made()
    }]);
    assert_eq!(read(&wrong).unwrap_err().code, Code::SigningFormat);
    let many = answer(vec![]).with_clients(vec![made(); 17]);
    assert_eq!(read(&many).unwrap_err().code, Code::SigningFormat);
    let mut padded = good.to_bytes().unwrap();
    padded.resize(MAX_RESPONSE * 2, b' ');
    assert!(SigningResponse::parse(&padded).is_ok());
    let refusal = Answer::Refused {
        reason: "No".into(),
    };
    let mut padded = SigningResponse::new(&request, "Ines".into(), now(), refusal)
        .to_bytes()
        .unwrap();
    padded.resize(MAX_RESPONSE * 2, b' ');
    assert!(SigningResponse::parse(&padded).is_err());
}
