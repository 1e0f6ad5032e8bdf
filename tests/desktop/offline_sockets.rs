//! An offline workstation opens no Internet socket: read off the system calls of its whole process tree.
//!
//! Under WebDriver the window's own engine listens on a TCP port for the automation, so this run has no WebDriver: it
//! starts the program as a person does, waits for its window, and looks at what was called.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::driver::{app, process_of, signal};

/// Longest wait for the window; tracing every system call is slow.
const UP: Duration = Duration::from_secs(60);
/// The folder is read every two seconds, and WebKit starts its network process with the page.
const WATCHED: Duration = Duration::from_secs(10);

fn traced(program: &Path, args: &[&str], out: &Path) -> Child {
    Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=socket,socketpair,connect", "-o"])
        .arg(out)
        .arg(program)
        .args(args)
        .env_remove("HEADGATE_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace runs")
}

/// Lines of a trace that open an Internet socket or connect one.
fn internet(trace: &str) -> Vec<&str> {
    trace
        .lines()
        .filter(|line| line.contains("AF_INET"))
        .collect()
}

fn window_is_open() -> bool {
    Command::new("xdotool")
        .args(["search", "--onlyvisible", "--name", "^Headgate$"])
        .output()
        .is_ok_and(|o| o.status.success() && !o.stdout.is_empty())
}

#[test]
#[ignore = "needs a screen: cargo xtask test desktop"]
fn an_offline_workstation_opens_no_internet_socket() {
    let dir = tempfile::tempdir().unwrap();
    let (home, drive, out) = (
        dir.path().join("home"),
        dir.path().join("drive"),
        dir.path().join("trace"),
    );
    fs::create_dir_all(&drive).unwrap();
    fs::write(drive.join("x.hgrequest"), b"{").unwrap();
    let station = headgate_offline::Workstation::open(&home).unwrap();
    station
        .change_settings(|s| s.folder = Some(drive.clone()))
        .unwrap();

    let args = ["--offline", "--home", home.to_str().unwrap()];
    let mut child = traced(&app(), &args, &out);
    let begun = Instant::now();
    while !window_is_open() {
        assert!(begun.elapsed() < UP, "no window came up");
        assert!(child.try_wait().unwrap().is_none(), "the program ended");
        sleep(Duration::from_millis(200));
    }
    sleep(WATCHED);
    let process = process_of(&home).expect("the workstation runs");
    signal("TERM", process);
    child.wait().unwrap();

    let trace = fs::read_to_string(&out).unwrap();
    // The trace is one of the program and of the processes that WebKit started for it.
    assert!(trace.contains("AF_UNIX"), "nothing was traced");
    let processes: std::collections::BTreeSet<&str> = trace
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert!(processes.len() > 1, "only one process was traced");
    let found = internet(&trace);
    assert!(found.is_empty(), "Internet sockets:\n{}", found.join("\n"));
}

/// The same look at a program that does open one finds it.
#[test]
#[ignore = "needs strace: cargo xtask test desktop"]
fn an_internet_socket_would_be_seen() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("trace");
    let script = "import socket; socket.socket(socket.AF_INET6)";
    let mut child = traced(Path::new("/usr/bin/python3"), &["-c", script], &out);
    child.wait().unwrap();
    assert_eq!(internet(&fs::read_to_string(&out).unwrap()).len(), 1);
}
