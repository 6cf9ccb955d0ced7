//! A goal that nothing may ever go wrong.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Severity, Span};

use crate::setup::amounts::percentages;
use crate::setup::goal::plain;
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "objective-100",
    area: Area::Slo,
    severity: Severity::Error,
    title: "an objective of 100 %",
    why: "With 100 % there is no budget: one failed request breaks the objective for the whole window, every burn rate is \
          a division by zero, and nobody may ever deploy. Take the share below which users begin to complain.",
    wrong: &[("slo.md", "```yaml\nslo_name: Reads\ntarget: 100%\nmeasurement_period: 30d\n```\n")],
    right: &[("slo.md", "```yaml\nslo_name: Reads\ntarget: 99.9%\nmeasurement_period: 30d\n```\n")],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for tree in setup
        .trees
        .iter()
        .filter(|tree| matches!(tree.form, Form::Objectives | Form::Described | Form::Bellwether))
    {
        in_node(&tree.node, tree.form, report);
    }
    for document in &setup.documents {
        for table in &document.tables {
            let is_target = |(text, _): &(String, Span)| {
                ["target", "objective", "goal"].contains(&plain(text).to_ascii_lowercase().as_str())
            };
            let Some(column) = table.header.iter().position(is_target) else { continue };
            for (text, span) in table.rows.iter().filter_map(|row| row.get(column)) {
                if percentages(text).first().is_some_and(|percent| percent.value == 100.0) {
                    explain(report, *span);
                }
            }
        }
        for line in &document.prose {
            let text = plain(&line.text).to_ascii_lowercase();
            let states =
                ["slo:", "target:", "objective:", "goal:"].iter().any(|field| text.starts_with(field));
            if let Some(percent) =
                percentages(&line.text).first().filter(|percent| states && percent.value == 100.0)
            {
                let start = line.span.start as usize;
                explain(
                    report,
                    Span::new(line.span.file, start + percent.range.start..start + percent.range.end),
                );
            }
        }
        for block in &document.blocks {
            let text = setup.sources.text(block.file);
            if let Some((value, range)) = crate::setup::goal_json::member(text, "goal", 0)
                && value.parse::<f64>().is_ok_and(|goal| goal >= 1.0)
            {
                explain(report, Span::new(block.file, range));
            }
        }
    }
}

fn in_node(node: &Node, form: Form, report: &mut Report) {
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let name = key.as_text().unwrap_or_default();
                let is_goal = ["objective", "target", "goal", "targetPercent"].contains(&name);
                let number =
                    value.as_text().map(|text| text.trim().trim_end_matches('%').trim().parse::<f64>());
                match number {
                    // 1 is all of it as a share, where shares are written: OpenSLO's target, our own.
                    Some(Ok(goal))
                        if is_goal
                            && (goal == 100.0
                                || (goal == 1.0 && name != "objective" && form != Form::Described)) =>
                    {
                        explain(report, value.span);
                    }
                    _ => in_node(value, form, report),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| in_node(item, form, report)),
        Value::Null | Value::Scalar(_) => {}
    }
}

fn explain(report: &mut Report, span: Span) {
    report
        .find(span, "100 % leaves no budget: a single failure breaks it, and no burn rate can be calculated")
        .help("take a goal below 100 %, such as 99.9 %");
}
