//! A workspace in a bucket, from the command line: what a pipeline does with credentials in variables or in the vault.

use axum::http::Method;
use headgate_engine::{Clock as _, OpenStore as _, SystemClock};
use headgate_tests::{ACCESS_KEY, Fault, S3, SECRET};
use serde_json::{Value, json};

use crate::harness::{APP, Computer};

/// A server on a runtime of its own, and a computer that may know the access key.
struct Bucket {
    runtime: tokio::runtime::Runtime,
    s3: S3,
    computer: Computer,
}

impl Bucket {
    fn new() -> Self {
        let computer = Computer::new("mara");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let s3 = runtime.block_on(S3::start(&computer.path("s3")));
        Self {
            runtime,
            s3,
            computer,
        }
    }

    fn variables(&self, secret: &'static str) {
        let variables = [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ];
        *self.computer.variables.lock().unwrap() = variables.to_vec();
    }

    fn no_variables(&self) {
        self.computer.variables.lock().unwrap().clear();
    }

    fn init(&self) -> Value {
        self.computer.quick_vault();
        let vault = format!("file:{}", self.computer.text("keys.age"));
        let storage = self.s3.address("ota");
        self.computer.json(&[
            "init",
            "--app",
            APP,
            "--name",
            "Acme Field",
            "--storage",
            &storage,
            "--vault",
            &vault,
        ])
    }
}

#[test]
fn the_main_job_runs_in_a_bucket_with_credentials_from_variables_then_from_the_vault() {
    let bucket = Bucket::new();
    let c = &bucket.computer;
    bucket.variables(SECRET);
    let made = bucket.init();
    assert!(
        made["storage"]
            .as_str()
            .unwrap()
            .starts_with("s3://field-updates/ota?")
    );
    c.ship("4.2.5", "1", "development");
    c.json(&[
        "promote",
        "--build",
        "1",
        "--from",
        "development",
        "--to",
        "staging",
    ]);

    bucket.no_variables();
    let error = c.fails(
        6,
        &[
            "ship",
            &c.build("none"),
            "--version",
            "4.2.6",
            "--channel",
            "development",
        ],
    );
    assert_eq!(error["code"], "storage.credentials");
    let error = c.fails(6, &["storage", "credentials", "save"]);
    assert_eq!(error["code"], "storage.credentials");

    bucket.variables(SECRET);
    c.json(&["storage", "credentials", "save"]);
    bucket.variables("wrong, and not asked");
    c.ship("4.2.6", "2", "development");
    c.json(&["storage", "credentials", "forget"]);
    let error = c.fails(6, &["refresh"]);
    assert_eq!(error["code"], "storage.credentials");

    for file in headgate_tests::files_below(&c.path("home")) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
        assert!(!found, "{} holds the secret", file.display());
    }
}

#[test]
fn storage_is_checked_mirrored_and_told_what_to_hold() {
    let bucket = Bucket::new();
    let c = &bucket.computer;
    bucket.variables(SECRET);
    bucket.init();
    let checked = c.json(&["storage", "check"]);
    let lines = checked["checks"].as_array().unwrap();
    assert!(lines.iter().all(|l| l["ok"] == json!(true)), "{lines:?}");
    assert!(lines.iter().any(|l| l["title"] == "Uploads in parts"));

    c.ship("4.2.5", "1", "development");
    let mirror = format!("file://{}", c.text("mirror"));
    c.json(&["storage", "mirror", "add", &mirror]);
    assert_eq!(
        c.json(&["storage", "mirror", "list"])["mirrors"],
        json!([mirror])
    );
    c.ship("4.2.6", "2", "development");
    let root = c.path("mirror/metadata/1.root.json");
    let verified = c.json(&[
        "verify",
        "--url",
        c.path("mirror").to_str().unwrap(),
        "--root",
        root.to_str().unwrap(),
        "--channel",
        "development",
    ]);
    assert_eq!(verified["build"], json!(2), "{verified}");

    c.json(&["storage", "deliver", "files"]);
    c.ship("4.2.7", "3", "development");
    assert!(c.path("s3/field-updates/ota/files").is_dir());
    let error = c.fails(2, &["storage", "deliver", "tarball"]);
    assert_eq!(error["field"], "deliver");
    c.json(&["storage", "mirror", "remove", &mirror]);
    let error = c.fails(2, &["storage", "mirror", "remove", &mirror]);
    assert_eq!(error["code"], "usage.unknown");
}

/// s3s-fs lists no uploads, so its answer is written here; giving one up is the server's own.
#[test]
fn uploads_that_nobody_ends_are_given_up_when_they_are_old() {
    let bucket = Bucket::new();
    let c = &bucket.computer;
    bucket.variables(SECRET);
    bucket.init();
    let error = c.fails(2, &["storage", "sweep"]);
    assert_eq!(error["code"], "usage.argument");
    let store = bucket.s3.stores().open(&bucket.s3.address("ota")).unwrap();
    let begin = store.parts().unwrap().begin("bundles/old.zip");
    let id = bucket.runtime.block_on(begin).unwrap();
    let upload = |name: &str, id: &str, begun: &str| {
        format!(
            "<Upload><Key>ota/bundles/{name}.zip</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated></Upload>"
        )
    };
    let young = SystemClock::default().now().to_string();
    let listed = format!(
        "<ListMultipartUploadsResult>{}{}<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
        upload("old", &id, "2025-01-01T00:00:00Z"),
        upload("young", "1", &young)
    );
    bucket.s3.faults(move |asked| match asked.query.as_str() {
        query if query.contains("uploads") => Fault::Says(listed.clone()),
        _ => Fault::Pass,
    });
    bucket.s3.forget();
    let swept = c.json(&["storage", "sweep"]);
    assert_eq!(swept["given_up"], json!(["bundles/old.zip"]));
    assert_eq!(swept["kept"], json!(["bundles/young.zip"]));
    let asked = bucket.s3.asked();
    let given_up: Vec<_> = asked
        .iter()
        .filter(|a| a.method == Method::DELETE)
        .map(|a| (a.key.as_str(), a.query.as_str()))
        .collect();
    assert_eq!(
        given_up,
        [("ota/bundles/old.zip", format!("uploadId={id}").as_str())]
    );
}
