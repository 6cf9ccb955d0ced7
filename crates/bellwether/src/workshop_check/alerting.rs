//! Challenges 6 and 7: burn-rate alerts, and a failure that only its users see.

use std::ops::RangeInclusive;

use super::seen::{BurnAlert, Objective};
use super::{Item, Seen};

const ALERTS_MIN: usize = 4;
/// Burn rates of what is somebody's work for tomorrow.
const SLOW: RangeInclusive<f64> = 1.5..=2.0;
/// The least burn rate of what is worth getting up for.
const FAST_MIN: f64 = 10.0;

/// Challenge 6.
pub(super) fn alerts(seen: &Seen) -> Vec<Item> {
    let all: Vec<(&Objective, &BurnAlert)> = seen
        .objectives
        .iter()
        .flat_map(|slo| slo.alerts().iter().map(move |alert| (slo, alert)))
        .filter(|(_, alert)| alert.can_fire())
        .collect();
    vec![
        enough(all.len()),
        of_kind(&all, "one for slow burns, at 1.5 to 2 times", "factor: 2", |factor| SLOW.contains(&factor)),
        of_kind(&all, "one for fast burns, at 10 times or more", "factor: 10", |factor| factor >= FAST_MIN),
        chat_latency_fires(&seen.objectives),
    ]
}

fn enough(count: usize) -> Item {
    let criterion = "at least four burn-rate alerts";
    if count >= ALERTS_MIN {
        return Item::met(criterion, format!("there are {count}"));
    }
    let detail = format!("there are {count} that can fire at all");
    Item::missing(criterion, detail, "give the objectives `alerts`: docs/workshop/challenge-6.md")
}

fn of_kind(
    all: &[(&Objective, &BurnAlert)],
    criterion: &str,
    example: &str,
    is_kind: impl Fn(f64) -> bool,
) -> Item {
    match all.iter().find(|(_, alert)| is_kind(alert.factor)) {
        Some((slo, alert)) => Item::met(criterion, format!("{} of {}", alert.name, slo.id)),
        None => {
            let next = format!("add one to an objective's `alerts`: {{name: …, long: 5m, {example}}}");
            Item::missing(criterion, "no alert that can fire has such a factor", next)
        }
    }
}

fn chat_latency_fires(all: &[Objective]) -> Item {
    let criterion = "an alert fires for chat latency";
    let about_chat: Vec<&Objective> =
        all.iter().filter(|slo| slo.indicator_text.contains("movieguru_chat_latency_milliseconds")).collect();
    if let Some((slo, alert)) = about_chat.iter().find_map(|slo| Some((slo, slo.firing()?))) {
        let burn = slo
            .all()
            .map_or(String::new(), |stream| format!(", the burn rate is {}", stream.latest_burn().text()));
        return Item::met(criterion, format!("{} of {}{burn}", alert.name, slo.id));
    }
    let Some(slo) = about_chat.first() else {
        return Item::missing(criterion, "no objective counts it", "bellwether workshop check 5");
    };
    if slo.alerts().is_empty() {
        let next = "give it `alerts`: docs/workshop/challenge-6.md";
        return Item::missing(criterion, format!("{} has no burn-rate alert", slo.id), next);
    }
    let burn = slo.all().map_or("not known".to_owned(), |stream| stream.latest_burn().text());
    let detail = format!("none of its {} does, the burn rate is {burn}", slo.alerts().len());
    Item::missing(criterion, detail, "bellwether workshop phase 6, then wait a minute")
}

/// Challenge 7.
pub(super) fn blind_spot(seen: &Seen) -> Vec<Item> {
    vec![backend_is_quiet(&seen.objectives), pages_burn(&seen.objectives)]
}

fn backend_is_quiet(all: &[Objective]) -> Item {
    let criterion = "the backend's startup objectives are healthy";
    let startup: Vec<&Objective> =
        all.iter().filter(|slo| slo.indicator_text.contains("movieguru_startup_")).collect();
    if startup.is_empty() {
        let next = "watch the startup objectives of challenge 5 too";
        return Item::missing(criterion, "no objective counts starts at the backend", next);
    }
    if let Some((slo, alert)) = startup.iter().find_map(|slo| Some((slo, slo.firing()?))) {
        let detail = format!("{} of {} fires", alert.name, slo.id);
        return Item::missing(criterion, detail, "bellwether workshop phase 7, then wait until it is over");
    }
    let unknown = startup.iter().find(|slo| slo.all().is_none_or(|stream| stream.total.burn_rate.is_none()));
    if let Some(slo) = unknown {
        let detail = format!("nothing is known of {} yet", slo.id);
        return Item::missing(criterion, detail, "bellwether workshop load --users 3, then wait a minute");
    }
    let ids: Vec<&str> = startup.iter().map(|slo| slo.id.as_str()).collect();
    Item::met(criterion, format!("no alert of {} fires", ids.join(", ")))
}

fn pages_burn(all: &[Objective]) -> Item {
    let criterion = "an objective on page loads burns";
    let probed: Vec<&Objective> = all.iter().filter(|slo| slo.kind == "probe").collect();
    let Some(first) = probed.first() else {
        let detail = "no objective asks from outside";
        return Item::missing(
            criterion,
            detail,
            "add a probe and its objective: docs/workshop/challenge-7.md",
        );
    };
    let burning = probed.iter().find(|slo| {
        slo.firing().is_some() || slo.all().is_some_and(|stream| stream.latest_burn().is_too_fast())
    });
    let Some(slo) = burning else {
        let burn = first.all().map_or("not known".to_owned(), |stream| stream.latest_burn().text());
        let detail = format!("the burn rate of {} is {burn}", first.id);
        let next = "bellwether workshop frontend --broken, then wait a minute";
        return Item::missing(criterion, detail, next);
    };
    Item::met(criterion, format!("{} burns at {}", slo.id, by_stream(slo)))
}

/// The burn rate of everything, and of each part by what tells it from the others.
fn by_stream(slo: &Objective) -> String {
    let mut text = slo.all().map_or(String::new(), |stream| stream.latest_burn().text());
    for stream in slo.streams.iter().skip(1) {
        let labels: Vec<String> =
            stream.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
        text += &format!("; {} at {}", labels.join(", "), stream.latest_burn().text());
    }
    text
}
