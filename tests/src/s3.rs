//! A real S3 server in the test process (s3s-fs: signatures are checked), with faults that a test orders.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body as AnyBody;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use headgate_core::Result;
use headgate_engine::OpenStore;
use headgate_registry::{
    BucketCredentials, BucketKeys, BucketLimits, BucketStore, EnvCredentials, FixedCredentials,
    HttpStore, StorageAddress, Store,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::sync::Notify;

use crate::{Hook, HookedStore};

/// The bucket of every server here.
pub const BUCKET: &str = "field-updates";
/// The access key that it knows.
pub const ACCESS_KEY: &str = "AKHEADGATETEST";
/// Its secret.
pub const SECRET: &str = "s3cr3t/of+the+tests";

/// What a request gets instead of a plain answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing unusual.
    Pass,
    /// An S3 error with this status and code, before anything is done; the last text goes into its body.
    Refuse(u16, &'static str, String),
    /// Status 200 with this body, before anything is done.
    Says(String),
    /// The connection breaks before anything is done.
    Break,
    /// The request is carried out and the connection breaks: its answer is lost.
    DoneButLost,
    /// The request is carried out and answered with this status and code.
    DoneBut(u16, &'static str),
    /// The answer's body is cut in half.
    Cut,
    /// The answer comes later.
    Slow(Duration),
    /// The request waits until [`S3::release`].
    Hold,
}

/// A request as a test sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// The key below the bucket, or nothing for the bucket itself.
    pub key: String,
    /// Its query.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Bytes that it sends.
    pub size: u64,
}

impl Asked {
    fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path().trim_start_matches('/');
        let key = path.strip_prefix(BUCKET).unwrap_or(path);
        let length = headers.get("content-length");
        Self {
            method: method.clone(),
            key: key.trim_start_matches('/').to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: headers.clone(),
            size: length
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .unwrap_or(0),
        }
    }

    /// Writes an object or a part.
    pub fn is_put(&self) -> bool {
        self.method == Method::PUT
    }

    /// The number of the part that it sends, from 1.
    pub fn part(&self) -> Option<u32> {
        let number = self
            .query
            .split('&')
            .find_map(|p| p.strip_prefix("partNumber="));
        number
            .and_then(|n| n.parse().ok())
            .filter(|_| self.is_put())
    }
}

type Decide = Arc<dyn Fn(&Asked) -> Fault + Send + Sync>;

/// A running server. Its objects lie as files below `folder/field-updates`.
#[derive(Clone)]
pub struct S3 {
    /// Where the objects lie.
    pub folder: PathBuf,
    /// `http://127.0.0.1:port`.
    pub url: String,
    decide: Arc<Mutex<Decide>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    gate: Arc<Notify>,
    conditional: Arc<[tokio::sync::Mutex<()>; 64]>,
}

impl S3 {
    /// Starts one on the runtime that is running.
    pub async fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder.join(BUCKET)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            folder: folder.to_owned(),
            url: format!("http://{}", listener.local_addr().unwrap()),
            decide: Arc::new(Mutex::new(Arc::new(|_| Fault::Pass))),
            asked: Arc::default(),
            gate: Arc::default(),
            conditional: Arc::new(std::array::from_fn(|_| tokio::sync::Mutex::default())),
        };
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET));
        let s3 = builder.build();
        let state = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (s3, state) = (s3.clone(), state.clone());
                let service = hyper::service::service_fn(move |request| {
                    let (s3, state) = (s3.clone(), state.clone());
                    async move { state.answer(s3, request).await }
                });
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        server
    }

    async fn answer(
        &self,
        s3: s3s::service::S3Service,
        request: Request<hyper::body::Incoming>,
    ) -> std::io::Result<Response<AnyBody>> {
        let asked = Asked::read(request.method(), request.uri(), request.headers());
        self.asked.lock().unwrap().push(asked.clone());
        let decide = Arc::clone(&self.decide.lock().unwrap());
        let fault = decide(&asked);
        let broken = || std::io::Error::other("the connection breaks");
        match &fault {
            Fault::Break => return Err(broken()),
            Fault::Refuse(status, code, more) => return Ok(refusal(*status, code, more)),
            Fault::Says(body) => return Ok(Response::new(AnyBody::from(body.clone()))),
            Fault::Slow(pause) => tokio::time::sleep(*pause).await,
            Fault::Hold => self.gate.notified().await,
            _ => {}
        }
        // s3s-fs compares and writes in two steps; a real store does both at once, for each object by itself.
        let conditional = ["if-match", "if-none-match"]
            .iter()
            .any(|name| request.headers().contains_key(*name));
        let _one = match conditional && request.method() == Method::PUT {
            true => Some(self.conditional[place(&asked.key)].lock().await),
            false => None,
        };
        let request = request.map(s3s::Body::from);
        let response = s3
            .call(request)
            .await
            .map_err(|e| std::io::Error::other(format!("{e:?}")))?;
        match fault {
            Fault::DoneButLost => Err(broken()),
            Fault::DoneBut(status, code) => Ok(refusal(status, code, "")),
            Fault::Cut => {
                let (parts, body) = response.into_parts();
                let bytes = axum::body::to_bytes(AnyBody::new(body), usize::MAX).await;
                let bytes = bytes.map_err(std::io::Error::other)?;
                let half = bytes.slice(..bytes.len() / 2);
                let stream = futures::stream::iter([Ok(half), Err(broken())]);
                Ok(Response::from_parts(parts, AnyBody::from_stream(stream)))
            }
            _ => Ok(response.map(AnyBody::new)),
        }
    }

    /// Decides about every request from now on.
    pub fn faults(&self, decide: impl Fn(&Asked) -> Fault + Send + Sync + 'static) {
        *self.decide.lock().unwrap() = Arc::new(decide);
    }

    /// The access key ends at part 3: nothing is allowed from there on, but for the two parts that were on their way.
    pub fn expire(&self, code: &'static str) {
        let ended = AtomicBool::new(false);
        self.faults(move |asked| {
            let ends = asked.part() == Some(3) || ended.load(Ordering::SeqCst);
            ended.store(ends, Ordering::SeqCst);
            match asked.part() {
                Some(1 | 2) => Fault::Pass,
                _ if ends => Fault::Refuse(403, code, String::new()),
                _ => Fault::Pass,
            }
        });
    }

    /// No faults from now on; what is held goes on.
    pub fn heal(&self) {
        self.faults(|_| Fault::Pass);
        self.release();
    }

    /// Lets held requests go on.
    pub fn release(&self) {
        self.gate.notify_waiters();
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }

    /// The address of a registry in the bucket.
    pub fn address(&self, prefix: &str) -> String {
        format!(
            "s3://{BUCKET}/{prefix}?endpoint={}&region=us-east-1",
            self.url
        )
    }

    /// Stores with the right access key and limits that suit a test.
    pub fn stores(&self) -> Buckets {
        Self::stores_of()
    }

    /// As [`Self::stores`], for a server in another process.
    pub fn stores_of() -> Buckets {
        Buckets {
            limits: quick(),
            fixed: Some((ACCESS_KEY.into(), SECRET.into())),
            hook: None,
            address: None,
        }
    }
}

/// Which lock an object has.
fn place(key: &str) -> usize {
    let sum = key.bytes().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    sum % 64
}

fn refusal(status: u16, code: &str, more: &str) -> Response<AnyBody> {
    let message = if more.contains("<Message>") {
        ""
    } else {
        "<Message>refused by the test</Message>"
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>{message}{more}<RequestId>1</RequestId></Error>"
    );
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .body(AnyBody::from(body))
        .unwrap()
}

/// Limits under which silence ends soon.
pub fn quick() -> BucketLimits {
    BucketLimits {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(2),
        metadata: Duration::from_secs(5),
        retry_pause: Duration::from_millis(5),
        settle: Duration::from_millis(40),
        ..BucketLimits::default()
    }
}

/// Opens buckets for consoles of tests.
#[derive(Clone)]
pub struct Buckets {
    limits: BucketLimits,
    fixed: Option<(String, String)>,
    hook: Option<Arc<dyn Hook>>,
    address: Option<String>,
}

impl Buckets {
    /// With the credentials that the console itself finds.
    #[must_use]
    pub fn own_credentials(mut self) -> Self {
        self.fixed = None;
        self
    }

    /// Opens this address whatever is recorded, so that a home can be copied together with its bucket.
    #[must_use]
    pub fn at(mut self, address: String) -> Self {
        self.address = Some(address);
        self
    }

    /// With a hook around its writes.
    #[must_use]
    pub fn hooked(mut self, hook: Arc<dyn Hook>) -> Self {
        self.hook = Some(hook);
        self
    }

    fn bucket(
        &self,
        address: &str,
        credentials: Arc<dyn BucketCredentials>,
    ) -> Result<Arc<dyn Store>> {
        let credentials = match &self.fixed {
            None => credentials,
            Some((id, secret)) => {
                let keys = BucketKeys::new(id.clone().into(), secret.clone().into(), None)?;
                Arc::new(FixedCredentials::new(keys))
            }
        };
        let address = self.address.as_deref().unwrap_or(address);
        let StorageAddress::Bucket(bucket) = StorageAddress::parse(address)? else {
            return StorageAddress::parse(address)?.open();
        };
        let store = BucketStore::with_limits(bucket, credentials, self.limits)?;
        Ok(match &self.hook {
            None => Arc::new(store),
            Some(hook) => Arc::new(HookedStore::new(Arc::new(store), Arc::clone(hook))),
        })
    }
}

impl OpenStore for Buckets {
    fn open(&self, address: &str) -> Result<Arc<dyn Store>> {
        self.bucket(address, Arc::new(EnvCredentials::new()))
    }

    fn open_with(
        &self,
        address: &str,
        credentials: Arc<dyn BucketCredentials>,
    ) -> Result<Arc<dyn Store>> {
        self.bucket(address, credentials)
    }

    fn open_public(&self, url: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(HttpStore::new(url)?.no_cache()))
    }

    fn create(&self, address: &str) -> Result<Arc<dyn Store>> {
        self.open(address)
    }
}
