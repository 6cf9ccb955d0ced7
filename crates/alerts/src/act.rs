//! Doing what people ask: the alerts they mean, what becomes of them, and the line in the audit log.

use bellwether_model::{AlertFingerprint, Timestamp};

use crate::core::Timer;
use crate::outbox::Outbox;
use crate::{
    Ack, Action, ActionError, AlertCore, AlertRow, AuditRow, Deed, HandResolved, Held, Judged, NOTES_MAX,
    Note, Record, Subject,
};

impl AlertCore {
    /// Does it, or says why not. Nothing is done by halves.
    pub(crate) fn act(
        &mut self,
        action: Action,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Vec<AlertFingerprint>, ActionError> {
        validate(&action, now)?;
        let mut alerts = self.meant(&action, now)?;
        if action.deed == Deed::Unacknowledge {
            alerts.retain(|f| self.alerts.get(f).is_some_and(|known| known.row.handled.ack.is_some()));
            if alerts.is_empty() {
                return Ok(alerts); // nobody had it, so that nothing was done and nothing is to be told
            }
        }
        for fingerprint in &alerts {
            let Some(known) = self.alerts.get_mut(fingerprint) else { continue };
            handle(&mut known.row, &action, now);
            if let Some(at) = known.row.held.as_ref().and_then(|held| held.ends_at) {
                self.set_timer(at, Timer::HoldEnd(*fingerprint));
            }
            self.keep(*fingerprint, out);
            // What people say of a life that is written down belongs to what is written there.
            if let Some(known) = self.alerts.get(fingerprint).filter(|known| known.is_written_down(now)) {
                out.record(self.episode(&known.row, now));
            }
        }
        if matches!(action.deed, Deed::Acknowledge { .. } | Deed::Unacknowledge) {
            self.acks_changed(&alerts, now, out);
        }
        let (who, subject, detail) = (action.by, action.subject.to_string(), action.note);
        let action = action.deed.as_str().to_owned();
        out.record(Record::Audit(AuditRow { at: now, who, action, subject, detail }));
        Ok(alerts)
    }

    /// The alerts that are meant. Only what fires can be taken, given back or ended.
    fn meant(&self, action: &Action, now: Timestamp) -> Result<Vec<AlertFingerprint>, ActionError> {
        let not_found = || ActionError::NotFound(action.subject.to_string());
        let all = match &action.subject {
            Subject::Alert(fingerprint) => vec![*fingerprint],
            Subject::Group(id) => self.groups.get(id).ok_or_else(not_found)?.alerts.iter().copied().collect(),
        };
        let known: Vec<_> = all.into_iter().filter(|f| self.alerts.contains_key(f)).collect();
        if known.is_empty() {
            return Err(not_found());
        }
        let needs_firing = !matches!(action.deed, Deed::Note | Deed::Judge(_));
        let fires = |f: &AlertFingerprint| self.alerts.get(f).is_some_and(|k| !k.row.alert.is_resolved(now));
        let meant: Vec<_> = known.into_iter().filter(|f| !needs_firing || fires(f)).collect();
        match meant.is_empty() {
            true => Err(ActionError::NotFiring(action.subject.to_string())),
            false => Ok(meant),
        }
    }
}

pub(crate) fn validate(action: &Action, now: Timestamp) -> Result<(), ActionError> {
    if action.by.trim().is_empty() {
        return Err(ActionError::NoName);
    }
    match action.deed {
        Deed::Acknowledge { until: Some(until) } if until <= now => Err(ActionError::EndInPast),
        Deed::Note if action.note.trim().is_empty() => Err(ActionError::NoText),
        _ => Ok(()),
    }
}

pub(crate) fn handle(row: &mut AlertRow, action: &Action, now: Timestamp) {
    let handled = &mut row.handled;
    let (by, note) = (action.by.clone(), action.note.clone());
    match action.deed {
        Deed::Acknowledge { until } => {
            handled.first_ack_at.get_or_insert(now);
            handled.ack = Some(Box::new(Ack { by, note, at: now, until }));
        }
        Deed::Unacknowledge => handled.ack = None,
        Deed::Resolve => {
            handled.resolved = Some(Box::new(HandResolved { by, note, at: now }));
            row.held = Some(Held { ends_at: row.alert.ends_at, ends_by_timeout: row.ends_by_timeout });
            (row.alert.ends_at, row.ends_by_timeout, row.ended) = (Some(now), false, true);
        }
        Deed::Note => {
            handled.notes.push(Note { by, at: now, text: note });
            let beyond = handled.notes.len().saturating_sub(NOTES_MAX);
            handled.notes.drain(..beyond);
        }
        Deed::Judge(judgement) => handled.judged = Some(Box::new(Judged { judgement, by, at: now })),
    }
}
