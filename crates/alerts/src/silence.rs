//! A silence keeps matching alerts from being told for a stated time, by a stated person. Suppressed alerts stay
//! visible. What a silence covers never changes under the one who wrote it: a change of matchers or of a start in
//! the past ends the old silence and begins a new one, as in Alertmanager.

use std::collections::BTreeMap;
use std::fmt;

use bellwether_model::{Labels, Matcher, TimeDelta, Timestamp, matches_all};
use serde::{Deserialize, Serialize};

use crate::core::{SILENCE_RETENTION, Timer};
use crate::outbox::Outbox;
use crate::{AlertCore, AuditRow, Record};

/// Identity of a silence: a UUID handed in by whoever may read randomness.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SilenceId(pub String);

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a silence is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// Its start lies ahead.
    Pending,
    /// It suppresses.
    Active,
    /// It is over.
    Expired,
}

/// A silence as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Identity.
    pub id: SilenceId,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// From this moment on.
    pub starts_at: Timestamp,
    /// Until just before this moment.
    pub ends_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who asked for it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// What else is said of it by name, such as a ticket.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The end of a silence is announced in its last half hour.
const ANNOUNCED_BEFORE: TimeDelta = TimeDelta(30 * TimeDelta::MINUTE.0);

/// From when it is said of a silence that hides something that it ends soon: in its last half hour, and of one that is
/// shorter than two hours in its last quarter, so that no silence warns of its end as soon as it is made.
pub fn silence_ends_soon_from(starts_at: Timestamp, ends_at: Timestamp) -> Timestamp {
    let quarter = TimeDelta((ends_at - starts_at).0 / 4);
    ends_at - quarter.min(ANNOUNCED_BEFORE)
}

impl Silence {
    /// Where it is in its life.
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    /// Whether it suppresses an alert with these labels now.
    pub fn suppresses(&self, labels: &Labels, now: Timestamp) -> bool {
        self.state(now) == SilenceState::Active && matches_all(&self.matchers, labels)
    }

    fn can_become(&self, wish: &SilenceWish, now: Timestamp) -> bool {
        let same_matchers = {
            let (mut a, mut b) = (self.matchers.clone(), wish.matchers.clone());
            a.sort();
            b.sort();
            a == b
        };
        same_matchers
            && match self.state(now) {
                SilenceState::Active => wish.starts_at == self.starts_at && wish.ends_at >= now,
                SilenceState::Pending => wish.starts_at >= now,
                SilenceState::Expired => false,
            }
    }
}

/// A request for a new silence or for a change of one.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceWish {
    /// The silence to change; `None` asks for a new one.
    pub id: Option<SilenceId>,
    /// The identity to use if a new one has to be made.
    pub new_id: SilenceId,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// From when; a moment in the past becomes now.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who asks.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// What else is said of it by name, such as a ticket.
    pub annotations: BTreeMap<String, String>,
}

/// Why a silence is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// No silence has this identity.
    #[error("silence {0} not found")]
    NotFound(SilenceId),
    /// A silence needs a condition.
    #[error("invalid silence: at least one matcher required")]
    NoMatchers,
    /// A silence that matches everything would switch the pager off.
    #[error("invalid silence: at least one matcher must not match the empty text")]
    MatchesEverything,
    /// A condition has no label name.
    #[error("invalid silence: a matcher has no label name")]
    EmptyName,
    /// The end comes before the start.
    #[error("invalid silence: end time must not be before start time")]
    EndBeforeStart,
    /// The end is over.
    #[error("invalid silence: end time can't be in the past")]
    EndInPast,
    /// It has ended already.
    #[error("silence {0} already expired")]
    AlreadyExpired(SilenceId),
}

impl AlertCore {
    pub(crate) fn set_silence(
        &mut self,
        wish: SilenceWish,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<SilenceId, SilenceError> {
        let existing = wish.id.as_ref().and_then(|id| self.silences.get(id));
        let (who, detail) = (wish.created_by.clone(), wish.comment.clone());
        let SilencePlan { id, rows } = plan(existing, wish, now)?;
        for row in rows {
            self.keep_silence(row, out);
        }
        let action = "silence.set".to_owned();
        out.record(Record::Audit(AuditRow { at: now, who, action, subject: id.to_string(), detail }));
        Ok(id)
    }

    pub(crate) fn expire_silence(
        &mut self,
        id: SilenceId,
        who: String,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<SilenceId, SilenceError> {
        let silence = self.silences.get(&id).ok_or_else(|| SilenceError::NotFound(id.clone()))?;
        if silence.state(now) == SilenceState::Expired {
            return Err(SilenceError::AlreadyExpired(id));
        }
        let row = expired(silence, now);
        let detail = row.comment.clone();
        self.keep_silence(row, out);
        let action = "silence.expire".to_owned();
        out.record(Record::Audit(AuditRow { at: now, who, action, subject: id.to_string(), detail }));
        Ok(id)
    }

    pub(crate) fn keep_silence(&mut self, silence: Silence, out: &mut Outbox) {
        let gone_at = silence.ends_at.saturating_add(SILENCE_RETENTION);
        self.set_timer(gone_at, Timer::SilenceEnd(silence.id.clone()));
        out.record(Record::Silence(silence.clone()));
        self.silences.insert(silence.id.clone(), silence);
    }
}

/// The rows to write for a wish, and under which identity it now stands.
#[derive(Clone, Debug, PartialEq)]
struct SilencePlan {
    id: SilenceId,
    rows: Vec<Silence>,
}

/// Decides what a wish makes of the silence it names.
fn plan(existing: Option<&Silence>, wish: SilenceWish, now: Timestamp) -> Result<SilencePlan, SilenceError> {
    validate(&wish, now)?;
    if let (Some(id), None) = (&wish.id, existing) {
        return Err(SilenceError::NotFound(id.clone()));
    }
    let mut rows = Vec::new();
    let (id, starts_at) = match existing {
        Some(old) if old.can_become(&wish, now) => (old.id.clone(), wish.starts_at),
        Some(old) => {
            if old.state(now) != SilenceState::Expired {
                rows.push(expired(old, now));
            }
            (wish.new_id, wish.starts_at.max(now))
        }
        None => (wish.new_id, wish.starts_at.max(now)),
    };
    rows.push(Silence {
        id: id.clone(),
        matchers: wish.matchers,
        starts_at,
        ends_at: wish.ends_at,
        updated_at: now,
        created_by: wish.created_by,
        comment: wish.comment,
        annotations: wish.annotations,
    });
    Ok(SilencePlan { id, rows })
}

/// A silence ended now. One that had not begun ends where it begins.
fn expired(silence: &Silence, now: Timestamp) -> Silence {
    Silence { starts_at: silence.starts_at.min(now), ends_at: now, updated_at: now, ..silence.clone() }
}

fn validate(wish: &SilenceWish, now: Timestamp) -> Result<(), SilenceError> {
    if wish.matchers.is_empty() {
        return Err(SilenceError::NoMatchers);
    }
    if wish.matchers.iter().any(|m| m.name.is_empty()) {
        return Err(SilenceError::EmptyName);
    }
    if wish.matchers.iter().all(Matcher::matches_empty) {
        return Err(SilenceError::MatchesEverything);
    }
    if wish.ends_at < wish.starts_at {
        return Err(SilenceError::EndBeforeStart);
    }
    if wish.ends_at <= now {
        return Err(SilenceError::EndInPast);
    }
    Ok(())
}
