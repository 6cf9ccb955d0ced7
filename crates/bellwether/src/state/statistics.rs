//! Reading what statistics are made of, a page at a time.

use bellwether_alerts::{DeliveryKey, EpisodeRow};
use bellwether_model::{AlertFingerprint, Timestamp};

use super::read::decode;
use super::{StateDb, StateError};

/// Rows of a page.
const PAGE: i64 = 10_000;

/// What became of a message, without what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOutcome {
    /// Its key.
    pub key: DeliveryKey,
    /// To whom: `oncall/slack[0]`.
    pub integration: String,
    /// How it stands, as [`bellwether_alerts::DeliveryStatus::as_str`] writes it.
    pub status: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When the outcome of the last attempt was known.
    pub attempted_at: Option<Timestamp>,
    /// How many attempts there were.
    pub attempts: u64,
}

/// Key, integration, status, when decided, when last attempted, attempts.
type OutcomeText = (String, String, String, i64, Option<i64>, i64);

impl StateDb {
    /// Lives that ended at this moment or later, the first to end first, behind one that was read already.
    pub async fn lives(
        &self,
        since: Timestamp,
        after: Option<&(Timestamp, AlertFingerprint)>,
    ) -> Result<Vec<EpisodeRow>, StateError> {
        let statement = "SELECT fingerprint, body FROM episodes \
             WHERE ends_at >= $1 AND (ends_at > $2 OR (ends_at = $3 AND fingerprint > $4)) \
             ORDER BY ends_at, fingerprint LIMIT $5";
        let (at, fingerprint) = match after {
            Some((at, fingerprint)) => (at.0, fingerprint.to_string()),
            None => (i64::MIN, String::new()),
        };
        let values = vec![since.0.into(), at.into(), at.into(), fingerprint.into(), PAGE.into()];
        decode("episodes", self.db.fetch("list past alerts", statement, values).await?)
    }

    /// The latest life of an alert that is over.
    pub async fn last_life(&self, alert: AlertFingerprint) -> Result<Option<EpisodeRow>, StateError> {
        let statement =
            "SELECT fingerprint, body FROM episodes WHERE fingerprint = $1 ORDER BY starts_at DESC LIMIT 1";
        let values = vec![alert.to_string().into()];
        let rows: Vec<EpisodeRow> =
            decode("episodes", self.db.fetch("look up a past alert", statement, values).await?)?;
        Ok(rows.into_iter().next())
    }

    /// Lives that ended at this moment or later, the last to end first, at most so many.
    pub async fn latest_lives(&self, since: Timestamp, limit: usize) -> Result<Vec<EpisodeRow>, StateError> {
        let statement = "SELECT fingerprint, body FROM episodes WHERE ends_at >= $1 \
             ORDER BY ends_at DESC, fingerprint LIMIT $2";
        let values = vec![since.0.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        decode("episodes", self.db.fetch("list past alerts", statement, values).await?)
    }

    /// What became of messages decided at this moment or later, the first first, behind one that was read already.
    /// Test messages are left out.
    pub async fn message_outcomes(
        &self,
        since: Timestamp,
        after: Option<&(Timestamp, DeliveryKey)>,
    ) -> Result<Vec<MessageOutcome>, StateError> {
        let statement = "SELECT d.delivery_key, d.integration, d.status, d.decided_at, \
             (SELECT MAX(a.at) FROM attempts a WHERE a.delivery_key = d.delivery_key), \
             (SELECT COUNT(*) FROM attempts a WHERE a.delivery_key = d.delivery_key) \
             FROM deliveries d WHERE d.decided_at >= $1 AND d.group_id NOT LIKE 'drill:%' \
             AND (d.decided_at > $2 OR (d.decided_at = $3 AND d.delivery_key > $4)) \
             ORDER BY d.decided_at, d.delivery_key LIMIT $5";
        let (at, key) = match after {
            Some((at, key)) => (at.0, key.0.clone()),
            None => (i64::MIN, String::new()),
        };
        let values = vec![since.0.into(), at.into(), at.into(), key.into(), PAGE.into()];
        let rows: Vec<OutcomeText> = self.db.fetch("list outcomes", statement, values).await?;
        let outcome =
            |(key, integration, status, decided_at, attempted_at, attempts): OutcomeText| MessageOutcome {
                key: DeliveryKey(key),
                integration,
                status,
                decided_at: Timestamp(decided_at),
                attempted_at: attempted_at.map(Timestamp),
                attempts: attempts.unsigned_abs(),
            };
        Ok(rows.into_iter().map(outcome).collect())
    }
}
