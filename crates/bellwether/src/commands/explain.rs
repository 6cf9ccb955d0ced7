//! `bellwether explain ALERT`: why somebody was or was not told; first the sentence, then every step, then what was
//! sent and what to do next. Written to be read at three in the morning.

use bellwether_model::Timestamp;
use bellwether_web::view::{
    AlertState, AttemptView, DeliveryDetail, ExplanationView, RouteTaken, RoutedView,
};

use crate::cli::Format;
use crate::cli::alerts::{Explain, Status};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::{print_json, say, say_wrapped};
use bellwether_alerts::clock as clock_text;

/// Asks a running server and prints what it says.
pub async fn run(arguments: Explain) -> Result<(), Failure> {
    let what = what(&arguments.what)?;
    let client = Client::new(&arguments.remote.server)?;
    let path = "/api/bellwether/v1/explain";
    let query = [("alert", what.as_str())];
    match arguments.remote.format {
        Format::Json => print_json(&client.get(path, &query).await?),
        Format::Text => {
            let explained: Vec<ExplanationView> = client.read(path, &query).await?;
            for (number, one) in explained.iter().enumerate() {
                if number > 0 {
                    say("");
                }
                print(one, arguments.routes);
            }
        }
    }
    Ok(())
}

/// A name or fingerprint as it is; label pairs as labels in braces.
fn what(words: &[String]) -> Result<String, Failure> {
    if let [one] = words
        && (!one.contains('=') || one.starts_with('{'))
    {
        return Ok(one.clone());
    }
    let pair = |word: &String| {
        let (name, value) = word.split_once('=')?;
        let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
        (!name.trim().is_empty()).then(|| format!("{}={value:?}", name.trim()))
    };
    let wrong = |word: &String| {
        Failure::wrong(format!("{word:?} is no label; write name=value, or a single name or fingerprint"))
    };
    let pairs = words.iter().map(|word| pair(word).ok_or_else(|| wrong(word)));
    Ok(format!("{{{}}}", pairs.collect::<Result<Vec<_>, _>>()?.join(",")))
}

fn print(one: &ExplanationView, all_routes: bool) {
    let now = clock::now();
    say_wrapped("", &one.verdict);
    if let Some(alert) = &one.alert {
        let state = match alert.state {
            AlertState::Firing => "firing",
            AlertState::Pending => "pending",
            AlertState::Resolved => "over",
        };
        say_wrapped("  ", &format!("{}, {state}, {}", alert.fingerprint, alert.labels));
    }
    say("");
    for step in &one.steps {
        say_wrapped(&format!("  {} {:<8} ", mark(step.passed), step.stage), &step.text);
    }
    routes(&one.routed, all_routes);
    if !one.deliveries.is_empty() {
        say("\nmessages");
        for delivery in &one.deliveries {
            message(delivery);
        }
    }
    if !one.notes.is_empty() {
        say("\nnotes");
        for note in &one.notes {
            say_wrapped(&format!("  {} {}: ", clock_text(note.at, now), note.by), &note.text);
        }
    }
    if !one.advice.is_empty() {
        say("\nwhat to do");
        for sentence in &one.advice {
            say_wrapped("  - ", sentence);
        }
    }
}

const fn mark(passed: bool) -> &'static str {
    if passed { "✓" } else { "✕" }
}

fn routes(routed: &RoutedView, all: bool) {
    let shown: Vec<_> = routed
        .routes
        .iter()
        .filter(|route| all || matches!(route.taken, RouteTaken::Ends | RouteTaken::Passes))
        .collect();
    if shown.is_empty() {
        return;
    }
    say("\nroutes");
    for route in &shown {
        let sign = match route.taken {
            RouteTaken::Ends => "✓",
            RouteTaken::Passes => "↓",
            RouteTaken::No | RouteTaken::NotReached => "✕",
        };
        let indent = "  ".repeat(route.depth);
        let head = format!("  {indent}{sign} ");
        say_wrapped(&head, &format!("{} → {}: {}", route.matchers, route.receiver, route.why));
    }
    let hidden = routed.routes.len() - shown.len();
    if hidden > 0 {
        say(&format!("  {hidden} not taken; --routes shows them"));
    }
}

/// One message with every attempt.
pub fn message(detail: &DeliveryDetail) {
    let now = clock::now();
    let delivery = &detail.delivery;
    let head = format!("  {} ", clock_text(delivery.decided_at, now));
    let status = Status::of(delivery.outcome).as_str();
    let text = format!(
        "{}/{} {status}: {} firing, {} resolved, because {}",
        delivery.receiver, delivery.integration, delivery.firing, delivery.resolved, delivery.why
    );
    say_wrapped(&head, &text);
    for (head, came_of_it) in attempts(&detail.attempts, now) {
        say_wrapped(&format!("    {head}: "), came_of_it);
    }
    if let Some(at) = delivery.next_attempt_at {
        say(&format!("      again at {}", clock_text(at, now)));
    }
}

/// What came of attempts, the first first: those in a row that ended alike are one line, as a receiver that refuses
/// for good is tried at every look.
fn attempts(all: &[AttemptView], now: Timestamp) -> Vec<(String, &str)> {
    let runs = all.chunk_by(|a, b| (a.accepted, &a.detail) == (b.accepted, &b.detail));
    let line = |run: &[AttemptView]| match run {
        [one] => format!("attempt {} at {}", one.attempt, clock_text(one.at, now)),
        [first, .., last] => {
            let (from, to) = (clock_text(first.at, now), clock_text(last.at, now));
            format!("{} attempts from {from} to {to}", run.len())
        }
        [] => String::new(),
    };
    runs.filter_map(|run| Some((run.first()?, run)))
        .map(|(first, run)| (format!("{} {}", mark(first.accepted), line(run)), first.detail.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_that_ended_alike_are_one_line() {
        let attempt = |minute: i64, detail: &str| AttemptView {
            attempt: 1,
            at: Timestamp::from_secs(minute * 60),
            reason: "First".to_owned(),
            status: None,
            accepted: detail == "accepted",
            detail: detail.to_owned(),
        };
        let all =
            [attempt(1, "refused"), attempt(2, "refused"), attempt(3, "refused"), attempt(4, "accepted")];
        let want = [
            ("✕ 3 attempts from 00:01 UTC to 00:03 UTC".to_owned(), "refused"),
            ("✓ attempt 1 at 00:04 UTC".to_owned(), "accepted"),
        ];
        assert_eq!(attempts(&all, Timestamp(0)), want);
        assert_eq!(attempts(&[], Timestamp(0)), []);
    }

    #[test]
    fn labels_are_told_apart_from_names() {
        let check = |words: &[&str], want: Result<&str, &str>| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            match (what(&words), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{failure}"),
                (got, want) => panic!("{words:?}: {got:?} instead of {want:?}"),
            }
        };
        check(&["HighErrorRate"], Ok("HighErrorRate"));
        check(&["alertname=X"], Ok(r#"{alertname="X"}"#));
        check(&["alertname=X", "severity=\"critical\""], Ok(r#"{alertname="X",severity="critical"}"#));
        check(&[r#"{alertname="X"}"#], Ok(r#"{alertname="X"}"#));
        check(&["a=b=c"], Ok(r#"{a="b=c"}"#));
        check(&["X", "Y"], Err("\"X\" is no label"));
        check(&["=b"], Err("write name=value"));
    }
}
