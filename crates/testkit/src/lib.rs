//! Development only: what tests of several crates share.
#![allow(clippy::print_stdout)] // it speaks to whoever reads a test log

pub mod cases;
pub mod peers;
pub mod postgres;
pub mod remote_write;
pub mod series_numbers;
