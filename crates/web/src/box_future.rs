//! An answer that takes a while, as traits can name it.

use std::pin::Pin;

/// An answer that takes a while.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
