//! The embedded time-series store: log, head, segments. The only crate that touches metric files.
