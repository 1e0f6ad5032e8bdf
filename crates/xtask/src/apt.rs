//! Debian packages: which are missing, and how they get here.

use crate::process;
use anyhow::{Result, bail};
use std::collections::HashSet;
use std::process::{Command, Stdio};

/// What the compiler and linker need.
const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libdbus-1-dev",
    "libwebkit2gtk-4.1-dev",
];

/// A screen without a display, a session bus, and `import` for pictures of it.
const HEADLESS: &[&str] = &["xvfb", "xauth", "imagemagick", "dbus", "dbus-x11"];

/// A driver for the window, a hand on the mouse, a keyring, a second window to drag from, a tracer of system calls, and
/// the faces that the window asks for: pictures must not depend on what else is installed.
const TEST: &[&str] = &[
    "webkit2gtk-driver",
    "xdotool",
    "x11-utils",
    "gnome-keyring",
    "libsecret-tools",
    "python3-gi",
    "gir1.2-gtk-3.0",
    "strace",
    "fonts-inter",
    "fonts-jetbrains-mono",
];

/// Peers of the benches.
const BENCH: &[&str] = &["rclone", "wrk", "nginx-light"];

/// Moves the clock of the programs that the suite runs.
const CONFORMANCE: &[&str] = &["faketime"];

/// What a task is going to do, which decides what it needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Build, and open a window on the display that is there.
    Run,
    /// Build, and open a window under Xvfb.
    RunHeadless,
    /// Everything.
    Test,
    /// Build, and run the public suite of TUF clients.
    Conformance,
    /// Build, and measure beside other programs.
    Bench,
}

/// Installs the Debian packages that are missing. Does not call apt when none is.
///
/// # Errors
/// Not root and no password-free `sudo`: the message is the line to run. Or apt failed.
pub(crate) fn install(purpose: Purpose) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let wanted = wanted(purpose);
    if !process::on_path("dpkg-query") {
        println!(
            "Not a Debian system: make sure that the equivalents of these are installed: {}",
            wanted.join(" ")
        );
        return Ok(());
    }
    let missing = missing(&wanted, &installed()?);
    if missing.is_empty() {
        return Ok(());
    }
    println!("Debian packages missing: {}", missing.join(" "));
    let update = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "update"];
    let mut install = vec![
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-o",
        "DPkg::Lock::Timeout=300",
    ];
    install.extend(["install", "-y", "--no-install-recommends"]);
    install.extend(&missing);

    let sudo: &[&str] = if is_root()? {
        &[]
    } else if sudo_without_password() {
        &["sudo", "-n"]
    } else {
        bail!(
            "these Debian packages are missing and need root to install. Run this line, then the same command again:\n\n  \
             sudo {} && sudo {}\n",
            update.join(" "),
            install.join(" ")
        );
    };
    for line in [&update[..], &install[..]] {
        let words: Vec<&str> = sudo.iter().chain(line).copied().collect();
        process::run(Command::new(words[0]).args(&words[1..]))?;
    }
    Ok(())
}

fn wanted(purpose: Purpose) -> Vec<&'static str> {
    let mut wanted = BUILD.to_vec();
    if matches!(purpose, Purpose::RunHeadless | Purpose::Test) {
        wanted.extend(HEADLESS);
    }
    if purpose == Purpose::Bench {
        wanted.extend(BENCH);
    }
    if purpose == Purpose::Conformance {
        wanted.extend(CONFORMANCE);
    }
    if purpose == Purpose::Test {
        wanted.extend(TEST);
        // Another Java or Python than Debian's serves as well, so these two are judged by what they can do.
        if !process::on_path("javac") {
            wanted.push("default-jdk-headless");
        }
        if !python_makes_venvs() {
            wanted.extend(["python3", "python3-venv"]);
        }
    }
    wanted
}

fn missing<'a>(wanted: &[&'a str], installed: &HashSet<String>) -> Vec<&'a str> {
    wanted
        .iter()
        .copied()
        .filter(|name| !installed.contains(*name))
        .collect()
}

/// Names of all packages that are fully installed, and what they provide.
fn installed() -> Result<HashSet<String>> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Status} ${Package}\\n"]);
    Ok(parse_installed(&process::output(&mut query)?))
}

fn parse_installed(listing: &str) -> HashSet<String> {
    listing
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect()
}

fn is_root() -> Result<bool> {
    Ok(process::output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn sudo_without_password() -> bool {
    succeeds(Command::new("sudo").args(["-n", "true"]))
}

fn python_makes_venvs() -> bool {
    succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

fn succeeds(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_with_its_settings_left_counts_as_missing() {
        let installed =
            parse_installed("installed xvfb\nconfig-files xauth\nhalf-installed dbus\n");
        assert_eq!(
            missing(&["xvfb", "xauth", "dbus"], &installed),
            ["xauth", "dbus"]
        );
    }

    #[test]
    fn running_on_a_display_needs_no_test_packages() {
        assert_eq!(wanted(Purpose::Run), BUILD);
        assert!(!wanted(Purpose::RunHeadless).contains(&"gnome-keyring"));
        assert!(wanted(Purpose::Test).contains(&"gnome-keyring"));
    }
}
