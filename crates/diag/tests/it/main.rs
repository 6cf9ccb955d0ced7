//! Tests of this crate.

mod decode;
mod never_panics;
mod part;
mod render;
mod suggest;
mod yaml;
