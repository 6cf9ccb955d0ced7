//! Reports of an incident, as documents show them: error rates beside burn rates, what is spent beside what is left.

use bellwether_diag::Span;

use crate::setup::amounts::{factors, percentages, short_number};
use crate::{Report, Setup};

/// A line and where it stands.
type Line<'a> = (&'a str, Span);

pub(super) fn run(setup: &Setup, report: &mut Report) {
    for document in &setup.documents {
        let prose: Vec<Line<'_>> =
            document.prose.iter().map(|line| (line.text.as_str(), line.span)).collect();
        in_lines(&prose, report);
        for block in
            document.blocks.iter().filter(|block| matches!(block.language.as_str(), "" | "text" | "txt"))
        {
            let text = setup.sources.text(block.file);
            let mut at = 0;
            let mut lines = Vec::new();
            for line in text.split_inclusive('\n') {
                lines.push((line, Span::new(block.file, at..at + line.len())));
                at += line.len();
            }
            in_lines(&lines, report);
        }
    }
}

fn in_lines(lines: &[Line<'_>], report: &mut Report) {
    for (index, (text, span)) in lines.iter().enumerate() {
        let lower = text.to_ascii_lowercase();
        if lower.contains("error rate") && percentages(text).len() == 2 && has_arrow(text) {
            let following = &lines[index + 1..(index + 4).min(lines.len())];
            let burn = following.iter().find(|(other, _)| {
                other.to_ascii_lowercase().contains("burn") && factors(other).len() == 2 && has_arrow(other)
            });
            if let Some(burn) = burn {
                error_and_burn(text, burn, report);
            }
        }
        if lower.contains("budget") && lower.contains("consumed") && lower.contains("remaining") {
            spent_and_left(text, *span, report);
        }
    }
}

fn has_arrow(text: &str) -> bool {
    ["→", "->", "=>", " to "].iter().any(|arrow| text.contains(arrow))
}

/// A burn rate is the error rate by the budget: two of them with different quotients cannot both be right.
fn error_and_burn(errors: &str, (burns, span): &Line<'_>, report: &mut Report) {
    let (errors, burns) = (percentages(errors), factors(burns));
    let budget = |index: usize| errors[index].value / burns[index].value;
    let (before, after) = (budget(0), budget(1));
    if burns.iter().any(|burn| burn.value <= 0.0) || (before - after).abs() <= 0.2 * before.max(after) {
        return;
    }
    let place = Span::new(
        span.file,
        span.start as usize + burns[0].range.start..span.start as usize + burns[1].range.end,
    );
    let percent = |value: f64| short_number((value * 1000.0).round() / 1000.0);
    report
        .find(
            place,
            format!(
                "{} % at {}x is a budget of {} %, and {} % at {}x one of {} %: one of them is wrong",
                short_number(errors[0].value),
                short_number(burns[0].value),
                percent(before),
                short_number(errors[1].value),
                short_number(burns[1].value),
                percent(after)
            ),
        )
        .help("a burn rate is the error rate divided by what the goal allows");
}

fn spent_and_left(text: &str, span: Span, report: &mut Report) {
    let all = percentages(text);
    let [spent, left] = &all[..] else { return };
    if (spent.value + left.value - 100.0).abs() < 0.6 || text.to_ascii_lowercase().contains("before") {
        return;
    }
    let start = span.start as usize;
    report
        .find(
            Span::new(span.file, start + spent.range.start..start + left.range.end),
            format!(
                "{} % and {} % are {} % together, not the whole budget",
                short_number(spent.value),
                short_number(left.value),
                short_number(spent.value + left.value)
            ),
        )
        .severity(bellwether_diag::Severity::Note)
        .help("say what had been spent before, or correct one of them");
}
