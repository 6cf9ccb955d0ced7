//! A page for people: what is promised, how it is measured, what is left over for mistakes, who is told and who answers.

use bellwether_model::TimeDelta;

use super::text;
use crate::alert::verdict::{arithmetic, short_number};
use crate::definition::Slo;
use crate::goal::Goal;

pub(super) fn page(slos: &[Slo]) -> String {
    let mut out = "# Service level objectives\n\n".to_owned();
    out.push_str("| objective | promise | over | owner |\n|---|---|---|---|\n");
    for slo in slos {
        let goal = slo.goal.map_or_else(|| "its bound is kept".to_owned(), |goal| goal.to_string());
        out.push_str(&format!(
            "| {} | {goal} | {} | {} |\n",
            cell(&title(slo)),
            slo.period.text(),
            cell(&slo.about.owner)
        ));
    }
    slos.iter().for_each(|slo| out.push_str(&section(slo)));
    out
}

fn title(slo: &Slo) -> String {
    if slo.display_name.is_empty() { slo.id() } else { slo.display_name.clone() }
}

/// Text that would end a cell of a table does not.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn section(slo: &Slo) -> String {
    let mut out = format!("\n## {}\n\n", title(slo));
    let mut say = |line: String| out.push_str(&format!("{line}\n"));
    if !slo.description.is_empty() {
        say(format!("{}\n", slo.description));
    }
    say(format!("- **Name:** `{}`", slo.id()));
    if let Some(goal) = slo.goal {
        say(format!("- **Target:** {goal}, {}", slo.period.text()));
        say(format!("- **Error budget:** {}", budget(goal, slo.period.length())));
    } else {
        say(format!("- **Period:** {}", slo.period.text()));
    }
    if let Some(next) = slo.aspirational {
        say(format!("- **Would like to reach:** {next}"));
    }
    say(format!("- **Measured by:** `{}`", slo.indicator.text().replace('`', "'")));
    if !slo.indicator.group_by.is_empty() {
        say(format!("- **Each on its own:** by {}", slo.indicator.group_by.join(", ")));
    }
    let about = &slo.about;
    if let Some(criticality) = about.criticality {
        say(format!("- **Criticality:** {}", criticality.as_str()));
    }
    for (what, text) in [("Owner", &about.owner), ("Runbook", &about.runbook)] {
        if !text.is_empty() {
            say(format!("- **{what}:** {text}"));
        }
    }
    for (how, whom) in &about.contacts {
        say(format!("- **Contact by {how}:** {whom}"));
    }
    for (name, to) in &about.links {
        say(format!("- [{name}]({to})"));
    }
    out + &alerts(slo)
}

/// How much may go wrong: the share, and the time that it would be as a whole outage.
fn budget(goal: Goal, period: TimeDelta) -> String {
    let allowed = goal.allowed_ratio();
    let minutes = period.as_secs_f64() * allowed / 60.0;
    format!(
        "{} % of events may be bad; as a whole outage that is {}",
        short_number(allowed * 100.0),
        if minutes >= 120.0 {
            format!("{} hours", short_number((minutes / 6.0).round() / 10.0))
        } else {
            format!("{} minutes", short_number((minutes * 10.0).round() / 10.0))
        }
    )
}

fn alerts(slo: &Slo) -> String {
    let Some(goal) = slo.goal else {
        let list = slo.threshold_alerts.iter();
        let list = list
            .map(|alert| format!("- `{}` ({}) while the bound is not kept\n", alert.name, alert.severity));
        return format!("\n### Alerts\n\n{}", list.collect::<String>());
    };
    if slo.alerts.is_empty() && slo.budget_alerts.is_empty() {
        return "\nNo alerts.\n".to_owned();
    }
    let mut out =
        "\n### Alerts\n\n| alert | severity | fires when | which means |\n|---|---|---|---|\n".to_owned();
    for alert in &slo.alerts {
        let short = alert.short.map_or(String::new(), |short| format!(" and over {short}"));
        out.push_str(&format!(
            "| {} | {} | the budget burns {}x as fast as it may over {}{short} | {} |\n",
            cell(&alert.name),
            cell(&alert.severity),
            text::factor(alert.factor),
            alert.long,
            cell(&arithmetic(alert, goal, &slo.period))
        ));
    }
    for alert in &slo.budget_alerts {
        out.push_str(&format!(
            "| {} | {} | less than {} of the budget is left | |\n",
            cell(&alert.name),
            cell(&alert.severity),
            alert.left_below
        ));
    }
    out
}
