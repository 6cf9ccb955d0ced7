//! The one place where the wall clock is read. Everything that decides is handed a [`Timestamp`] from here.

use std::time::{SystemTime, UNIX_EPOCH};

use bellwether_model::Timestamp;

/// The moment it is.
pub fn now() -> Timestamp {
    // A clock before 1970 is a broken clock; the epoch is then as good as any answer.
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Sleeps until a moment of the wall clock; at once when it has passed.
pub async fn sleep_until(at: Timestamp) {
    tokio::time::sleep((at - now()).to_std()).await;
}
