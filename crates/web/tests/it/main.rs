//! Tests of this crate.

mod api;
mod ask;
mod digits;
mod fake;
mod forms;
mod pages;
