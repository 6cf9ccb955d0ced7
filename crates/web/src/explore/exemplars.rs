//! Events that a series counted, with their trace ids, as points on the graph of a query. A point is on the line that the
//! event belongs to, at its time; the value that was measured has its own unit and stands in words. Below the graph the
//! same is a table.

use bellwether_model::{Exemplar, Labels, Matcher, TimeRange, Timestamp};
use bellwether_promql::Expr;
use maud::{Markup, html};

use crate::svg::{Dot, Line, WIDTH};
use crate::{Shared, digits, parts};

/// Of each line a point at most for so many steps of the drawing's width: closer ones are not told apart.
const COLUMN: f64 = 8.0;
/// Rows of the table.
const ROWS_MAX: usize = 100;

/// A series, and its exemplars in order of time.
pub(super) type OfSeries = (Labels, Vec<Exemplar>);

/// What is shown of the exemplars of a query.
#[derive(Default)]
pub(super) struct Exemplars {
    /// On the graph, in order of time.
    pub(super) dots: Vec<Dot>,
    /// The newest first.
    rows: Vec<Row>,
    total: usize,
}

struct Row {
    at: Timestamp,
    value: f64,
    labels: Labels,
    series: Labels,
}

/// Looks up what the series of a query counted in a stretch of time.
pub(super) async fn of(app: &Shared, query: &Expr, range: TimeRange) -> Vec<OfSeries> {
    let selectors: Vec<Vec<Matcher>> =
        bellwether_promql::selectors(query).into_iter().map(|selector| selector.matchers.clone()).collect();
    if selectors.is_empty() {
        return Vec::new();
    }
    let app = Shared::clone(app);
    tokio::task::spawn_blocking(move || app.exemplars(&selectors, range)).await.unwrap_or_default()
}

impl Exemplars {
    /// Places them on lines, whose labels are given beside them.
    pub(super) fn on(found: Vec<OfSeries>, lines: &[Line], names: &[Labels], range: TimeRange) -> Self {
        let mut all: Vec<(Option<usize>, Row)> = Vec::new();
        for (series, exemplars) in found {
            let line = line_of(&series, names);
            for Exemplar { labels, value, at } in exemplars {
                let Some(at) = at.filter(|at| range.contains(*at)) else { continue };
                all.push((line, Row { at, value, labels, series: series.clone() }));
            }
        }
        all.sort_by(|a, b| (a.1.at, &a.1.series).cmp(&(b.1.at, &b.1.series)));
        let total = all.len();
        let dots = dots(&all, lines, range);
        let rows = all.into_iter().rev().take(ROWS_MAX).map(|(_, row)| row).collect();
        Self { dots, rows, total }
    }

    /// All of it as a table.
    pub(super) fn table(&self, now: Timestamp) -> Markup {
        html! {
            @if self.total > 0 {
                details.exemplars {
                    summary { "◆ " (parts::plural(self.total, "exemplar")) }
                    div.scroll tabindex="0" role="region" aria-label="Exemplars" { table {
                        thead { tr { th scope="col" { "Time" } th.n scope="col" { "Value" } th scope="col" { "Labels" } th scope="col" { "Series" } } }
                        tbody { @for row in &self.rows { tr {
                            td { (moment(row.at, now)) }
                            td.n { (digits::value(row.value)) }
                            td.mono { (told(&row.labels)) }
                            td.mono { (row.series) }
                        } } }
                    } }
                    @if self.total > self.rows.len() { p.dim.small { "The newest " (self.rows.len()) " of " (self.total) "." } }
                }
            }
        }
    }
}

/// To the second: events of one minute are told apart by it.
fn moment(at: Timestamp, now: Timestamp) -> Markup {
    let (text, today) = (at.to_string(), now.to_string());
    let second = text.get(..19).unwrap_or(&text);
    let is_today = text.get(..10) == today.get(..10);
    let shown = if is_today { second.get(11..).unwrap_or(second) } else { second };
    html! { time datetime={ (second) "Z" } data-f="second" { (shown.replace('T', " ")) " UTC" } }
}

/// The line with the most labels of which the series has all.
fn line_of(series: &Labels, names: &[Labels]) -> Option<usize> {
    let fits = |name: &Labels| name.iter().all(|(label, value)| series.get(label) == Some(value));
    let fitting = names.iter().enumerate().filter(|(_, name)| fits(name));
    fitting
        .max_by_key(|(place, name)| (name.iter().count(), std::cmp::Reverse(*place)))
        .map(|(place, _)| place)
}

/// Of those of a line that would lie on each other, the one with the highest value.
fn dots(all: &[(Option<usize>, Row)], lines: &[Line], range: TimeRange) -> Vec<Dot> {
    let width = (range.end.0 - range.start.0).max(1) as f64;
    let column = |at: Timestamp| ((at.0 - range.start.0) as f64 / width * WIDTH / COLUMN) as i64;
    let mut shown: Vec<&(Option<usize>, Row)> = Vec::new();
    for next in all {
        let beside = shown.iter().rposition(|it| it.0 == next.0 && column(it.1.at) == column(next.1.at));
        match beside {
            Some(place) if shown[place].1.value < next.1.value => shown[place] = next,
            Some(_) => {}
            None => shown.push(next),
        }
    }
    let dot = |(line, row): &(Option<usize>, Row)| Dot {
        at: row.at,
        level: line.and_then(|line| lines.get(line)).and_then(|line| line.at(row.at)),
        line: *line,
        label: format!("{}: {}", told(&row.labels), digits::value(row.value)),
    };
    shown.into_iter().map(dot).collect()
}

/// `trace_id=0af7…`, which a person can select.
fn told(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { "no labels".to_owned() } else { pairs.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_on_the_line_it_belongs_to() {
        let labels = |text: &str| Labels::from_pairs(text.split(' ').filter_map(|pair| pair.split_once('=')));
        let names = ["", "job=a", "job=a code=200", "job=b"].map(labels);
        let check = |series: &str, line: Option<usize>| {
            assert_eq!(line_of(&labels(series), &names), line, "{series}");
        };
        check("job=a code=200 le=1", Some(2));
        check("job=a code=500 le=1", Some(1));
        check("job=c", Some(0));
        assert_eq!(line_of(&labels("job=c"), &names[1..]), None);
        assert_eq!(
            line_of(&labels("job=a"), &[labels("job=a"), labels("job=a")]),
            Some(0),
            "the first of two"
        );
    }

    #[test]
    fn of_events_on_one_spot_the_highest_is_drawn_and_all_are_listed() {
        let range = TimeRange::new(Timestamp(0), Timestamp(360_000));
        let line = Line {
            label: "x".to_owned(),
            points: vec![
                (Timestamp(0), Some(1.0)),
                (Timestamp(100_000), Some(3.0)),
                (Timestamp(110_000), None),
            ],
        };
        let exemplar = |at: i64, value: f64| Exemplar {
            labels: Labels::from_pairs([("trace_id", at.to_string())]),
            value,
            at: Some(Timestamp(at)),
        };
        let series = Labels::from_pairs([("job", "a")]);
        let given =
            vec![exemplar(50_000, 0.1), exemplar(51_000, 0.4), exemplar(52_000, 0.2), exemplar(200_000, 9.0)];
        let names = [Labels::default()];
        let found = Exemplars::on(vec![(series, given)], &[line], &names, range);
        let dots: Vec<_> = found.dots.iter().map(|dot| (dot.at.0, dot.level, dot.label.as_str())).collect();
        assert_eq!(
            dots,
            [(51_000, Some(2.02), "trace_id=51000: 0.4"), (200_000, None, "trace_id=200000: 9")]
        );
        let table = found.table(Timestamp(360_000)).into_string();
        assert!(table.contains("4 exemplars") && table.contains("trace_id=52000"), "{table}");
        assert!(
            table.contains("datetime=\"1970-01-01T00:00:52Z\" data-f=\"second\">00:00:52 UTC<"),
            "{table}"
        );
        assert_eq!(Exemplars::default().table(Timestamp(0)).into_string(), "");
    }
}
