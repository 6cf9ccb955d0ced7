//! `bellwether slo alerts FILE…`: what alerts mean to whoever is woken by them, worked out before they ever fire.

use bellwether_slo::{ExplainedAlert, Slo, Trouble, Verdict, alert_meanings};
use serde_json::json;

use crate::cli::Format;
use crate::cli::slo::Alerts;
use crate::config::{self, Loader};
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};
use crate::terminal;

/// Reads the files and says what the alerts in them mean.
pub(super) fn run(arguments: &Alerts) -> Result<(), Failure> {
    let mut loader = Loader::default();
    for path in &arguments.files {
        config::check(path, &mut loader);
    }
    loader.check_objectives();
    if loader.diagnostics.has_errors() {
        let text = loader.diagnostics.render(&loader.sources, terminal::style(&std::io::stdout()));
        say(text.trim_end());
        return Err(Failure::Reported);
    }
    let all: Vec<(&Slo, Vec<ExplainedAlert>)> =
        loader.slos.iter().map(|slo| (slo, alert_meanings(slo))).collect();
    match arguments.format {
        Format::Json => {
            let list = all.iter().map(|(slo, alerts)| json!({"slo": slo.id(), "alerts": alerts}));
            print_json(&list.collect());
        }
        Format::Text if all.is_empty() => say("no objectives here"),
        Format::Text => all.iter().enumerate().for_each(|(number, (slo, alerts))| {
            if number > 0 {
                say("");
            }
            print(slo, alerts);
        }),
    }
    Ok(())
}

fn print(slo: &Slo, alerts: &[ExplainedAlert]) {
    let goal = slo.goal.map_or("no goal".to_owned(), |goal| goal.to_string());
    say(&format!("{}: {goal} over {}", slo.id(), slo.period.text()));
    if alerts.is_empty() {
        say("  no alerts");
        return;
    }
    print_alerts(alerts);
}

/// A table of what alerts mean, and below it which of them are of no use.
pub(in crate::commands) fn print_alerts(alerts: &[ExplainedAlert]) {
    let mut rows = Rows::new(&[
        "alert",
        "severity",
        "fires while",
        "bad",
        "burn",
        "noticed after",
        "budget spent",
        "over after",
    ]);
    for alert in alerts {
        for (number, trouble) in alert.troubles.iter().enumerate() {
            let first = |text: &str| if number == 0 { text.to_owned() } else { String::new() };
            let who = [first(&alert.name), first(&alert.severity), first(&alert.condition)];
            rows.push(who.into_iter().chain(row(trouble)));
        }
    }
    rows.print();
    for alert in alerts {
        match alert.verdict {
            Verdict::Useful => {}
            Verdict::CannotFire => say(&format!("{} cannot fire: {}", alert.name, alert.arithmetic)),
            Verdict::FiresAfterExhaustion => {
                say(&format!("{} fires after exhaustion: {}", alert.name, alert.arithmetic));
            }
        }
        if !alert.quieted_by.is_empty() {
            say(&format!(
                "{} is not told while one of these fires: {}",
                alert.name,
                alert.quieted_by.join(", ")
            ));
        }
    }
}

fn row(trouble: &Trouble) -> [String; 5] {
    let percent = |ratio: f64| bellwether_web::digits::percent(ratio, &[]);
    let length = |delta| bellwether_web::digits::length(delta).replace('\u{a0}', " ");
    let [after, spent, over] = match trouble.noticed {
        None => ["never".to_owned(), "-".to_owned(), "-".to_owned()],
        Some(noticed) => [
            length(noticed.after),
            percent(noticed.budget_spent_ratio),
            noticed.over_after.map_or("-".to_owned(), length),
        ],
    };
    [percent(trouble.error_ratio), bellwether_web::digits::burn(trouble.burn_rate, &[]), after, spent, over]
}
