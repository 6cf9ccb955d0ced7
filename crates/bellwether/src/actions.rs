//! What people do with alerts, from the words of pages and API to those of the core.

use bellwether_alerts::{Action, ActionError, Deed, EpisodeRow, GroupId, Judgement, Subject};
use bellwether_web::view::{ActionDeed, ActionSubject, NewAction, Refused};

use crate::state::StateDb;

/// As the core takes it.
pub fn action(new: NewAction) -> Result<Action, Refused> {
    let subject = match new.subject {
        ActionSubject::Group(key) => Subject::Group(GroupId(key)),
        ActionSubject::Alert(text) => Subject::Alert(
            text.parse().map_err(|error| Refused::Invalid(format!("{text:?} is no fingerprint: {error}")))?,
        ),
    };
    let deed = match new.deed {
        ActionDeed::Acknowledge { until } => Deed::Acknowledge { until },
        ActionDeed::Unacknowledge => Deed::Unacknowledge,
        ActionDeed::Resolve => Deed::Resolve,
        ActionDeed::Note => Deed::Note,
        ActionDeed::FalsePositive => Deed::Judge(Judgement::FalsePositive),
        ActionDeed::Real => Deed::Judge(Judgement::Real),
    };
    Ok(Action { subject, deed, by: new.by, note: new.note })
}

/// The latest life of an alert that is over, if something is to be said of it: that is all that can still be done.
pub async fn life_meant(state: &StateDb, action: &Action) -> Result<Option<EpisodeRow>, Refused> {
    let (Subject::Alert(fingerprint), Deed::Note | Deed::Judge(_)) = (&action.subject, &action.deed) else {
        return Ok(None);
    };
    state.last_life(*fingerprint).await.map_err(|error| Refused::Unavailable(error.to_string()))
}

/// Why it was not done.
pub fn refused(error: ActionError) -> Refused {
    let why = error.to_string();
    match error {
        ActionError::NotFound(_) => Refused::NotFound(why),
        ActionError::NotFiring(_) => Refused::Conflict(why),
        ActionError::EndInPast | ActionError::NoName | ActionError::NoText => Refused::Invalid(why),
    }
}
