//! A server in memory for the tests of dialects: one app, two channels, two releases, and a telemetry that remembers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use headgate_core::files::{Encoding, FilesMap, StoredBytes, StoredFile};
use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_core::manifest::{BundleRef, FilesRef, InventoryRef, Packer, Source};
use headgate_core::offer::Approved;
use headgate_core::rollout::{BaseRelease, Gate};
use headgate_core::settings::ChannelRsa;
use headgate_core::status::GateStatus;
use headgate_core::{
    Base, ChannelState, Code, Native, Problem, ReleaseManifest, Result, RolloutDocument,
};
use headgate_registry::{FolderStore, HighWater};
use headgate_tuf::{Name, UtcTime, sha256_hex};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::catalog::{IdKind, Storage, snapshot_id};
use crate::telemetry::{AttemptKey, Cells, NoTelemetry, Report, Seen, StoredInstall, Telemetry};
use crate::{AppState, Catalog, ChannelServing, RegistryServing, ReleaseServing, UnitServing};

pub(crate) const APP: &str = "com.acme.field";
pub(crate) const APPFLOW: &str = "abcd1234";
pub(crate) const PUBLIC: &str = "https://ota.example.test";
pub(crate) const OBJECTS: &str = "https://objects.example.test/field";
pub(crate) const INSTALL: &str = "6f0e3b0a-5c1c-4b53-8d0f-2b9f3f6a7c11";

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn now() -> UtcTime {
    UtcTime::from_unix(1_790_000_000)
}

/// What a test changes before the server starts.
pub(crate) struct Setup {
    /// Releases of `production`; the last one is its base.
    pub(crate) releases: Vec<ReleaseServing>,
    /// What everyone gets, instead of the last release.
    pub(crate) base: Option<Base>,
    /// Unfinished rollouts.
    pub(crate) entries: Vec<headgate_core::rollout::Entry>,
    /// Key of `production`.
    pub(crate) rsa: Option<ChannelRsa>,
    /// Reports cannot be stored.
    pub(crate) broken: bool,
    /// Metadata has run out.
    pub(crate) stale: bool,
    /// Folder that the server reads objects from.
    pub(crate) folder: Option<FolderStore>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            releases: vec![release(1300, "4.2.4"), release(1308, "4.2.5")],
            base: None,
            entries: Vec::new(),
            rsa: None,
            broken: false,
            stale: false,
            folder: None,
        }
    }
}

/// A release of two files that lies in storage as a zip.
pub(crate) fn release(build: u32, version: &str) -> ReleaseServing {
    let files = vec![
        ("app.js", format!("console.log({build})")),
        ("index.html", "<html>".into()),
    ];
    let files: Vec<_> = files
        .into_iter()
        .map(|(path, text)| InventoryFile {
            path: path.into(),
            size: text.len() as u64,
            sha256: sha256_hex(text.as_bytes()),
        })
        .collect();
    let mut release = ReleaseServing {
        manifest: ReleaseManifest {
            unit: name("main"),
            version: version.into(),
            build,
            created: now(),
            source: Source::default(),
            packer: Packer {
                name: "headgate".into(),
                version: "0.1.0".into(),
                level: 6,
            },
            bundle: BundleRef {
                sha256: sha256_hex(format!("bundle {build}").as_bytes()),
                size: 1000,
                url: None,
            },
            inventory: InventoryRef {
                sha256: "0".repeat(64),
                size: 1,
            },
            files: None,
            native: Native::default(),
            allowed: Vec::new(),
        },
        sha256: String::new(),
        snapshot: String::new(),
        inventory: Arc::new(Inventory { files }),
        files: None,
        clients: None,
        capgo_files: None,
        ionic_manifest: None,
    };
    rehash(&mut release);
    release
}

fn rehash(release: &mut ReleaseServing) {
    release.sha256 = release.manifest.sha256().unwrap();
    release.snapshot = snapshot_id(&release.sha256);
}

/// A file: its path, itself, and its Brotli stream where that is what is stored.
pub(crate) type Stored<'a> = (&'a str, &'a [u8], Option<&'a [u8]>);

/// The same release, delivered as single files too; `stored` says of each path how.
pub(crate) fn with_files(
    mut release: ReleaseServing,
    zip: bool,
    stored: &[Stored<'_>],
) -> ReleaseServing {
    let files: Vec<StoredFile> = stored
        .iter()
        .map(|(path, plain, brotli)| StoredFile {
            path: (*path).into(),
            sha256: sha256_hex(plain),
            size: plain.len() as u64,
            stored: match brotli {
                None => StoredBytes::plain(sha256_hex(plain), plain.len() as u64),
                Some(bytes) => StoredBytes {
                    sha256: sha256_hex(bytes),
                    size: bytes.len() as u64,
                    encoding: Encoding::Brotli,
                },
            },
        })
        .collect();
    let listed = files.iter().map(|f| InventoryFile {
        path: f.path.clone(),
        size: f.size,
        sha256: f.sha256.clone(),
    });
    release.inventory = Arc::new(Inventory {
        files: listed.collect(),
    });
    release.files = Some(Arc::new(FilesMap { files }));
    release.manifest.files = Some(FilesRef {
        sha256: "1".repeat(64),
        size: 1,
        zip,
    });
    rehash(&mut release);
    release
}

/// A server that is asked through its routes.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) told: Arc<Recorder>,
    pub(crate) snapshots: BTreeMap<u32, String>,
}

/// An answer.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Setup {
    pub(crate) fn start(self) -> Server {
        let told = Arc::new(Recorder {
            broken: self.broken,
            ..Recorder::default()
        });
        let folder = self
            .folder
            .unwrap_or_else(|| FolderStore::open(&std::env::temp_dir()).unwrap());
        let registry = Arc::new(RegistryServing {
            workspace: "w".into(),
            app: APP.into(),
            objects: OBJECTS.into(),
            storage: Storage(Arc::new(folder)),
            folder: None,
            read: now(),
        });
        let releases: BTreeMap<u32, Arc<ReleaseServing>> = self
            .releases
            .into_iter()
            .map(|r| (r.manifest.build, Arc::new(r)))
            .collect();
        let last = releases.values().next_back();
        let base = self.base.unwrap_or_else(|| match last {
            Some(last) => Base::Release(BaseRelease {
                release: last.manifest.build,
                manifest: last.sha256.clone(),
                native: None,
                rolled_back: false,
                opened: None,
            }),
            None => Base::Nothing,
        });
        let channel = |id: &str| {
            let rollout = RolloutDocument {
                unit: name("main"),
                channel: name(id),
                entries: self.entries.clone(),
                base: base.clone(),
                keep: Vec::new(),
                steps: Vec::new(),
                min_hours: 0,
                gate: None,
                frozen: None,
                started: now(),
                reason: "test".into(),
            };
            let approved = releases.iter().map(|(build, r)| {
                let approved = Approved {
                    sha256: r.sha256.clone(),
                    native: r.manifest.native.clone(),
                };
                (*build, approved)
            });
            let state = Arc::new(ChannelState {
                releases: approved.collect(),
                embedded: Default::default(),
                rollout,
            });
            let later = now().unix() + if self.stale { -1 } else { 86_400 };
            Arc::new(ChannelServing {
                unit: name("main"),
                channel: name(id),
                attempt: Some(state.rollout.attempt()),
                decides: Some(Arc::clone(&state)),
                state: Some(state),
                releases: releases.clone(),
                withheld: None,
                expires: UtcTime::from_unix(later),
                rollout: Some(1),
                stopped: false,
                self_assign: id == "beta",
                rsa: self.rsa.clone(),
                pack: None,
            })
        };
        let production = channel("production");
        let channels = HashMap::from([
            ("beta".to_owned(), channel("beta")),
            ("Production".to_owned(), Arc::clone(&production)),
            ("production".to_owned(), production),
        ]);
        let unit = Arc::new(UnitServing {
            registry,
            unit: name("main"),
            channels,
            order: vec![name("beta"), name("production")],
        });
        let mut catalog = Catalog::default();
        assert!(catalog.add(IdKind::Capacitor, APP, Arc::clone(&unit)));
        assert!(catalog.add(IdKind::Ionic, APPFLOW, unit));
        let telemetry: Arc<dyn Telemetry> = Arc::clone(&told) as Arc<dyn Telemetry>;
        let state = AppState::new(telemetry, PUBLIC, Arc::new(now));
        state.serve(Arc::new(catalog));
        Server {
            router: super::router(state),
            told,
            snapshots: releases
                .iter()
                .map(|(build, r)| (*build, r.snapshot.clone()))
                .collect(),
        }
    }
}

impl Server {
    pub(crate) async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Got {
        self.ask_with(method, path, &[], body).await
    }

    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Got {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        for (key, value) in headers {
            request = request.header(*key, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Got {
            status: parts.status,
            headers: parts.headers,
            bytes: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.ask("POST", path, body.to_string()).await
    }
}

/// Remembers what it is told.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) reports: Mutex<Vec<Report>>,
    broken: bool,
    none: NoTelemetry,
}

#[async_trait]
impl Telemetry for Recorder {
    fn seen(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        if self.broken {
            return Err(Problem::new(Code::LocalDisk, "full"));
        }
        self.reports.lock().unwrap().extend(reports);
        Ok(())
    }

    fn epoch(&self) -> String {
        self.none.epoch()
    }

    async fn cells(&self, workspace: &str, after: u64, limit: usize) -> Result<Cells> {
        self.none.cells(workspace, after, limit).await
    }

    async fn plugins(&self, workspace: &str) -> Result<Vec<(String, String, u64)>> {
        self.none.plugins(workspace).await
    }

    async fn install(&self, id: &str) -> Result<Vec<StoredInstall>> {
        self.none.install(id).await
    }

    async fn forget(&self, id: &str) -> Result<bool> {
        self.none.forget(id).await
    }

    async fn gate(&self, key: &AttemptKey, gate: Gate, now: UtcTime) -> Result<GateStatus> {
        self.none.gate(key, gate, now).await
    }

    async fn latched(&self, key: &AttemptKey) -> Result<Option<UtcTime>> {
        self.none.latched(key).await
    }

    async fn marks(&self, workspace: &str) -> Result<HighWater> {
        self.none.marks(workspace).await
    }

    async fn raise_marks(&self, workspace: &str, marks: &HighWater) -> Result<()> {
        self.none.raise_marks(workspace, marks).await
    }

    async fn tidy(&self, now: UtcTime) -> Result<()> {
        self.none.tidy(now).await
    }
}
