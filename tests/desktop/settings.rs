//! Settings in the real window: a mirror in another bucket, what releases put into storage, a channel, the theme.

use headgate_tests::{ACCESS_KEY, SECRET, files_below, varied};

use crate::bucket::{headgate, in_a_bucket, start};
use crate::main_job::theme;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_mirror_is_added_and_releases_put_files_into_both_places() {
    let (desk, s3) = in_a_bucket().await;
    headgate(&desk, &["storage", "credentials", "save"]).await;

    let window = desk.open().await;
    window.see("empty-development").await;
    window.says("sync-state", "Read from storage").await;
    window.click("nav-settings").await;
    window.says("settings-storage-place", "field-updates").await;
    window.says("settings-freshness", "Valid until").await;
    window.see("no-mirrors").await;
    window.says("settings-owners", "1 of 1 owner").await;
    window.click("settings-test").await;
    window.says("storage-check-result", "passed").await;
    window.click("storage-check-close").await;
    window.says("settings-tested", "passed").await;
    window.shot("130-settings").await;
    window.fits_small("130-settings-small").await;

    // A mirror whose key is wrong is kept with what it lacks, and told.
    window.click("mirror-open").await;
    window.fill("mirror-address", &s3.address("second")).await;
    window.see("credential-fields").await;
    window.fill("access-key-id", ACCESS_KEY).await;
    window.fill("secret-access-key", "wrong").await;
    window.shot("131-mirror-dialog").await;
    window.click("mirror-add").await;
    window.says("mirror", "second").await;
    window.says("toast", "credentials").await;
    window.says("mirror-behind", "storage.credentials").await;
    window.shot("132-mirror-refused").await;
    window.click("settings-go-mirrors").await;
    window.click("mirror-credentials").await;
    window.fill("access-key-id", ACCESS_KEY).await;
    window.fill("secret-access-key", SECRET).await;
    window.click("credentials-store").await;
    window.gone("credentials-dialog").await;
    window.click("mirror-sync").await;
    window
        .says("toast", "The mirror holds what the registry holds")
        .await;
    window.gone("mirror-behind").await;
    window
        .until(
            "the refusal is not said any more",
            "![...document.querySelectorAll('[data-testid=error-code]')].some(e => e.textContent === 'storage.credentials')",
        )
        .await;
    let bucket = s3.folder.join("field-updates");
    let timestamp = |place: &str| std::fs::read(bucket.join(place).join("metadata/timestamp.json"));
    assert_eq!(timestamp("ota").unwrap(), timestamp("second").unwrap());

    // What a release puts there is signed.
    window.click("settings-go-storage").await;
    window.click("settings-deliver").await;
    window.choose("deliver-both").await;
    window.says("role-table", "targets").await;
    window.settled().await;
    window.shot("133-deliver").await;
    window.click("deliver-confirm").await;
    window.says("deliver-done", "both").await;
    window.click("receipt-done").await;
    window.says("settings-delivers", "Both").await;

    // What rollouts of the last channel begin with is reviewed in words, and signed once its name is typed.
    window.click("settings-go-channels").await;
    window.click("channel-edit-production").await;
    window.fill("channel-start", "2.5").await;
    window.fill("channel-hours", "12").await;
    window.shot("134-channel").await;
    window.click("channel-review").await;
    window.says("role-table", "targets").await;
    window.says("channel-weaker", "protected less").await;
    window.fill("typed-confirm", "production").await;
    window.settled().await;
    window.shot("134-channel-review").await;
    window.click("channel-confirm").await;
    window.says("channel-done", "are signed").await;
    window.click("receipt-done").await;
    window.says("settings-channel-production", "12 h").await;
    window.click("settings-go-channels").await;
    window.shot("134-settings-channels").await;
    theme(&window, "dark").await;
    window.shot("134-settings-dark").await;
    window.fits_small("134-settings-channels-small").await;
    theme(&window, "light").await;

    window.click("nav-pipeline").await;
    let build = varied(&desk.path().join("builds/mirrored"), "mirrored");
    start(&window, &build, "6.0.0").await;
    window.see("receipt").await;
    window.click("receipt-done").await;
    window.says("version-development", "6.0.0").await;
    for place in ["ota", "second"] {
        let count = |folder: &str| files_below(&bucket.join(place).join(folder)).len();
        assert_eq!(count("bundles"), 1, "{place}");
        assert!(count("files") > 5, "{place}");
    }

    window.click("nav-settings").await;
    window.see("settings-storage-place").await;
    window.click("settings-go-mirrors").await;
    window.click("mirror-remove").await;
    window.shot("135-mirror-removed").await;
    window.click("mirror-remove-go").await;
    window.see("no-mirrors").await;
    window.quit().await;
}
