//! Accepting connections: a bounded number of them, each with a bound on how long a request's head may take.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::app::App;

/// The wait after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown` is ready, then lets requests under way finish.
pub async fn serve(listener: TcpListener, router: Router, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let limits = app.limits;
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            stream = accept(&listener, &permits) => stream,
        };
        let (stream, permit) = stream;
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        let open = app.metrics.connections.clone();
        open.inc();
        tokio::spawn(async move {
            // A connection that breaks is the client's affair; its requests have been counted.
            let _ = connection.await;
            drop(permit);
            open.dec();
        });
    }
    app.drain();
    drop(listener);
    let _ = tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await;
}

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // An answer is one write; waiting for more only delays it.
                let _ = stream.set_nodelay(true);
                return (stream, permit);
            }
            Err(error) => {
                warn!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
