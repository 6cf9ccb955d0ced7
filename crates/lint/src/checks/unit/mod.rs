//! What a number is, and what a text says it is.

pub(crate) mod inverted_text;
pub(crate) mod rate_vs_text;
pub(crate) mod ratio_vs_percent;
