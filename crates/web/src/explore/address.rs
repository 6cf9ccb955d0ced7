//! What the address of the page asks for, the address of what it asks for, and what buttons change in it.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::RangeSpec;

use crate::{api_params, url};

/// Queries on one page.
const QUERIES_MAX: usize = 8;
/// Points of a graph, about.
const POINTS: i64 = 180;
/// Points of a graph whose step was chosen by hand.
const POINTS_MAX: i64 = 2_000;
/// Lengths of time that make sense.
const RANGE_MIN: TimeDelta = TimeDelta(10_000);
const RANGE_MAX: TimeDelta = TimeDelta(400 * TimeDelta::DAY.0);

/// What is shown of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Both,
    Graph,
    Table,
}

impl Tab {
    pub(super) const ALL: [Self; 3] = [Self::Both, Self::Graph, Self::Table];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Graph => "graph",
            Self::Table => "table",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Both => "Both",
            Self::Graph => "Graph",
            Self::Table => "Table",
        }
    }

    fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.word() == word).unwrap_or_default()
    }
}

/// What the address asks for; texts as they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// At least one, perhaps empty.
    pub(super) exprs: Vec<String>,
    pub(super) tab: Tab,
    pub(super) range_text: String,
    /// Empty for now.
    pub(super) end_text: String,
    /// Empty for a step that fits the range.
    pub(super) step_text: String,
}

impl Ask {
    pub(super) fn of(pairs: &[(String, String)]) -> Self {
        let first = |name: &str| {
            pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim().to_owned()).unwrap_or_default()
        };
        let exprs = pairs.iter().filter(|(name, _)| name == "expr");
        let mut exprs: Vec<String> =
            exprs.take(QUERIES_MAX).map(|(_, text)| text.replace("\r\n", "\n").trim().to_owned()).collect();
        if exprs.is_empty() {
            exprs.push(String::new());
        }
        // Older addresses call the end `at`.
        let end = first("end");
        Self {
            exprs,
            tab: Tab::of_word(&first("tab")),
            range_text: first("range"),
            end_text: if end.is_empty() { first("at") } else { end },
            step_text: first("step"),
        }
    }

    /// From an address of Prometheus' page: `g0.expr`, `g0.range_input` and so on; times are those of the first graph.
    pub(super) fn of_prometheus(pairs: &[(String, String)]) -> Self {
        let get = |index: usize, field: &str| {
            let name = format!("g{index}.{field}");
            pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| v.trim().to_owned()).unwrap_or_default()
        };
        let mut exprs: Vec<String> = (0..QUERIES_MAX).map(|n| get(n, "expr")).collect();
        exprs.retain(|expr| !expr.is_empty());
        if exprs.is_empty() {
            exprs.push(String::new());
        }
        let tab = match get(0, "tab").as_str() {
            "0" | "graph" => Tab::Graph,
            "1" | "table" => Tab::Table,
            _ => Tab::Both,
        };
        let end = [get(0, "end_input"), get(0, "moment_input")].into_iter().find(|text| !text.is_empty());
        Self {
            exprs,
            tab,
            range_text: get(0, "range_input"),
            end_text: end.map(|text| utc(&text)).unwrap_or_default(),
            step_text: get(0, "step_input"),
        }
    }

    /// The address; what is as usual is left out.
    pub(super) fn href(&self) -> String {
        let mut pairs: Vec<(&str, &str)> = self.exprs.iter().map(|expr| ("expr", expr.as_str())).collect();
        let usual = |name, text| (!str::is_empty(text)).then_some((name, text));
        pairs.extend((self.tab != Tab::default()).then_some(("tab", self.tab.word())));
        pairs.extend(usual("range", &self.range_text));
        pairs.extend(usual("end", &self.end_text));
        pairs.extend(usual("step", &self.step_text));
        let pairs: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{name}={}", url::encode(value, ""))).collect();
        format!("/explore?{}", pairs.join("&"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exprs.iter().all(String::is_empty)
    }

    /// What a button says is to be changed. An action that makes no sense changes nothing.
    pub(super) fn act(&mut self, action: &str, now: Timestamp) {
        let (verb, what) = action.split_once(':').unwrap_or((action, ""));
        let index = what.parse::<usize>().ok().filter(|index| *index < self.exprs.len());
        match (verb, index) {
            ("tab", _) => self.tab = Tab::of_word(what),
            ("range", _) => self.range_text = what.to_owned(),
            ("now", _) => self.end_text.clear(),
            ("earlier", _) => self.move_by(TimeDelta(-self.range().0 / 2), now),
            ("later", _) => self.move_by(TimeDelta(self.range().0 / 2), now),
            ("add", _) if self.exprs.len() < QUERIES_MAX => self.exprs.push(String::new()),
            ("remove", Some(index)) if self.exprs.len() > 1 => {
                self.exprs.remove(index);
            }
            ("format", Some(index)) => {
                if let Ok(text) = bellwether_promql::format_query(&self.exprs[index]) {
                    self.exprs[index] = text;
                }
            }
            _ => {}
        }
    }

    /// What lies in the future is now.
    fn move_by(&mut self, delta: TimeDelta, now: Timestamp) {
        let end = self.end(now) + delta;
        self.end_text = if end >= now { String::new() } else { seconds_text(end) };
    }

    pub(super) fn range(&self) -> TimeDelta {
        let range = api_params::length(&self.range_text).unwrap_or(TimeDelta::HOUR);
        range.clamp(RANGE_MIN, RANGE_MAX)
    }

    /// The moment of the table and the end of the graph.
    pub(super) fn end(&self, now: Timestamp) -> Timestamp {
        api_params::time(&self.end_text).unwrap_or(now)
    }

    /// The step that was chosen, or one that gives about as many points as can be told apart, in whole seconds.
    pub(super) fn step(&self) -> TimeDelta {
        let range = self.range();
        let chosen = api_params::length(&self.step_text).filter(|step| step.0 > 0);
        let finest = TimeDelta(range.0 / POINTS_MAX + 1);
        chosen.map_or(TimeDelta((range.0 / POINTS).max(1000) / 1000 * 1000), |step| step.max(finest))
    }

    pub(super) fn range_spec(&self, now: Timestamp) -> RangeSpec {
        let (end, step) = (self.end(now), self.step());
        // The last point is at the end itself: somebody who has just started wants to see the first sample.
        let end = end.floor_to(TimeDelta::SECOND);
        let count = self.range().0 / step.0;
        RangeSpec { start: end - TimeDelta(step.0 * count), end, step }
    }

    /// `1h until now, every 20s`
    pub(super) fn span_text(&self, now: Timestamp) -> String {
        let end = if self.end_text.is_empty() { "now".to_owned() } else { seconds_text(self.end(now)) };
        format!("{} until {end}, every {}", self.range(), self.step())
    }

    /// What was typed and cannot be read.
    pub(super) fn problems(&self) -> Vec<String> {
        let length = |name: &str, text: &str| {
            let is_wrong = !text.is_empty() && api_params::length(text).is_none_or(|length| length.0 <= 0);
            is_wrong
                .then(|| format!("{name} {text:?} is not a length of time; write it like 90s, 5m or 1h30m"))
        };
        let end = &self.end_text;
        let is_bad_end = !end.is_empty() && api_params::time(end).is_none();
        let bad_end = is_bad_end.then(|| {
            format!("end {end:?} is not a time; write it like 2026-11-21T03:04:05Z or seconds since 1970")
        });
        [length("length", &self.range_text), bad_end, length("step", &self.step_text)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// `2026-11-21 02:00:00`, as Prometheus' page writes times, which it means in UTC.
fn utc(text: &str) -> String {
    match text.split_once(' ') {
        Some((day, clock)) if !clock.ends_with('Z') => {
            let seconds = if clock.len() == 5 { ":00" } else { "" };
            format!("{day}T{clock}{seconds}Z")
        }
        Some((day, clock)) => format!("{day}T{clock}"),
        None => text.to_owned(),
    }
}

/// Without fractions of a second.
fn seconds_text(at: Timestamp) -> String {
    let text = at.floor_to(TimeDelta::SECOND).to_string();
    format!("{}Z", text.split(['.', 'Z']).next().unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_227_908_000);

    fn ask(query: &str) -> Ask {
        Ask::of(&url::pairs(query))
    }

    #[test]
    fn an_address_says_everything_and_nothing_usual() {
        let check = |query: &str, expected: &str| assert_eq!(ask(query).href(), expected, "{query}");
        check("", "/explore?expr=");
        check("expr=up&tab=both&range=&end=&step=", "/explore?expr=up");
        check(
            "expr=a&expr=b&tab=table&range=6h&step=1m",
            "/explore?expr=a&expr=b&tab=table&range=6h&step=1m",
        );
        check("expr=a%0D%0A%2B+1", "/explore?expr=a%0A%2B%201");
        check("expr=up&at=5", "/explore?expr=up&end=5");
    }

    #[test]
    fn a_button_leads_to_the_address_of_what_it_makes() {
        let check = |query: &str, action: &str, expected: &str| {
            let mut ask = ask(query);
            ask.act(action, NOW);
            assert_eq!(ask.href(), expected, "{query} {action}");
        };
        check("expr=up", "tab:graph", "/explore?expr=up&tab=graph");
        check("expr=up", "range:6h", "/explore?expr=up&range=6h");
        check("expr=up&range=2h", "earlier", "/explore?expr=up&range=2h&end=2026-11-21T01%3A25%3A08Z");
        check("expr=up&end=2026-11-21T01:25:08Z&range=4h", "later", "/explore?expr=up&range=4h");
        check("expr=up&end=5", "now", "/explore?expr=up");
        check("expr=up", "add", "/explore?expr=up&expr=");
        check("expr=up&expr=b", "remove:0", "/explore?expr=b");
        check("expr=up", "remove:0", "/explore?expr=up");
        check("expr=sum(up)by(job)", "format:0", "/explore?expr=sum%20by%20%28job%29%20%28up%29");
        check("expr=sum(", "format:0", "/explore?expr=sum%28");
        check("expr=up", "format:7", "/explore?expr=up");
        check("expr=up", "nonsense", "/explore?expr=up");
    }

    #[test]
    fn addresses_of_prometheus_page_lead_to_the_same_query() {
        let check = |query: &str, expected: &str| {
            assert_eq!(Ask::of_prometheus(&url::pairs(query)).href(), expected, "{query}");
        };
        check("g0.expr=up&g0.tab=1", "/explore?expr=up&tab=table");
        check(
            "g0.expr=up&g0.tab=0&g0.range_input=2h&g0.end_input=2026-11-21%2002:00&g0.step_input=30",
            "/explore?expr=up&tab=graph&range=2h&end=2026-11-21T02%3A00%3A00Z&step=30",
        );
        check("g0.expr=a&g1.expr=b", "/explore?expr=a&expr=b");
        check("", "/explore?expr=");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(ask("expr=up&range=1h&end=5&step=15").problems(), Vec::<String>::new());
        let problems = ask("range=soon&end=later&step=-1").problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn a_graph_never_has_too_many_points() {
        for query in ["range=30d", "range=30d&step=1s", "range=1000y", "range=5m&step=1ms", "range=1s"] {
            let spec = ask(query).range_spec(NOW);
            let points = (spec.end - spec.start).0 / spec.step.0;
            assert!((0..=POINTS_MAX).contains(&points), "{query}: {points}");
        }
    }
}
