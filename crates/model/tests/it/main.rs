//! Tests of the shared nouns.

mod alert;
mod histogram;
mod labels;
mod matcher;
mod summary;
mod time;
