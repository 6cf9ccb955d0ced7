//! Google Cloud Monitoring's JSON: a list of objectives as its interface gives it.

use bellwether_model::{MatchOp, TimeDelta};
use jiff::tz::TimeZone;

use super::Lost;
use super::tree::{Fields, Tree};
use crate::definition::Slo;
use crate::indicator::{Budgeting, Events, Ratio, probe_ratio};
use crate::period::{Calendar, CalendarUnit, Period};
use crate::selector::Selector;

pub(super) fn file(slos: &[Slo], lost: &mut Lost) -> Tree {
    let list: Vec<Tree> = slos.iter().filter_map(|one| slo(one, lost)).collect();
    Fields::new().with("serviceLevelObjectives", list).into()
}

fn slo(slo: &Slo, lost: &mut Lost) -> Option<Tree> {
    let Some(goal) = slo.goal else {
        lost.field(slo, "a threshold without a goal", "write goal:");
        return None;
    };
    let indicator = indicator(slo, lost)?;
    let (field, period) = period(slo, lost)?;
    lost.about(slo);
    lost.own_alerts(slo);
    for (what, is_there) in [
        ("its alerts: they are policies of their own there", !slo.alerts.is_empty()),
        ("its description", !slo.description.is_empty()),
        ("annotations", !slo.annotations.is_empty()),
        ("streams by label", !slo.indicator.group_by.is_empty()),
    ] {
        if is_there {
            lost.field(slo, what, "leave it out");
        }
    }
    let service = if slo.service.is_empty() { "-" } else { slo.service.as_str() };
    let name = format!("projects/-/services/{service}/serviceLevelObjectives/{}", slo.name);
    Some(
        Fields::new()
            .with("name", name)
            .with_text("displayName", &slo.display_name)
            .with("goal", Tree::Number(goal.ratio_text()))
            .with(field, period)
            .with("serviceLevelIndicator", indicator)
            .with_labels("userLabels", &slo.labels)
            .into(),
    )
}

fn period(slo: &Slo, lost: &mut Lost) -> Option<(&'static str, String)> {
    match &slo.period {
        Period::Rolling(length) => Some(("rollingPeriod", format!("{}s", length.as_secs_f64()))),
        Period::Calendar(Calendar { count, unit, start, zone })
            if *start == Calendar::USUAL_START && *zone == TimeZone::UTC =>
        {
            let name = match (count, unit) {
                (1, CalendarUnit::Day) => "DAY",
                (1, CalendarUnit::Week) => "WEEK",
                (2, CalendarUnit::Week) => "FORTNIGHT",
                (1, CalendarUnit::Month) => "MONTH",
                (1, CalendarUnit::Quarter) => "QUARTER",
                (2, CalendarUnit::Quarter) => "HALF",
                (1, CalendarUnit::Year) => "YEAR",
                (_, _) => {
                    lost.field(slo, &slo.period.text(), "write one day, week, month, quarter or year");
                    return None;
                }
            };
            Some(("calendarPeriod", name.to_owned()))
        }
        Period::Calendar(_) => {
            lost.field(slo, &slo.period.text(), "periods begin at midnight in UTC there");
            None
        }
    }
}

fn indicator(slo: &Slo, lost: &mut Lost) -> Option<Fields> {
    let requests = requests(slo, lost)?;
    match slo.indicator.budgeting {
        Budgeting::Occurrences => Some(Fields::new().with("requestBased", requests)),
        Budgeting::Timeslices { slice, target } => {
            let share = Fields::new()
                .with("threshold", Tree::Number(target.ratio_text()))
                .with("performance", requests);
            Some(windows(slice).with("goodTotalRatioThreshold", share))
                .map(|windows| Fields::new().with("windowsBased", windows))
        }
        Budgeting::RatioTimeslices { .. } => {
            lost.field(slo, "the mean over slices", "write timeslices:, or count events");
            None
        }
    }
}

fn windows(slice: TimeDelta) -> Fields {
    Fields::new().with("windowPeriod", format!("{}s", slice.as_secs_f64()))
}

fn requests(slo: &Slo, lost: &mut Lost) -> Option<Fields> {
    let ratio = match &slo.indicator.events {
        Events::Ratio(ratio) => ratio.clone(),
        Events::Probe(name) => probe_ratio(name),
        Events::Latency(latency) => {
            let range = Fields::new().with("max", latency.threshold.get());
            let filter = filter(&latency.histogram, "histogram");
            let cut = Fields::new().with("distributionFilter", filter).with("range", range);
            return Some(Fields::new().with("distributionCut", cut));
        }
        Events::Threshold(_) | Events::Query(_) | Events::Composite(_) => {
            lost.field(slo, "what is asked in PromQL, and journeys", "count events of one metric");
            return None;
        }
    };
    let (first, second) = match &ratio {
        Ratio::GoodTotal { good, total } => (("goodServiceFilter", good), ("totalServiceFilter", total)),
        Ratio::GoodBad { good, bad } => (("goodServiceFilter", good), ("badServiceFilter", bad)),
        Ratio::BadTotal { bad, total } => (("badServiceFilter", bad), ("totalServiceFilter", total)),
    };
    let mut fields = Fields::new();
    for (name, selectors) in [first, second] {
        let [selector] = selectors.as_slice() else {
            lost.field(slo, "a sum of several counters", "write one counter");
            return None;
        };
        fields = fields.with(name, filter(selector, "counter"));
    }
    Some(Fields::new().with("goodTotalRatio", fields))
}

fn filter(selector: &Selector, kind: &str) -> String {
    let name = selector.name.as_deref().unwrap_or_default();
    let head = format!(
        "metric.type=\"prometheus.googleapis.com/{name}/{kind}\" resource.type=\"prometheus_target\""
    );
    let rest = selector.matchers.iter().map(|matcher| {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let (sign, value) = match matcher.op {
            MatchOp::Equal => ("=", quoted(&matcher.value)),
            MatchOp::NotEqual => ("!=", quoted(&matcher.value)),
            MatchOp::Regex => ("=", format!("monitoring.regex.full_match({})", quoted(&matcher.value))),
            MatchOp::NotRegex => ("!=", format!("monitoring.regex.full_match({})", quoted(&matcher.value))),
        };
        format!("metric.labels.{}{sign}{value}", matcher.name)
    });
    std::iter::once(head).chain(rest).collect::<Vec<_>>().join(" ")
}
