//! Code of the vendors reads what an approval makes for their plugins: Capgo's `CryptoCipher.java` on a JDK and its
//! command line, the zip reader of Android's Java, and a JOSE library. Ignored by default, since it is installed first;
//! `cargo xtask test vendor-crypto` does that.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use headgate_core::RsaPublic;
use headgate_core::clients::{CapgoFiles, ClientsDocument, ObjectRef};
use headgate_core::inventory::Inventory;
use headgate_core::settings::Delivers;
use headgate_registry::{documents, layout};
use headgate_tests::{Bench, bench, channel_documents, promote, settle, ship, with_plugins};
use headgate_tuf::sha256_hex;
use serde_json::Value;

const SOURCE: &str = "android/src/main/java/ee/forgr/capacitor_updater/CryptoCipher.java";

/// `tests/interop/vendor-crypto` with its packages.
fn scripts() -> PathBuf {
    PathBuf::from(std::env::var("HEADGATE_VENDOR_CRYPTO").unwrap())
}

fn package(name: &str) -> PathBuf {
    scripts().join("node_modules").join(name)
}

/// Capgo's class with stubs for what Android has and a JDK has not, compiled.
struct Java(PathBuf);

impl Java {
    fn compile(dir: &Path) -> Self {
        let (java, classes) = (scripts().join("java"), dir.join("classes"));
        let output = Command::new("javac")
            .args(["-encoding", "UTF-8", "-d"])
            .arg(&classes)
            .arg(package("@capgo/capacitor-updater").join(SOURCE))
            .arg(java.join("android/util/Base64.java"))
            .arg(java.join("ee/forgr/capacitor_updater/Logger.java"))
            .arg(java.join("VendorCrypto.java"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Self(classes)
    }

    /// One answer for each order.
    fn run(&self, orders: &[String]) -> Vec<String> {
        let mut child = Command::new("java")
            .arg("-cp")
            .arg(&self.0)
            .arg("VendorCrypto")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = orders.join("\n");
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(answers.len(), orders.len(), "{answers:?}");
        answers
    }
}

/// A release that the last channel approved, with the files of its web build.
struct Release {
    bench: Bench,
    key: RsaPublic,
    document: ClientsDocument,
    bundle: ObjectRef,
    inventory: Inventory,
    build: PathBuf,
}

impl Release {
    async fn approve() -> Self {
        let bench = bench();
        let anna = bench.first("anna").await;
        let key = with_plugins(&anna).await;
        let both = Delivers {
            zip: true,
            files: true,
        };
        let set = anna.console.set_delivers(&anna.workspace.id, both);
        settle(&anna, set.await).await;
        let build = bench.build("one");
        fs::write(build.join("empty.txt"), b"").unwrap();
        fs::write(build.join("real.txt.br"), b"this is no Brotli stream").unwrap();
        fs::write(build.join("with space and ü.txt"), "ü".repeat(20_000)).unwrap();
        ship(&anna, &build, "staging").await.unwrap();
        promote(&anna, 1, "staging", "production").await.unwrap();
        let mut production = channel_documents(&bench, &anna, "production").await;
        let manifest = production.approved[&1].manifest.clone();
        let inventory = documents::inventory(&bench.store(), &manifest).await;
        Self {
            key,
            document: production.clients.remove(&1).unwrap(),
            bundle: ObjectRef {
                sha256: manifest.bundle.sha256.clone(),
                size: manifest.bundle.size,
            },
            inventory: inventory.unwrap(),
            build,
            bench,
        }
    }

    fn dir(&self) -> &Path {
        self.bench.dir.path()
    }

    fn variant(&self, object: &ObjectRef) -> Vec<u8> {
        let path = self.bench.storage().join(layout::variant(&object.sha256));
        let bytes = fs::read(path).unwrap();
        assert_eq!(sha256_hex(&bytes), object.sha256);
        bytes
    }

    /// A copy that a vendor's code may change.
    fn copy(&self, name: &str, object: &ObjectRef) -> String {
        let path = self.dir().join(name);
        fs::write(&path, self.variant(object)).unwrap();
        path.display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Path and SHA-256 of every file, as signed.
    fn signed(&self) -> BTreeMap<String, String> {
        let files = self.inventory.files.iter();
        files.map(|f| (f.path.clone(), f.sha256.clone())).collect()
    }
}

fn open(key: &str, session_key: &str, file: &str, signature: &str) -> String {
    format!("open\t{key}\t{session_key}\t{file}\t{signature}")
}

/// Names and hashes that Java's reader found.
fn walked(answer: &str) -> BTreeMap<String, String> {
    let entries = answer.split('\t').map(|e| e.rsplit_once(' ').unwrap());
    entries.map(|(n, h)| (n.to_owned(), h.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a JDK and Capgo's packages"]
async fn capgos_own_class_opens_our_zip_and_our_files() {
    let release = Release::approve().await;
    let java = Java::compile(release.dir());
    let capgo = release.document.capgo.clone().unwrap();
    let key = release.file("key.pem", &release.key.pkcs1_pem());
    assert_eq!(java.run(&[format!("id\t{key}")]), [release.key.capgo_id()]);

    // The zip: what was signed is what was decrypted is the plain bundle, and Android's reader walks it.
    let zip = capgo.zip.unwrap();
    let path = release.copy("bundle.zip", &zip.object);
    let answers = java.run(&[
        open(&key, &capgo.session_key, &path, &zip.checksum),
        format!("walk\t{path}"),
    ]);
    let plain = &release.bundle.sha256;
    assert_eq!(answers[0], format!("{plain} {plain}"));
    assert_eq!(walked(&answers[1]), release.signed());

    // The files: each decrypts to its stored bytes, and what was signed is the file itself.
    let files = CapgoFiles::parse(&release.variant(&capgo.files.unwrap()))
        .unwrap()
        .files;
    assert_eq!(files.len(), release.inventory.files.len());
    let paths: Vec<String> = (0..files.len())
        .map(|n| release.copy(&format!("file-{n}"), &files[n].object))
        .collect();
    let orders: Vec<String> = files
        .iter()
        .zip(&paths)
        .map(|(file, path)| open(&key, &capgo.session_key, path, &file.file_hash))
        .collect();
    let signed = release.signed();
    for ((file, path), answer) in files.iter().zip(&paths).zip(java.run(&orders)) {
        let (of_signature, of_file) = answer.split_once(' ').unwrap();
        assert_eq!(of_signature, signed[&file.path], "{}", file.path);
        let stored = fs::read(path).unwrap();
        assert_eq!(of_file, sha256_hex(&stored));
        let mut bytes = stored.clone();
        if file.path == "empty.txt" {
            // DownloadService.java knows these three bytes as an empty file.
            assert_eq!(
                (file.brotli, stored.as_slice()),
                (true, &[0x1b, 0x00, 0x06][..])
            );
            bytes.clear();
        } else if file.brotli {
            bytes.clear();
            let mut decoder = brotli::Decompressor::new(stored.as_slice(), 4096);
            std::io::copy(&mut decoder, &mut bytes).unwrap();
        }
        assert_eq!(
            bytes,
            fs::read(release.build.join(&file.path)).unwrap(),
            "{}",
            file.path
        );
    }
    let forced = files.iter().find(|f| f.path == "real.txt.br").unwrap();
    assert!(
        forced.brotli,
        "the device takes every name on .br for a Brotli stream"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a JDK and Capgo's packages"]
async fn capgos_own_class_refuses_what_was_changed() {
    let release = Release::approve().await;
    let java = Java::compile(release.dir());
    let capgo = release.document.capgo.clone().unwrap();
    let zip = capgo.zip.unwrap();
    let key = release.file("key.pem", &release.key.pkcs1_pem());
    let plain = &release.bundle.sha256;
    let good = format!("{plain} {plain}");

    let changed = release.copy("changed.zip", &zip.object);
    let mut bytes = fs::read(&changed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&changed, bytes).unwrap();
    let spki = release.file("spki.pem", &release.key.spki_pem());
    let other = format!(
        "{}{}",
        if zip.checksum.starts_with('0') {
            '1'
        } else {
            '0'
        },
        &zip.checksum[1..]
    );
    let copies: Vec<String> = (0..3)
        .map(|n| release.copy(&format!("copy-{n}.zip"), &zip.object))
        .collect();
    let answers = java.run(&[
        open(&key, &capgo.session_key, &changed, &zip.checksum),
        open(&spki, &capgo.session_key, &copies[0], &zip.checksum),
        open(&key, &capgo.session_key, &copies[1], &other),
        open(&key, &capgo.session_key, &copies[2], &zip.checksum),
    ]);
    assert_ne!(answers[0], good, "changed bytes");
    assert!(
        answers[1].starts_with("failed"),
        "SPKI is no form that it takes: {}",
        answers[1]
    );
    assert!(
        answers[2].starts_with("failed"),
        "another signature: {}",
        answers[2]
    );
    assert_eq!(answers[3], good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Node and Capgo's packages"]
async fn capgos_command_line_says_that_the_checksum_matches() {
    let release = Release::approve().await;
    let capgo = release.document.capgo.clone().unwrap();
    let zip = capgo.zip.unwrap();
    let home = release.dir().join("capgo");
    fs::create_dir_all(&home).unwrap();
    let config = serde_json::json!({
        "appId": "com.acme.field",
        "appName": "Acme Field",
        "webDir": "www",
        "plugins": { "CapacitorUpdater": { "publicKey": release.key.pkcs1_pem() } },
    });
    fs::write(home.join("capacitor.config.json"), config.to_string()).unwrap();
    let package = r#"{"name":"field","dependencies":{"@capgo/capacitor-updater":"8.51.23"}}"#;
    fs::write(home.join("package.json"), package).unwrap();
    // It looks the version up in the app's packages.
    let modules = home.join("node_modules/@capgo");
    fs::create_dir_all(&modules).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        self::package("@capgo/capacitor-updater"),
        modules.join("capacitor-updater"),
    )
    .unwrap();
    let sealed = release.copy("capgo/sealed.zip", &zip.object);
    let key = release.file("capgo/key.pub", &release.key.pkcs1_pem());
    let run = |checksum: &str| {
        let output = Command::new("node")
            .arg(self::package("@capgo/cli").join("dist/index.js"))
            .args(["bundle", "decrypt", &sealed, &capgo.session_key])
            .args(["--key", &key, "--checksum", checksum])
            .current_dir(&home)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (done, said) = run(&zip.checksum);
    assert!(done && said.contains("Checksum matches"), "{said}");
    let opened = fs::read(home.join("sealed.zip_decrypted.zip")).unwrap();
    assert_eq!(sha256_hex(&opened), release.bundle.sha256);
    // Another file's signature does not match.
    let files = CapgoFiles::parse(&release.variant(&capgo.files.unwrap())).unwrap();
    let (done, said) = run(&files.files[0].file_hash);
    assert!(!done && !said.contains("Checksum matches"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Node, a JDK and jose"]
async fn jose_verifies_the_manifest_and_java_walks_the_zip_that_holds_it() {
    let release = Release::approve().await;
    let ionic = release.document.ionic.clone().unwrap();
    let manifest = release.copy("manifest.json", &ionic.manifest);
    let key = release.file("spki.pem", &release.key.spki_pem());
    let output = Command::new("node")
        .arg(scripts().join("jws.mjs"))
        .args([&manifest, &key])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let payload: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let listed: BTreeMap<String, String> = payload
        .iter()
        .map(|file| {
            let integrity = file["integrity"]
                .as_str()
                .unwrap()
                .strip_prefix("sha256-")
                .unwrap();
            (
                file["href"].as_str().unwrap().to_owned(),
                hex::encode(base64(integrity)),
            )
        })
        .collect();
    assert_eq!(listed, release.signed());

    let java = Java::compile(release.dir());
    let zip = release.copy("ionic.zip", &ionic.zip.unwrap());
    let mut found = walked(&java.run(&[format!("walk\t{zip}")])[0]);
    let inside = found.remove("live-update-manifest.json").unwrap();
    assert_eq!(inside, ionic.manifest.sha256);
    assert_eq!(found, release.signed());
}

fn base64(text: &str) -> Vec<u8> {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}
