//! The program: configuration from three places, `--check`, `forget`, and an end in good order.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headgate_tests::{APP, Bench, Person, bench, ship};
use serde_json::Value;

fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let name = format!("headgate-server{}", std::env::consts::EXE_SUFFIX);
    let path = own.parent().and_then(Path::parent).unwrap().join(name);
    assert!(
        path.exists(),
        "{} is missing: build the workspace first",
        path.display()
    );
    path
}

/// The program with nothing of the surrounding environment.
fn program() -> Command {
    let mut command = Command::new(binary());
    command.env_clear();
    command
}

/// Exit code and what it said.
fn ran(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.code().unwrap(), said)
}

/// On the system's own time, since the program knows no other.
async fn shipped() -> (Bench, Person, String) {
    let bench = bench();
    let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    bench
        .clock
        .advance(i64::try_from(since).unwrap() - headgate_tests::TestClock::START);
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let root = bench.dir.path().join("1.root.json");
    std::fs::write(&root, &anna.workspace.root).unwrap();
    (bench, anna, root.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_configuration_is_checked_from_arguments_variables_and_a_file() {
    let (bench, _anna, root) = shipped().await;
    let storage = format!("file://{}", bench.storage().display());
    let good = ["--check", "--telemetry", "none"];
    let (code, said) = ran(program()
        .args(good)
        .args(["--registry", &storage, "--root", &root]));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(APP) && said.contains("verified"), "{said}");

    let (code, said) = ran(program()
        .arg("--check")
        .env("HEADGATE_SERVER_REGISTRY_1", &storage)
        .env("HEADGATE_SERVER_ROOT_1", &root)
        .env("HEADGATE_SERVER_TELEMETRY", "none"));
    assert_eq!(code, 0, "{said}");

    let token = bench.dir.path().join("token");
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    let file = bench.dir.path().join("server.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nadmin_token_file = \"token\"\n\
         telemetry = \"none\"\n[[registry]]\naddress = \"{storage}\"\nroot = \"1.root.json\"\n"
    );
    std::fs::write(&file, &text).unwrap();
    let config = ["--check", "--config", file.to_str().unwrap()];
    let (code, said) = ran(program().args(config));
    assert_eq!(code, 0, "{said}");

    std::fs::write(&file, format!("{text}listne = 1\n")).unwrap();
    let (code, said) = ran(program().args(config));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("listne"), "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_code() {
    let (bench, _anna, root) = shipped().await;
    let storage = format!("file://{}", bench.storage().display());
    let other = bench.dir.path().join("other.json");
    std::fs::write(&other, "{}").unwrap();
    let other = other.to_str().unwrap().to_owned();
    let both = ["--registry", &storage, "--root", &root];
    let cases: Vec<(Vec<&str>, i32, &str)> = vec![
        (vec![], 2, "--registry"),
        (vec!["--registry", &storage], 2, "--root"),
        (
            vec!["--root", &root, "--registry", &storage],
            2,
            "before the first",
        ),
        (
            vec!["--registry", &storage, "--root", &root, "--root", &root],
            2,
            "two --root",
        ),
        (
            vec!["--registry", &storage, "--root", &other],
            4,
            "other.json",
        ),
        (
            vec!["--registry", &storage, "--root", "/nowhere"],
            2,
            "/nowhere",
        ),
        (
            vec!["--registry", "file:///nowhere", "--root", &root],
            6,
            "storage.missing",
        ),
        (
            vec!["--registry", "s3://bucket/x?region=eu-1", "--root", &root],
            2,
            "--objects",
        ),
        ([&both[..], &both[..]].concat(), 2, "twice"),
        ([&both[..], &["--listen", "here"]].concat(), 2, "listen"),
        (
            [&both[..], &["--listen", "0.0.0.0:8080"]].concat(),
            2,
            "--public-url",
        ),
        (
            [&both[..], &["--public-url", "https://u:p@x"]].concat(),
            2,
            "public-url",
        ),
        (
            [&both[..], &["--admin-listen", "127.0.0.1:0"]].concat(),
            2,
            "token",
        ),
        ([&both[..], &["--poll-seconds", "0"]].concat(), 2, "poll"),
        (
            [&both[..], &["--telemetry", "postgres://u:hunter2@h"]].concat(),
            2,
            "postgres",
        ),
        (vec!["--wrong"], 2, "--wrong"),
    ];
    for (args, code, words) in cases {
        let telemetry: &[&str] = match args.contains(&"--telemetry") {
            true => &[],
            false => &["--telemetry", "none"],
        };
        let (found, said) = ran(program().arg("--check").args(&args).args(telemetry));
        assert_eq!(found, code, "{args:?}: {said}");
        assert!(
            said.contains(words) && !said.contains("hunter2"),
            "{args:?}: {said}"
        );
    }
    let (code, said) = ran(program().arg("--check").args(both));
    assert!(code == 2 && said.contains("--telemetry none"), "{said}");

    // A registry that is not as signed.
    std::fs::write(bench.storage().join("metadata/timestamp.json"), "{}").unwrap();
    let (code, said) = ran(program()
        .args(["--check", "--telemetry", "none"])
        .args(both));
    assert_eq!(code, 4, "{said}");
}

/// A running program, which ends with the test.
struct Serving {
    child: Child,
    devices: String,
    log: std::sync::mpsc::Receiver<String>,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (send, log) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut serving = Self {
            child,
            devices: String::new(),
            log,
        };
        let line = serving.logged("listening");
        serving.devices = line["fields"]["devices"].as_str().unwrap().to_owned();
        serving
    }

    /// The next log line with this message.
    fn logged(&self, message: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(30)).unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["fields"]["message"] == message {
                return line;
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it_in_good_order_and_an_install_can_be_forgotten() {
    let (bench, _anna, root) = shipped().await;
    let storage = format!("file://{}", bench.storage().display());
    let database = format!("sqlite://{}", bench.dir.path().join("t.sqlite").display());
    let mut serving = Serving::start(program().args([
        "--registry",
        &storage,
        "--root",
        &root,
        "--telemetry",
        &database,
        "--listen",
        "127.0.0.1:0",
    ]));
    let base = format!("http://{}", serving.devices);
    let client = reqwest::Client::new();
    let begun = Instant::now();
    while client
        .get(format!("{base}/readyz"))
        .send()
        .await
        .unwrap()
        .status()
        != 200
    {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is never ready"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let report = serde_json::json!({"install": "somebody", "channel": "development",
        "platform": "ios", "native": "4.2.0", "client": "0.1.0"});
    let report = client
        .post(format!("{base}/headgate/{APP}/events"))
        .body(report.to_string());
    assert_eq!(report.send().await.unwrap().status(), 200);
    let kill = Command::new("kill")
        .args(["-TERM", &serving.child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    serving.logged("stopping");
    assert!(serving.child.wait().unwrap().success());
    // No log line names the install.
    let log: Vec<String> = serving.log.try_iter().collect();
    assert!(log.iter().all(|line| !line.contains("somebody")), "{log:?}");

    let forget = ["forget", "somebody", "--telemetry", &database];
    let (code, said) = ran(program().args(forget));
    assert!(code == 0 && said.contains("was deleted"), "{said}");
    let (code, said) = ran(program().args(forget));
    assert!(code == 0 && said.contains("Nothing is stored"), "{said}");
}
