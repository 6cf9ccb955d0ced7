//! incident.io: the webhook's body in a version of their own.

use bellwether_diag::{Cx, MapReader};
use bellwether_model::TimeDelta;
use serde::Serialize;
use serde_json::Value;

use super::needs::{missing, own_address};
use super::{Base, Kind, Part, Said, timeout, webhook};
use crate::connection::{AddressFields, secret_source};
use crate::{Address, Auth, HttpConfig, SecretSource};

/// They take no larger request; a larger one is answered like one too many, and would be tried for ever.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// incident.io.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IncidentioConfig {
    /// Where to.
    pub address: Address,
    /// HTTP settings.
    pub http: HttpConfig,
    /// Who we are; `None` leaves it to the HTTP settings.
    pub token: Option<SecretSource>,
    /// At most so many alerts in one message; 0 means all.
    pub max_alerts: u64,
    /// How long they may take.
    pub timeout: Option<TimeDelta>,
}

impl Kind for IncidentioConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        Ok(vec![Part::json(self.body(said))])
    }

    /// The body holds no text of a template.
    fn plain(&self, said: &Said<'_>, _why: &str) -> Vec<Part> {
        vec![Part::json(self.body(said))]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files.extend(self.token.as_mut().and_then(SecretSource::file_mut));
        files
    }
}

impl IncidentioConfig {
    /// With as many alerts as fit; the others are counted.
    fn body(&self, said: &Said<'_>) -> String {
        let all = said.notification.alerts.len() as u64;
        let mut max = if self.max_alerts == 0 { all } else { self.max_alerts.min(all) };
        loop {
            let body = first_version(&webhook::body(said.notification, said.external_url, max));
            if body.len() <= BODY_BYTES_MAX || max <= 1 {
                return body;
            }
            max /= 2;
        }
    }
}

/// What they call their first version is the webhook's fourth.
fn first_version(body: &str) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap_or_default();
    body["version"] = Value::from("1");
    body.to_string()
}

/// Reads an item of `incidentio_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<IncidentioConfig> {
    let address = own_address(map, AddressFields { url: "url", file: "url_file" }, cx);
    let fields = AddressFields { url: "alert_source_token", file: "alert_source_token_file" };
    let token = secret_source(map, fields, cx);
    let has_authorization = matches!(base.http.auth, Some(Auth::Authorization { .. }));
    match (&token, has_authorization) {
        (Some(_), true) if map.has("http_config") => {
            missing(map, "both alert_source_token and http_config say who we are", "keep one of them", cx);
        }
        (None, false) if map.has("http_config") => {
            missing(map, "alert_source_token is missing", "write alert_source_token_file", cx);
        }
        // Alertmanager takes it so; incident.io will not.
        (None, false) if base.global.is_some() => {
            cx.warning(map.span_first_line(cx), "incident.io takes nothing without alert_source_token");
        }
        _ => {}
    }
    let max_alerts = map.optional("max_alerts", cx).unwrap_or(0);
    let timeout = timeout(map, cx);
    Some(IncidentioConfig { address: address?, http: base.http.clone(), token, max_alerts, timeout })
}
