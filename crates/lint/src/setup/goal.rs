//! Goals wherever they are stated: in objectives of the dialects we read, in fields of an author's own, in sentences, in
//! lists and tables, and in JSON that a command sends. What an alert burns is held against them.

use bellwether_diag::Span;
use bellwether_model::TimeDelta;

use super::amounts::{Amount, durations, percentages};
use super::markdown::{Markdown, Prose};
use super::{SectionId, Setup};

/// Where a goal is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoalSource {
    /// In an objective we can read.
    Objective,
    /// In fields of the author's own.
    Described,
    /// In a sentence of a document.
    Prose,
    /// In a row of a table.
    Table,
    /// In JSON of a command.
    Json,
    /// In what a generator of rules records.
    Recorded,
}

/// A stated goal.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The objective's name, as far as it has one.
    pub name: Option<String>,
    /// The share that must be good, 0 to 1.
    pub share: f64,
    /// Over how long.
    pub window: Option<TimeDelta>,
    /// Where the share stands.
    pub span: Span,
    /// Where it is stated.
    pub source: GoalSource,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
    /// Whether it is stated as the most that may be bad: `< 1%`.
    pub states_bad: bool,
    /// Whether its window is a day, week or month of the calendar.
    pub is_calendar: bool,
    /// Where the window stands, if by itself.
    pub window_span: Option<Span>,
    /// How fast is good, where the goal is about speed, and where that is stated.
    pub threshold: Option<(TimeDelta, Span)>,
}

impl Goal {
    /// The share that may be bad.
    pub fn budget(&self) -> f64 {
        1.0 - self.share
    }

    /// The highest burn rate there can be: everything is bad.
    pub fn burn_rate_max(&self) -> f64 {
        1.0 / self.budget()
    }

    /// As people write it: `99.9 %`.
    pub fn text(&self) -> String {
        format!("{} %", super::amounts::short_number(self.share * 100.0))
    }
}

impl Setup {
    /// Collects every goal, in the order of files; those of one place once.
    pub(super) fn read_goals(&mut self) {
        let mut goals: Vec<Goal> = self.slos.iter().filter_map(of_objective).collect();
        goals.extend(self.described.iter().filter_map(super::described::Described::goal));
        goals.extend(self.recorded_goals());
        for (index, document) in self.documents.iter().enumerate() {
            goals.extend(self.of_prose(document, index));
            goals.extend(of_tables(document, index));
            goals.extend(super::goal_json::goals(&self.sources, document, index));
        }
        goals.retain(|goal| goal.share > 0.0 && goal.share < 1.0);
        goals.sort_by_key(|goal| {
            let place = self.sources.whole(goal.span);
            (place.file, place.start)
        });
        self.goals = goals;
    }

    fn of_prose(&self, document: &Markdown, index: usize) -> Vec<Goal> {
        let mut found = Vec::new();
        for (at, line) in document.prose.iter().enumerate() {
            let lower = line.text.to_ascii_lowercase();
            if line.text.starts_with('|') || !speaks_of_a_goal(&lower) {
                continue;
            }
            let Some((share, is_quantile)) = share_in(&line.text, &lower) else { continue };
            let item = self.item_around(document, at);
            let window = window_in(&lower)
                .or_else(|| item.iter().find_map(|other| window_in(&other.text.to_ascii_lowercase())));
            // A share with neither a window nor the word is some number.
            if window.is_none() && !lower.contains("slo") {
                continue;
            }
            let place = |range: &std::ops::Range<usize>| {
                let start = line.span.start as usize;
                Span::new(line.span.file, start + range.start..start + range.end)
            };
            let threshold = durations(&line.text)
                .into_iter()
                .find(|amount| is_threshold(&lower, amount, is_quantile))
                .map(|amount| (amount.value, place(&amount.range)));
            found.push(Goal {
                name: self.name_above(document, at).or_else(|| name_in(&line.text)),
                share: share.value,
                window,
                span: place(&share.range),
                source: GoalSource::Prose,
                section: Some(SectionId { document: index, section: line.section }),
                states_bad: false,
                is_calendar: false,
                window_span: None,
                threshold,
            });
        }
        found
    }

    fn indent(&self, line: &Prose) -> u32 {
        self.sources.position(line.span).column
    }

    /// The other lines of the list item that a line stands in: those beside it, below the same title.
    fn item_around<'a>(&self, document: &'a Markdown, at: usize) -> Vec<&'a Prose> {
        let (line, lines) = (&document.prose[at], &document.prose);
        let depth = self.indent(line);
        let is_near =
            |other: &&Prose| other.section == line.section && self.indent(other) >= depth && depth > 1;
        let after = lines[at + 1..].iter().take_while(is_near);
        let before = lines[..at].iter().rev().take_while(is_near);
        after.chain(before).filter(|other| self.indent(other) == depth).collect()
    }

    /// The title that a list item stands below: a line less far in that ends in a colon.
    fn name_above(&self, document: &Markdown, at: usize) -> Option<String> {
        let line = &document.prose[at];
        let depth = self.indent(line);
        let mut above = document.prose[..at].iter().rev().take_while(|other| other.section == line.section);
        let title = above.find(|other| self.indent(other) < depth)?;
        let text = plain(&title.text);
        let name = text.split(':').next().filter(|_| text.contains(':'))?;
        (!name.is_empty() && name.len() < 60).then(|| name.trim().to_owned())
    }
}

/// The share of a percentage, to the digits that were written.
pub(crate) fn share_of(percent: f64) -> f64 {
    (percent * 1e8).round() / 1e10
}

/// What a list's mark, emphasis and code leave of a line.
pub(crate) fn plain(text: &str) -> String {
    let text =
        text.trim_start_matches(|c: char| matches!(c, '-' | '*' | '+' | '>' | ' ') || c.is_ascii_digit());
    text.trim_start_matches(". ").replace(['*', '`', '_'], "").trim().to_owned()
}

fn of_objective(slo: &bellwether_slo::Slo) -> Option<Goal> {
    let goal = slo.goal?;
    Some(Goal {
        name: Some(slo.name.clone()),
        share: goal.ratio(),
        window: Some(slo.period.length()),
        span: slo.span?,
        source: GoalSource::Objective,
        section: None,
        states_bad: false,
        is_calendar: matches!(slo.period, bellwether_slo::Period::Calendar(_)),
        window_span: None,
        threshold: None,
    })
}

fn of_tables(document: &Markdown, index: usize) -> Vec<Goal> {
    let mut found = Vec::new();
    for table in &document.tables {
        let is_target = |(text, _): &(String, Span)| {
            let text = plain(text).to_ascii_lowercase();
            ["target", "objective", "goal", "slo target"].contains(&text.as_str())
        };
        let Some(column) = table.header.iter().position(is_target) else { continue };
        let windows = table.header.iter().position(|(text, _)| {
            ["window", "period", "time window"].contains(&plain(text).to_ascii_lowercase().as_str())
        });
        for row in &table.rows {
            let Some((text, span)) = row.get(column) else { continue };
            let Some(percent) = percentages(text).into_iter().next() else { continue };
            let name = row.first().map(|(name, _)| plain(name)).filter(|_| column > 0);
            let is_error = name.as_deref().is_some_and(|name| name.to_ascii_lowercase().contains("error"));
            let states_bad = percent.value < 50.0 && (is_error || text.trim_start().starts_with('<'));
            let share = if states_bad { 1.0 - share_of(percent.value) } else { share_of(percent.value) };
            if share < 0.5 {
                continue;
            }
            let window = windows
                .and_then(|at| row.get(at))
                .and_then(|(text, _)| window_in(&text.to_ascii_lowercase()));
            found.push(Goal {
                name,
                share,
                window,
                span: *span,
                source: GoalSource::Table,
                section: Some(SectionId { document: index, section: table.section }),
                states_bad,
                is_calendar: false,
                window_span: None,
                threshold: None,
            });
        }
    }
    found
}

/// Whether a line states what is to be reached, and is no example in brackets or a description of what happened.
fn speaks_of_a_goal(lower: &str) -> bool {
    let words = ["slo", "objective", "target", "goal", "should", "must", "rolling", "will "];
    words.iter().any(|word| lower.contains(word)) && !lower.contains("(e.g") && !lower.contains("such as")
}

/// The share that a line asks for: a percentage, or the quantile that is to stay below a bound.
fn share_in(text: &str, lower: &str) -> Option<(Amount<f64>, bool)> {
    let share = |amount: &Amount<f64>| (50.0..100.0).contains(&amount.value) && amount.value < 100.0;
    if let Some(found) = percentages(text).into_iter().find(share) {
        return Some((Amount { value: share_of(found.value), range: found.range }, false));
    }
    let (start, number) = quantile_in(lower)?;
    let end = start + lower[start..].find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(1);
    Some((Amount { value: number, range: start..end }, true))
}

/// `p99` and where it stands.
fn quantile_in(lower: &str) -> Option<(usize, f64)> {
    for (at, _) in lower.match_indices('p') {
        let is_word = at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
        let digits: String = lower[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        let share = match digits.len() {
            2 => digits.parse::<f64>().ok().map(|value| value / 100.0),
            3 => digits.parse::<f64>().ok().map(|value| value / 1000.0),
            _ => None,
        };
        if let (true, Some(share)) = (is_word && lower.contains("target"), share) {
            return Some((at, share));
        }
    }
    None
}

/// How fast is good: a short time after `under`, `within`, `of` and the like.
fn is_threshold(lower: &str, amount: &Amount<TimeDelta>, is_quantile: bool) -> bool {
    let Some(before) = lower.get(..amount.range.start) else { return false };
    let before = before.trim_end_matches([' ', '*', '`']);
    let words = ["under", "within", "below", "than", "<", "<="];
    let introduced =
        words.iter().any(|word| before.ends_with(word)) || (is_quantile && before.ends_with("of"));
    introduced && amount.value < TimeDelta::HOUR
}

/// The window a line states: a length beside `rolling`, `window`, `over`, `period`.
pub(crate) fn window_in(lower: &str) -> Option<TimeDelta> {
    let speaks = ["rolling", "window", "over ", "period"].iter().any(|word| lower.contains(word));
    if !speaks {
        return None;
    }
    let long = durations(lower).into_iter().filter(|amount| amount.value >= TimeDelta::HOUR);
    long.map(|amount| amount.value).next()
}

/// `**Availability SLO**: …` names itself.
fn name_in(text: &str) -> Option<String> {
    let text = plain(text);
    let (name, _) = text.split_once(':')?;
    let generic =
        ["slo", "objective", "target", "goal", "sli"].contains(&name.trim().to_ascii_lowercase().as_str());
    (!generic && name.len() < 60).then(|| name.trim().to_owned())
}
