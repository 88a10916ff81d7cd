//! A bounded number of connections. Who finds none free waits in line.

use std::cell::{Cell, RefCell};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::transport::{Connection, Failure, Transport};

/// The connections to one target.
#[derive(Debug)]
pub struct Pool<T: Transport> {
    transport: T,
    connections_max: usize,
    permits: Semaphore,
    free: RefCell<Vec<T::Connection>>,
    waiting: Cell<u64>,
}

impl<T: Transport> Pool<T> {
    /// At most `connections_max` connections.
    pub fn new(transport: T, connections_max: u32) -> Self {
        let connections_max = connections_max as usize;
        let permits = Semaphore::new(connections_max);
        Self { transport, connections_max, permits, free: RefCell::default(), waiting: Cell::new(0) }
    }

    /// How many connections there may be at once.
    pub fn connections_max(&self) -> usize {
        self.connections_max
    }

    /// How many are waiting for a connection now.
    pub fn waiting(&self) -> u64 {
        self.waiting.get()
    }

    /// Waits for a connection of one's own, opening one if none is idle.
    ///
    /// # Errors
    /// When none can be opened.
    pub async fn lease(&self) -> Result<Lease<'_, T>, Failure> {
        let line = Line::join(&self.waiting);
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        drop(line);
        let idle = self.idle();
        let connection = match idle {
            Some(connection) => connection,
            None => self.transport.connect().await?,
        };
        Ok(Lease { pool: self, connection: Some(connection), _permit: permit })
    }

    /// The connection that was used last, of those that the target has not closed meanwhile.
    fn idle(&self) -> Option<T::Connection> {
        let mut free = self.free.borrow_mut();
        while let Some(connection) = free.pop() {
            if connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }
}

/// A connection of one's own. Dropping it closes the connection; [`Lease::give_back`] keeps it for the next.
#[derive(Debug)]
pub struct Lease<'a, T: Transport> {
    pool: &'a Pool<T>,
    connection: Option<T::Connection>,
    _permit: SemaphorePermit<'a>,
}

impl<T: Transport> Lease<'_, T> {
    /// The connection.
    pub fn connection(&mut self) -> &mut T::Connection {
        self.connection.as_mut().expect("it is only taken when the lease ends")
    }

    /// Returns the connection after an exchange that came to its end.
    pub fn give_back(mut self) {
        self.pool.free.borrow_mut().extend(self.connection.take());
    }
}

/// A place in the line, left also when who stands there gives up.
struct Line<'a>(&'a Cell<u64>);

impl<'a> Line<'a> {
    fn join(waiting: &'a Cell<u64>) -> Self {
        waiting.set(waiting.get() + 1);
        Self(waiting)
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
