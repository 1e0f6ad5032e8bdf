//! A web server that answers what a test wants, and zips that Headgate did not make.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, header};
use headgate_core::Result;
use headgate_engine::{InspectOptions, InspectionReport, ShipRequest};
use headgate_tests::{Person, files_below};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// What the address answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes.
    Zip(Vec<u8>),
    /// A status.
    Status(u16),
    /// A page to log in.
    Page,
    /// To somewhere else.
    Redirect(String),
    /// These bytes, said to be compressed.
    Coded(Vec<u8>),
    /// So many bytes are announced.
    Announced(u64),
    /// Never ends and is never fast.
    Drip,
}

struct Shared {
    answers: Vec<Answer>,
    asked: usize,
}

/// A running server. The last of its answers stays.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
}

impl Host {
    pub(crate) async fn start(answer: Answer) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            answers: vec![answer],
            asked: 0,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/app/abc123.zip", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    pub(crate) async fn zip(bytes: Vec<u8>) -> Self {
        Self::start(Answer::Zip(bytes)).await
    }

    pub(crate) fn answers(&self, answer: Answer) {
        self.in_turn(vec![answer]);
    }

    /// One answer a request, the last one from then on.
    pub(crate) fn in_turn(&self, answers: Vec<Answer>) {
        self.shared.lock().unwrap().answers = answers;
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> usize {
        self.shared.lock().unwrap().asked
    }
}

async fn respond(State(shared): State<Arc<Mutex<Shared>>>) -> Response<Body> {
    let answer = {
        let mut shared = shared.lock().unwrap();
        shared.asked += 1;
        if shared.answers.len() > 1 {
            shared.answers.remove(0)
        } else {
            shared.answers[0].clone()
        }
    };
    let plain = Response::builder();
    let response = match answer {
        Answer::Zip(bytes) => plain.body(Body::from(bytes)),
        Answer::Status(status) => plain.status(status).body(Body::empty()),
        Answer::Page => plain
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .body(Body::from("<!doctype html><title>Log in</title>")),
        Answer::Redirect(to) => plain
            .status(302)
            .header(header::LOCATION, to)
            .body(Body::empty()),
        Answer::Coded(bytes) => plain
            .header(header::CONTENT_ENCODING, "gzip")
            .body(Body::from(bytes)),
        Answer::Announced(size) => plain
            .header(header::CONTENT_LENGTH, size)
            .body(Body::from_stream(drip())),
        Answer::Drip => plain.body(Body::from_stream(drip())),
    };
    response.unwrap()
}

fn drip() -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        Some((Ok(Bytes::from_static(b"PK")), ()))
    })
}

/// A zip of these files, deflated as another program does.
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9));
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A zip of a folder's files, in an order of its own.
pub(crate) fn zip_folder(folder: &Path) -> Vec<u8> {
    let mut files = files_in(folder);
    files.reverse();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), &b[..])).collect();
    zip_of(&files)
}

fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = files_below(folder);
    files.sort();
    let named = files.into_iter().map(|path| {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
        (name.replace('\\', "/"), std::fs::read(&path).unwrap())
    });
    named.collect()
}

/// Inspects what lies at an address.
pub(crate) async fn inspect(person: &Person, url: &str) -> Result<Arc<InspectionReport>> {
    let picked = person.console.pick_url(url)?;
    finish(person, &picked.handle).await
}

/// Inspects a folder or zip of this computer.
pub(crate) async fn inspect_path(person: &Person, path: &Path) -> Result<Arc<InspectionReport>> {
    let picked = person.console.pick(path)?;
    finish(person, &picked.handle).await
}

async fn finish(person: &Person, handle: &str) -> Result<Arc<InspectionReport>> {
    let (console, id) = (&person.console, &person.workspace.id);
    let job = console.inspect(id, "main", handle, InspectOptions::default());
    console.wait(&job.await?).await?;
    console.inspection(handle)
}

/// A ship of what was inspected; gives its plan.
pub(crate) async fn plan(person: &Person, handle: &str) -> Result<headgate_engine::ShipPlan> {
    let request = ShipRequest {
        workspace: person.workspace.id.clone(),
        unit: "main".into(),
        handle: handle.into(),
        version: "4.2.5".into(),
        channel: "development".into(),
        ..ShipRequest::default()
    };
    person.console.ship_prepare(request).await
}

/// Inspects, plans and starts; gives the job.
pub(crate) async fn start(person: &Person, url: &str) -> Result<String> {
    let report = inspect(person, url).await?;
    let plan = plan(person, &report.handle).await?;
    person.console.start_plan(&plan.plan, None).await
}

/// Zips, inventories and half downloads in a console's work folder.
pub(crate) fn left_in_work(person: &Person) -> Vec<PathBuf> {
    let mut left = files_below(&person.console.home().work());
    left.retain(|p| p.extension().is_none_or(|e| e != "lock"));
    left
}
