//! Line charts as SVG, drawn here so that a page needs no script to show them. Colours come from the style sheet, so
//! one drawing serves both themes; axis texts grow on a phone and shrink on a desk through the same.

use std::fmt::Write as _;

use bellwether_model::{TimeDelta, TimeRange, Timestamp};
use maud::{Markup, PreEscaped, html};

use crate::digits;

/// What the vertical axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A ratio, shown as a percentage.
    Percent,
    /// Anything.
    Plain,
}

/// One line; a point without a value is a gap.
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) points: Vec<(Timestamp, Option<f64>)>,
}

impl Line {
    /// Through values at moments; those further apart than a step are not joined.
    pub(crate) fn through(
        label: String,
        values: impl IntoIterator<Item = (Timestamp, f64)>,
        step: TimeDelta,
    ) -> Self {
        let mut points = Vec::new();
        let mut previous: Option<Timestamp> = None;
        for (at, value) in values {
            if let Some(before) = previous.filter(|before| at - *before > step) {
                points.push((before + step, None));
            }
            points.push((at, Some(value)));
            previous = Some(at);
        }
        Self { label, points }
    }

    /// Where it is at a moment: between its neighbours, or where it ends within a gap.
    pub(crate) fn at(&self, at: Timestamp) -> Option<f64> {
        let after = self.points.partition_point(|(point, _)| *point < at);
        let next = self.points.get(after).and_then(|(point, value)| Some((*point, (*value)?)));
        let before = after.checked_sub(1).and_then(|place| self.points.get(place));
        let before = before.and_then(|(point, value)| Some((*point, (*value)?)));
        match (before, next) {
            (_, Some((point, value))) if point == at => Some(value),
            (Some((from, low)), Some((to, high))) => {
                Some(low + (high - low) * (at.0 - from.0) as f64 / (to.0 - from.0) as f64)
            }
            (Some((_, value)), None) if after == self.points.len() => Some(value),
            _ => None,
        }
    }
}

/// A single event, drawn as a point.
pub(crate) struct Dot {
    pub(crate) at: Timestamp,
    /// Its height; without one it lies on the lower edge.
    pub(crate) level: Option<f64>,
    /// The line it belongs to, whose colour it has.
    pub(crate) line: Option<usize>,
    pub(crate) label: String,
}

/// A level worth seeing beside the lines.
pub(crate) struct Goal {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// Something that happened, drawn as a bar along the upper edge.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) range: TimeRange,
    pub(crate) label: String,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// Which line of bars it is on, from above.
    pub(crate) row: usize,
}

/// A chart of lines over time.
pub(crate) struct LineChart {
    /// Unique in the page; names the chart for assistive technology.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) range: TimeRange,
    pub(crate) lines: Vec<Line>,
    pub(crate) levels: Vec<Goal>,
    /// A value the axis must reach.
    pub(crate) include: Option<f64>,
    /// Stretches that were not measured; shaded.
    pub(crate) gaps: Vec<TimeRange>,
    /// What happened meanwhile.
    pub(crate) marks: Vec<Mark>,
    /// Distance of the points, where each line shall carry its values for a script to read out.
    pub(crate) step: Option<TimeDelta>,
}

pub(crate) const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 168.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 20.0;
/// Lines that are drawn; more would be neither told apart nor read.
pub(crate) const LINES_MAX: usize = 18;
/// Colours; lines beyond them are dashed.
const COLOURS: usize = 6;

/// Where moments and values are on the drawing.
struct Plane {
    range: TimeRange,
    low: f64,
    high: f64,
}

impl Plane {
    fn x(&self, at: Timestamp) -> f64 {
        let span = (self.range.end.0 - self.range.start.0).max(1) as f64;
        let fraction = ((at.0 - self.range.start.0) as f64 / span).clamp(0.0, 1.0);
        LEFT + fraction * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let fraction = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - fraction * (HEIGHT - TOP - BOTTOM)
    }
}

impl LineChart {
    pub(crate) fn draw(&self) -> Markup {
        self.draw_with(&[])
    }

    /// With events on it.
    pub(crate) fn draw_with(&self, dots: &[Dot]) -> Markup {
        let (plane, ticks) = self.plane();
        let title_id = format!("{}-t", self.id);
        html! {
            svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby=(title_id)
                data-from=[self.step.map(|_| self.range.start.0)] data-step=[self.step.map(|step| step.0)]
                data-area=[self.step.map(|_| format!("{LEFT} {} {TOP} {}", WIDTH - RIGHT, HEIGHT - BOTTOM))]
                data-axis=[self.step.map(|_| format!("{} {}", plane.low, plane.high))] data-to=[self.step.map(|_| self.range.end.0)] {
                title id=(title_id) { (self.title) }
                @for gap in &self.gaps { (shade(&plane, *gap)) }
                @for tick in &ticks { (self.level(&plane, *tick, &ticks)) }
                (self.time_axis(&plane))
                @for (index, level) in self.levels.iter().enumerate() {
                    @let y = round(plane.y(level.at));
                    @let class = if index == 0 { "goal" } else { "goal also" };
                    line class=(class) x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                    @let (x, anchor) = if index == 0 { (WIDTH - RIGHT, "end") } else { (LEFT + 3.0, "start") };
                    text.goal-text.also[index > 0] x=(x) y=(round(goal_text_y(y))) text-anchor=(anchor) { (level.label) }
                }
                @for (index, line) in self.lines.iter().take(LINES_MAX).enumerate() {
                    path class={ (style(index)) " l" (index) } d=(PreEscaped(path(&plane, &line.points)))
                        data-values=[self.step.map(|step| values(self.range, step, &line.points))] {}
                }
                @for mark in &self.marks { (draw_mark(&plane, mark)) }
                @for dot in dots { (draw_dot(&plane, dot)) }
            }
        }
    }

    /// Which values fit, and where the axis has its marks.
    fn plane(&self) -> (Plane, Vec<f64>) {
        let values =
            self.lines.iter().take(LINES_MAX).flat_map(|l| &l.points).filter_map(|(_, value)| *value);
        let marks = self.levels.iter().map(|g| g.at).chain(self.include);
        let mut bounds = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.chain(marks).filter(|v| v.is_finite()) {
            bounds = (bounds.0.min(value), bounds.1.max(value));
        }
        if bounds.0 > bounds.1 {
            bounds = (0.0, 1.0);
        }
        let step = nice_step(spread(bounds));
        let mut low = (bounds.0 / step).floor() * step;
        let mut high = (bounds.1 / step).ceil() * step;
        if low >= high {
            (low, high) = (low - step, high + step);
        }
        if self.unit == Unit::Percent && bounds.1 <= 1.0 {
            high = high.min(1.0);
        }
        let count = ((high - low) / step).round().clamp(1.0, 12.0) as usize;
        let ticks = (0..=count).map(|n| low + step * n as f64).filter(|t| *t <= high + step * 1e-6).collect();
        (Plane { range: self.range, low, high }, ticks)
    }

    fn level(&self, plane: &Plane, tick: f64, ticks: &[f64]) -> Markup {
        let y = round(plane.y(tick));
        let others: Vec<f64> = ticks.iter().copied().filter(|other| *other != tick).collect();
        // Sums of a step such as 0.1 miss their mark by a hair; the label shall not.
        let clean = (tick * 1e12).round() / 1e12;
        let text = match self.unit {
            Unit::Percent => digits::percent(clean, &others),
            Unit::Plain => digits::value(clean),
        };
        html! {
            line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
            text x=(LEFT - 5.0) y=(round(y + 3.5)) text-anchor="end" { (text) }
        }
    }

    fn time_axis(&self, plane: &Plane) -> Markup {
        const MARKS: i64 = 4;
        let span = self.range.end.0 - self.range.start.0;
        let by_day = span > TimeDelta::DAY.0 * 3 / 2;
        let at = |n: i64| Timestamp(self.range.start.0 + span / MARKS * n);
        html! {
            @for n in 0..=MARKS {
                @let anchor = if n == 0 { "start" } else if n == MARKS { "end" } else { "middle" };
                @let text = at(n).to_string();
                text x=(round(plane.x(at(n)))) y=(HEIGHT - 5.0) text-anchor=(anchor) data-t=(at(n).0)
                    data-f=(if by_day { "day" } else { "clock" }) {
                    @if by_day { (text.get(5..10).unwrap_or_default()) } @else { (text.get(11..16).unwrap_or_default()) }
                }
            }
        }
    }
}

/// A piece of a line, for its name to stand beside.
pub(crate) fn swatch(index: usize) -> Markup {
    html! { svg viewBox="0 0 18 8" aria-hidden="true" { line class=(style(index)) x1="0" x2="18" y1="4" y2="4" {} } }
}

fn style(index: usize) -> String {
    format!("s{} d{}", index % COLOURS, index / COLOURS)
}

/// One value per step, empty where there is none.
fn values(range: TimeRange, step: TimeDelta, points: &[(Timestamp, Option<f64>)]) -> String {
    let (mut out, mut at, mut rest) = (String::new(), range.start, points.iter().peekable());
    while at <= range.end {
        while rest.peek().is_some_and(|(t, _)| *t < at) {
            rest.next();
        }
        if at > range.start {
            out.push(' ');
        }
        if let Some((_, Some(value))) = rest.peek().filter(|(t, _)| *t == at) {
            out.push_str(&digits::value(*value));
        }
        at += step;
    }
    out
}

fn shade(plane: &Plane, gap: TimeRange) -> Markup {
    let (from, to) = (plane.x(gap.start), plane.x(gap.end));
    html! { rect.gap x=(round(from)) y=(TOP) width=(round((to - from).max(0.5))) height=(HEIGHT - TOP - BOTTOM) {} }
}

/// At least as wide as a finger's tip can find on a phone's drawing.
fn draw_mark(plane: &Plane, mark: &Mark) -> Markup {
    let (from, to) = (plane.x(mark.range.start), plane.x(mark.range.end));
    let y = TOP + 5.0 * mark.row as f64;
    html! { rect class={ "mark " (mark.class) } x=(round(from)) y=(y) width=(round((to - from).max(1.5))) height="4" { title { (mark.label) } } }
}

/// A lozenge, which is no part of any line.
fn draw_dot(plane: &Plane, dot: &Dot) -> Markup {
    const HALF: f64 = 3.2;
    let (x, y) = (round(plane.x(dot.at)), round(dot.level.map_or(HEIGHT - BOTTOM, |level| plane.y(level))));
    let line = dot.line.map_or_else(String::new, |line| format!(" s{} l{line}", line % COLOURS));
    let shape = format!("M{x} {}l{HALF} {HALF} -{HALF} {HALF} -{HALF} -{HALF}z", round(y - HALF));
    html! { path class={ "ex" (line) } d=(PreEscaped(shape)) data-event=(dot.at.0) data-spot={ (x) " " (y) } { title { (dot.label) } } }
}

/// Above its line, unless that is where the drawing ends.
fn goal_text_y(line_y: f64) -> f64 {
    if line_y < TOP + 12.0 { line_y + 11.0 } else { line_y - 3.0 }
}

fn path(plane: &Plane, points: &[(Timestamp, Option<f64>)]) -> String {
    let (mut out, mut pen_down) = (String::new(), false);
    for (index, (at, value)) in points.iter().enumerate() {
        let Some(value) = value.filter(|v| v.is_finite()) else {
            pen_down = false;
            continue;
        };
        let (x, y) = (round(plane.x(*at)), round(plane.y(value)));
        // Writing to a string cannot fail.
        let _ = write!(out, "{}{x} {y}", if pen_down { "L" } else { "M" });
        let alone = !pen_down && points.get(index + 1).is_none_or(|(_, next)| next.is_none());
        if alone {
            out.push_str("h2");
        }
        pen_down = true;
    }
    out
}

fn spread((low, high): (f64, f64)) -> f64 {
    if high > low { high - low } else { low.abs().max(1e-3) * 0.1 }
}

/// 1, 2 or 5 times a power of ten, so that there are three to five marks.
fn nice_step(spread: f64) -> f64 {
    let raw = spread / 3.0;
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= raw).unwrap_or(power * 10.0)
}

/// One decimal is finer than a pixel.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
