//! A small update server of Headgate's dialect over a folder, which a test can make misbehave. It believes nothing and
//! checks nothing: a pack holds whatever lies in the storage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, header};
use futures::stream;
use headgate_core::pack::{EventReport, FORMAT, Pack};
use headgate_tuf::sha256_hex;

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It has no end, and no length.
    Endless,
    /// It announces so many bytes.
    Announced(u64),
    /// It is said to be compressed.
    Coded(Vec<u8>),
    /// It comes byte by byte.
    Drip,
    /// It ends after so many bytes.
    Cut(usize),
    /// Another status.
    Status(u16),
    /// To somewhere else.
    Redirect(String),
    /// Other bytes.
    Bytes(Vec<u8>),
}

/// All metadata and documents of a storage as a pack.
pub fn pack_of(storage: &Path, objects: &str) -> Pack {
    let mut files = BTreeMap::new();
    for folder in ["metadata", "targets"] {
        for entry in std::fs::read_dir(storage.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            files.insert(format!("{folder}/{name}"), text);
        }
    }
    Pack {
        format: FORMAT.into(),
        objects: objects.into(),
        files,
    }
}

#[derive(Debug, Default)]
struct Said {
    troubles: Vec<(String, Trouble)>,
    reports: Vec<EventReport>,
    asked: Vec<String>,
}

/// A running server.
#[derive(Debug, Clone)]
pub struct PackHost {
    /// Its address, without a slash at the end.
    pub url: String,
    storage: Arc<Mutex<PathBuf>>,
    said: Arc<Mutex<Said>>,
}

impl PackHost {
    /// Serves a folder.
    pub async fn start(storage: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            storage: Arc::new(Mutex::new(storage.to_owned())),
            said: Arc::default(),
        };
        let router = Router::new().fallback(respond).with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        host
    }

    /// Serves another folder from now on.
    pub fn serve(&self, storage: &Path) {
        *self.storage.lock().unwrap() = storage.to_owned();
    }

    /// From now on, answers for paths that hold this text go wrong.
    pub fn trouble(&self, path: &str, trouble: Trouble) {
        let mut said = self.said.lock().unwrap();
        said.troubles.push((path.to_owned(), trouble));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.said.lock().unwrap().troubles.clear();
    }

    /// Paths that were asked for since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap().asked)
    }

    /// Reports that were acknowledged.
    pub fn reports(&self) -> Vec<EventReport> {
        self.said.lock().unwrap().reports.clone()
    }

    fn good(&self, path: &str, known: Option<&str>) -> Response<Body> {
        let storage = self.storage.lock().unwrap().clone();
        let (bytes, missing) = if path.contains("/packs/") {
            let pack = pack_of(&storage, &format!("{}/objects", self.url));
            (serde_json::to_vec(&pack).unwrap(), false)
        } else {
            let key = path.strip_prefix("/objects/").unwrap_or("none");
            let read = std::fs::read(storage.join(key));
            let missing = read.is_err();
            (read.unwrap_or_default(), missing)
        };
        let tag = format!("\"{}\"", sha256_hex(&bytes));
        let answer = Response::builder().header(header::ETAG, &tag);
        let answer = match (missing, known == Some(&tag)) {
            (true, _) => answer.status(404).body(Body::empty()),
            (_, true) => answer.status(304).body(Body::empty()),
            _ => answer.body(Body::from(bytes)),
        };
        answer.unwrap()
    }

    fn bad(&self, path: &str, trouble: Trouble) -> Response<Body> {
        let plain = Response::builder();
        let endless = || {
            let piece = Bytes::from(vec![b' '; 65_536]);
            stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()))
        };
        let answer = match trouble {
            Trouble::Endless => plain.body(Body::from_stream(endless())),
            Trouble::Announced(size) => plain
                .header(header::CONTENT_LENGTH, size)
                .body(Body::from_stream(endless())),
            Trouble::Coded(bytes) => plain
                .header(header::CONTENT_ENCODING, "gzip")
                .body(Body::from(bytes)),
            Trouble::Drip => plain.body(Body::from_stream(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(400)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
            }))),
            Trouble::Cut(size) => {
                let whole = self.good(path, None);
                return cut(whole, size);
            }
            Trouble::Status(status) => plain.status(status).body(Body::empty()),
            Trouble::Redirect(to) => plain
                .status(302)
                .header(header::LOCATION, to)
                .body(Body::empty()),
            Trouble::Bytes(bytes) => plain.body(Body::from(bytes)),
        };
        answer.unwrap()
    }
}

/// The connection breaks after so many bytes.
fn cut(whole: Response<Body>, size: usize) -> Response<Body> {
    let body = whole.into_body().into_data_stream();
    let mut left = size;
    let pieces = stream::StreamExt::flat_map(body, move |piece| {
        let piece = piece.unwrap();
        let end = piece.len().min(left);
        left -= end;
        let broken = std::io::Error::other("the connection breaks");
        let mut out = vec![Ok(piece.slice(..end))];
        if end < piece.len() {
            out.push(Err(broken));
        }
        stream::iter(out)
    });
    Response::new(Body::from_stream(pieces))
}

async fn respond(State(host): State<PackHost>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let trouble = {
        let mut said = host.said.lock().unwrap();
        said.asked.push(path.clone());
        let found = said.troubles.iter().find(|(part, _)| path.contains(part));
        found.map(|(_, trouble)| trouble.clone())
    };
    if let Some(trouble) = trouble {
        return host.bad(&path, trouble);
    }
    if request.method() == Method::POST {
        let bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await;
        let status = match EventReport::parse(&bytes.unwrap()) {
            Ok(report) => {
                host.said.lock().unwrap().reports.push(report);
                200
            }
            Err(_) => 400,
        };
        let answer = Response::builder().status(status).body(Body::empty());
        return answer.unwrap();
    }
    let known = request.headers().get(header::IF_NONE_MATCH);
    host.good(&path, known.and_then(|v| v.to_str().ok()))
}
