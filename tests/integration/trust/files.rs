//! A writer of the storage without any key: flips, replaces, truncates, deletes.

use headgate_core::Code;
use headgate_tests::code;

use super::registry::{TIMESTAMP, registry};

const DAMAGES: [&str; 4] = ["flipped", "truncated", "replaced", "deleted"];

#[tokio::test]
async fn every_damaged_file_is_refused_with_its_code() {
    use Code::{StorageMissing, TrustFormat, TrustHash, TrustSignature};
    let r = registry().await;
    let whole = r.device().await.unwrap();
    let document = [TrustHash; 4];
    let metadata = [TrustSignature, TrustFormat, TrustFormat, TrustSignature];
    // Replaced: by another file of the same registry that is signed too.
    let files: [(String, &str, [Code; 4]); 9] = [
        (
            TIMESTAMP.into(),
            "metadata/4.snapshot.json",
            [TrustSignature, TrustFormat, TrustFormat, StorageMissing],
        ),
        (
            "metadata/4.snapshot.json".into(),
            "metadata/1.targets.json",
            metadata,
        ),
        (
            "metadata/1.targets.json".into(),
            "metadata/4.snapshot.json",
            metadata,
        ),
        (
            "metadata/2.main.production.json".into(),
            "metadata/4.snapshot.json",
            metadata,
        ),
        (
            "metadata/2.main.production.rollout.json".into(),
            TIMESTAMP,
            metadata,
        ),
        (
            r.only("targets", ".main.production.release-1.json"),
            TIMESTAMP,
            document,
        ),
        (
            r.only("targets", ".main.production.rollout.json"),
            TIMESTAMP,
            document,
        ),
        (r.only("bundles", ".zip"), TIMESTAMP, document),
        (r.only("inventories", ".json"), TIMESTAMP, document),
    ];
    for (key, other, codes) in &files {
        let good = r.bytes(key);
        for (damage, code) in DAMAGES.into_iter().zip(codes) {
            match damage {
                "flipped" => r.put(key, &flipped(&good)),
                "truncated" => r.put(key, &good[..good.len() / 2]),
                "replaced" => r.put(key, &r.bytes(other)),
                _ => std::fs::remove_file(r.path(key)).unwrap(),
            }
            assert_eq!(r.refusal().await, *code, "{key} {damage}");
            r.put(key, &good);
        }
    }
    assert_eq!(r.device().await.unwrap(), whole);
}

/// Changes one digit of what is signed, or of what is hashed, so that the file stays well-formed.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let text = String::from_utf8_lossy(&bytes);
    let at = match text.find("\"expires\":\"202") {
        Some(at) => at + "\"expires\":\"202".len(),
        None => bytes.len() / 2,
    };
    bytes[at] = if bytes[at] == b'5' { b'4' } else { b'5' };
    bytes
}

#[tokio::test]
async fn a_file_larger_than_any_metadata_is_not_read() {
    let r = registry().await;
    r.put(TIMESTAMP, &vec![b' '; headgate_tuf::MAX_METADATA + 1]);
    assert_eq!(r.refusal().await, Code::TrustFormat);
}

#[tokio::test]
async fn a_console_keeps_the_last_verified_state_and_says_why() {
    let r = registry().await;
    let (console, id) = (&r.anna.console, &r.anna.workspace.id);
    let before = console.board(id, "main").await.unwrap();
    assert!(before.offline.is_none());
    let key = "metadata/2.main.production.json";
    let good = r.bytes(key);
    r.put(key, &flipped(&good));
    assert_eq!(code(console.sync(id).await), Code::TrustSignature);
    let board = console.board(id, "main").await.unwrap();
    assert_eq!(board.offline.unwrap().code, Code::TrustSignature);
    let build = |b: &headgate_engine::Board| {
        let serving = b.channels[2].serving.as_ref();
        serving.map(|s| s.release.manifest.build)
    };
    assert_eq!(build(&before), Some(1));
    let board = console.board(id, "main").await.unwrap();
    assert_eq!((build(&board), board.as_of), (Some(1), before.as_of));
    let refused = console.refresh(id).await.unwrap();
    assert_eq!(code(console.wait(&refused).await), Code::TrustSignature);
    r.put(key, &good);
    console.sync(id).await.unwrap();
    assert!(console.board(id, "main").await.unwrap().offline.is_none());
}
