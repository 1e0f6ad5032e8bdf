//! Long work: it outlives its sheet, asks before the window closes, and is taken up after a kill.

use std::fs;
use std::time::Duration;

use crate::device::Device;
use crate::driver::{Desk, signal};
use crate::hand;
use crate::main_job::hold;
use crate::restart::ship_sample;
use crate::window::{Window, ended};

/// Bytes that do not compress, different in every window of them (xorshift64*).
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut made = Vec::with_capacity(bytes + 8);
    while made.len() < bytes {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        made.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    made.truncate(bytes);
    made
}

/// Gives the sample more bytes, then goes as far as the key.
async fn start(window: &Window, version: &str) {
    window.click("ship-build").await;
    window.click("ship-sample").await;
    window.see("findings").await;
    window.fill("ship-version", version).await;
    window.click("ship-next").await;
    window.click("sign-start").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_job_outlives_its_sheet_and_a_kill_and_quitting_asks() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    ship_sample(&window, "5.0.0").await;

    // Large enough that the upload is seen while it moves.
    fs::write(desk.sample().join("map.bin"), noise(120_000_000)).unwrap();
    let held = hold(&desk);
    start(&window, "5.1.0").await;
    window
        .until(
            "bytes are being sent",
            "/[1-9]/.test(document.querySelector('[data-testid=upload-jobPercent]')?.innerText ?? '')",
        )
        .await;
    window.drawn().await;
    window.picture("60-uploading").await;
    window.click("upload-close").await;
    window.gone("ship-sheet").await;
    window
        .until(
            "the job runs on",
            "document.querySelector('[data-testid=jobs-button]').title === '1 job running'",
        )
        .await;
    window.click("jobs-button").await;
    window.says("jobs-popover", "Publishing").await;
    window.shot("61-jobs").await;

    tokio::task::block_in_place(hand::close_window);
    window.see("quit-dialog").await;
    window.says("quit-dialog", "Ship 5.1.0").await;
    window.shot("62-quit-asks").await;
    window.click("quit-stay").await;
    window.gone("quit-dialog").await;
    assert_eq!(window.text("version-development").await, "5.0.0");
    drop(held);
    window.says("version-development", "5.1.0").await;
    window.says("toast", "now gets 5.1.0").await;
    window.shot("63-job-done").await;

    // Killed in mid-publish: everything is uploaded, nothing is committed.
    let held = hold(&desk);
    start(&window, "5.2.0").await;
    window.says("upload-state", "Publishing").await;
    window.says("objects", "timestamp").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let process = window.process();
    signal("KILL", process);
    ended(&desk.home()).await;
    drop(held);
    drop(window);
    let device = Device::new(&desk.storage()).await;
    let before = device.asks("development", None).await;

    let window = desk.open().await;
    window.says("version-development", "5.2.0").await;
    window
        .says("toast", "Picked up where the last run stopped")
        .await;
    window.shot("64-job-resumed").await;
    let after = device.asks("development", None).await;
    assert_eq!((before.0, after.0), ("release", "release"));
    window.quit().await;

    // Nothing runs: closing closes.
    let window = desk.open().await;
    window.see("version-development").await;
    tokio::task::block_in_place(hand::close_window);
    ended(&desk.home()).await;
    drop(window);
}
