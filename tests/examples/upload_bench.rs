//! Throughput of a publish's uploads to a local S3 server, beside rclone to the same server, in turn.
//!
//! `cargo xtask bench upload [ROUNDS]`. The server runs in a process of its own and keeps its objects in memory where
//! the system has such a place. Headgate is timed from the first byte of the job to its commit, rclone as a whole
//! process. Printed: every round, and the medians.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot run has failed"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headgate_core::settings::Delivers;
use headgate_engine::{Console, InitRequest, InspectOptions, Options, ShipRequest, VaultChoice};
use headgate_tests::{
    ACCESS_KEY, BUCKET, OneVault, S3, SECRET, Seeded, files_below, noise, scratch,
};

/// Bytes of the one large file.
const LARGE: u64 = 380_000_000;
/// Small files beside a page, and bytes of each.
const SMALL: (usize, u64) = (4_000, 10_000);

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, folder] = args.as_slice()
        && serve == "serve"
    {
        let s3 = S3::start(Path::new(folder)).await;
        println!("{}", s3.url);
        std::future::pending::<()>().await;
    }
    let rounds = args.first().and_then(|n| n.parse().ok()).unwrap_or(3);
    let dir = scratch();
    let mut server = Server(
        Command::new(std::env::current_exe().unwrap())
            .args(["serve", dir.path().join("s3").to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut url = String::new();
    BufReader::new(server.0.stdout.as_mut().unwrap())
        .read_line(&mut url)
        .unwrap();
    let bench = Bench {
        dir: dir.path().to_owned(),
        url: url.trim().to_owned(),
    };
    for (title, files) in [
        ("one zip of 380 MB", false),
        ("4,001 single files, 40 MB", true),
    ] {
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for round in 0..rounds {
            let (bytes, headgate, copy) = bench.headgate(round, files).await;
            let rclone = bench.rclone(round, &copy);
            println!(
                "{title}, round {}: Headgate {:.1} MB/s ({:.2} s), rclone {:.1} MB/s ({:.2} s)",
                round + 1,
                rate(bytes, headgate),
                headgate.as_secs_f64(),
                rate(bytes, rclone),
                rclone.as_secs_f64(),
            );
            ours.push(rate(bytes, headgate));
            theirs.push(rate(bytes, rclone));
            let _ = std::fs::remove_dir_all(dir.path().join("s3").join(BUCKET));
            std::fs::create_dir_all(dir.path().join("s3").join(BUCKET)).unwrap();
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "{title}: median {ours:.1} MB/s beside {theirs:.1} MB/s, {:.2} x\n",
            ours / theirs
        );
    }
}

struct Bench {
    dir: PathBuf,
    url: String,
}

impl Bench {
    /// Ships a new build. Gives bytes, time, and a folder with the same objects for the other.
    async fn headgate(&self, round: usize, files: bool) -> (u64, Duration, PathBuf) {
        let word = format!("{files}-{round}");
        let home = self.dir.join("home").join(&word);
        let mut options = Options::new(home.clone());
        options.vaults = std::sync::Arc::new(OneVault::memory());
        options.world.entropy = Seeded::new(&word);
        // Variables are read at every request; the stores of the tests bring the key along instead.
        options.stores = std::sync::Arc::new(S3::stores_of());
        let console = Console::open(options).await.unwrap();
        let (workspace, _) = console
            .init(InitRequest {
                app: "com.acme.field".into(),
                name: "Acme Field".into(),
                storage: format!(
                    "s3://{BUCKET}/{word}?endpoint={}&region=us-east-1",
                    self.url
                ),
                public_url: None,
                channels: vec!["development".into()],
                vault: VaultChoice::Os,
                vault_why: None,
                sandbox: false,
                credentials: None,
            })
            .await
            .unwrap();
        if files {
            let delivers = Delivers::parse("files").unwrap();
            let job = console.set_delivers(&workspace.id, delivers).await.unwrap();
            console.wait(&job).await.unwrap();
        }
        let picked = console.pick(&self.build(&word, files)).unwrap();
        let inspect = console.inspect(
            &workspace.id,
            "main",
            &picked.handle,
            InspectOptions::default(),
        );
        console.wait(&inspect.await.unwrap()).await.unwrap();
        let request = ShipRequest {
            workspace: workspace.id.clone(),
            unit: "main".into(),
            handle: picked.handle,
            version: "1.0.0".into(),
            channel: "development".into(),
            ..ShipRequest::default()
        };
        let plan = console.ship_prepare(request).await.unwrap();
        let copy = self.dir.join("copy").join(&word);
        std::fs::create_dir_all(&copy).unwrap();
        if !files {
            for file in files_below(console.home().work().as_path()) {
                if file.extension().is_some_and(|e| e == "zip") {
                    std::fs::copy(&file, copy.join("bundle.zip")).unwrap();
                }
            }
        }
        let typed = plan.type_to_confirm.clone();
        let mut events = console.events();
        let begun = Instant::now();
        let job = console
            .start_plan(&plan.plan, typed.as_deref())
            .await
            .unwrap();
        let took = loop {
            if let Ok(headgate_engine::Happened::Job(now)) = events.recv().await
                && now.id == job
                && matches!(
                    now.phase,
                    headgate_engine::Phase::ReadBack | headgate_engine::Phase::Done
                )
            {
                break begun.elapsed();
            }
        };
        console.wait(&job).await.unwrap();
        let folder = self.dir.join("s3").join(BUCKET).join(&word);
        let uploaded = folder.join(if files { "files" } else { "bundles" });
        let bytes = files_below(&uploaded)
            .iter()
            .map(|f| f.metadata().unwrap().len())
            .sum();
        if files {
            headgate_tests::copy_tree(&uploaded, &copy);
        }
        console.close().await;
        let _ = std::fs::remove_dir_all(home);
        (bytes, took, copy)
    }

    fn rclone(&self, round: usize, copy: &Path) -> Duration {
        let begun = Instant::now();
        let status = Command::new("rclone")
            .arg("copy")
            .arg(copy)
            .arg(format!("b:{BUCKET}/rclone-{round}"))
            .args([
                "--transfers",
                "32",
                "--checkers",
                "32",
                "--s3-no-check-bucket",
            ])
            .args(["--s3-chunk-size", "8Mi", "--s3-upload-concurrency", "4"])
            .env("RCLONE_CONFIG", "/dev/null")
            // This rclone cannot take one, and the server speaks plain HTTP.
            .env_remove("AWS_CA_BUNDLE")
            .env("RCLONE_CONFIG_B_TYPE", "s3")
            .env("RCLONE_CONFIG_B_PROVIDER", "Other")
            .env("RCLONE_CONFIG_B_ENDPOINT", &self.url)
            .env("RCLONE_CONFIG_B_ACCESS_KEY_ID", ACCESS_KEY)
            .env("RCLONE_CONFIG_B_SECRET_ACCESS_KEY", SECRET)
            .env("RCLONE_CONFIG_B_REGION", "us-east-1")
            .status()
            .unwrap();
        let took = begun.elapsed();
        assert!(status.success(), "rclone failed");
        let _ = std::fs::remove_dir_all(copy);
        took
    }

    /// A web build of bytes that do not compress.
    fn build(&self, word: &str, files: bool) -> PathBuf {
        let folder = self.dir.join("build");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("chunks")).unwrap();
        std::fs::write(
            folder.join("index.html"),
            format!("<!doctype html><title>{word}</title>"),
        )
        .unwrap();
        if files {
            for n in 0..SMALL.0 {
                std::fs::write(
                    folder.join(format!("chunks/{n}.bin")),
                    noise(&format!("{word}{n}"), SMALL.1),
                )
                .unwrap();
            }
        } else {
            std::fs::write(folder.join("map.bin"), noise(word, LARGE)).unwrap();
        }
        folder
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / 1_000_000.0 / took.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ends its process when it goes out of scope, also after a panic: it must not go on holding memory.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
