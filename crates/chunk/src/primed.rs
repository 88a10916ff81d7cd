//! Models that are shared by all streams until one of them learns.

use std::sync::Arc;

/// A model of which a stream makes a copy of its own when it first needs it: of the hundreds of kilobytes of models that
/// it starts with, a day of one phone needs a small part.
#[derive(Clone, Debug)]
pub(crate) struct Primed<T> {
    known: Option<Arc<T>>,
    own: Option<Box<T>>,
}

impl<T> Default for Primed<T> {
    fn default() -> Self {
        Self { known: None, own: None }
    }
}

impl<T: Clone + Default> Primed<T> {
    /// The stream's own.
    #[inline]
    pub(crate) fn own(&mut self) -> &mut T {
        if self.own.is_none() {
            self.copy();
        }
        self.own.as_mut().expect("it was just copied")
    }

    #[cold]
    fn copy(&mut self) {
        self.own = Some(self.known.as_deref().map_or_else(Box::default, |known| Box::new(known.clone())));
    }

    /// Shares what this one has learnt with all that are cloned from it.
    pub(crate) fn share(&mut self) {
        if let Some(own) = self.own.take() {
            self.known = Some(Arc::from(own));
        }
    }
}
