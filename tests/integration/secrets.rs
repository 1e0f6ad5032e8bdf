//! No seed of a private key appears in a log, an error, an event, a database, the home folder or the storage, in any of
//! the forms that it could have been written in.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use age::secrecy::SecretString;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use headgate_engine::{
    Board, Console, InitRequest, OpenVault, Options, RolloutChange, RsaOrigin, StandardVaults,
    VaultChoice, VerifyRequest,
};
use headgate_signer::{FileVault, KeyVault, Passphrase};
use headgate_tests::{
    APP, CHANNELS, PASSPHRASE, Person, TestClock, code, files_below, pass, promote, scratch,
    settle, ship, varied, world,
};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use zeroize::Zeroizing;

/// Made with OpenSSL for tests; used nowhere else.
const RSA_PEM: &str = include_str!("../../crates/signer/src/rsa/keys/pkcs1.pem");

/// Pieces of its private exponent, where base64 of PKCS#1 and of PKCS#8 show them as they are.
fn rsa_pieces() -> [(String, Vec<u8>); 2] {
    let body: String = RSA_PEM.lines().filter(|l| !l.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    [360, 361].map(|at| (format!("RSA from {at}"), der[at..at + 33].to_vec()))
}

/// Everything that the process logs, at its finest level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Opens passphrase files as the product does, but asks nobody.
struct Files;

impl OpenVault for Files {
    fn open(&self, choice: &VaultChoice, create: bool) -> headgate_core::Result<Arc<dyn KeyVault>> {
        let VaultChoice::File(path) = choice else {
            return StandardVaults::default().open(choice, create);
        };
        let pass = Passphrase::new(PASSPHRASE.to_owned())?;
        let vault = if create && !path.exists() {
            FileVault::create_with_work_factor(path, pass, 1)
        } else {
            FileVault::open(path, pass)
        };
        Ok(Arc::new(vault?))
    }
}

/// Takes the seed out of an exported key with the age crate alone.
fn seed(sealed: &[u8]) -> [u8; 32] {
    let identity = age::scrypt::Identity::new(SecretString::from(PASSPHRASE.to_owned()));
    let opened = age::Decryptor::new(sealed).unwrap();
    let mut plain = Vec::new();
    let identities = std::iter::once(&identity as &dyn age::Identity);
    let mut reader = opened.decrypt(identities).unwrap();
    reader.read_to_end(&mut plain).unwrap();
    let document: Value = serde_json::from_slice(&plain).unwrap();
    let text = document["seed"].as_str().unwrap();
    STANDARD.decode(text).unwrap().try_into().unwrap()
}

/// The forms in which a secret could have been written.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = hex::encode(secret);
    let list = format!("{secret:?}");
    let numbers = list.trim_matches(['[', ']']).to_owned();
    vec![
        ("raw", secret.to_vec()),
        ("reversed", secret.iter().rev().copied().collect()),
        ("upper-case hex", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("base64", STANDARD.encode(secret).into_bytes()),
        (
            "base64 without padding",
            STANDARD_NO_PAD.encode(secret).into_bytes(),
        ),
        ("base64url", URL_SAFE.encode(secret).into_bytes()),
        (
            "base64url without padding",
            URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        ),
        (
            "compact list of numbers",
            numbers.replace(' ', "").into_bytes(),
        ),
        ("list of numbers", numbers.into_bytes()),
    ]
}

/// The first form of any secret that occurs.
fn found(secrets: &[(String, Vec<u8>)], place: &[u8]) -> Option<String> {
    secrets.iter().find_map(|(name, secret)| {
        let hits = |form: &[u8]| place.windows(form.len()).any(|w| w == form);
        let form = forms(secret).into_iter().find(|(_, form)| hits(form));
        form.map(|(form, _)| format!("{name} as {form}"))
    })
}

fn options(dir: &Path) -> Options {
    Options {
        home: dir.join("home"),
        person: "anna".into(),
        world: world(&TestClock::new(), "secrets"),
        stores: Arc::new(headgate_engine::StandardStores),
        vaults: Arc::new(Files),
    }
}

/// Everything that a console can say, in both of the ways in which code prints things.
#[derive(Default)]
struct Said(String);

impl Said {
    fn add(&mut self, what: &impl std::fmt::Debug) {
        self.0.push_str(&format!("{what:?}\n{what:#?}\n"));
    }

    fn problem<T>(&mut self, result: headgate_core::Result<T>) {
        let Err(problem) = result else {
            panic!("this must fail")
        };
        self.0.push_str(&format!("{problem}\n"));
        self.add(&problem);
    }
}

/// The main job with its failures; gives the person and everything that was said.
async fn journey(dir: &Path) -> (Person, Said, Vec<Vec<u8>>) {
    let mut said = Said::default();
    let console = Console::open(options(dir)).await.unwrap();
    let mut events = console.events();
    let request = InitRequest {
        app: APP.into(),
        name: "Acme Field".into(),
        storage: format!("file://{}", dir.join("storage").display()),
        public_url: None,
        channels: CHANNELS.map(String::from).to_vec(),
        vault: VaultChoice::File(dir.join("keys.age")),
        vault_why: None,
        sandbox: false,
        credentials: None,
    };
    let (workspace, _) = console.init(request).await.unwrap();
    let person = Person { console, workspace };
    let (console, id) = (&person.console, person.workspace.id.as_str());
    let created = console.create_key(id, "CI").await.unwrap();
    said.add(&created);

    // A channel's RSA key signs for plugins.
    let ionic = console.set_device_id(id, "main", "ionic", Some("1a2b3c4d"));
    settle(&person, ionic.await).await;
    let pem = |text: &str| RsaOrigin::Pem(Zeroizing::new(text.to_owned()));
    let set = console.set_channel_rsa(id, "staging", "staging apps", pem(RSA_PEM), false);
    settle(&person, set.await).await;
    said.add(&console.channel_rsa(id, "staging").await.unwrap());
    for damaged in [
        RSA_PEM.replacen("-----END", "", 1),
        RSA_PEM.replacen("RSA PRIVATE", "PRIVATE", 1),
        RSA_PEM.replacen("RSA PRIVATE", "EC PRIVATE", 2),
    ] {
        let origin = pem(&damaged);
        let refused = console.set_channel_rsa(id, "production", "x", origin, false);
        said.problem(refused.await);
    }

    // A build full of what its inspection must find.
    let build = varied(&dir.join("build"), "one");
    said.add(&ship(&person, &build, "development").await.unwrap());
    said.add(&promote(&person, 1, "development", "staging").await.unwrap());
    for change in [
        RolloutChange::Halt,
        RolloutChange::Resume,
        RolloutChange::Complete,
    ] {
        if let Ok(job) = console
            .rollout(id, "main", "staging", change, "drill")
            .await
        {
            said.add(&console.wait(&job).await);
        }
    }
    let job = console.refresh(id).await.unwrap();
    said.add(&console.wait(&job).await.unwrap());

    // Keys travel.
    let keys = console.keys(id).await.unwrap();
    said.add(&keys);
    let mut exports = Vec::new();
    for key in &keys {
        let export = console.export_key(id, key.id.as_str(), pass());
        exports.push(export.await.unwrap());
    }
    let again = console.import_key(id, exports[0].clone(), Some(pass()), "again");
    said.add(&again.await.unwrap());

    // What fails, near the keys above all.
    let wrong = || Zeroizing::new("not the passphrase".to_owned());
    said.problem(
        console
            .import_key(id, exports[0].clone(), Some(wrong()), "x")
            .await,
    );
    let mut cut = exports[0].clone();
    cut.truncate(exports[0].len() / 2);
    said.problem(console.import_key(id, cut, Some(pass()), "x").await);
    said.problem(
        console
            .import_key(id, b"no age file".to_vec(), Some(pass()), "x")
            .await,
    );
    said.problem(console.export_key(id, "00000000", pass()).await);
    said.problem(promote(&person, 7, "development", "staging").await);
    let public = &keys[0].public;
    said.problem(console.add_freshness_key(id, public, "twice").await);
    let pass = Passphrase::new("not the passphrase".to_owned()).unwrap();
    said.problem(FileVault::open(dir.join("keys.age"), pass).map(drop));
    said.problem(
        console
            .verify(VerifyRequest {
                url: person.workspace.storage.clone(),
                root: person.workspace.root.clone(),
                unit: "main".into(),
                channel: "production".into(),
                platform: headgate_core::Platform::Ios,
                native: None,
                install_id: None,
                running: None,
                download: None,
            })
            .await,
    );
    let aside = dir.join("aside.age");
    std::fs::rename(dir.join("keys.age"), &aside).unwrap();
    let job = console.refresh(id).await.unwrap();
    said.problem(console.wait(&job).await);
    std::fs::rename(&aside, dir.join("keys.age")).unwrap();

    // Whatever a window could be told.
    let board: Board = console.board(id, "main").await.unwrap();
    said.add(&board);
    said.add(&console.jobs().await.unwrap());
    said.add(&console.log(id, 100).await.unwrap());
    said.add(&console.workspaces().await.unwrap());
    said.add(&console.vault_info(&person.workspace));
    said.add(&console.notices());
    loop {
        use tokio::sync::broadcast::error::TryRecvError;
        match events.try_recv() {
            Ok(event) => said.add(&event),
            Err(TryRecvError::Lagged(_)) => {}
            Err(_) => break,
        }
    }
    (person, said, exports)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_seed_appears_anywhere() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .try_init()
        .unwrap();
    // The product logs little; this shows that what it logs would be seen.
    tracing::trace!("the finest level is captured");
    let dir = scratch();
    let (person, said, exports) = journey(dir.path()).await;
    assert_eq!(exports.len(), 3);
    let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
    for (n, sealed) in exports.iter().enumerate() {
        secrets.push((format!("seed {n}"), seed(sealed).to_vec()));
    }
    secrets.extend(rsa_pieces());
    secrets.push(("passphrase".into(), PASSPHRASE.as_bytes().to_vec()));

    // Databases as they are while the console runs, write-ahead logs and all; then closed.
    let open = files_below(dir.path());
    for end in [
        "journal.sqlite",
        "journal.sqlite-wal",
        "cache.sqlite",
        "keys.age",
        "timestamp.json",
    ] {
        assert!(
            open.iter().any(|p| p.ends_with(end)),
            "{end} is not among {open:?}"
        );
    }
    scan(&secrets, dir.path());
    person.console.close().await;
    scan(&secrets, dir.path());

    assert_eq!(
        found(&secrets, said.0.as_bytes()),
        None,
        "in what the console says"
    );
    let log = log.0.lock().unwrap();
    assert!(String::from_utf8_lossy(&log).contains("the finest level is captured"));
    assert_eq!(found(&secrets, &log), None, "in the log");
    for sealed in &exports {
        assert_eq!(found(&secrets, sealed), None, "in an export");
    }
}

fn scan(secrets: &[(String, Vec<u8>)], dir: &Path) {
    for path in files_below(dir) {
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(found(secrets, &bytes), None, "in {}", path.display());
    }
}

#[test]
fn the_scan_finds_each_form_in_the_middle_of_other_bytes() {
    let secret: Vec<u8> = (0..32).map(|n| n * 7 + 3).collect();
    let secrets = vec![("seed".to_owned(), secret.clone())];
    for (name, form) in forms(&secret) {
        let place = [b"before \0 ".to_vec(), form, b" after".to_vec()].concat();
        assert!(found(&secrets, &place).is_some(), "{name} was not found");
    }
    assert_eq!(found(&secrets, b"nothing of the kind"), None);
}

#[tokio::test]
async fn an_export_opens_with_its_passphrase_alone() {
    let dir = scratch();
    let pass = || Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    let vault = FileVault::create_with_work_factor(dir.path().join("keys.age"), pass(), 1).unwrap();
    let key = vault.create("drill").unwrap();
    let sealed = vault.export(&key, &pass()).unwrap();
    // What the scan looks for is the real seed: it makes the same public key.
    let other =
        FileVault::create_with_work_factor(dir.path().join("other.age"), pass(), 1).unwrap();
    assert_eq!(
        other.import(&sealed, &pass()).unwrap(),
        headgate_engine::AnyKey::Ed25519(key)
    );
    assert_eq!(seed(&sealed).len(), 32);
    let wrong = Passphrase::new("not the passphrase".to_owned()).unwrap();
    let refused = other.import(&sealed, &wrong);
    assert_eq!(code(refused), headgate_core::Code::KeyWrongPassword);
}
