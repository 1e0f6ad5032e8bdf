//! A channel with an RSA key, from the approval to the device: what the server answers is opened by Capgo's own
//! `CryptoCipher.java`, and found whole by what is published of Ionic's SDK.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use headgate_core::clients::IONIC_MANIFEST;
use headgate_engine::PromoteRequest;
use headgate_registry::documents;
use headgate_tests::{channel_documents, ship, with_plugins};
use headgate_tuf::sha256_hex;
use serde_json::{Value, json};

use super::capgo::{ask, info, package};
use super::served::{Served, node, run, served};

/// Capgo's class with stubs for what Android has and a JDK has not.
fn compile(dir: &Path) -> PathBuf {
    let java = PathBuf::from(std::env::var_os("HEADGATE_VENDOR_CRYPTO").unwrap()).join("java");
    let source = "android/src/main/java/ee/forgr/capacitor_updater/CryptoCipher.java";
    let classes = dir.join("classes");
    let mut javac = Command::new("javac");
    javac
        .args(["-encoding", "UTF-8", "-d"])
        .arg(&classes)
        .arg(package("capacitor-updater").join(source))
        .arg(java.join("android/util/Base64.java"))
        .arg(java.join("ee/forgr/capacitor_updater/Logger.java"))
        .arg(java.join("VendorCrypto.java"));
    run(javac);
    classes
}

/// One answer for each order.
fn java(classes: &Path, orders: &[String]) -> Vec<String> {
    let mut java = Command::new("java");
    java.arg("-cp").arg(classes).arg("VendorCrypto");
    let pipes = java.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = pipes.stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(orders.join("\n").as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(str::to_owned).collect()
}

/// Fetches each address into a file of its own.
async fn download(served: &Served, urls: &[&str]) -> Vec<PathBuf> {
    let dir = served.bench.dir.path().join("fetched");
    fs::create_dir_all(&dir).unwrap();
    let script = "import { writeFileSync } from 'node:fs';\
        const [dir, ...urls] = process.argv.slice(1);\
        for (const [n, url] of urls.entries()) {\
          const r = await fetch(url);\
          if (!r.ok) throw new Error(`${r.status} for ${url}`);\
          writeFileSync(`${dir}/${n}`, Buffer.from(await r.arrayBuffer()));\
        }";
    let mut command = Command::new("node");
    command
        .args(["--input-type=module", "-e", script])
        .arg(&dir);
    command.args(urls);
    tokio::task::spawn_blocking(move || run(command))
        .await
        .unwrap();
    (0..urls.len()).map(|n| dir.join(n.to_string())).collect()
}

async fn to_everyone(served: &Served) {
    let request = PromoteRequest {
        workspace: served.person.workspace.id.clone(),
        unit: "main".into(),
        build: 1,
        from: "staging".into(),
        to: "production".into(),
        permille: Some(1000),
    };
    let console = &served.person.console;
    let plan = console.promote_prepare(request).await.unwrap();
    let typed = plan.type_to_confirm.as_deref();
    let job = console.start_plan(&plan.plan, typed).await.unwrap();
    served.person.receipt(&job).await.unwrap();
    let health = served.server.read_now().await;
    assert!(health.iter().all(|h| h.problem.is_none()), "{health:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a JDK and @capgo/capacitor-updater from npm"]
async fn what_a_channel_with_a_key_answers_is_opened_by_the_plugins_own_class() {
    let served = served().await;
    let key = with_plugins(&served.person).await;
    let build = served.bench.build("one");
    fs::write(build.join("empty.css"), "").unwrap();
    fs::write(build.join("long.js"), "// again and again\n".repeat(3000)).unwrap();
    fs::write(build.join("long.js.br"), "a precompressed twin").unwrap();
    ship(&served.person, &build, "staging").await.unwrap();
    to_everyone(&served).await;
    let docs = channel_documents(&served.bench, &served.person, "production").await;
    let manifest = &docs.approved[&1].manifest;
    let inventory = documents::inventory(&served.bench.store(), manifest)
        .await
        .unwrap();
    let files: BTreeMap<&str, &str> = inventory
        .files
        .iter()
        .map(|f| (f.path.as_str(), f.sha256.as_str()))
        .collect();

    let mut device = info("6f0e3b0a-5c1c-4b53-8d0f-2b9f3f6a7c11", "builtin");
    device["defaultChannel"] = json!("Production");
    device["key_id"] = json!(key.capgo_id());
    let offer = ask(&served, "POST", "/capgo/updates", &device).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = offer["manifest"].as_array().unwrap();
    assert_eq!(entries.len(), files.len());
    let mut urls = vec![offer["url"].as_str().unwrap()];
    urls.extend(entries.iter().map(|e| e["download_url"].as_str().unwrap()));
    let paths = download(&served, &urls).await;
    let pem = served.bench.dir.path().join("key.pem");
    fs::write(&pem, key.pkcs1_pem()).unwrap();
    let checks = std::iter::once(&offer["checksum"]).chain(entries.iter().map(|e| &e["file_hash"]));
    let orders: Vec<String> = paths
        .iter()
        .zip(checks)
        .map(|(path, check)| {
            let (pem, path) = (pem.display(), path.display());
            let session = text(&offer["session_key"]);
            format!("open\t{pem}\t{session}\t{path}\t{}", text(check))
        })
        .collect();
    let classes = compile(served.bench.dir.path());
    let answers = java(&classes, &orders);
    let plain = &manifest.bundle.sha256;
    assert_eq!(answers[0], format!("{plain} {plain}"));
    for ((entry, path), answer) in entries.iter().zip(&paths[1..]).zip(&answers[1..]) {
        let name = text(&entry["file_name"]);
        let (brotli, target) = match name.strip_suffix(".br") {
            Some(target) => (true, target),
            None => (false, name.as_str()),
        };
        let signed = answer.split_once(' ').map_or("", |(signed, _)| signed);
        assert_eq!(signed, files[target], "{name}: {answer}");
        // Java decrypted it in its place.
        let stored = fs::read(path).unwrap();
        let mut bytes = Vec::new();
        if stored == [0x1b, 0x00, 0x06] {
            assert!(brotli, "an empty file: {name}");
        } else if brotli {
            let mut decoder = brotli::Decompressor::new(stored.as_slice(), 4096);
            std::io::copy(&mut decoder, &mut bytes).unwrap();
        } else {
            bytes = stored;
        }
        assert_eq!(sha256_hex(&bytes), files[target], "{name}");
    }
    sdk(&served, &classes, &files).await;
}

/// Both flavours of Ionic's SDK.
async fn sdk(served: &Served, classes: &Path, files: &BTreeMap<&str, &str>) {
    let out = served.bench.dir.path().join("sdk.zip");
    let out = out.to_str().unwrap();
    let args = |strategy| [served.url.as_str(), "1a2b3c4d", "Production", strategy, out];
    let got = node("sdk.mjs", &args("differential")).await;
    assert_eq!(got["listed"], got["good"].as_array().unwrap().len());
    assert_eq!(got["listed"], files.len());
    assert_eq!(
        got["manifest"]["signatures"].as_array().map(Vec::len),
        Some(1)
    );
    let got = node("sdk.mjs", &args("zip")).await;
    assert_eq!(got["answer"]["data"]["available"], true);
    let walked = java(classes, &[format!("walk\t{out}")]);
    let mut found: BTreeMap<&str, &str> = walked[0]
        .split('\t')
        .map(|entry| entry.rsplit_once(' ').unwrap())
        .collect();
    assert!(found.remove(IONIC_MANIFEST).is_some());
    assert_eq!(&found, files);
}
