//! Running the binary, and a static server like any web server in front of a bucket.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const APP: &str = "com.acme.field";
const VAULT: &str = "correct horse battery staple";

/// A computer: a home folder, a file vault and who works there.
pub(crate) struct Computer {
    pub(crate) dir: TempDir,
    pub(crate) person: &'static str,
    pub(crate) passphrase: Option<&'static str>,
    /// Variables that its runs have besides.
    pub(crate) variables: std::sync::Mutex<Vec<(&'static str, &'static str)>>,
}

/// What one run said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Computer {
    pub(crate) fn new(person: &'static str) -> Self {
        Self {
            dir: headgate_tests::scratch(),
            person,
            passphrase: Some(VAULT),
            variables: std::sync::Mutex::default(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs the command; nothing of the surrounding environment decides anything.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.dir.path());
        for name in [
            "HEADGATE_LOG",
            "HEADGATE_VAULT_PASSPHRASE",
            "USERNAME",
            "LOGNAME",
        ] {
            command.env_remove(name);
        }
        command
            .env("HEADGATE_HOME", self.path("home"))
            .env("USER", self.person);
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ] {
            command.env_remove(name);
        }
        command.envs(self.variables.lock().unwrap().iter().copied());
        command.env("HEADGATE_EXPORT_PASSPHRASE", "on a stick");
        if let Some(passphrase) = self.passphrase {
            command.env("HEADGATE_VAULT_PASSPHRASE", passphrase);
        }
        let Output {
            status,
            stdout,
            stderr,
        } = command.stdin(std::process::Stdio::null()).output().unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs with `--json` and must succeed: one document on stdout, nothing on stderr.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        assert_eq!(ran.err, "", "{args:?} is quiet on stderr");
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", ran.out))
    }

    /// Runs with `--json` and must fail with this exit code; gives the error from stderr.
    pub(crate) fn fails(&self, exit: i32, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.code, exit, "{args:?}: {}{}", ran.out, ran.err);
        let error: Value =
            serde_json::from_str(&ran.err).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", ran.err));
        for name in ["code", "message", "holds", "remedy"] {
            assert!(
                error[name].as_str().is_some_and(|t| !t.is_empty()),
                "{args:?}: {name} in {error}"
            );
        }
        assert!(
            error["retryable"].is_boolean()
                && error.get("detail").is_some()
                && error.get("field").is_some(),
            "{error}"
        );
        error
    }

    /// Makes an empty vault that opens fast: every signature of a real one costs a tenth of a second.
    pub(crate) fn quick_vault(&self) {
        let path = self.path("keys.age");
        if let (Some(text), false) = (self.passphrase, path.exists()) {
            let passphrase = headgate_signer::Passphrase::new(text.to_owned()).unwrap();
            headgate_signer::FileVault::create_with_work_factor(path, passphrase, 4).unwrap();
        }
    }

    /// Makes the workspace with its storage beside the home.
    pub(crate) fn init(&self) -> Value {
        self.init_as(APP, "Acme Field")
    }

    pub(crate) fn init_as(&self, app: &str, name: &str) -> Value {
        let storage = format!("file://{}", self.text(&format!("ota {app}")));
        self.quick_vault();
        let vault = format!("file:{}", self.text("keys.age"));
        self.json(&[
            "init",
            "--app",
            app,
            "--name",
            name,
            "--storage",
            &storage,
            "--vault",
            &vault,
        ])
    }

    pub(crate) fn storage(&self) -> PathBuf {
        self.path(&format!("ota {APP}"))
    }

    pub(crate) fn root(&self) -> String {
        self.storage()
            .join("metadata/1.root.json")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// A web build with content of its own.
    pub(crate) fn build(&self, word: &str) -> String {
        let to = self.path(&format!("www {word}"));
        headgate_tests::varied(&to, word);
        to.to_str().unwrap().to_owned()
    }

    pub(crate) fn ship(&self, version: &str, build: &str, channel: &str) -> Value {
        let www = self.build(version);
        self.json(&[
            "ship",
            &www,
            "--version",
            version,
            "--build",
            build,
            "--channel",
            channel,
        ])
    }

    /// One channel of `headgate status`.
    pub(crate) fn channel(&self, name: &str) -> Value {
        let status = self.json(&["status"]);
        let channels = status["channels"].as_array().unwrap();
        channels
            .iter()
            .find(|c| c["channel"] == name)
            .expect(name)
            .clone()
    }
}

/// Beside this test, or where the environment says.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("HEADGATE_CLI") {
        return path.into();
    }
    headgate_tests::program("headgate")
}

/// Serves a folder over HTTP until the process ends; gives its address.
pub(crate) fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            std::thread::spawn(move || answer(stream, &folder));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, folder: &Path) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    while lines
        .next()
        .and_then(Result::ok)
        .is_some_and(|line| !line.is_empty())
    {}
    let mut words = first.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let file = std::fs::read(folder.join(path.trim_start_matches('/')));
    let (status, body) = file.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let body = if method == "HEAD" { &[][..] } else { &body };
    // A client may hang up early; its own test says whether that was right.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    headgate_tuf::sha256_hex(bytes)
}

/// Names of a JSON object's members, sorted: their order says nothing.
pub(crate) fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}
