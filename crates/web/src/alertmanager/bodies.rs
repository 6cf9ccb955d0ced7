//! Bodies of Alertmanager's API read without a request around them, for whoever plays what would be posted.

use bellwether_model::{Alert, TimeDelta, Timestamp};

use super::posted::{self, Posted, Times};
use super::silences;
use crate::view::NewSilence;

/// The alerts of a body of `POST /api/v2/alerts`; the error names every one that is wrong.
pub fn alerts(body: &[u8], now: Timestamp, resolve_timeout: TimeDelta) -> Result<Vec<Alert>, String> {
    let refused = |refusal: super::Refusal| refusal.message().to_owned();
    let Posted { alerts, faults } = posted::read(body, Times { now, resolve_timeout }).map_err(refused)?;
    faults.into_refusal().map_or(Ok(alerts), |refusal| Err(refused(refusal)))
}

/// The silence of a body of `POST /api/v2/silences`.
pub fn silence(body: &[u8], now: Timestamp) -> Result<NewSilence, String> {
    silences::new_silence(body, now).map_err(|refusal| refusal.message().to_owned())
}
