//! HTTP, JSON and HTML: the only crate that knows them.
//!
//! [`router`] turns an [`App`], which the shell implements, into a service. A page is a pure function from view
//! structs to HTML; it decides nothing and computes no budget, burn rate or time left.

mod app;
pub mod digits;
mod process;
pub mod view;

use std::sync::Arc;

use axum::Router;

pub use app::{Acknowledger, App, BoxFuture, Demo};

/// What every handler shares.
type Shared = Arc<dyn App>;

/// All of the product's HTTP surface: pages, Prometheus' and Alertmanager's APIs, our own, and the process' own.
pub fn router(app: Arc<dyn App>) -> Router {
    Router::new().merge(process::routes()).with_state(app)
}
