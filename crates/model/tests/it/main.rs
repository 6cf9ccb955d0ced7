//! Tests of the shared nouns.

mod alert;
mod labels;
mod matcher;
mod summary;
mod time;
