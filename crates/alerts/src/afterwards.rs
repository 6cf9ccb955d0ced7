//! What people say of a life of an alert that is over: most know only afterwards whether something was wrong. Nothing
//! else can be done to what is over.

use bellwether_model::{AlertFingerprint, Timestamp};

use crate::act::{handle, validate};
use crate::outbox::Outbox;
use crate::{Action, ActionError, AlertCore, AlertRow, AuditRow, Deed, EpisodeRow, Record};

impl AlertCore {
    /// Writes it into the record of that life.
    pub(crate) fn say_afterwards(
        life: EpisodeRow,
        action: Action,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Vec<AlertFingerprint>, ActionError> {
        validate(&action, now)?;
        let fingerprint = life.alert.fingerprint();
        match action.deed {
            Deed::Note | Deed::Judge(_) => {}
            Deed::Acknowledge { .. } | Deed::Unacknowledge | Deed::Resolve => {
                return Err(ActionError::NotFiring(action.subject.to_string()));
            }
        }
        let EpisodeRow { alert, receivers, told_at, handled } = life;
        let mut row = AlertRow {
            alert,
            updated_at: now,
            ends_by_timeout: false,
            ended: true,
            held: None,
            told_at,
            handled,
        };
        handle(&mut row, &action, now);
        let AlertRow { alert, told_at, handled, .. } = row;
        out.record(Record::Episode(Box::new(EpisodeRow { alert, receivers, told_at, handled })));
        let (who, subject, detail) = (action.by, action.subject.to_string(), action.note);
        let action = action.deed.as_str().to_owned();
        out.record(Record::Audit(AuditRow { at: now, who, action, subject, detail }));
        Ok(vec![fingerprint])
    }
}
