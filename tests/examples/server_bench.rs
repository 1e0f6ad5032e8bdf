//! Checks of every dialect that find nothing new, beside nginx with a static answer of the same size, in turn.
//!
//! `cargo xtask bench server`. wrk asks both with the same script and body over the loopback, with the server's
//! telemetry in SQLite and 10,000 installs that take turns. The server runs in this process on two threads, nginx with
//! two workers; wrk takes its share of the same processor. The limit per network is off: all of it is one network.
//! Printed: every round, medians, and the latency at half of our median.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot run has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headgate_core::settings::Delivers;
use headgate_engine::Clock as _;
use headgate_registry::StorageAddress;
use headgate_server::catalog::IdKind;
use headgate_server::telemetry::Telemetry;
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_server::{RegistryConfig, ServerConfig};
use headgate_tests::{APP, bench, ship};

const ROUNDS: usize = 3;
/// Connections at full speed, and at a set rate: the more of them, the less the latency takes away from the rate.
const CONNECTIONS: (u32, u32) = (64, 512);
const SECONDS: u32 = 8;
const CHANNEL: &str = "development";

#[tokio::main(worker_threads = 2)]
async fn main() {
    println!("load average before: {}", load());
    let bench = bench();
    let person = bench.first("bench").await;
    let delivers = Delivers::parse("zip,files").unwrap();
    let job = person.console.set_delivers(&person.workspace.id, delivers);
    person.receipt(&job.await.unwrap()).await.unwrap();
    ship(&person, &bench.build("bench"), CHANNEL).await.unwrap();

    let file = bench.dir.path().join("t.sqlite");
    let telemetry = SqliteTelemetry::open(&file, Options::default());
    let telemetry: Arc<dyn Telemetry> = Arc::new(telemetry.await.unwrap());
    let registry = RegistryConfig {
        address: StorageAddress::Folder(bench.storage()),
        root: Bytes::copy_from_slice(&person.workspace.root),
        objects: None,
    };
    let mut config = ServerConfig::local(vec![registry], Arc::clone(&telemetry));
    let clock = Arc::clone(&bench.clock);
    config.clock = Arc::new(move || clock.now());
    config.limits.per_network = 0;
    let server = headgate_server::Server::start(config).await.unwrap();
    let health = server.read_now().await;
    assert!(health.iter().all(|h| h.problem.is_none()), "{health:?}");

    let catalog = server.state().catalog();
    let unit = catalog.unit(IdKind::Capacitor, APP).unwrap();
    let channel = unit.channel(CHANNEL).unwrap();
    let release = channel.releases.values().next_back().unwrap();
    let checks = checks(
        &release.manifest.version,
        release.manifest.build,
        &release.snapshot,
    );
    for check in checks {
        let run = Run {
            dir: bench.dir.path().to_owned(),
            ours: format!("http://{}", server.device_addr),
            check,
        };
        // wrk and nginx are waited for on another thread: the server's two go on.
        tokio::task::spawn_blocking(move || run.compare())
            .await
            .unwrap();
    }
    let counters = telemetry.counters();
    println!(
        "telemetry: {} written, {} dropped",
        counters.written, counters.dropped
    );
    println!("load average after: {}", load());
}

/// A request; `ID` in its body is another install every time.
struct Check {
    name: &'static str,
    method: &'static str,
    path: String,
    body: String,
}

fn checks(version: &str, build: u32, snapshot: &str) -> Vec<Check> {
    let capgo = format!(
        r#"{{"platform":"android","device_id":"ID","app_id":"{APP}","custom_id":"","version_build":"4.2.0","version_code":"420","version_os":"14","version_name":"{version}+{build}","plugin_version":"8.51.23","is_emulator":false,"is_prod":true,"defaultChannel":"{CHANNEL}"}}"#
    );
    let ionic = |client: &str| {
        format!(
            r#"{{"app_id":"{APP}","channel_name":"{CHANNEL}","device":{{"binary_version":"4.2.0","device_id":"ID","platform":"android","platform_version":"14","snapshot":"{snapshot}","build":"{build}"}},{client}}}"#
        )
    };
    let path = format!("/apps/{APP}/channels/check-device");
    let post = |name, path: &str, body| Check {
        name,
        method: "POST",
        path: path.to_owned(),
        body,
    };
    vec![
        post("Capgo, up to date", "/capgo/updates", capgo),
        post(
            "Ionic, up to date",
            &path,
            ionic(r#""is_portals":false,"manifest":true"#),
        ),
        post(
            "cordova-plugin-ionic, up to date",
            &path,
            ionic(r#""plugin_version":"5.5.3""#),
        ),
        Check {
            name: "Headgate, pack",
            method: "GET",
            path: format!("/headgate/{APP}/packs/{CHANNEL}.json"),
            body: String::new(),
        },
        post(
            "Headgate, report without events",
            &format!("/headgate/{APP}/events"),
            format!(
                r#"{{"install":"ID","channel":"{CHANNEL}","platform":"android","native":"4.2.0","client":"0.1.0","running":{build},"events":[]}}"#
            ),
        ),
    ]
}

struct Run {
    dir: PathBuf,
    ours: String,
    check: Check,
}

/// What wrk said.
struct Outcome {
    rate: f64,
    p50: f64,
    p99: f64,
}

impl Run {
    fn compare(&self) {
        let answer = self.answer();
        let nginx = Nginx::start(&self.dir, &answer);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(self.wrk(&self.ours, None));
            theirs.push(self.wrk(&nginx.url, None));
        }
        let (ours, theirs) = (median(&ours), median(&theirs));
        let half = self.wrk(&self.ours, Some(ours / 2.0));
        // What the machine alone makes of that rate.
        let peer = self.wrk(&nginx.url, Some(ours / 2.0));
        println!(
            "{} ({} bytes): {ours:.0} requests/s beside nginx {theirs:.0}, {:.2} x; at {:.0}/s p50 {:.2} ms, p99 {:.2} ms beside nginx {:.2} and {:.2} ms\n",
            self.check.name,
            answer.len(),
            ours / theirs,
            half.rate,
            half.p50,
            half.p99,
            peer.p50,
            peer.p99
        );
    }

    /// Our answer, which nginx then gives too.
    fn answer(&self) -> Vec<u8> {
        let mut curl = Command::new("curl");
        curl.args(["--noproxy", "*", "-sSf", "-X", self.check.method]);
        if !self.check.body.is_empty() {
            curl.args(["-H", "content-type: application/json", "-d"]);
            curl.arg(self.check.body.replace("ID", &install(0)));
        }
        let output = curl
            .arg(format!("{}{}", self.ours, self.check.path))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        println!(
            "{}: {}",
            self.check.name,
            String::from_utf8_lossy(&output.stdout)
                .chars()
                .take(160)
                .collect::<String>()
        );
        output.stdout
    }

    /// Asks as fast as it goes, or at about this rate.
    fn wrk(&self, url: &str, rate: Option<f64>) -> Outcome {
        let connections = if rate.is_some() {
            CONNECTIONS.1
        } else {
            CONNECTIONS.0
        };
        let delay = match rate {
            // Each connection waits so long between two requests, milliseconds, at random around the mean: devices do
            // not come in step, and equal pauses would make one burst of all connections out of every round.
            Some(rate) => format!(
                "function delay() return math.random(0, {}) end\n",
                (f64::from(connections) * 2000.0 / rate).round()
            ),
            None => String::new(),
        };
        let (method, path, body) = (self.check.method, &self.check.path, &self.check.body);
        let (before, after) = body.split_once("ID").unwrap_or((body, ""));
        let id = if body.is_empty() {
            "''"
        } else {
            "string.format('0e2f6d3a-0000-4000-8000-%012x', n)"
        };
        let script = format!(
            "local n = 0\n\
             local headers = {{['content-type'] = 'application/json'}}\n\
             function request()\n\
             n = (n + 1) % 10000\n\
             return wrk.format('{method}', '{path}', headers, '{before}' .. {id} .. '{after}')\n\
             end\n\
             {delay}\
             function done(summary, latency)\n\
             io.write(string.format('RESULT %f %f %f %d\\n', summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,\n\
             summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))\n\
             end\n"
        );
        let file = self.dir.join("wrk.lua");
        std::fs::write(&file, script).unwrap();
        let output = Command::new("wrk")
            .args([
                "-t2",
                &format!("-c{connections}"),
                &format!("-d{SECONDS}s"),
                "-s",
            ])
            .arg(&file)
            .arg(url)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text
            .lines()
            .find_map(|l| l.strip_prefix("RESULT "))
            .unwrap_or_else(|| panic!("{text}"));
        let numbers: Vec<f64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers[3], 0.0, "errors: {text}");
        let who = if url == self.ours {
            "Headgate"
        } else {
            "nginx"
        };
        println!(
            "  {who}: {:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms",
            numbers[0], numbers[1], numbers[2]
        );
        Outcome {
            rate: numbers[0],
            p50: numbers[1],
            p99: numbers[2],
        }
    }
}

fn install(n: u32) -> String {
    format!("0e2f6d3a-0000-4000-8000-{n:012x}")
}

fn median(outcomes: &[Outcome]) -> f64 {
    let mut rates: Vec<f64> = outcomes.iter().map(|o| o.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// nginx with one answer; ended when it goes out of scope.
struct Nginx {
    child: Child,
    url: String,
}

impl Nginx {
    fn start(dir: &Path, answer: &[u8]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let prefix = dir.join("nginx");
        std::fs::create_dir_all(&prefix).unwrap();
        std::fs::write(prefix.join("answer.json"), answer).unwrap();
        // A static file answers GET alone; the answer to a POST is 405, whose page is that file.
        let config = format!(
            "daemon off; worker_processes 2; pid {0}/pid; error_log {0}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000; open_file_cache max=10;\n\
             client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
             server {{ listen 127.0.0.1:{port}; root {0}; default_type application/json; error_page 405 =200 /answer.json;\n\
             location / {{ rewrite ^ /answer.json break; }} }} }}\n",
            prefix.display()
        );
        let file = prefix.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let child = Command::new("nginx")
            .args(["-e", "stderr", "-p"])
            .arg(&prefix)
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it when it is asked to, and not when it is killed.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
