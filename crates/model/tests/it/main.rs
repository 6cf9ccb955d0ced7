//! Tests of the shared nouns.

mod labels;
mod matcher;
mod summary;
mod time;
