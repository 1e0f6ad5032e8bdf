//! Devices with Ionic's Live Updates SDK or cordova-plugin-ionic 5.5.3: check-device, manifest, files. They report
//! nothing: what they run shows in their next check. They do not notice a release that does not start, either: such a
//! device is not seen again.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_core::status::Dialect;
use headgate_core::{Code, Platform, Problem, Result};
use headgate_tuf::sha256_hex;
use serde_json::{Value, json};

use super::shared::Shared;
use super::stats::Event;
use super::{Drawn, Simulated};

/// What the server calls a release.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Snapshot {
    id: String,
    build: Option<String>,
}

pub(super) struct IonicDevice {
    drawn: Drawn,
    running: Option<Snapshot>,
    next: Option<Snapshot>,
    /// The app does not start any more.
    dead: bool,
}

impl IonicDevice {
    pub(super) fn new(drawn: &Drawn) -> Self {
        Self {
            drawn: drawn.clone(),
            running: None,
            next: None,
            dead: false,
        }
    }

    fn apply(&mut self, shared: &Shared) {
        let Some(next) = self.next.take() else { return };
        let options = &shared.options;
        shared.totals.note(self.drawn.dialect, Event::Applied);
        let build = number(&next).unwrap_or(0);
        // The version is not on this wire: only a build can be named as failing.
        self.dead = !options
            .failure
            .starts(options.seed, &self.drawn.install, build, "");
        if !self.dead {
            shared.totals.note(self.drawn.dialect, Event::Confirmed);
        }
        self.running = Some(next);
    }

    fn request(&self, shared: &Shared) -> (String, Value) {
        let options = &shared.options;
        let app = options.ionic.as_ref().unwrap_or(&options.app);
        let running = self.running.as_ref();
        let (platform, version) = match self.drawn.platform {
            Platform::Ios => ("ios", "17"),
            Platform::Android => ("android", "35"),
        };
        let mut body = json!({
            "device": {
                "binary_version": self.drawn.native, "device_id": self.drawn.install,
                "platform": platform, "platform_version": version,
                "snapshot": running.map(|s| &s.id), "build": running.and_then(|s| s.build.as_ref()),
            },
            "app_id": app, "channel_name": options.channel, "manifest": true,
        });
        match self.drawn.dialect {
            Dialect::Cordova => body["plugin_version"] = "5.5.3".into(),
            _ => {
                body["plugin_version"] = "6".into();
                body["is_portals"] = false.into();
            }
        }
        (format!("/apps/{app}/channels/check-device"), body)
    }

    async fn check(&mut self, shared: &Shared) -> Result<()> {
        shared.totals.note(self.drawn.dialect, Event::Checked);
        let (path, body) = self.request(shared);
        let (status, answer) = shared.post(&path, &body).await?;
        let data = answer.get("data").filter(|_| status == 200);
        let data = data.ok_or_else(|| {
            let what = format!("The server answered {status} to check-device.");
            Problem::new(Code::StorageIo, what)
        })?;
        if data.get("available").and_then(Value::as_bool) != Some(true) {
            self.next = None;
            return Ok(());
        }
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let (Some(id), Some(url)) = (text("snapshot"), text("url")) else {
            let what = "An available update has no snapshot or no url.";
            return Err(Problem::new(Code::TrustFormat, what));
        };
        let snapshot = Snapshot {
            id: id.to_owned(),
            build: data.get("build").and_then(|b| match b {
                Value::Number(number) => Some(number.to_string()),
                Value::String(text) => Some(text.clone()),
                _ => None,
            }),
        };
        if Some(&snapshot) == self.next.as_ref() || self.runs(&snapshot) {
            return Ok(());
        }
        shared.totals.note(self.drawn.dialect, Event::Offered);
        let cordova = self.drawn.dialect == Dialect::Cordova;
        let key = format!("snapshot/{cordova}/{id}");
        shared.once(&key, files(shared, url, cordova)).await?;
        shared.totals.note(self.drawn.dialect, Event::Downloaded);
        self.next = Some(snapshot);
        Ok(())
    }

    fn runs(&self, snapshot: &Snapshot) -> bool {
        self.running.as_ref().is_some_and(|r| r.id == snapshot.id)
    }
}

/// The manifest, and every file of it. The SDK checks the digests; cordova's plugin checks nothing, the fleet does.
async fn files(shared: &Shared, url: &str, cordova: bool) -> Result<()> {
    let bad = |why: String| Problem::new(Code::TrustFormat, format!("Live update manifest: {why}"));
    let (found, bytes) = shared.get(url).await?;
    let list: Value = if cordova {
        serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?
    } else {
        let manifest: Value = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        let payload = manifest.get("payload").and_then(Value::as_str);
        let payload = payload.ok_or_else(|| bad("it has no payload".into()))?;
        // A signed one is unpadded base64url (RFC 7515), an unsigned one is plain base64.
        let payload = payload.replace('-', "+").replace('_', "/");
        let padding = "=".repeat((4 - payload.len() % 4) % 4);
        let decoded = STANDARD.decode(payload + &padding);
        let decoded = decoded.map_err(|e| bad(e.to_string()))?;
        serde_json::from_slice(&decoded).map_err(|e| bad(e.to_string()))?
    };
    let entries = list.as_array().ok_or_else(|| bad("it is no list".into()))?;
    for entry in entries {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let (href, integrity) = (text("href"), text("integrity"));
        let mut at = found.join(href).map_err(|e| bad(e.to_string()))?;
        at.set_query(found.query());
        let (_, bytes) = shared.get(at.as_str()).await?;
        let digest = hex::decode(sha256_hex(&bytes)).unwrap_or_default();
        let expected = format!("sha256-{}", STANDARD.encode(digest));
        if !integrity.split(' ').any(|i| i == expected) {
            let what = format!("{href:?} has other bytes than the manifest says.");
            return Err(Problem::new(Code::TrustHash, what));
        }
    }
    Ok(())
}

fn number(snapshot: &Snapshot) -> Option<u32> {
    snapshot.build.as_ref()?.parse().ok()
}

#[async_trait]
impl Simulated for IonicDevice {
    async fn round(&mut self, shared: &Shared) {
        if self.dead {
            return;
        }
        self.apply(shared);
        if self.dead {
            return;
        }
        if let Err(problem) = self.check(shared).await {
            shared
                .totals
                .failed(self.drawn.dialect, problem.code.text());
        }
    }

    fn running(&self) -> Option<u32> {
        self.running.as_ref().and_then(number)
    }
}
