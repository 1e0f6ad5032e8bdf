//! Connections: few enough, none that only waits, and all of them ended before the program does.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use headgate_core::{Code, Problem, Result};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::Limits;
use super::guard::Peer;
use super::idle::Idle;
use crate::metrics::Metrics;

/// Longest wait for connections that still answer when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// Pause after an accept that failed, usually for want of file handles.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let failed = |error: std::io::Error| {
        let what = format!("The server cannot listen on {address}: {error}.");
        Problem::new(Code::LocalBusy, what)
            .remedy("Stop what listens there, or choose another address.")
            .field("listen")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Answers connections until it is told to stop, then lets those that answer finish.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let mut stopping = stop.clone();
    loop {
        // Connections beyond the limit wait in the system's queue.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (router, stop) = (router.clone(), stop.clone());
        let connected = metrics.connected();
        connections.spawn(async move {
            connection(stream, peer, router, limits, stop).await;
            drop((place, connected));
        });
    }
    drop(listener);
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, rest).await.is_err() {
        tracing::warn!("connections were cut that did not end in time");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small: waiting for more to send helps nobody.
    let _ = stream.set_nodelay(true);
    let (stream, idle) = Idle::new(stream);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(answered(router.oneshot(request.map(Body::new)).await)) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(64 * 1024);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            // A client that breaks off is no news.
            _ = connection.as_mut() => return,
            () = idle.still(limits.idle) => return,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn answered<T>(result: std::result::Result<T, Infallible>) -> T {
    match result {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
