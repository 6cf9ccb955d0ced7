//! Corrections on their way through the process: the core decides, what it decided is recorded with who did it, and
//! only then is whoever asked told.

use bellwether_alerts::{AuditRow, Record};
use bellwether_model::Timestamp;
use bellwether_slo::{Correction, CorrectionError, CorrectionEvent, Revocation};
use bellwether_web::view::Refused;
use tokio::sync::{mpsc, oneshot};

use crate::pipeline::{Outcome, Pipeline};
use crate::request::{Corrected, Request};

impl Pipeline {
    /// Adds or revokes a correction.
    pub fn correct(&mut self, event: CorrectionEvent, now: Timestamp) -> (Corrected, Outcome) {
        let corrected = self.slo.correct(event, now);
        let mut outcome = Outcome::default();
        if let Ok(correction) = &corrected {
            outcome.records.push(Record::Audit(audit(correction, now)));
            outcome.corrections.push(correction.clone());
        }
        (corrected, outcome)
    }
}

fn audit(correction: &Correction, at: Timestamp) -> AuditRow {
    let (who, action, why) = match &correction.revoked {
        None => (&correction.author, "correction.add", &correction.reason),
        Some(Revocation { by, reason, .. }) => (by, "correction.revoke", reason),
    };
    let what = format!(
        "{} {} from {} to {}: {why}",
        correction.kind.as_str(),
        correction.scope,
        correction.begin,
        correction.end
    );
    AuditRow { at, who: who.clone(), action: action.to_owned(), subject: correction.id.clone(), detail: what }
}

/// Asks the task that decides, and waits until what it decided is recorded.
pub async fn ask(requests: &mpsc::Sender<Request>, event: CorrectionEvent) -> Result<Correction, Refused> {
    let unavailable = |why: &str| Refused::Unavailable(format!("the server cannot record it now: {why}"));
    let stopping = || unavailable("it is stopping");
    let (answer, answered) = oneshot::channel();
    requests.send(Request::Correct(with_id(event), answer)).await.map_err(|_| stopping())?;
    let corrected = answered.await.map_err(|_| stopping())?.map_err(|why| unavailable(&why))?;
    corrected.map_err(|error| match &error {
        CorrectionError::NotFound { .. } => Refused::NotFound(error.to_string()),
        CorrectionError::Invalid(_) => Refused::Invalid(error.to_string()),
    })
}

fn with_id(event: CorrectionEvent) -> CorrectionEvent {
    match event {
        CorrectionEvent::Add(mut wish) => {
            wish.id = crate::entropy::uuid();
            CorrectionEvent::Add(wish)
        }
        revoke @ CorrectionEvent::Revoke { .. } => revoke,
    }
}
