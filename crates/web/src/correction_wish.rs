//! What somebody wants to be corrected, from the texts of a form or of the API. Every problem is told at once; whether
//! it is accepted the core decides.

use std::collections::BTreeMap;

use bellwether_model::{Labels, Timestamp};
use bellwether_slo::{CorrectionKind, CorrectionScope, CorrectionWish, Share, Stretch};
use serde::Deserialize;
use serde_json::Value;

use crate::api_params;

/// The wish as it arrives. An unknown field is an error: a correction that is not what was meant changes a budget.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PostedCorrection {
    pub(crate) slo: String,
    pub(crate) service: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) from: Value,
    pub(crate) to: Value,
    pub(crate) kind: String,
    pub(crate) share: Value,
    pub(crate) reason: String,
    pub(crate) author: String,
    pub(crate) approver: String,
}

impl PostedCorrection {
    /// The wish, or everything that is wrong with it.
    pub(crate) fn into_wish(self) -> Result<CorrectionWish, String> {
        let scope = match (self.slo.trim(), self.service.trim()) {
            ("", "") => Err("say which objective: slo is empty, and so is service".to_owned()),
            (slo, "") => Ok(CorrectionScope::Slo(slo.to_owned())),
            ("", service) => Ok(CorrectionScope::Service(service.to_owned())),
            (_, _) => Err("slo and service exclude each other; keep one".to_owned()),
        };
        let (begin, end) = (moment("from", &self.from), moment("to", &self.to));
        let kind = CorrectionKind::parse(&self.kind).ok_or_else(|| {
            let kinds = CorrectionKind::ALL.map(CorrectionKind::as_str).join(", ");
            format!("kind {:?} is none; write one of {kinds}", self.kind)
        });
        let share = share(&self.share);
        match (scope, begin, end, kind, share) {
            (Ok(scope), Ok(begin), Ok(end), Ok(kind), Ok(share)) => Ok(CorrectionWish {
                id: String::new(),
                scope,
                labels: Labels::from_pairs(self.labels),
                stretch: Stretch { begin, end },
                kind,
                share,
                reason: self.reason,
                author: self.author,
                approver: self.approver,
            }),
            (scope, begin, end, kind, share) => {
                let problems = [scope.err(), begin.err(), end.err(), kind.err(), share.err()];
                Err(problems.into_iter().flatten().collect::<Vec<_>>().join("; "))
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

fn moment(name: &str, value: &Value) -> Result<Timestamp, String> {
    if value.is_null() {
        return Err(format!("{name} is missing"));
    }
    let text = text(value);
    api_params::moment(&text).ok_or_else(|| {
        format!(
            "{name}: {text:?} is not a time; write RFC 3339 such as 2026-11-21T03:04Z, a date, or Unix seconds"
        )
    })
}

fn share(value: &Value) -> Result<Option<Share>, String> {
    let text = text(value);
    if value.is_null() || text.is_empty() {
        return Ok(None);
    }
    Share::parse(&text)
        .map(Some)
        .ok_or_else(|| format!("share {text} is not from 0 to 1; write 0.5 or \"50%\""))
}
