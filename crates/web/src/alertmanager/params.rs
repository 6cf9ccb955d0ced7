//! Parameters of Alertmanager's listings.

use bellwether_alerts::parse_matcher;
use bellwether_model::{Labels, MatchOp, Matcher, matches_all};

use super::answer::Refusal;
use crate::{Shared, url};

/// Words that mean yes, in any case; every other word means no, as in the library that Alertmanager uses.
const YES: [&str; 10] = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];
/// Filters longer than this nobody typed.
const FILTER_BYTES_MAX: usize = 16 << 10;

/// Names and values; a name may occur several times.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(query: Option<&str>) -> Self {
        Self(url::pairs(query.unwrap_or_default()))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A switch that is on unless it is turned off.
    pub(super) fn switch(&self, name: &str) -> bool {
        let given = self.all(name).last().filter(|value| !value.is_empty());
        given.is_none_or(|value| YES.iter().any(|yes| yes.eq_ignore_ascii_case(value)))
    }

    /// Each value is one matcher.
    pub(super) fn matchers(&self, name: &str) -> Result<Vec<Matcher>, Refusal> {
        let read = |text: &str| match text.len() {
            0..FILTER_BYTES_MAX => parse_matcher(text).map_err(|error| error.to_string()),
            _ => Err(format!("it is longer than {FILTER_BYTES_MAX} bytes")),
        };
        let named = |why: String| Refusal::bad(format!("failed to parse {name} param: {why}"));
        self.all(name).map(|text| read(text).map_err(named)).collect()
    }

    /// The same with each value of a name replaced by others.
    pub(super) fn split(
        self,
        name: &str,
        into: impl Fn(&str) -> Result<Vec<String>, Refusal>,
    ) -> Result<Self, Refusal> {
        let mut pairs = Vec::with_capacity(self.0.len());
        for (given, value) in self.0 {
            let values = if given == name { into(&value)? } else { vec![value] };
            pairs.extend(values.into_iter().map(|value| (given.clone(), value)));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that is given at most once.
    pub(super) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).last().filter(|value| !value.is_empty())
    }
}

/// Which receivers are asked for: by a regular expression of their whole name, and by their labels.
pub(super) struct ReceiverFilter {
    name: Option<Matcher>,
    by_labels: Option<Vec<String>>,
}

impl ReceiverFilter {
    pub(super) fn of(app: &Shared, params: &Params) -> Result<Self, Refusal> {
        let pattern = params.get("receiver").map(|text| Matcher::new(MatchOp::Regex, "receiver", text));
        let name = pattern
            .transpose()
            .map_err(|error| Refusal::bad(format!("failed to parse receiver param: {error}")))?;
        let matchers = params.matchers("receiver_matchers")?;
        let takes = |labels: &Labels| matches_all(&matchers, labels);
        let by_labels = (!matchers.is_empty()).then(|| {
            let receivers = app.routing_config().receivers.into_iter();
            receivers.filter(|receiver| takes(&receiver.labels)).map(|receiver| receiver.name).collect()
        });
        Ok(Self { name, by_labels })
    }

    pub(super) fn takes_all(&self) -> bool {
        self.name.is_none() && self.by_labels.is_none()
    }

    pub(super) fn takes(&self, receiver: &str) -> bool {
        self.name.as_ref().is_none_or(|matcher| matcher.matches_value(receiver))
            && self.by_labels.as_ref().is_none_or(|names| names.iter().any(|name| name == receiver))
    }
}
