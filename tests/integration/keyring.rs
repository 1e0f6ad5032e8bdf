//! The OS vault against a real Secret Service. Ignored by default, since each test needs a session bus with an unlocked
//! keyring of its own; `cargo xtask test` runs them one at a time inside `dbus-run-session`.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests; a child's standard output is what its parent reads"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use headgate_core::{Code, Result};
use headgate_signer::{AnyKey, KeyVault, OsKeychain, Passphrase, run_with_timeout};
use headgate_tuf::metadata::Timestamp;
use headgate_tuf::{PublicKey, RoleBytes, UtcTime};

/// Service name of these tests alone.
const SERVICE: &str = "headgate-test";
/// Set in the child process whose failure a test looks at.
const CHILD: &str = "HEADGATE_KEYRING_CHILD";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

fn vault() -> OsKeychain {
    OsKeychain::new(SERVICE)
}

fn role() -> RoleBytes {
    RoleBytes::new(&Timestamp::new(1, UtcTime::from_unix(2_000_000_000), 1)).unwrap()
}

fn code<T>(result: Result<T>) -> Code {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(problem) => problem.code,
    }
}

fn pass() -> Passphrase {
    Passphrase::new("restore drill".to_owned()).unwrap()
}

/// Runs libsecret's own tool, a program that knows nothing of Headgate.
fn secret_tool(verb: &str, key: &PublicKey, extra: &[&str], input: &str) -> String {
    use std::io::Write as _;
    let mut command = Command::new("secret-tool");
    command.arg(verb);
    if verb == "store" {
        command.args(["--label", "altered"]);
    }
    let id = key.id().unwrap();
    command.args(["service", SERVICE, "username", id.as_str()]);
    command.args(extra);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("secret-tool is installed");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn gdbus(arguments: &[&str]) -> String {
    let output = Command::new("gdbus")
        .args(["call", "--session", "--dest", "org.freedesktop.secrets"])
        .args(["--object-path", "/org/freedesktop/secrets", "--method"])
        .args(arguments)
        .output()
        .expect("gdbus is installed");
    assert!(output.status.success(), "gdbus {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

/// Number of items of these tests in the keyring, as the service itself counts them.
fn items() -> usize {
    let search = format!("{{'service': '{SERVICE}'}}");
    let found = gdbus(&["org.freedesktop.Secret.Service.SearchItems", &search]);
    found
        .matches("/org/freedesktop/secrets/collection/")
        .count()
}

/// The default collection's path.
fn default_collection() -> String {
    let answer = gdbus(&["org.freedesktop.Secret.Service.ReadAlias", "default"]);
    answer.split('\'').nth(1).unwrap().to_owned()
}

/// Runs one test of this file in a process of its own with a changed environment, and gives what it prints.
fn child(test: &str, mut command: Command) -> String {
    let output = command
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        // With a display the keyring would open a window and wait for a person.
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{test}: {text}");
    text
}

/// A session bus of its own with this shell line before the test: what a test does to it spoils no other.
fn own_bus(home: &Path, config: Option<&Path>, before: &str) -> Command {
    let runtime = home.join("runtime");
    fs::create_dir_all(&runtime).unwrap();
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new("dbus-run-session");
    if let Some(config) = config {
        command.arg("--config-file").arg(config);
    }
    command
        .args(["--", "sh", "-c"])
        .arg(format!("{before}\nexec \"$@\""))
        .arg("sh")
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", runtime)
        .env_remove("GNOME_KEYRING_CONTROL");
    command
}

fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Prints the code of each call, for the parent to read. Nothing may block, since nobody can answer.
fn print_codes(key: &PublicKey) {
    let limit = Duration::from_secs(20);
    println!(
        "probe {}",
        code(run_with_timeout(limit, || vault().probe()))
    );
    println!(
        "create {}",
        code(run_with_timeout(limit, || vault().create("second")))
    );
    let key = key.clone();
    println!(
        "sign {}",
        code(run_with_timeout(limit, move || vault().sign(&key, &role())))
    );
}

/// A key that is in no keyring: the one of RFC 8032 §7.1, test 1.
fn recorded() -> PublicKey {
    let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap();
    PublicKey::from_bytes(&std::array::from_fn(byte))
}

#[test]
#[ignore = "needs a session bus with an unlocked keyring"]
fn a_key_lives_in_the_real_keyring() {
    let vault = vault();
    vault.probe().unwrap();
    assert_eq!(items(), 0, "probing makes nothing");
    let key = vault.create("release").unwrap();
    assert_eq!(items(), 1);
    assert!(vault.has(&key).unwrap());
    let signature = vault.sign(&key, &role()).unwrap();
    key.verify(role().as_bytes(), &signature).unwrap();
    // Another program sees the seed as base64 text of 32 bytes, nothing else.
    let stored = secret_tool("lookup", &key, &[], "");
    assert_eq!(stored.len(), 44);
    assert!(vault.list().unwrap().is_empty(), "keychains do not list");
    vault.delete(&key).unwrap();
    assert!(!vault.has(&key).unwrap());
    assert_eq!(items(), 0);
}

#[test]
#[ignore = "needs a session bus with an unlocked keyring"]
fn restore_drill_through_the_real_keyring() {
    let vault = vault();
    let key = vault.create("release").unwrap();
    let backup = vault.export(&key, &pass()).unwrap();
    vault.delete(&key).unwrap();
    assert_eq!(code(vault.sign(&key, &role())), Code::KeyMissing);
    assert_eq!(
        vault.import(&backup, &pass()).unwrap(),
        AnyKey::Ed25519(key.clone())
    );
    let signature = vault.sign(&key, &role()).unwrap();
    key.verify(role().as_bytes(), &signature).unwrap();
    vault.delete(&key).unwrap();
}

#[test]
#[ignore = "needs a session bus with an unlocked keyring"]
fn a_channels_rsa_key_is_exported_proven_lost_and_restored_in_the_real_keyring() {
    let vault = vault();
    let before = items();
    let key = vault.create_rsa("production apps").unwrap();
    let backup = vault.export_rsa(&key, &pass()).unwrap();
    headgate_signer::drill(&backup, &pass(), &AnyKey::Rsa(key.clone())).unwrap();
    vault.delete_rsa(&key).unwrap();
    assert_eq!(items(), before, "neither export nor drill leaves anything");
    assert_eq!(code(vault.open_rsa(&key)), Code::KeyMissing);
    assert_eq!(
        vault.import(&backup, &pass()).unwrap(),
        AnyKey::Rsa(key.clone())
    );
    assert_eq!(vault.open_rsa(&key).unwrap().public(), &key);
    vault.delete_rsa(&key).unwrap();
}

#[test]
#[ignore = "needs a session bus with an unlocked keyring"]
fn a_key_deleted_behind_our_back_is_reported_and_not_made_again() {
    let vault = vault();
    let key = vault.create("release").unwrap();
    secret_tool("clear", &key, &[], "");
    assert!(!vault.has(&key).unwrap());
    assert_eq!(code(vault.sign(&key, &role())), Code::KeyMissing);
    assert_eq!(code(vault.export(&key, &pass())), Code::KeyMissing);
    assert_eq!(code(vault.delete(&key)), Code::KeyMissing);
    assert_eq!(items(), 0);
}

#[test]
#[ignore = "needs a session bus with an unlocked keyring"]
fn an_altered_item_signs_nothing() {
    let vault = vault();
    let key = vault.create("release").unwrap();
    let other = vault.create("other").unwrap();
    let backup = vault.export(&key, &pass()).unwrap();
    let foreign = secret_tool("lookup", &other, &[], "");
    for altered in ["", "not a seed", foreign.as_str(), &foreign[..40]] {
        secret_tool("store", &key, &[], altered);
        assert_eq!(code(vault.sign(&key, &role())), Code::KeyDamaged);
        assert_eq!(code(vault.has(&key)), Code::KeyDamaged);
    }
    vault.import(&backup, &pass()).unwrap();
    vault.sign(&key, &role()).unwrap();
    vault.delete(&key).unwrap();
    vault.delete(&other).unwrap();
}

#[test]
#[ignore = "needs a session bus with an unlocked keyring"]
fn two_items_for_one_key_are_ambiguous() {
    let vault = vault();
    let key = vault.create("release").unwrap();
    let seed = secret_tool("lookup", &key, &[], "");
    // One more attribute makes it another item that the search for ours finds too.
    secret_tool("store", &key, &["copy", "yes"], &seed);
    assert_eq!(items(), 2);
    assert_eq!(code(vault.sign(&key, &role())), Code::KeyAmbiguous);
    secret_tool("clear", &key, &["copy", "yes"], "");
    vault.sign(&key, &role()).unwrap();
    vault.delete(&key).unwrap();
}

#[test]
#[ignore = "needs gnome-keyring"]
fn a_locked_keyring_without_a_display_says_so_and_makes_nothing() {
    if in_child() {
        let key = vault().create("release").unwrap();
        let collection = default_collection();
        let paths = format!("['{collection}']");
        gdbus(&["org.freedesktop.Secret.Service.Lock", &paths]);
        print_codes(&key);
        println!("items {}", items());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let unlock = "printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
    let text = child(
        "a_locked_keyring_without_a_display_says_so_and_makes_nothing",
        own_bus(home.path(), None, unlock),
    );
    for line in [
        "probe key.locked",
        "create key.locked",
        "sign key.locked",
        "items 1",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
}

#[test]
#[ignore = "needs gnome-keyring"]
fn a_service_without_any_keyring_counts_as_none() {
    if in_child() {
        print_codes(&recorded());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let start = "gnome-keyring-daemon --start --components=secrets </dev/null >/dev/null";
    let text = child(
        "a_service_without_any_keyring_counts_as_none",
        own_bus(home.path(), None, start),
    );
    for line in [
        "probe key.no_secret_service",
        "create key.no_secret_service",
        "sign key.not_here",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
}

#[test]
#[ignore = "needs dbus"]
fn a_bus_without_a_secret_service_says_so() {
    if in_child() {
        print_codes(&recorded());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("bus.conf");
    let xml = format!(
        "<busconfig><type>session</type><listen>unix:dir={}</listen>\
         <policy context='default'><allow send_destination='*' eavesdrop='true'/>\
         <allow eavesdrop='true'/><allow own='*'/></policy></busconfig>",
        home.path().display()
    );
    fs::write(&config, xml).unwrap();
    let text = child(
        "a_bus_without_a_secret_service_says_so",
        own_bus(home.path(), Some(&config), ":"),
    );
    assert_no_service(&text);
}

#[test]
#[ignore = "needs nothing, but belongs to these"]
fn no_bus_means_no_secret_service() {
    if in_child() {
        print_codes(&recorded());
        return;
    }
    for address in ["unix:path=/nonexistent/bus", "nonsense"] {
        let mut command = Command::new("env");
        command.arg(format!("{BUS}={address}"));
        assert_no_service(&child("no_bus_means_no_secret_service", command));
    }
}

fn assert_no_service(text: &str) {
    for call in ["probe", "create", "sign"] {
        let line = format!("{call} key.no_secret_service");
        assert!(text.contains(&line), "no {line:?} in {text}");
    }
}
