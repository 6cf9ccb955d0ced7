//! HTTP, JSON and HTML: the only crate that knows them.
