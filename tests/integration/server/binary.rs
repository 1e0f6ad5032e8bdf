//! The program: configuration from three places, `--check`, `forget`, and an end in good order.

use std::process::Command;

use headgate_tests::{APP, Bench, Person, Serving, bench, server_program, ship};

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
    let (code, said) =
        ran(server_program()
            .args(good)
            .args(["--registry", &storage, "--root", &root]));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(APP) && said.contains("verified"), "{said}");

    let (code, said) = ran(server_program()
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
    let (code, said) = ran(server_program().args(config));
    assert_eq!(code, 0, "{said}");

    std::fs::write(&file, format!("{text}listne = 1\n")).unwrap();
    let (code, said) = ran(server_program().args(config));
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
        let (found, said) = ran(server_program().arg("--check").args(&args).args(telemetry));
        assert_eq!(found, code, "{args:?}: {said}");
        assert!(
            said.contains(words) && !said.contains("hunter2"),
            "{args:?}: {said}"
        );
    }
    let (code, said) = ran(server_program().arg("--check").args(both));
    assert!(code == 2 && said.contains("--telemetry none"), "{said}");

    // A registry that is not as signed.
    std::fs::write(bench.storage().join("metadata/timestamp.json"), "{}").unwrap();
    let (code, said) = ran(server_program()
        .args(["--check", "--telemetry", "none"])
        .args(both));
    assert_eq!(code, 4, "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it_in_good_order_and_an_install_can_be_forgotten() {
    let (bench, _anna, root) = shipped().await;
    let storage = format!("file://{}", bench.storage().display());
    let database = format!("sqlite://{}", bench.dir.path().join("t.sqlite").display());
    let mut serving = Serving::start(server_program().args([
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
    serving.ready().await;
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
    let log = serving.log();
    assert!(log.iter().all(|line| !line.contains("somebody")), "{log:?}");

    let forget = ["forget", "somebody", "--telemetry", &database];
    let (code, said) = ran(server_program().args(forget));
    assert!(code == 0 && said.contains("was deleted"), "{said}");
    let (code, said) = ran(server_program().args(forget));
    assert!(code == 0 && said.contains("Nothing is stored"), "{said}");
}
