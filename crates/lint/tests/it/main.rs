//! Tests of this crate.

mod alert;
mod am;
mod burns;
mod clean_files;
mod doc;
mod examples;
mod fix;
mod found;
mod goals;
mod markdown;
mod meanings;
mod online;
mod output;
mod promql;
mod slo;
mod suppress;
mod template;
mod unit;
mod yaml;
