//! What a device asks of the network, within the limits of the registry's reader: sizes, silence, dripping,
//! compression and redirects (trust model §7).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::pack::MAX_PACK;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Changed, ETag, HttpLimits, HttpStore, Store, http_client};
use reqwest::{Client, StatusCode, Url, header};

/// The network of a device.
#[async_trait]
pub trait Net: Send + Sync {
    /// The pack of the device's channel, unless it is still the known one.
    ///
    /// # Errors
    /// `storage.*`; `trust.format` when it is too large or compressed.
    async fn pack(&self, known: Option<&ETag>) -> Result<PackAnswer>;

    /// Bundles, inventories and files below an address.
    ///
    /// # Errors
    /// `storage.address`.
    fn objects(&self, base: &str) -> Result<Arc<dyn Store>>;

    /// Sends a report. It is acknowledged when this returns.
    ///
    /// # Errors
    /// `storage.*`.
    async fn report(&self, report: Vec<u8>) -> Result<()>;
}

/// What the server answered.
#[derive(Debug, Clone)]
pub enum PackAnswer {
    /// Still the known one.
    Same,
    /// The server hands none out: it knows no such channel, or withholds what it serves.
    Withheld,
    /// A pack.
    Pack {
        /// Its bytes.
        bytes: Bytes,
        /// Its tag.
        etag: ETag,
    },
}

/// Over HTTP.
#[derive(Debug, Clone)]
pub struct HttpNet {
    server: HttpStore,
    client: Client,
    events: Url,
    channel: String,
    limits: HttpLimits,
}

impl HttpNet {
    /// An update server, for an app and a channel of it. Nothing is asked yet.
    ///
    /// # Errors
    /// `storage.address`.
    pub fn new(server: &str, app: &str, channel: &str, limits: HttpLimits) -> Result<Self> {
        let base = format!("{}/headgate/{app}/", server.trim_end_matches('/'));
        let unreadable = |e| {
            let what = format!("{base} is no address of an update server: {e}.");
            Problem::new(Code::StorageAddress, what)
        };
        let events = Url::parse(&base)
            .and_then(|url| url.join("events"))
            .map_err(unreadable)?;
        let client = http_client(&limits, &events)?;
        Self::with_client(server, app, channel, limits, client)
    }

    /// As [`Self::new`] with connections that many devices share.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_client(
        server: &str,
        app: &str,
        channel: &str,
        limits: HttpLimits,
        client: Client,
    ) -> Result<Self> {
        let base = format!("{}/headgate/{app}/", server.trim_end_matches('/'));
        let events = Url::parse(&format!("{base}events")).map_err(|e| {
            Problem::new(Code::StorageAddress, format!("{base} is no address: {e}."))
        })?;
        Ok(Self {
            server: HttpStore::sharing(&base, limits, client.clone())?,
            client,
            events,
            channel: channel.to_owned(),
            limits,
        })
    }
}

#[async_trait]
impl Net for HttpNet {
    async fn pack(&self, known: Option<&ETag>) -> Result<PackAnswer> {
        let key = format!("packs/{}.json", self.channel);
        let changed = self.server.get_changed(&key, MAX_PACK as u64, known);
        match changed.await? {
            Changed::Same => Ok(PackAnswer::Same),
            Changed::Object(object) => Ok(PackAnswer::Pack {
                bytes: object.bytes,
                etag: object.etag,
            }),
            Changed::Missing => Ok(PackAnswer::Withheld),
        }
    }

    fn objects(&self, base: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(HttpStore::sharing(
            base,
            self.limits,
            self.client.clone(),
        )?))
    }

    async fn report(&self, report: Vec<u8>) -> Result<()> {
        let request = self
            .client
            .post(self.events.clone())
            .timeout(self.limits.metadata.max(Duration::from_millis(1)))
            .header(header::CONTENT_TYPE, "application/json")
            .body(report);
        let answer = request.send().await.map_err(|e| {
            Problem::new(Code::StorageIo, "The report was not sent.").detail(e.without_url())
        })?;
        match answer.status() {
            StatusCode::OK => Ok(()),
            status => Err(Problem::new(
                Code::StorageIo,
                format!("The server answered {status} to the report."),
            )),
        }
    }
}
