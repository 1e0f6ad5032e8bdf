//! What a person does outside the page: native dialogs, and the window's close button.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait for a native window.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs xdotool and gives what it printed.
pub(crate) fn xdotool(args: &[&str]) -> String {
    let output = Command::new("xdotool").args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "xdotool {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Windows on the screen with exactly this title.
fn windows(title: &str) -> Vec<String> {
    let name = format!("^{title}$");
    let output = Command::new("xdotool")
        .args(["search", "--onlyvisible", "--name", &name])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

fn wait_for(title: &str, open: bool) -> Option<String> {
    let begun = Instant::now();
    loop {
        let found = windows(title);
        if found.is_empty() != open {
            return found.into_iter().next();
        }
        let word = if open { "open" } else { "close" };
        assert!(begun.elapsed() < PATIENCE, "`{title}` did not {word}");
        sleep(Duration::from_millis(50));
    }
}

/// Types an absolute path into the native dialog with this title and accepts it.
pub(crate) fn choose(title: &str, path: &Path) {
    let window = wait_for(title, true).unwrap();
    xdotool(&["windowfocus", "--sync", &window]);
    sleep(Duration::from_millis(300));
    // The dialog opens its line for a path at the first slash; what comes before that line is there is lost.
    xdotool(&["key", "slash"]);
    sleep(Duration::from_millis(600));
    let rest = path.to_str().unwrap().trim_start_matches('/');
    xdotool(&["type", "--delay", "8", rest]);
    sleep(Duration::from_millis(400));
    xdotool(&["key", "Return"]);
    // For a folder the first Return only goes into it. For a file a second one would press the button in the window
    // behind, where the dialog takes its time to close.
    if path.is_dir() {
        sleep(Duration::from_millis(300));
        if !windows(title).is_empty() {
            xdotool(&["key", "Return"]);
        }
    }
    wait_for(title, false);
}

/// Cancels the native dialog with this title.
pub(crate) fn cancel(title: &str) {
    let window = wait_for(title, true).unwrap();
    xdotool(&["windowfocus", "--sync", &window]);
    sleep(Duration::from_millis(300));
    xdotool(&["key", "Escape"]);
    wait_for(title, false);
}

/// Asks the console's window to close, as its frame's button does. There is no frame without a window manager.
pub(crate) fn close_window() {
    let window = wait_for("Headgate", true).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("desktop/closewindow.py");
    let status = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(window)
        .status();
    assert!(status.unwrap().success());
}
