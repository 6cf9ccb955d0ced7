//! Flags of `slo status`.

use clap::Args;

use crate::cli::Remote;

/// Flags of `slo status`.
#[derive(Args, Debug)]
pub struct Status {
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}
