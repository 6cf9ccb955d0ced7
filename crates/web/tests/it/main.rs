//! Tests of this crate.

mod digits;
