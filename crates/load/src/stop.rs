//! A wish to stop that many can wait for.

use tokio::sync::watch;

/// Tells those who wait that it is over. When it is dropped without a word, they wait for ever.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Waits to be told.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A pair of the two.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Tells everybody.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it has been told.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it has been told.
    pub async fn requested(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
