//! A workspace on a real S3 server in the real window: connect, ship, promote; an upload that is held on the server,
//! killed with the console, and taken up by the next start; credentials that end; a pause.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use headgate_engine::OpenStore as _;
use headgate_registry::layout;
use headgate_tests::{ACCESS_KEY, Asked, Fault, S3, SECRET, varied};

use crate::driver::{Desk, signal};
use crate::hand;
use crate::jobs::noise;
use crate::keys::pick;
use crate::window::{Window, ended};

/// Runs the command line on the desk's home, with the bucket's credentials in variables.
pub(crate) async fn headgate(desk: &Desk, args: &[&str]) -> String {
    let program = std::env::var_os("HEADGATE_CLI").expect("HEADGATE_CLI names the program");
    let mut command = Command::new(program);
    command
        .args(args)
        .env("HEADGATE_HOME", desk.home())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env_remove("HEADGATE_VAULT_PASSPHRASE")
        .env("USER", "anna");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "headgate {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A workspace whose registry lies in a bucket, at `ota`.
pub(crate) async fn in_a_bucket() -> (Desk, S3) {
    let desk = Desk::new();
    let s3 = S3::start(&desk.path().join("s3")).await;
    let address = s3.address("ota");
    let init = [
        "init",
        "--app",
        "com.acme.field",
        "--name",
        "Acme Field",
        "--storage",
        &address,
    ];
    headgate(&desk, &init).await;
    (desk, s3)
}

/// A web build whose bundle takes four parts.
fn large(desk: &Desk, word: &str) -> PathBuf {
    let folder = varied(&desk.path().join("builds").join(word), word);
    let mut bytes = noise(28_000_000);
    bytes.extend_from_slice(word.as_bytes());
    std::fs::write(folder.join("map.bin"), bytes).unwrap();
    folder
}

/// Chooses a web build and goes as far as the key.
pub(crate) async fn start(window: &Window, build: &Path, version: &str) {
    window.click("ship-build").await;
    window.click("ship-folder").await;
    tokio::task::block_in_place(|| hand::choose("Choose a web build", build));
    window.see("findings").await;
    window.fill("ship-version", version).await;
    window.click("ship-next").await;
    window.see("manifest-hash").await;
    window.signing_is_open().await;
    window.click("sign-start").await;
}

fn hold_part_3(asked: &Asked) -> Fault {
    match asked.part() {
        Some(3) => Fault::Hold,
        _ => Fault::Pass,
    }
}

fn parts(s3: &S3) -> Vec<u32> {
    s3.asked().iter().filter_map(Asked::part).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_bucket_does_what_a_folder_does_and_an_upload_survives_a_kill() {
    let (desk, s3) = in_a_bucket().await;
    let address = s3.address("ota");
    headgate(&desk, &["storage", "credentials", "save"]).await;

    let window = desk.open().await;
    window.see("empty-development").await;
    window.says("sync-state", "Read from storage").await;
    window.click("workspace-menu").await;
    window.click("menu-storage-check").await;
    window.says("storage-check-sheet", "Compare-and-swap").await;
    window.says("storage-check-result", "passed").await;
    window.shot("70-storage-check").await;
    window.click("storage-check-close").await;

    // Held at part 3, as a line that drops: then the console is killed.
    s3.faults(hold_part_3);
    start(&window, &large(&desk, "killed"), "6.0.0").await;
    window
        .until(
            "three of four parts are acknowledged",
            "parseInt(document.querySelector('[data-testid=upload-jobPercent]')?.innerText ?? '0') >= 60",
        )
        .await;
    window.shot("71-bucket-uploading").await;
    signal("KILL", window.process());
    ended(&desk.home()).await;
    drop(window);
    let store = s3.stores().open(&address).unwrap();
    let committed = store
        .get(layout::TIMESTAMP, 100_000)
        .await
        .unwrap()
        .unwrap();
    s3.heal();
    s3.forget();
    let window = desk.open().await;
    window.says("version-development", "6.0.0").await;
    window
        .says("toast", "Picked up where the last run stopped")
        .await;
    window.shot("72-bucket-resumed").await;
    assert_eq!(parts(&s3), [3], "only what was not acknowledged");
    let now = store
        .get(layout::TIMESTAMP, 100_000)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(committed.bytes, now.bytes);

    // Paused and resumed by hand.
    s3.faults(hold_part_3);
    start(&window, &large(&desk, "paused"), "6.1.0").await;
    window.says("objects", "%").await;
    window.click("upload-pause").await;
    window.says("upload-state", "Paused").await;
    window.shot("73-bucket-paused").await;
    s3.heal();
    window.click("upload-resume").await;
    window.see("receipt").await;
    window.shot("74-bucket-released").await;
    window.click("receipt-done").await;

    // Credentials that end while it runs: entered anew, it goes on.
    s3.expire("ExpiredToken");
    start(&window, &large(&desk, "expired"), "6.2.0").await;
    window.says("error-code", "storage.credentials").await;
    window.shot("75-bucket-credentials").await;
    s3.heal();
    window.click("error-action").await;
    window.see("credentials-dialog").await;
    window.shot("76-credentials").await;
    window.fill("access-key-id", ACCESS_KEY).await;
    window.fill("secret-access-key", SECRET).await;
    window.click("credentials-store").await;
    window.see("receipt").await;
    window.click("receipt-done").await;

    // The same build dropped on its release: the very same bytes.
    window.click("release-menu-development").await;
    window.click("release-compare").await;
    window.click("compare-folder").await;
    let build = desk.path().join("builds/expired");
    tokio::task::block_in_place(|| hand::choose("Choose a web build", &build));
    window.see("compare-verdict").await;
    assert_eq!(
        window
            .attr("compare-verdict", "data-verdict")
            .await
            .as_deref(),
        Some("same")
    );
    window.shot("77-compare-same").await;
    window.click("compare-close").await;

    // Another release beside it: what changes for devices that have it.
    window.click("release-menu-development").await;
    window.click("release-compare").await;
    window.see("compare-other").await;
    let first = "return document.querySelector('[data-testid=compare-other]').options[1].value";
    let other = window.js(first, Vec::new()).await;
    pick(&window, "compare-other", other.as_str().unwrap()).await;
    window.click("compare-beside").await;
    window.see("compare-files").await;
    window.shot("77-compare-releases").await;
    window.click("compare-close").await;

    // Onwards.
    window.click("gate-development-staging").await;
    window.see("promote-affected").await;
    window.settled().await;
    window.click("promote-start").await;
    window.see("receipt").await;
    window.shot("78-bucket-promoted").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    window.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_second_console_connects_to_a_bucket_with_credentials_of_its_own() {
    let (desk, s3) = in_a_bucket().await;
    let address = s3.address("ota");
    let sample = varied(&desk.path().join("builds/first"), "first");
    let sample = sample.to_str().unwrap();
    headgate(
        &desk,
        &[
            "ship",
            sample,
            "--version",
            "3.1.0",
            "--channel",
            "development",
        ],
    )
    .await;
    let root = desk.path().join("1.root.json");
    std::fs::copy(
        s3.folder.join("field-updates/ota/metadata/1.root.json"),
        &root,
    )
    .unwrap();

    let home = desk.path().join("second");
    let window = desk.open_home(&home, 1280, 800).await;
    window.click("connect").await;
    window.fill("connect-storage", &address).await;
    window.see("credential-fields").await;
    window.fill("access-key-id", ACCESS_KEY).await;
    window.fill("secret-access-key", "wrong").await;
    window.click("root-choose").await;
    tokio::task::block_in_place(|| hand::choose("Choose 1.root.json", &root));
    window.see("root-words").await;
    window.click("root-compared").await;
    window.click("connect-test").await;
    window.says("connect-result", "passed").await;
    window.shot("55-connect-bucket-refused").await;
    window.fill("secret-access-key", SECRET).await;
    window.click("connect-test").await;
    window.says("connect-tests", "Compare-and-swap").await;
    window.shot("56-connect-bucket").await;
    window.click("connect-confirm").await;
    window.says("version-development", "3.1.0").await;
    window.quit().await;
}
