//! History that somebody else measured, into the data directory of a server that does not run, or into one that runs.
//!
//! | where | what |
//! |---|---|
//! | [`openmetrics`], [`prometheus`], [`remote_read`] | one source each: what there is of it, in units that can be done one by one |
//! | `sink` | where samples go: the store, a server (`server`), or nowhere in a dry run |
//! | `journal` | which units are done, so that an interrupted import goes on |
//! | `session` | what all sources share: filters, progress, the summary |

mod block;
mod head;
pub mod journal;
pub mod openmetrics;
mod progress;
pub mod prometheus;
pub mod remote_read;
mod server;
mod session;
mod sink;
mod summary;

pub(crate) use session::{AHEAD_MAX, BEGUN};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when the user wants to stop; looked at between units of work.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether it is time to stop.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches for Ctrl-C; the second one ends the process at once, which loses nothing either.
pub fn stop_on_interrupt() -> Stop {
    let stop = Stop::default();
    let asked = stop.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if asked.0.swap(true, Ordering::Relaxed) {
                std::process::exit(1);
            }
        }
    });
    stop
}
