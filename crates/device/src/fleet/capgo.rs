//! Devices with Capgo's updater 8.51.23: what its Android and iOS sources do on the wire, no more.

use std::collections::BTreeSet;

use async_trait::async_trait;
use headgate_core::status::Dialect;
use headgate_core::{Code, Platform, Problem, Result};
use headgate_tuf::sha256_hex;
use serde_json::{Value, json};

use super::shared::Shared;
use super::stats::Event;
use super::{Drawn, Simulated};
use crate::runner::system_time;

const PLUGIN: &str = "8.51.23";

pub(super) struct CapgoDevice {
    drawn: Drawn,
    /// Name of the bundle that runs; nothing = the store bundle.
    running: Option<String>,
    /// Downloaded; set when the app comes to the foreground the next time.
    next: Option<String>,
    /// Names that failed here: never tried again.
    errored: BTreeSet<String>,
}

impl CapgoDevice {
    pub(super) fn new(drawn: &Drawn) -> Self {
        Self {
            drawn: drawn.clone(),
            running: None,
            next: None,
            errored: BTreeSet::new(),
        }
    }

    /// On the store bundle the plugin sends the native version (since 8.44.0).
    fn name(&self) -> &str {
        self.running.as_deref().unwrap_or(&self.drawn.native)
    }

    fn info(&self, shared: &Shared) -> Value {
        let (platform, os) = match self.drawn.platform {
            Platform::Ios => ("ios", "17.5.1"),
            Platform::Android => ("android", "14"),
        };
        json!({
            "platform": platform, "device_id": self.drawn.install, "app_id": shared.options.app,
            "custom_id": "", "version_build": self.drawn.native, "version_code": "1",
            "version_os": os, "version_name": self.name(), "plugin_version": PLUGIN,
            "is_emulator": false, "is_prod": true, "defaultChannel": shared.options.channel,
        })
    }

    fn event(&self, shared: &Shared, action: &str, version: &str, old: &str) -> Value {
        let mut event = self.info(shared);
        event["action"] = action.into();
        event["version_name"] = version.into();
        event["old_version_name"] = old.into();
        event["timestamp"] = (system_time().unix() * 1_000).into();
        event
    }

    async fn stats(&self, shared: &Shared, events: Vec<Value>) {
        let sent = shared.post("/capgo/stats", &Value::Array(events)).await;
        match sent {
            Ok((200..300, _)) => {}
            Ok((status, _)) => shared
                .totals
                .failed(Dialect::Capgo, &format!("http.{status}")),
            Err(problem) => shared.totals.failed(Dialect::Capgo, problem.code.text()),
        }
    }

    /// Switches to what was downloaded, which starts or does not.
    async fn apply(&mut self, shared: &Shared) {
        let Some(next) = self.next.take() else { return };
        let note = |event| shared.totals.note(Dialect::Capgo, event);
        let old = self.name().to_owned();
        note(Event::Applied);
        let mut events = vec![self.event(shared, "set", &next, &old)];
        let options = &shared.options;
        let build = build(&next).unwrap_or(0);
        if options
            .failure
            .starts(options.seed, &self.drawn.install, build, &next)
        {
            note(Event::Confirmed);
            self.running = Some(next.clone());
            events.push(self.event(shared, "app_launch_ready", &next, &old));
        } else {
            note(Event::RolledBack);
            for action in ["app_launch_timeout", "update_fail"] {
                events.push(self.event(shared, action, &next, &old));
            }
            self.errored.insert(next);
        }
        self.stats(shared, events).await;
    }

    async fn check(&mut self, shared: &Shared) -> Result<()> {
        shared.totals.note(Dialect::Capgo, Event::Checked);
        let (_, answer) = shared.post("/capgo/updates", &self.info(shared)).await?;
        // The mere presence of either means: no update.
        if answer.get("error").is_some() || answer.get("kind").is_some() {
            return Ok(());
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let version = text("version").to_owned();
        if version == "builtin" {
            if let Some(old) = self.running.take() {
                let reset = self.event(shared, "reset", &self.drawn.native, &old);
                self.stats(shared, vec![reset]).await;
            }
            self.next = None;
            return Ok(());
        }
        if version.is_empty() || text("url").is_empty() {
            let what = "The answer has no version or no url.";
            return Err(Problem::new(Code::TrustFormat, what));
        }
        if version == self.name() || self.errored.contains(&version) {
            return Ok(());
        }
        if self.next.as_ref() == Some(&version) {
            return Ok(());
        }
        shared.totals.note(Dialect::Capgo, Event::Offered);
        let encrypted = !text("session_key").is_empty();
        let fetched = match answer.get("manifest") {
            Some(manifest) => files(shared, &version, manifest, encrypted).await,
            None => zip(shared, text("url"), text("checksum"), encrypted).await,
        };
        let old = self.name().to_owned();
        let action = match &fetched {
            Ok(()) => "download_complete",
            Err(_) => "download_fail",
        };
        let event = self.event(shared, action, &version, &old);
        self.stats(shared, vec![event]).await;
        fetched?;
        shared.totals.note(Dialect::Capgo, Event::Downloaded);
        self.next = Some(version);
        Ok(())
    }
}

fn wrong(what: &str) -> Problem {
    Problem::new(
        Code::TrustHash,
        format!("{what} has other bytes than its checksum says."),
    )
}

/// An encrypted bundle cannot be checked without the key in the app: the fleet has none, so it only fetches it.
async fn zip(shared: &Shared, url: &str, checksum: &str, encrypted: bool) -> Result<()> {
    if checksum.is_empty() {
        return Err(Problem::new(Code::TrustHash, "The answer has no checksum."));
    }
    let fetch = async {
        let (_, bytes) = shared.get(url).await?;
        if !encrypted && sha256_hex(&bytes) != checksum {
            return Err(wrong("The bundle"));
        }
        Ok(())
    };
    shared.once(&format!("zip/{checksum}/{url}"), fetch).await
}

async fn files(shared: &Shared, version: &str, manifest: &Value, encrypted: bool) -> Result<()> {
    let entries = manifest.as_array().filter(|m| !m.is_empty());
    let entries = entries
        .ok_or_else(|| Problem::new(Code::TrustFormat, "The manifest of files is empty."))?;
    let index = entries.iter().any(|e| {
        let name = e
            .get("file_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        name == "index.html" || name == "index.html.br"
    });
    if !index {
        return Err(Problem::new(
            Code::TrustFormat,
            "The manifest has no index.html.",
        ));
    }
    for entry in entries {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let (name, hash, url) = (text("file_name"), text("file_hash"), text("download_url"));
        if name.is_empty() || hash.is_empty() || url.is_empty() {
            let what = format!("The manifest of {version} lacks a field.");
            return Err(Problem::new(Code::TrustFormat, what));
        }
        let fetch = async {
            let (_, bytes) = shared.get(url).await?;
            if encrypted {
                return Ok(());
            }
            let plain = match name.ends_with(".br") {
                true => unbrotli(&bytes)?,
                false => bytes.to_vec(),
            };
            if sha256_hex(&plain) != hash {
                return Err(wrong(name));
            }
            Ok(())
        };
        shared.once(&format!("file/{hash}/{url}"), fetch).await?;
    }
    Ok(())
}

/// As the plugin does: three bytes stand for an empty file.
fn unbrotli(bytes: &[u8]) -> Result<Vec<u8>> {
    if bytes.is_empty() || bytes == [0x1b, 0x00, 0x06] {
        return Ok(Vec::new());
    }
    let max = 64 << 20;
    headgate_bundle::single::unstore(bytes, headgate_core::files::Encoding::Brotli, max)
}

/// The build in a bundle's name, `4.2.5+1308`.
fn build(version: &str) -> Option<u32> {
    version.rsplit_once('+')?.1.parse().ok()
}

#[async_trait]
impl Simulated for CapgoDevice {
    async fn round(&mut self, shared: &Shared) {
        self.apply(shared).await;
        if let Err(problem) = self.check(shared).await {
            shared.totals.failed(Dialect::Capgo, problem.code.text());
        }
    }

    fn running(&self) -> Option<u32> {
        self.running.as_deref().and_then(build)
    }
}
