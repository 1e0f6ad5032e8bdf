//! Files from anywhere: what is not exactly a request or a response is refused, and nothing panics.

use headgate_core::Code;
use headgate_core::signing::{
    MAX_REQUEST, MAX_RESPONSE, RoleRequest, SigningRequest, SigningResponse,
};
use headgate_tuf::RoleBytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::*;

fn good() -> Value {
    serde_json::from_slice(&World::new().request().to_bytes().unwrap()).unwrap()
}

fn code(value: &Value) -> Option<Code> {
    let bytes = serde_json::to_vec(value).unwrap();
    SigningRequest::parse(&bytes).err().map(|p| p.code)
}

fn answered() -> Value {
    json!({
        "format": "headgate-response-1", "request": "00".repeat(16), "workspace": WORKSPACE,
        "by": "Ines", "at": "2026-11-26T10:00:00Z", "answer": {"refused": {"reason": "no"}},
    })
}

#[test]
fn a_request_reads_back_as_it_was_written() {
    let request = World::new().request();
    assert_eq!(
        SigningRequest::parse(&request.to_bytes().unwrap()).unwrap(),
        request
    );
    let light = request.light();
    assert_eq!(
        SigningRequest::parse(&light.to_bytes().unwrap()).unwrap(),
        light
    );
    assert!(light.roots.is_empty() && light.documents.is_empty() && light.targets.is_none());
}

#[test]
fn anything_else_is_refused() {
    assert_eq!(code(&good()), None);
    let changes: &[fn(&mut Value)] = &[
        |v| v["format"] = json!("headgate-request-2"),
        |v| v["extra"] = json!(1),
        |v| v["id"] = json!("../../../../etc/passwd"),
        |v| v["id"] = json!("0".repeat(31)),
        |v| v["by"] = json!(""),
        |v| v["by"] = json!("a\u{202e}b"),
        |v| v["reason"] = json!("x".repeat(1_001)),
        |v| v["workspace"] = json!("x\ny"),
        |v| v["roles"] = json!([]),
        |v| v["created"] = json!("yesterday"),
        |v| v["expires"] = json!("2026-11-26T10:00:00.5Z"),
        |v| v["roles"][0]["path"] = json!("/etc/passwd"),
        |v| v["roles"][0]["signed"] = json!("{}"),
        |v| {
            v["roles"][0]["signed"] =
                json!(format!(" {}", v["roles"][0]["signed"].as_str().unwrap()));
        },
        |v| {
            let role = v["roles"][0].clone();
            v["roles"].as_array_mut().unwrap().push(role);
        },
        |v| {
            let signature = v["roles"][0]["signatures"][0].clone();
            v["roles"][0]["signatures"]
                .as_array_mut()
                .unwrap()
                .push(signature);
        },
        |v| v["documents"] = json!({"../x": "y"}),
        |v| v["documents"] = json!({"ab".repeat(32): "not of this hash"}),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut value = good();
        change(&mut value);
        assert_eq!(code(&value), Some(Code::SigningFormat), "change {n}");
    }
    let mut other = good();
    other["workspace"] = json!("com.other#00112233445566aa");
    assert_eq!(code(&other), Some(Code::SigningWorkspace));
}

#[test]
fn json_that_readers_read_differently_is_refused() {
    let text = String::from_utf8(World::new().request().to_bytes().unwrap()).unwrap();
    for bad in [
        format!("\u{feff}{text}"),
        text.replacen("{\"format\"", "{\"by\":\"Jonas\",\"format\"", 1),
        text.replacen("\"roles\":[{", "\"roles\":[{\"signed\":\"{}\",", 1),
        text.replacen("\"created\"", "\"__proto__\":{},\"created\"", 1),
        text.trim_end().trim_end_matches('}').to_owned(),
        format!("{text}{text}"),
        "[".repeat(100_000),
        String::new(),
    ] {
        let problem = SigningRequest::parse(bad.as_bytes()).unwrap_err();
        assert_eq!(
            problem.code,
            Code::SigningFormat,
            "{}",
            &bad[..bad.len().min(60)]
        );
    }
    assert!(SigningRequest::parse(b"\xff\xfe").is_err());
    assert!(SigningRequest::parse(&vec![b' '; MAX_REQUEST + 1]).is_err());
}

#[test]
fn only_roles_that_people_sign_can_be_asked_for() {
    let world = World::new();
    let part = |text: String| {
        let role = json!({"signed": text, "signatures": []});
        let mut value = good();
        value["roles"] = json!([role]);
        code(&value)
    };
    let snapshot = headgate_tuf::metadata::Snapshot::new(
        2,
        now(),
        [(
            "targets.json".into(),
            headgate_tuf::metadata::MetaVersion { version: 1 },
        )]
        .into(),
        header(None, "refresh", None),
    );
    let timestamp = headgate_tuf::metadata::Timestamp::new(2, now(), 2);
    for bytes in [
        RoleBytes::new(&snapshot).unwrap(),
        RoleBytes::new(&timestamp).unwrap(),
    ] {
        let text = String::from_utf8(bytes.as_bytes().to_vec()).unwrap();
        assert_eq!(part(text), Some(Code::SigningFormat));
    }
    // A field that nobody could be shown.
    let text = world.request().roles[0].signed.clone();
    for (from, to) in [
        ("\"version\":3", "\"version\":3,\"x-more\":1"),
        (
            "\"action\":\"approve\"",
            "\"action\":\"approve\",\"also\":\"x\"",
        ),
        ("\"_type\":\"targets\"", "\"_type\":\"mirrors\""),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(
            part(text.replacen(from, to, 1)),
            Some(Code::SigningFormat),
            "{to}"
        );
    }
    // A rollout role that lists a release as well.
    let mut both = approvals(3, &[7], None);
    both.targets
        .insert("main.production.rollout.json".into(), listed(b"x"));
    let request = RoleRequest::new(&signed(&both, &[]), None).unwrap();
    assert_eq!(part(request.signed), Some(Code::SigningFormat));
}

#[test]
fn a_wider_path_is_no_role_of_the_profile() {
    let text = {
        let bytes = RoleBytes::new(&top(2, 2, None)).unwrap();
        String::from_utf8(bytes.as_bytes().to_vec()).unwrap()
    };
    for (from, to) in [
        ("main.production.release-*", "*"),
        ("main.production.release-*", "main.*"),
        ("\"terminating\":true", "\"terminating\":false"),
    ] {
        let wider = text.replacen(from, to, 1);
        assert_ne!(wider, text);
        assert!(RoleBytes::from_bytes(wider.as_bytes()).is_err(), "{to}");
        let mut value = good();
        value["roles"] = json!([{"signed": wider, "signatures": []}]);
        assert_eq!(code(&value), Some(Code::SigningFormat));
    }
}

#[test]
fn responses_are_read_as_strictly() {
    let read = |v: &Value| SigningResponse::parse(&serde_json::to_vec(v).unwrap());
    assert!(read(&answered()).is_ok());
    let changes: &[fn(&mut Value)] = &[
        |v| v["format"] = json!("headgate-request-1"),
        |v| v["file"] = json!("/tmp/x"),
        |v| v["by"] = json!("\u{202e}"),
        |v| v["answer"] = json!({"signed": []}),
        |v| v["answer"] = json!({"refused": {"reason": ""}}),
        |v| v["answer"] = json!({"refused": {"reason": "a\nb"}}),
        |v| v["answer"] = json!({"refused": {"reason": "no"}, "signed": []}),
        |v| v["answer"] = json!({"signed": [{"signed": "ab", "keyid": "zz", "sig": "00"}]}),
        |v| v["answer"] = json!("signed"),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut value = answered();
        change(&mut value);
        assert_eq!(
            read(&value).unwrap_err().code,
            Code::SigningFormat,
            "change {n}"
        );
    }
    assert!(SigningResponse::parse(&vec![b' '; MAX_RESPONSE + 1]).is_err());
}

proptest! {
    #[test]
    fn cut_and_altered_files_never_panic(at in 0_usize..6_000, byte: u8, cut: bool) {
        let mut bytes = World::new().request().to_bytes().unwrap();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(read) = SigningRequest::parse(&bytes) {
            let world = World::new();
            let _ = look(&read, &world.root, &Default::default());
        }
    }

    #[test]
    fn any_bytes_at_all_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(SigningRequest::parse(&bytes).is_err());
        prop_assert!(SigningResponse::parse(&bytes).is_err());
    }
}
