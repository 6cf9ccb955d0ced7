//! Making, changing, extending and ending silences from plain forms.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use bellwether_model::TimeDelta;
use serde::Deserialize;

use super::form::Ask;
use crate::view::{NewSilence, Refused, SilenceState};
use crate::{Shared, forms};

const BACK: &str = "/silences";

pub(super) async fn add(State(app): State<Shared>, Form(form): Form<Ask>) -> Response {
    let by = form.by.trim().to_owned();
    let done = match form.into_new(&app.silences(), app.now()) {
        Ok(silence) => app.add_silence(silence).await.map(|_| ()),
        Err(reason) => Err(Refused::Invalid(reason)),
    };
    forms::answer(&app, done, BACK, &by)
}

pub(super) async fn expire(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    let done = app.expire_silence(id).await;
    forms::answer(&app, done, BACK, "")
}

#[derive(Deserialize)]
pub(super) struct ExtendForm {
    r#for: String,
}

pub(super) async fn extend(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Form(form): Form<ExtendForm>,
) -> Response {
    let done = match longer(&app, &id, &form.r#for) {
        Ok(silence) => app.add_silence(silence).await.map(|_| ()),
        Err(refused) => Err(refused),
    };
    forms::answer(&app, done, BACK, "")
}

/// The same silence, ending later by that much.
fn longer(app: &Shared, id: &str, length: &str) -> Result<NewSilence, Refused> {
    let length: TimeDelta =
        length.parse().map_err(|error| Refused::Invalid(format!("how much longer: {error}")))?;
    let silences = app.silences();
    let old = silences.into_iter().find(|s| s.id == id && s.state != SilenceState::Expired);
    let old =
        old.ok_or_else(|| Refused::NotFound(format!("no silence that is not over has the id {id:?}")))?;
    Ok(NewSilence {
        id: Some(old.id),
        matchers: old.matchers,
        starts_at: old.starts_at,
        ends_at: old.ends_at.saturating_add(length),
        created_by: old.created_by,
        comment: old.comment,
        annotations: old.annotations,
    })
}
