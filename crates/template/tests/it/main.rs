//! Tests of this crate.

mod alertmanager;
mod golden;
mod html;
mod notification;
mod problems;
mod prometheus;
mod robustness;
