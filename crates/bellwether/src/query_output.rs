//! Answers to queries as people and spreadsheets read them: a table with a small graph per series, histograms as bars,
//! or lines of comma-separated values.

use bellwether_model::Timestamp;
use serde_json::Value;

use crate::output::{Rows, labels_text, say};

/// Characters of a small graph.
const GRAPH_WIDTH: usize = 60;
/// Characters of the longest bar.
const BAR_WIDTH: f64 = 40.0;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// For people.
pub fn print_table(data: &Value) {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("scalar" | "string") => say(result[1].as_str().unwrap_or_default()),
        Some("matrix") => print_ranges(result),
        _ => print_values(result),
    }
}

fn series_of(result: &Value) -> impl Iterator<Item = &Value> {
    result.as_array().into_iter().flatten()
}

fn print_values(result: &Value) {
    let mut rows = Rows::new(&["series", "value", "time"]);
    let (floats, histograms): (Vec<_>, Vec<_>) =
        series_of(result).partition(|series| series["value"].is_array());
    for series in floats {
        let at = Timestamp::from_secs_f64(series["value"][0].as_f64().unwrap_or_default());
        rows.push([labels_text(&series["metric"]), text(&series["value"][1]), at.to_string()]);
    }
    if rows.is_empty() && histograms.is_empty() {
        return say("no series");
    }
    if !rows.is_empty() {
        rows.print();
    }
    for series in histograms {
        say(&labels_text(&series["metric"]));
        histogram_lines(&series["histogram"][1]).iter().for_each(|line| say(line));
    }
}

/// A series over time: its extent, its end, and how it went.
fn print_ranges(result: &Value) {
    let mut rows = Rows::new(&["series", "min", "max", "last", "graph"]);
    let grid = Grid::of(result);
    for series in series_of(result) {
        let points = points(series, "values");
        let finite = || points.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
        let last_histogram = series["histograms"].as_array().and_then(|histograms| histograms.last());
        let name = labels_text(&series["metric"]);
        if let Some((_, last)) = points.last() {
            let (low, high) =
                (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
            rows.push([name, short(low), short(high), short(*last), grid.graph(&points, (low, high))]);
        } else if let Some(last) = last_histogram {
            let count = format!("count {}", text(&last[1]["count"]));
            let counts = points_of_counts(series);
            let high = counts.iter().map(|(_, count)| *count).fold(0.0, f64::max);
            rows.push([name, String::new(), String::new(), count, grid.graph(&counts, (0.0, high))]);
        }
    }
    if rows.is_empty() { say("no series") } else { rows.print() }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("+Inf") => f64::INFINITY,
        Some("-Inf") => f64::NEG_INFINITY,
        Some(text) => text.parse().unwrap_or(f64::NAN),
        None => f64::NAN,
    }
}

fn points(series: &Value, field: &str) -> Vec<(f64, f64)> {
    let points = series[field].as_array().into_iter().flatten();
    points.map(|point| (point[0].as_f64().unwrap_or_default(), number(&point[1]))).collect()
}

fn points_of_counts(series: &Value) -> Vec<(f64, f64)> {
    let points = series["histograms"].as_array().into_iter().flatten();
    points.map(|point| (point[0].as_f64().unwrap_or_default(), number(&point[1]["count"]))).collect()
}

/// About five digits.
fn short(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => value.to_string(),
        0.0 => "0".to_owned(),
        size if !(1e-4..1e9).contains(&size) => format!("{value:.4e}"),
        size => {
            let decimals = (4 - size.log10().floor() as i32).clamp(0, 8) as usize;
            let text = format!("{value:.decimals$}");
            let is_fraction = text.contains('.');
            if is_fraction { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    }
}

/// The time that all small graphs share, so that what is below each other happened at once.
struct Grid {
    start: f64,
    end: f64,
}

impl Grid {
    fn of(result: &Value) -> Self {
        let (mut start, mut end) = (f64::INFINITY, f64::NEG_INFINITY);
        for series in series_of(result) {
            for (at, _) in points(series, "values").into_iter().chain(points_of_counts(series)) {
                (start, end) = (start.min(at), end.max(at));
            }
        }
        Self { start, end }
    }

    /// One character per stretch of time: as high as its mean between the lowest and the highest value; a blank where
    /// nothing was measured.
    fn graph(&self, points: &[(f64, f64)], (low, high): (f64, f64)) -> String {
        let mut cells = [(0.0, 0u32); GRAPH_WIDTH];
        let span = (self.end - self.start).max(1e-3);
        for (at, value) in points.iter().filter(|(_, value)| value.is_finite()) {
            let cell = ((at - self.start) / span * (GRAPH_WIDTH - 1) as f64).round() as usize;
            let cell = &mut cells[cell.min(GRAPH_WIDTH - 1)];
            *cell = (cell.0 + value, cell.1 + 1);
        }
        let mut last = None;
        let mut out = String::new();
        for (sum, count) in cells {
            // Fewer points than characters: what lies between two points is as the one before.
            last = if count > 0 {
                Some(sum / f64::from(count))
            } else {
                last.filter(|_| points.len() < GRAPH_WIDTH)
            };
            out.push(last.map_or(' ', |value| level(value, low, high)));
        }
        out.trim_end().to_owned()
    }
}

fn level(value: f64, low: f64, high: f64) -> char {
    let share = if high > low { (value - low) / (high - low) } else { 0.5 };
    LEVELS[((share * 7.0).round() as usize).min(7)]
}

/// Count and sum, then a bar per bucket.
fn histogram_lines(histogram: &Value) -> Vec<String> {
    let mut lines = vec![format!("  count {}  sum {}", text(&histogram["count"]), text(&histogram["sum"]))];
    let buckets: Vec<(String, f64)> = histogram["buckets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|bucket| {
            // Which of the bounds belong to the bucket: both are open, or the lower, or the upper, or none is.
            let (left, right) = match bucket[0].as_u64() {
                Some(0) => ('(', ']'),
                Some(1) => ('[', ')'),
                Some(2) => ('(', ')'),
                _ => ('[', ']'),
            };
            let bound = |n: usize| short(number(&bucket[n]));
            (format!("{left}{}, {}{right}", bound(1), bound(2)), number(&bucket[3]))
        })
        .collect();
    let widest = buckets.iter().map(|(bounds, _)| bounds.chars().count()).max().unwrap_or(0);
    let most = buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    for (bounds, count) in buckets {
        let length = if most > 0.0 { (count / most * BAR_WIDTH).round().max(0.0) as usize } else { 0 };
        lines.push(format!("  {bounds:>widest$} {} {}", "█".repeat(length), short(count)));
    }
    lines
}

/// For spreadsheets: one line per sample. A histogram stands as JSON in its cell.
pub fn print_csv(data: &Value) {
    say("series,time,value");
    let line = |series: &str, at: &Value, value: &str| {
        say(&format!("{},{at},{}", cell(series), cell(value)));
    };
    let result = &data["result"];
    if let Some("scalar" | "string") = data["resultType"].as_str() {
        return line("", &result[0], &text(&result[1]));
    }
    for series in series_of(result) {
        let name = labels_text(&series["metric"]);
        let single = ["value", "histogram"].into_iter().map(|field| &series[field]).filter(|p| p.is_array());
        let many =
            ["values", "histograms"].into_iter().filter_map(|field| series[field].as_array()).flatten();
        for point in single.chain(many) {
            let value = point[1].as_str().map_or_else(|| point[1].to_string(), str::to_owned);
            line(&name, &point[0], &value);
        }
    }
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_small_graph_shows_how_a_series_went() {
        let check = |values: &[f64], expected: &str| {
            let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, v)| (at as f64, *v)).collect();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let grid = Grid { start: 0.0, end: (GRAPH_WIDTH - 1) as f64 };
            assert_eq!(grid.graph(&points, (low, high)), expected);
        };
        let rising: Vec<f64> = (0..60).map(f64::from).collect();
        let graph: String = "▁▁▁▁▁▂▂▂▂▂▂▂▂▃▃▃▃▃▃▃▃▃▄▄▄▄▄▄▄▄▅▅▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▇▇▇▇▇▇▇▇█████".to_owned();
        check(&rising, &graph);
        check(&[5.0; 60], &"▅".repeat(60));
    }

    #[test]
    fn a_histogram_is_drawn_with_its_bounds() {
        let histogram = json!({"count": "30", "sum": "41.5", "buckets": [[0, "0.5", "1", "10"], [0, "1", "2", "20"], [3, "-0.001", "0.001", "0"]]});
        let lines = histogram_lines(&histogram);
        assert_eq!(lines[0], "  count 30  sum 41.5");
        assert_eq!(lines[1], format!("         (0.5, 1] {} 10", "█".repeat(20)));
        assert_eq!(lines[2], format!("           (1, 2] {} 20", "█".repeat(40)));
        assert_eq!(lines[3], "  [-0.001, 0.001]  0");
    }

    #[test]
    fn numbers_keep_about_five_digits() {
        let check = |value: f64, expected: &str| assert_eq!(short(value), expected);
        check(0.0, "0");
        check(1234567.0, "1234567");
        check(0.123456789, "0.12346");
        check(99.995, "99.995");
        check(-2.5, "-2.5");
        check(1e12, "1.0000e12");
        check(f64::NAN, "NaN");
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(cell("1.5"), "1.5");
        assert_eq!(cell("up{a=\"b\"}"), "\"up{a=\"\"b\"\"}\"");
    }
}
