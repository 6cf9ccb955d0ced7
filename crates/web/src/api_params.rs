//! Parameters of the Prometheus API: from the address, from a form body, or both; times and lengths in the several
//! notations its clients send.

use axum::body::to_bytes;
use axum::extract::Request;
use bellwether_model::{Matcher, TimeDelta, TimeRange, Timestamp};
use bellwether_promql::{Edges, ExprKind};

use crate::api_error::{ApiError, syntax};
use crate::url;

/// Largest form body; a query may be long, but not endless.
const BODY_BYTES_MAX: usize = 8 << 20;

/// Name and value pairs; a name may occur several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// A form's values come before those of the address, as in Go's `FormValue`.
    pub(crate) async fn of(request: Request) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let body =
            to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| ApiError::bad_data(error.to_string()))?;
        let form = std::str::from_utf8(&body).map_err(|_| ApiError::bad_data("the form is not UTF-8"))?;
        let mut pairs = url::pairs(form);
        pairs.extend(url::pairs(head.uri.query().unwrap_or_default()));
        Ok(Self(pairs))
    }

    /// Those of an address alone.
    pub(crate) fn of_query(query: &str) -> Self {
        Self(url::pairs(query))
    }

    /// As [`Self::time`], and also a date or a time without a zone.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let read = |text| {
            moment(text).ok_or_else(|| {
                ApiError::bad_data(format!(
                    "invalid parameter {name:?}: {text:?} is not a time; write RFC 3339 such as \
                     2026-11-21T03:04Z, a date, or Unix seconds"
                ))
            })
        };
        self.get(name).map(read).transpose()
    }

    /// The first value of a name; empty values count as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::bad_data(format!("invalid parameter {name:?}: it is missing")))
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let read = |text| {
            time(text).ok_or_else(|| {
                ApiError::bad_data(format!(
                    "invalid parameter {name:?}: cannot parse {text:?} to a valid timestamp; \
                 write seconds since 1970 or RFC 3339 such as 2026-11-21T03:04:05Z"
                ))
            })
        };
        self.get(name).map(read).transpose()
    }

    pub(crate) fn length(&self, name: &str) -> Result<Option<TimeDelta>, ApiError> {
        let read = |text| {
            length(text).ok_or_else(|| {
            ApiError::bad_data(format!(
                "invalid parameter {name:?}: cannot parse {text:?} to a valid duration; write seconds or 5m"
            ))
        })
        };
        self.get(name).map(read).transpose()
    }

    /// `start` to `end`, each defaulting to the end of all time.
    pub(crate) fn range(&self) -> Result<TimeRange, ApiError> {
        let (start, end) = (self.time("start")?, self.time("end")?);
        let range = TimeRange::new(start.unwrap_or(Timestamp::MIN), end.unwrap_or(Timestamp::MAX));
        if range.end < range.start {
            return Err(ApiError::bad_data(
                "invalid parameter \"end\": end timestamp must not be before start time",
            ));
        }
        Ok(range)
    }

    /// `limit`; none or 0 means all.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.get("limit") else { return Ok(usize::MAX) };
        match text.parse::<i64>() {
            Ok(0) => Ok(usize::MAX),
            Ok(limit @ 1..) => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
            Ok(_) => Err(ApiError::bad_data("invalid parameter \"limit\": limit must be non-negative")),
            Err(_) => Err(ApiError::bad_data(format!(
                "invalid parameter \"limit\": cannot parse {text:?} to a valid limit; write a number, 0 for all"
            ))),
        }
    }

    /// The selectors of a parameter such as `match[]`, which may occur several times.
    pub(crate) fn selectors(&self, name: &str) -> Result<Vec<Vec<Matcher>>, ApiError> {
        // An empty selector is a mistake, not an absent one.
        let given = self.0.iter().filter(|(n, _)| n == name).map(|(_, text)| text.as_str());
        given.map(|text| selector(name, text)).collect()
    }
}

fn selector(name: &str, text: &str) -> Result<Vec<Matcher>, ApiError> {
    let expr = bellwether_promql::parse(text).map_err(|errors| syntax(name, text, &errors))?;
    match expr.kind {
        // Series are looked up where `start` and `end` say: an offset would say nothing.
        ExprKind::Selector(selector)
            if selector.shift.offset.is_none()
                && selector.shift.at.is_none()
                && selector.edges == Edges::Plain =>
        {
            Ok(selector.matchers)
        }
        _ => Err(ApiError::bad_data(format!(
            "invalid parameter {name:?}: {text:?} is not a series selector; write up or {{job=\"api\"}}"
        ))),
    }
}

/// The largest moment in seconds that milliseconds can hold.
const SECONDS_MAX: f64 = (i64::MAX / 1000) as f64;

pub(crate) fn time(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds.abs() < SECONDS_MAX)
            .then(|| Timestamp::from_secs_f64(seconds));
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// As [`time`], and also a date or a time without a zone, which are those of UTC: what forms of browsers send.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let local = || match text.len() {
        10 => text.parse::<jiff::civil::Date>().map(jiff::civil::DateTime::from).ok(),
        _ => text.parse::<jiff::civil::DateTime>().ok(),
    };
    let utc = |at: jiff::civil::DateTime| at.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let read =
        time(text).or_else(|| Some(Timestamp::from_millis(utc(local()?)?.timestamp().as_millisecond())));
    read.filter(|at| at.0.abs() < MOMENT_MAX_MS)
}

/// The year 5138; what lies beyond would overflow when lengths are added.
const MOMENT_MAX_MS: i64 = 100_000_000_000_000;

pub(crate) fn length(text: &str) -> Option<TimeDelta> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds.abs() < SECONDS_MAX)
            .then(|| TimeDelta::from_secs_f64(seconds));
    }
    text.parse().ok()
}
