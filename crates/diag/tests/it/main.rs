//! Tests of this crate.

mod render;
mod yaml;
