//! Heat maps: how the observations of a histogram are spread over its buckets, over time. Classic buckets are cumulative;
//! what lies between two bounds is the difference of their counts.

use std::collections::BTreeMap;

use bellwether_model::Timestamp;
use bellwether_promql::RangeSeries;
use maud::{Markup, html};

use super::ask::Shown;
use super::unit;
use crate::view::PanelUnit;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 168.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 6.0;
const BOTTOM: f64 = 20.0;
/// Shades; a script is not needed to tell them apart.
const SHADES: f64 = 6.0;
/// Labels of bounds that fit beside the drawing.
const BOUNDS_SHOWN: usize = 8;

/// Counts between two bounds at each moment.
pub(super) struct Heat {
    /// Upper bounds of the rows, ascending.
    bounds: Vec<f64>,
    /// For each moment a count for each row.
    columns: BTreeMap<Timestamp, Vec<f64>>,
}

impl Heat {
    /// Of series that have the label `le`; series of equal bounds are added up.
    pub(super) fn of(series: &[RangeSeries]) -> Option<Self> {
        let mut cumulative: BTreeMap<Timestamp, BTreeMap<u64, f64>> = BTreeMap::new();
        let mut bounds: BTreeMap<u64, f64> = BTreeMap::new();
        for one in series {
            let Some(bound) = one.labels.get("le").and_then(|text| text.parse::<f64>().ok()) else {
                continue;
            };
            let key = ordered(bound);
            bounds.insert(key, bound);
            for point in one.points.iter().filter(|point| point.value.is_finite()) {
                *cumulative.entry(point.at).or_default().entry(key).or_default() += point.value;
            }
        }
        let rows: Vec<u64> = bounds.keys().copied().collect();
        let columns = cumulative.into_iter().map(|(at, counts)| {
            let mut below = 0.0;
            let column = rows.iter().map(|row| {
                let count = counts.get(row).copied().unwrap_or(below);
                let inside = (count - below).max(0.0);
                below = below.max(count);
                inside
            });
            (at, column.collect())
        });
        (!rows.is_empty())
            .then(|| Self { columns: columns.collect(), bounds: bounds.into_values().collect() })
    }

    pub(super) fn draw(&self, id: &str, title: &str, shown: Shown, scale: PanelUnit) -> Markup {
        let range = shown.time_range();
        let span = (range.end.0 - range.start.0).max(1) as f64;
        let steps: Vec<i64> =
            self.columns.keys().zip(self.columns.keys().skip(1)).map(|(a, b)| b.0 - a.0).collect();
        let step = steps.iter().copied().min().unwrap_or(range.end.0 - range.start.0).max(1) as f64;
        let width = step / span * (WIDTH - LEFT);
        let height = (HEIGHT - TOP - BOTTOM) / self.bounds.len() as f64;
        let most = self.columns.values().flatten().copied().fold(0.0, f64::max);
        let x = |at: Timestamp| LEFT + ((at.0 - range.start.0) as f64 / span) * (WIDTH - LEFT) - width;
        let y = |row: usize| HEIGHT - BOTTOM - height * (row + 1) as f64;
        let every = self.bounds.len().div_ceil(BOUNDS_SHOWN).max(1);
        html! {
            svg.chart.heat viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby=(id) {
                title id=(id) { (title) }
                @for (at, column) in &self.columns {
                    @for (row, count) in column.iter().enumerate() {
                        @if *count > 0.0 {
                            @let shade = ((count / most).sqrt() * SHADES).ceil().clamp(1.0, SHADES);
                            rect class={ "h" (shade) } x=(tenths(x(*at).max(LEFT))) y=(tenths(y(row)))
                                width=(tenths(width.min(WIDTH - LEFT))) height=(tenths(height)) {}
                        }
                    }
                }
                @for (row, bound) in self.bounds.iter().enumerate().step_by(every) {
                    text x=(LEFT - 5.0) y=(tenths(y(row) + 4.0)) text-anchor="end" {
                        @if bound.is_finite() { (unit::text(*bound, scale)) } @else { "more" }
                    }
                }
                @for n in 0..=4 {
                    @let at = Timestamp(range.start.0 + (range.end.0 - range.start.0) / 4 * n);
                    @let anchor = if n == 0 { "start" } else if n == 4 { "end" } else { "middle" };
                    @let text = at.to_string();
                    text x=(tenths(LEFT + (WIDTH - LEFT) / 4.0 * n as f64)) y=(HEIGHT - 5.0) text-anchor=(anchor) data-t=(at.0) data-f="clock" {
                        (text.get(11..16).unwrap_or_default())
                    }
                }
            }
        }
    }

    /// The newest column as rows of a table: the bound, and how many.
    pub(super) fn newest(&self, scale: PanelUnit) -> Vec<(String, f64)> {
        let Some(column) = self.columns.values().next_back() else { return Vec::new() };
        let name = |bound: f64| {
            if bound.is_finite() { format!("≤ {}", unit::text(bound, scale)) } else { "more".to_owned() }
        };
        self.bounds.iter().zip(column).map(|(bound, count)| (name(*bound), *count)).collect()
    }
}

/// A key in the order of the numbers.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn tenths(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
