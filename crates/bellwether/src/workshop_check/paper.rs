//! Challenges 1 to 4: what users do, who is concerned, what is promised, and what there is to see.

use super::notes::{Journey, Notes, WrittenObjective};
use super::seen::Dashboard;
use super::{Item, Seen};

const JOURNEYS_MIN: usize = 2;
const OBJECTIVES_MIN: usize = 2;

/// The dashboards of the workshop.
const DASHBOARDS: [&str; 4] = ["Login", "Startup", "Preferences", "Chat"];
/// What each of them shows at least, as parts of metrics' names.
const SHOWN: [(&str, &str); 2] = [("success", "a success rate"), ("latency", "latencies")];

const NO_NOTES: &str = "no notes were given";

fn with_notes(challenge: u8) -> String {
    format!("bellwether workshop check {challenge} --notes notes.md")
}

/// Challenge 1.
pub(super) fn first_day(seen: &Seen) -> Vec<Item> {
    vec![load(seen), journeys(seen.notes.as_ref())]
}

fn load(seen: &Seen) -> Item {
    let criterion = "requests arrive";
    let grown: Vec<String> = seen
        .growth
        .iter()
        .filter_map(|counter| {
            let increase = counter.increase.filter(|increase| *increase > 0.0)?;
            Some(format!("{} {increase:.0}", counter.metric))
        })
        .collect();
    if !grown.is_empty() {
        return Item::met(criterion, format!("in the last two minutes {}", grown.join(", ")));
    }
    if seen.growth.iter().any(|counter| counter.increase.is_some()) {
        let detail = "the service is watched, and no counter of requests has grown in the last two minutes";
        return Item::missing(criterion, detail, "bellwether workshop load --users 3");
    }
    let detail = "the server has no counters of Movie Guru";
    Item::missing(criterion, detail, "bellwether demo, or a scrape of `bellwether workshop mock`")
}

fn journeys(notes: Option<&Notes>) -> Item {
    let criterion = "two user journeys are written down";
    let Some(notes) = notes else { return Item::missing(criterion, NO_NOTES, with_notes(1)) };
    let whole: Vec<&str> = notes
        .journeys
        .iter()
        .filter(|journey| lacks(journey).is_empty())
        .map(|journey| journey.name.as_str())
        .collect();
    if whole.len() >= JOURNEYS_MIN {
        return Item::met(criterion, whole.join("; "));
    }
    let next = "write `Journey Name:`, `Goal:` and `Steps:` with a list of steps";
    let broken = notes.journeys.iter().find(|journey| !lacks(journey).is_empty());
    let why = broken.map_or(String::new(), |journey| {
        let name = if journey.name.is_empty() { "one" } else { &journey.name };
        format!("; {name:?} lacks {}", lacks(journey).join(" and "))
    });
    Item::missing(criterion, format!("{} of {JOURNEYS_MIN} are whole{why}", whole.len()), next)
}

fn lacks(journey: &Journey) -> Vec<&'static str> {
    let parts = [
        (journey.name.is_empty(), "a name"),
        (journey.goal.is_empty(), "a goal"),
        (journey.steps == 0, "steps"),
    ];
    parts.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, part)| part).collect()
}

/// Challenge 2.
pub(super) fn others(seen: &Seen) -> Vec<Item> {
    let heading = |criterion: &str, part: &str, write: &str| {
        let Some(notes) = &seen.notes else { return Item::missing(criterion, NO_NOTES, with_notes(2)) };
        if notes.has_heading(part) {
            return Item::met(criterion, "the notes speak of it");
        }
        let next = format!("write something under a heading `{write}`");
        Item::missing(criterion, "no heading with something below it speaks of it", next)
    };
    vec![
        heading("the notes say why not 100 %", "100", "## Why not 100 %"),
        heading("the notes name the stakeholders", "stakeholder", "## Stakeholders"),
        perfect(seen),
    ]
}

fn perfect(seen: &Seen) -> Item {
    let criterion = "no objective promises 100 %";
    let watched = seen.objectives.iter().filter(|slo| slo.goal_ratio.is_some_and(|goal| goal >= 1.0));
    let written =
        seen.notes.iter().flat_map(|notes| &notes.objectives).filter(|slo| promises_all(&slo.target));
    let perfect: Vec<&str> =
        watched.map(|slo| slo.id.as_str()).chain(written.map(|slo| slo.objective.as_str())).collect();
    if perfect.is_empty() {
        return Item::met(criterion, format!("{} on the server, all below it", seen.objectives.len()));
    }
    let detail = format!("it is promised by {}", perfect.join(", "));
    Item::missing(criterion, detail, "leave a budget: 99.9 % is 43 minutes in 30 days")
}

/// Whether a target as people write it is 100 %.
fn promises_all(target: &str) -> bool {
    number(target) == Some(100.0)
}

/// The first number of a text.
fn number(text: &str) -> Option<f64> {
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[begin..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}

/// Challenge 3.
pub(super) fn on_paper(seen: &Seen) -> Vec<Item> {
    let criterion = "two objectives have their four parts";
    let Some(notes) = &seen.notes else { return vec![Item::missing(criterion, NO_NOTES, with_notes(3))] };
    let whole: Vec<&str> = notes
        .objectives
        .iter()
        .filter(|objective| missing_parts(objective).is_empty())
        .map(|objective| objective.objective.as_str())
        .collect();
    let parts = if whole.len() >= OBJECTIVES_MIN {
        Item::met(criterion, whole.join("; "))
    } else {
        let broken = notes.objectives.iter().find(|objective| !missing_parts(objective).is_empty());
        let why = broken.map_or(String::new(), |objective| {
            format!("; {:?} lacks {}", objective.objective, missing_parts(objective).join(" and "))
        });
        let detail = format!("{} of {OBJECTIVES_MIN} are whole{why}", whole.len());
        Item::missing(criterion, detail, "write `Objective:`, `SLI:`, `Target:` and `Time window:`")
    };
    let perfect = notes.objectives.iter().find(|objective| promises_all(&objective.target));
    let below = "their targets are below 100 %";
    let targets = match perfect {
        Some(objective) => {
            let detail = format!("{:?} promises all of it", objective.objective);
            Item::missing(below, detail, "write a target that leaves a budget, such as 99 %")
        }
        None if whole.is_empty() => Item::missing(below, "there is no whole objective yet", with_notes(3)),
        None => Item::met(below, "each leaves a budget"),
    };
    vec![parts, targets]
}

fn missing_parts(objective: &WrittenObjective) -> Vec<&'static str> {
    let parts = [
        (objective.objective.is_empty(), "an objective"),
        (objective.sli.is_empty(), "an SLI"),
        (number(&objective.target).is_none(), "a target with a number"),
        (number(&objective.window).is_none(), "a time window with a number"),
    ];
    parts.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, part)| part).collect()
}

/// Challenge 4.
pub(super) fn dashboards(seen: &Seen) -> Vec<Item> {
    let mut items: Vec<Item> = DASHBOARDS.iter().map(|title| dashboard(title, &seen.dashboards)).collect();
    items.push(goals(seen, "achievable", |objective| &objective.achievable, true));
    items.push(goals(seen, "aspirational", |objective| &objective.aspirational, false));
    items
}

fn dashboard(title: &str, all: &[Dashboard]) -> Item {
    let criterion = format!("the {title} dashboard shows data");
    let Some(found) = all.iter().find(|dashboard| dashboard.title.eq_ignore_ascii_case(title)) else {
        let detail = "there is no dashboard of that title";
        return Item::missing(criterion, detail, "bellwether demo, or `dashboards` in bellwether.yml");
    };
    let queries: String = found.panels.iter().map(|panel| panel.queries.as_str()).collect();
    if let Some((_, what)) = SHOWN.iter().find(|(part, _)| !queries.contains(part)) {
        let next = format!("add a panel with {what} to the dashboard");
        return Item::missing(criterion, format!("it does not show {what}"), next);
    }
    let empty: Vec<String> = found
        .panels
        .iter()
        .filter(|panel| !panel.has_data)
        .map(|panel| format!("{:?}", panel.title))
        .collect();
    if empty.is_empty() {
        return Item::met(criterion, format!("{} panels", found.panels.len()));
    }
    let detail = format!("without data: {}", empty.join(", "));
    Item::missing(criterion, detail, "bellwether workshop load --users 3, then wait two minutes")
}

/// Two objectives with a goal of a kind. The goal that the server watches is the achievable one.
fn goals(seen: &Seen, kind: &str, written: impl Fn(&WrittenObjective) -> &String, is_watched: bool) -> Item {
    let criterion = format!("two objectives have an {kind} goal");
    let in_notes = seen.notes.iter().flat_map(|notes| &notes.objectives).filter(|objective| {
        let goal = written(objective);
        number(goal).is_some() && !promises_all(goal)
    });
    let both = seen.objectives.iter().filter(|slo| slo.aspirational_ratio.is_some());
    let on_server = both.filter(|slo| !is_watched || slo.goal_ratio.is_some());
    let (in_notes, on_server) = (in_notes.count(), on_server.count());
    if in_notes.max(on_server) >= OBJECTIVES_MIN {
        let place = if in_notes >= OBJECTIVES_MIN { "in the notes" } else { "on the server" };
        return Item::met(criterion, format!("{} {place}", in_notes.max(on_server)));
    }
    let detail = format!("{in_notes} in the notes, {on_server} on the server with `aspirational`");
    let capital = if is_watched { "Achievable" } else { "Aspirational" };
    let next =
        format!("write `{capital}:` with a number below 100 % under each `Objective:`, and give --notes");
    Item::missing(criterion, detail, next)
}
