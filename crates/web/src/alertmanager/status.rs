//! `GET status` and `GET receivers`: what `amtool config show` and `amtool cluster show` ask for. There is no cluster:
//! one process decides, and what it decides is on disk.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bellwether_model::Labels;
use serde::Serialize;

use super::answer::json_answer;
use super::params::{Params, ReceiverFilter};
use super::time::Rfc3339;
use crate::Shared;
use crate::view::ReceiverName;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusJson {
    cluster: Cluster,
    config: ConfigJson,
    uptime: Rfc3339,
    version_info: VersionInfo,
}

#[derive(Serialize)]
struct Cluster {
    peers: [(); 0],
    status: &'static str,
}

#[derive(Serialize)]
struct ConfigJson {
    original: String,
}

/// The Alertmanager that this API is compared with. Clients read its version as that of the API: amtool warns when it
/// is not their own, and boards choose by it what they may ask. Who answers in its place is in `branch` and `revision`.
const ANSWERS_AS: &str = "0.33.1";

/// What has no counterpart here is empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionInfo {
    branch: String,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
    revision: String,
    version: &'static str,
}

impl VersionInfo {
    pub(super) fn of(app: &Shared) -> Self {
        let overview = app.overview();
        Self {
            branch: format!("bellwether {}", overview.version),
            build_date: "",
            build_user: "",
            go_version: "",
            revision: overview.revision,
            version: ANSWERS_AS,
        }
    }
}

pub(super) async fn status(State(app): State<Shared>) -> Response {
    let status = StatusJson {
        cluster: Cluster { peers: [], status: "disabled" },
        config: ConfigJson { original: app.routing_config().text },
        uptime: Rfc3339(app.overview().started_at),
        version_info: VersionInfo::of(&app),
    };
    json_answer(StatusCode::OK, &status)
}

#[derive(Serialize)]
struct ReceiverJson {
    labels: Labels,
    name: String,
}

pub(super) async fn receivers(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match ReceiverFilter::of(&app, &Params::of(query.as_deref())) {
        Err(refusal) => refusal.into_response(),
        Ok(filter) => {
            let receivers = app.routing_config().receivers.into_iter();
            let shown: Vec<ReceiverJson> = receivers
                .filter(|receiver| filter.takes(&receiver.name))
                .map(|ReceiverName { name, labels }| ReceiverJson { labels, name })
                .collect();
            json_answer(StatusCode::OK, &shown)
        }
    }
}
