//! The vault file against other writers, damage and hostile files.

use std::fs;
use std::path::PathBuf;

use headgate_core::Code;
use tempfile::TempDir;

use crate::seed::Seed;
use crate::tests::{CHEAP, code, pass, role};
use crate::{FileVault, KeyVault, MemoryVault, portable, sealed};

struct Place {
    _dir: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let dir = TempDir::new().unwrap();
    let path = dir.path().canonicalize().unwrap().join("vault.age");
    Place { _dir: dir, path }
}

/// A vault file with this content.
fn with_content(content: &str) -> Place {
    let place = place();
    let file = sealed::seal(content.as_bytes(), &pass("p"), CHEAP).unwrap();
    fs::write(&place.path, file).unwrap();
    place
}

fn entry(public: &str, label: &str, seed: &str) -> String {
    format!(r#"{{"public":"{public}","label":"{label}","seed":"{seed}"}}"#)
}

fn document(keys: &[String]) -> String {
    let keys = keys.join(",");
    format!(r#"{{"kind":"headgate-vault","version":1,"keys":[{keys}]}}"#)
}

#[test]
fn keys_are_there_after_opening_the_file_again() {
    let at = place();
    let key = FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP)
        .unwrap()
        .create("release")
        .unwrap();
    let again = FileVault::open(&at.path, pass("p")).unwrap();
    let signature = again.sign(&key, &role(1)).unwrap();
    key.verify(role(1).as_bytes(), &signature).unwrap();
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_changes_nothing() {
    let at = place();
    FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP).unwrap();
    let before = fs::read(&at.path).unwrap();
    assert_eq!(
        code(FileVault::open(&at.path, pass("P"))),
        Code::KeyWrongPassword
    );
    assert_eq!(fs::read(&at.path).unwrap(), before);
}

#[test]
fn a_missing_file_is_an_error_and_none_is_made() {
    let at = place();
    assert_eq!(code(FileVault::open(&at.path, pass("p"))), Code::KeyFile);
    assert!(!at.path.exists());
    let vault = FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP).unwrap();
    fs::remove_file(&at.path).unwrap();
    assert_eq!(code(vault.probe()), Code::KeyFile);
    assert_eq!(code(vault.create("k")), Code::KeyFile);
    assert!(!at.path.exists());
}

#[test]
fn a_vault_is_never_made_over_something() {
    let at = place();
    fs::write(&at.path, "mine").unwrap();
    assert_eq!(
        code(FileVault::create(&at.path, pass("p"))),
        Code::UsageExists
    );
    assert_eq!(fs::read(&at.path).unwrap(), b"mine");
    let nowhere = at.path.with_file_name("no").join("vault.age");
    assert_eq!(code(FileVault::create(nowhere, pass("p"))), Code::KeyFile);
}

#[test]
fn hostile_files_are_refused_without_much_work() {
    let at = place();
    let vault = FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP).unwrap();
    vault.create("k").unwrap();
    let good = fs::read(&at.path).unwrap();
    let header_end = good.windows(3).position(|w| w == b"---").unwrap();
    let header = String::from_utf8(good[..header_end].to_vec()).unwrap();
    let with_work = |work: &str| {
        let line = header.lines().find(|l| l.starts_with("-> scrypt")).unwrap();
        let hostile = line.strip_suffix(" 4").unwrap().to_owned() + work;
        let mut file = header.replace(line, &hostile).into_bytes();
        file.extend_from_slice(&good[header_end..]);
        file
    };
    let for_a_key = {
        let recipient = age::x25519::Identity::generate().to_public();
        age::encrypt(&recipient, b"{}").unwrap()
    };
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let started = std::time::Instant::now();
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("garbage", vec![0xff; 3000]),
        ("text", b"age-encryption.org/v1\n".to_vec()),
        ("another version", b"age-encryption.org/v2\n-> x\n".to_vec()),
        ("work factor 19", with_work(" 19")),
        ("work factor 63", with_work(" 63")),
        ("work factor 255", with_work(" 255")),
        ("work factor that is none", with_work(" 4e9")),
        ("for a key", for_a_key),
        ("header cut off", good[..header_end].to_vec()),
        ("payload cut off", good[..good.len() - 5].to_vec()),
        ("no payload", good[..header_end + 50].to_vec()),
        ("payload altered", flipped),
        ("trailing bytes", [good.as_slice(), b"x"].concat()),
        ("too large", vec![b'a'; sealed::MAX_FILE + 1]),
    ] {
        fs::write(&at.path, bytes).unwrap();
        assert_eq!(code(vault.probe()), Code::KeyFile, "{what}");
        assert_eq!(code(vault.create("k")), Code::KeyFile, "{what}");
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    fs::write(&at.path, good).unwrap();
    assert_eq!(vault.list().unwrap().len(), 1);
}

#[test]
fn other_content_is_refused() {
    let (a, b) = (Seed::random().unwrap(), Seed::random().unwrap());
    let (a_hex, b_hex) = (a.public().hex().to_owned(), b.public().hex().to_owned());
    let seed = a.to_base64();
    let good = entry(&a_hex, "k", &seed);
    for (what, content, expected) in [
        ("not JSON", "keys".to_owned(), Code::KeyFile),
        ("a list", "[]".to_owned(), Code::KeyFile),
        (
            "other kind",
            document(&[]).replace("vault", "other"),
            Code::KeyFile,
        ),
        (
            "other version",
            document(&[]).replace(":1", ":2"),
            Code::KeyFile,
        ),
        (
            "unknown field",
            document(&[]).replace(":1", r#":1,"x":2"#),
            Code::KeyFile,
        ),
        (
            "unknown field of a key",
            document(&[good.replace("}", r#","x":1}"#)]),
            Code::KeyFile,
        ),
        (
            "duplicate field",
            document(&[good.replace("}", r#","label":"l"}"#)]),
            Code::KeyFile,
        ),
        (
            "upper-case public key",
            document(&[entry(&a_hex.to_uppercase(), "k", &seed)]),
            Code::KeyFile,
        ),
        (
            "short public key",
            document(&[entry(&a_hex[2..], "k", &seed)]),
            Code::KeyFile,
        ),
        (
            "short seed",
            document(&[entry(&a_hex, "k", &seed[4..])]),
            Code::KeyFile,
        ),
        (
            "seed with other letters",
            document(&[entry(&a_hex, "k", &"!".repeat(44))]),
            Code::KeyFile,
        ),
        (
            "name with a control character",
            document(&[entry(&a_hex, "\\u0007", &seed)]),
            Code::KeyFile,
        ),
        ("trailing text", document(&[]) + "x", Code::KeyFile),
        (
            "two keys with one id",
            document(&[good.clone(), entry(&a_hex, "l", &b.to_base64())]),
            Code::KeyAmbiguous,
        ),
    ] {
        let at = with_content(&content);
        assert_eq!(
            code(FileVault::open(&at.path, pass("p"))),
            expected,
            "{what}"
        );
    }
    let both = [good, entry(&b_hex, "", &b.to_base64())];
    let at = with_content(&document(&both));
    assert_eq!(
        FileVault::open(&at.path, pass("p"))
            .unwrap()
            .list()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_swapped_seed_signs_nothing_and_spoils_no_other_key() {
    let (a, b) = (Seed::random().unwrap(), Seed::random().unwrap());
    let swapped = entry(a.public().hex(), "a", &b.to_base64());
    let good = entry(b.public().hex(), "b", &b.to_base64());
    let at = with_content(&document(&[swapped, good]));
    let vault = FileVault::open(&at.path, pass("p")).unwrap();
    assert_eq!(code(vault.sign(&a.public(), &role(1))), Code::KeyDamaged);
    assert_eq!(code(vault.has(&a.public())), Code::KeyDamaged);
    assert_eq!(
        code(vault.export(&a.public(), &pass("x"))),
        Code::KeyDamaged
    );
    vault.sign(&b.public(), &role(1)).unwrap();
    let backup = portable::seal(&a, "a", &pass("x")).unwrap();
    vault.import(&backup, &pass("x")).unwrap();
    vault.sign(&a.public(), &role(1)).unwrap();
}

#[test]
fn hostile_exports_are_refused() {
    let (a, b) = (Seed::random().unwrap(), Seed::random().unwrap());
    let vault = MemoryVault::new();
    let key = |public: &str, label: &str, seed: &str| {
        format!(
            r#"{{"kind":"headgate-key","version":1,"public":"{public}","label":"{label}","seed":"{seed}"}}"#
        )
    };
    let good = key(a.public().hex(), "k", &a.to_base64());
    for (what, content) in [
        ("a vault", document(&[])),
        ("other kind", good.replace("headgate-key", "other")),
        ("other version", good.replace(":1,", ":2,")),
        ("unknown field", good.replace("}", r#","x":1}"#)),
        (
            "halves of two keys",
            key(a.public().hex(), "k", &b.to_base64()),
        ),
        ("no seed", key(a.public().hex(), "k", "")),
        (
            "name with a control character",
            key(a.public().hex(), "\\u001b", &a.to_base64()),
        ),
        ("cut off", good[..good.len() - 3].to_owned()),
    ] {
        let file = sealed::seal(content.as_bytes(), &pass("p"), CHEAP).unwrap();
        assert_eq!(
            code(vault.import(&file, &pass("p"))),
            Code::KeyFile,
            "{what}"
        );
    }
    assert_eq!(code(vault.import(b"", &pass("p"))), Code::KeyFile);
    assert!(vault.list().unwrap().is_empty());
    let file = sealed::seal(good.as_bytes(), &pass("p"), CHEAP).unwrap();
    assert_eq!(
        vault.import(&file, &pass("p")).unwrap(),
        crate::AnyKey::Ed25519(a.public())
    );
}

#[test]
fn writers_at_the_same_time_lose_no_key() {
    let at = place();
    FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP).unwrap();
    // Each opens the file on its own, as another process would.
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &at.path;
            scope.spawn(move || {
                let vault = FileVault::open(path, pass("p")).unwrap();
                for n in 0..5 {
                    vault.create(&format!("{writer}.{n}")).unwrap();
                }
            });
        }
    });
    let vault = FileVault::open(&at.path, pass("p")).unwrap();
    let mut labels: Vec<String> = vault.list().unwrap().into_iter().map(|k| k.label).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), 20);
}

#[test]
fn what_a_writer_that_died_left_behind_does_no_harm() {
    let at = place();
    let vault = FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP).unwrap();
    let left = at.path.with_file_name("vault.age.tmp");
    fs::write(&left, "half").unwrap();
    vault.create("k").unwrap();
    assert!(!left.exists());
    assert_eq!(vault.list().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn files_are_private_and_a_link_keeps_pointing_to_its_vault() {
    use std::os::unix::fs::PermissionsExt as _;
    let at = place();
    let vault = FileVault::create_with_work_factor(&at.path, pass("p"), CHEAP).unwrap();
    vault.create("k").unwrap();
    for name in ["vault.age", "vault.age.lock"] {
        let mode = fs::metadata(at.path.with_file_name(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let link = at.path.with_file_name("link");
    std::os::unix::fs::symlink(&at.path, &link).unwrap();
    FileVault::open(&link, pass("p"))
        .unwrap()
        .create("l")
        .unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(vault.list().unwrap().len(), 2);
}

#[test]
fn a_vault_keeps_the_work_factor_that_it_was_made_with() {
    let at = place();
    FileVault::create_with_work_factor(&at.path, pass("p"), 6).unwrap();
    let factor = || sealed::work_factor(&fs::read(&at.path).unwrap());
    assert_eq!(factor(), Some(6));
    let again = FileVault::open(&at.path, pass("p")).unwrap();
    again.create("k").unwrap();
    assert_eq!(factor(), Some(6));
    let other = at.path.with_file_name("other.age");
    FileVault::create(&other, pass("p")).unwrap();
    assert_eq!(sealed::work_factor(&fs::read(&other).unwrap()), Some(15));
    for no_file in [b"".as_slice(), b"age-encryption.org/v1\n-> X25519 x 4\n"] {
        assert_eq!(sealed::work_factor(no_file), None);
    }
}
