//! Text with timestamps.
use super::Stop;
use crate::cli::import::OpenmetricsImport;
use crate::failure::Failure;
/// Imports it.
pub fn run(_arguments: &OpenmetricsImport, _stop: &Stop) -> Result<(), Failure> {
    Err(Failure::failed("soon"))
}
