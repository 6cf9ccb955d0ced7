//! What an objective may expect, and what another goal would have meant: read from its past.

use axum::response::Response;
use bellwether_model::TimeDelta;
use bellwether_slo::{Goal, Stretch};

use crate::api_error::ApiError;
use crate::api_params::Params;
use crate::json_answer::json_of;
use crate::{Shared, parts};

/// What can be asked of an objective's past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outlook {
    Forecast,
    Suggestion,
    WhatIf(Stretch, Goal),
}

/// How far back another goal is held against the past unless stated otherwise.
const LAST_DEFAULT: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

/// The objective's identity at the beginning of a path, and the rest of it.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/').filter(|(_, what)| matches!(*what, "forecast" | "suggest" | "what-if"))
}

/// Answers; `what` is the rest of the path.
pub(crate) async fn answer(app: &Shared, id: &str, what: &str, query: &str) -> Result<Response, ApiError> {
    let outlook = match what {
        "forecast" => Outlook::Forecast,
        "suggest" => Outlook::Suggestion,
        _ => what_if(app, query)?,
    };
    // Futures are drawn by the hundred: not on the threads that answer everybody else.
    let (missing_from, app, asked) = (app.clone(), app.clone(), id.to_owned());
    let computed = tokio::task::spawn_blocking(move || match outlook {
        Outlook::Forecast => app.slo_forecast(&asked).map(|found| json_of(&found)),
        Outlook::Suggestion => app.slo_suggestion(&asked).map(|found| json_of(&found)),
        Outlook::WhatIf(stretch, goal) => app.slo_what_if(&asked, stretch, goal).map(|found| json_of(&found)),
    });
    let computed = computed.await.map_err(|error| ApiError::internal(error.to_string()))?;
    computed.ok_or_else(|| {
        let slos = missing_from.slos();
        ApiError::not_found(match parts::find_slo(&slos, id) {
            None => parts::no_such_slo(&slos, id),
            Some(slo) if slo.goal_ratio.is_none() => {
                format!("{id} has no goal, and so no budget to look ahead for")
            }
            Some(_) => format!("nothing is known yet of the past of {id}"),
        })
    })
}

fn what_if(app: &Shared, query: &str) -> Result<Outlook, ApiError> {
    let params = Params::of_query(query);
    let goal = Goal::parse(params.required("goal")?).map_err(|error| {
        let help = error.help.map(|help| format!("; {help}")).unwrap_or_default();
        ApiError::bad_data(format!("goal: {}{help}", error.message))
    })?;
    let end = params.moment("to")?.unwrap_or(app.now());
    let last = params.get("last").map(str::parse::<TimeDelta>).transpose();
    let last = last.map_err(|error| ApiError::bad_data(format!("last: {error}")))?;
    let begin = match (params.moment("from")?, last) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_data("from and last are both given: keep one of them"));
        }
        (Some(from), None) => from,
        (None, last) => end - last.unwrap_or(LAST_DEFAULT),
    };
    match begin < end {
        true => Ok(Outlook::WhatIf(Stretch { begin, end }, goal)),
        false => Err(ApiError::bad_data(format!("it ends at {end}, not after {begin}"))),
    }
}
