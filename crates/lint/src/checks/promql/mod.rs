//! Queries that are allowed and give something else than was meant.

pub(crate) mod missing_by_le;
