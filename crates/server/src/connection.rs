//! Accepting connections: a bounded number of them, each with a bound on how long a request's head may take.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::warn;

use crate::app::App;
use crate::tls::Tls;

/// So many connections may wait to be accepted, if the system allows it (`net.core.somaxconn`, 4096 by default). Who finds no
/// place hears nothing for a second.
const BACKLOG: u32 = 4096;
/// The wait after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The most bytes of a request's head, and of what is read from a connection at a time.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// The most headers of a request; a phone sends some ten.
const HEADERS_MAX: usize = 100;

/// Listens on an address; the system chooses the port if it is 0. Runs within a runtime.
///
/// # Errors
/// When the address is not of this machine or is in use.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that is started again takes its port over from connections that are still being closed.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` on `listener`, over `tls` if there is one, until `shutdown` is ready; then lets requests under way
/// finish.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) {
    let limits = app.limits;
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    builder.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let (stream, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (http, router, watcher, tls) = (builder.clone(), router.clone(), graceful.watcher(), tls.clone());
        let open = Open::new(&app, permit);
        tokio::spawn(async move {
            let Some(tls) = tls else {
                talk(&http, stream, router, watcher, open).await;
                return;
            };
            // Who does not come to an end with the handshake is let go like who does not with a head.
            if let Ok(Ok(stream)) = timeout(limits.head_timeout, tls.accept(stream)).await {
                talk(&http, stream, router, watcher, open).await;
            }
        });
    }
    app.drain();
    drop(listener);
    let _ = timeout(limits.drain_timeout, graceful.shutdown()).await;
}

/// An open connection, until it is dropped.
struct Open {
    count: Gauge<i64, AtomicI64>,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(app: &App, permit: OwnedSemaphorePermit) -> Self {
        let count = app.metrics.connections.clone();
        count.inc();
        Self { count, _permit: permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.count.dec();
    }
}

async fn talk<S>(http: &http1::Builder, stream: S, router: Router, watcher: Watcher, open: Open)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A connection that breaks is the client's affair; its requests have been counted.
    let _ = watcher.watch(connection).await;
    drop(open);
}

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
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
