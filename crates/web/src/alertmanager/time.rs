//! Moments in answers: RFC 3339 in UTC with milliseconds, as Alertmanager writes them.

use bellwether_model::Timestamp;
use serde::{Serialize, Serializer};

/// The last moment that four digits of a year can say.
const LAST: Timestamp = Timestamp(253_402_300_799_999);

/// A moment as text.
pub(super) struct Rfc3339(pub(super) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.min(LAST))
    }
}
