//! A desktop of our own for programs that need one: a screen (Xvfb), a session bus, an unlocked keyring.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Puts a command on a screen of its own, away from the person's display.
pub(crate) fn on_own_screen(size: &str, command: &Command) -> Command {
    let mut outer = Command::new("xvfb-run");
    outer.args(["-a", "-s", &format!("-screen 0 {size}x24 -nolisten tcp")]);
    append(&mut outer, command);
    // With a Wayland display in reach, GTK would open the window there.
    outer
        .env_remove("WAYLAND_DISPLAY")
        .env("GDK_BACKEND", "x11");
    outer
}

/// Puts a command on a session bus of its own.
pub(crate) fn on_own_bus(command: &Command) -> Command {
    let mut outer = Command::new("dbus-run-session");
    outer.arg("--");
    append(&mut outer, command);
    outer
}

/// Puts a command on a session bus of its own where an unlocked keyring answers.
pub(crate) fn on_bus_with_keyring(workspace: &Workspace, command: &Command) -> Command {
    let mut inner = Command::new(&workspace.xtask);
    inner.args(["with-keyring", "--"]);
    append(&mut inner, command);
    on_own_bus(&inner)
}

/// Hands program, arguments, folder and variables of one command on to the one that is to start it.
fn append(outer: &mut Command, command: &Command) {
    outer.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        outer.current_dir(dir);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
}

/// Runs inside a session bus: starts a keyring with an unlocked login collection in a new folder, then the program.
pub(crate) fn with_keyring(program: &str, args: &[&str]) -> Result<ExitCode> {
    let home = TempFolder::new("keyring")?;
    let (data, runtime) = (home.0.join("data"), home.0.join("run"));
    private_folder(&data)?;
    private_folder(&runtime)?;
    // The folders are new even on a desktop: with the person's own, the daemon would find and open their keyring.
    let mut daemon = Command::new("gnome-keyring-daemon");
    daemon
        .args(["--unlock", "--components=secrets"])
        .env_remove("GNOME_KEYRING_CONTROL");
    daemon
        .env("XDG_DATA_HOME", &data)
        .env("XDG_RUNTIME_DIR", &runtime);
    daemon
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = daemon
        .spawn()
        .context("cannot start gnome-keyring-daemon")?;
    if let Some(mut stdin) = child.stdin.take() {
        // Any password opens a collection that does not exist yet, except an empty one.
        stdin.write_all(b"test")?;
    }
    let said = child.wait_with_output()?;
    if !said.status.success() {
        bail!("gnome-keyring-daemon: {}", said.status);
    }
    wait_for_secret_service()?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env("XDG_DATA_HOME", &data)
        .env("XDG_RUNTIME_DIR", &runtime);
    for line in String::from_utf8_lossy(&said.stdout).lines() {
        if let Some((name, value)) = line.split_once('=') {
            command.env(name, value);
        }
    }
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A program that asks before the daemon has its name on the bus would make the bus start a second, locked one, which
/// knows only the person's own folders.
fn wait_for_secret_service() -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let mut ask = Command::new("dbus-send");
        ask.args([
            "--session",
            "--print-reply=literal",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
        ]);
        ask.args([
            "org.freedesktop.DBus.NameHasOwner",
            "string:org.freedesktop.secrets",
        ]);
        if process::output(&mut ask)?.contains("true") {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    bail!("gnome-keyring-daemon runs, but no Secret Service came up on the session bus")
}

/// Longest wait for a window that has something on it.
const WINDOW: Duration = Duration::from_secs(20);
/// A blank window has one colour and a frame of empty panels a dozen; smoothed text alone brings hundreds.
const MIN_COLOURS: u32 = 200;

/// Runs inside a screen: starts the program, waits until its window shows content and stands still, and saves a
/// picture of the screen. Ends the program.
pub(crate) fn screenshot(picture: &str, program: &str, args: &[&str]) -> Result<ExitCode> {
    let mut command = Command::new(program);
    let child = command
        .args(args)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut child = Ended(child);
    let begun = Instant::now();
    let mut last = None;
    loop {
        if let Some(status) = child.0.try_wait()? {
            bail!("{program} ended before its window was drawn: {status}");
        }
        process::run(Command::new("import").args(["-window", "root", picture]))?;
        let seen = process::output(Command::new("identify").args(["-format", "%k %#", picture]))?;
        let colours: u32 = seen
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        // The same picture twice: nothing is being loaded or animated any more.
        if colours >= MIN_COLOURS && last.as_deref() == Some(seen.as_str()) {
            return Ok(ExitCode::SUCCESS);
        }
        if begun.elapsed() > WINDOW {
            if colours >= MIN_COLOURS {
                println!(
                    "The window never stood still; the picture shows it after {} s.",
                    WINDOW.as_secs()
                );
                return Ok(ExitCode::SUCCESS);
            }
            bail!(
                "after {} s the screen shows {colours} colours, which is no drawn window: {picture}",
                WINDOW.as_secs()
            );
        }
        last = Some(seen);
        sleep(Duration::from_millis(700));
    }
}

/// A child that does not outlive its parent's interest in it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A folder for this run that only we can read, removed at the end.
pub(crate) struct TempFolder(pub(crate) PathBuf);

impl TempFolder {
    pub(crate) fn new(what: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("headgate-{what}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove the old {}", path.display()))?;
        }
        private_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn private_folder(path: &Path) -> Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "the mode is a notion of Unix"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}
