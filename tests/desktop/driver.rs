//! tauri-driver, which starts WebKitWebDriver, which starts the console; and a home folder of its own for each journey.

use std::env;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::window::Window;

/// Longest wait for the two drivers to listen.
const UP: Duration = Duration::from_secs(15);

/// What one journey has to itself: the drivers, and folders.
pub(crate) struct Desk {
    driver: Child,
    port: u16,
    dir: TempDir,
}

impl Desk {
    /// Starts the drivers on free ports.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (port, native) = (free_port(), free_port());
        let program = env::var_os("TAURI_DRIVER").unwrap_or_else(|| "tauri-driver".into());
        let driver = Command::new(&program)
            .args(["--port", &port.to_string()])
            .args(["--native-port", &native.to_string()])
            .args(["--native-driver", "/usr/bin/WebKitWebDriver"])
            .env("HOME", dir.path())
            .env("XDG_DATA_HOME", dir.path().join("data"))
            .env("XDG_CONFIG_HOME", dir.path().join("config"))
            .env("XDG_CACHE_HOME", dir.path().join("cache"))
            // A passphrase of the caller would put the sandbox's keys in a file.
            .env_remove("HEADGATE_VAULT_PASSPHRASE")
            .env_remove("HEADGATE_HOME")
            .env("USER", "anna")
            .env("MESA_SHADER_CACHE_DISABLE", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{} does not start: {e}", program.display()));
        let desk = Self { driver, port, dir };
        let begun = Instant::now();
        while [port, native]
            .iter()
            .any(|p| TcpStream::connect(("127.0.0.1", *p)).is_err())
        {
            assert!(begun.elapsed() < UP, "the drivers did not come up");
            sleep(Duration::from_millis(20));
        }
        desk
    }

    /// A folder that vanishes with the desk.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The home folder of the console that `open` starts.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Storage of the sandbox in [`Desk::home`].
    pub(crate) fn storage(&self) -> PathBuf {
        self.home().join("sandbox/storage")
    }

    /// The sandbox's sample build.
    pub(crate) fn sample(&self) -> PathBuf {
        self.home().join("sandbox/sample build/www")
    }

    /// Starts the console on the desk's home.
    pub(crate) async fn open(&self) -> Window {
        self.open_home(&self.home(), 1280, 800).await
    }

    /// Starts the console on a home folder, in a window of this size at the screen's corner.
    pub(crate) async fn open_home(&self, home: &Path, width: u32, height: u32) -> Window {
        self.open_with(home, &[], width, height).await
    }

    /// The same with further arguments.
    pub(crate) async fn open_with(
        &self,
        home: &Path,
        more: &[&str],
        width: u32,
        height: u32,
    ) -> Window {
        let mut caps = Capabilities::new();
        let home_text = home.to_str().unwrap();
        let args: Vec<&str> = ["--home", home_text]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        let options = json!({ "application": app(), "args": args });
        caps.set("browserName", json!("wry")).unwrap();
        caps.set("tauri:options", options).unwrap();
        let url = format!("http://127.0.0.1:{}", self.port);
        let driver = WebDriver::new(url, caps).await.expect("the console starts");
        driver
            .set_script_timeout(Duration::from_secs(30))
            .await
            .unwrap();
        driver.set_window_rect(0, 0, width, height).await.unwrap();
        let window = Window::new(driver, home);
        window
            .until(
                "the window has its size and shows a view",
                &format!("innerWidth === {width} && innerHeight === {height} && document.querySelector('main') !== null"),
            )
            .await;
        window
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // By SIGTERM tauri-driver takes WebKitWebDriver along; a kill would leave that running.
        signal("TERM", self.driver.id());
        self.driver.wait().ok();
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, process: u32) {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(status.unwrap().success(), "no process {process}");
}

/// The process that works on a home folder, found by its arguments.
pub(crate) fn process_of(home: &Path) -> Option<u32> {
    let wanted = home.as_os_str().as_encoded_bytes();
    let program = app();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        let first = words.next() == Some(program.as_os_str().as_encoded_bytes());
        if first && words.any(|word| word == wanted) {
            return Some(id);
        }
    }
    None
}

pub(crate) fn app() -> PathBuf {
    let app = env::var_os("HEADGATE_APP").expect("HEADGATE_APP names the console's program");
    PathBuf::from(app)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
