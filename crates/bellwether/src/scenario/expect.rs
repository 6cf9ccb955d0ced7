//! Holds what happened against what was expected.

use bellwether_diag::Span;
use bellwether_model::{Labels, TimeDelta};

use super::look::{Glimpse, Look};
use super::model::{Amount, Expectation, Expected, Measured, Run, When};
use super::quantity::Moment;
use super::story::{Life, Story, Told};

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Where it stands.
    pub span: Span,
    /// Whether it was met.
    pub holds: bool,
    /// What was expected, in words.
    pub expected: String,
    /// What happened, in words.
    pub got: String,
    /// The moment that it is about, for a timeline.
    pub at: Option<Moment>,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What happened.
    pub story: &'a Story,
    /// What was looked at.
    pub looks: &'a [Look],
    /// What is wrong with the configuration.
    pub problems: &'a str,
    /// Whether it was refused, so that nothing happened.
    pub refused: bool,
}

/// A verdict on every expectation of a run, and on its deeds: one that failed was expected to work.
pub fn judge(run: &Run, seen: &Seen<'_>, tolerance: TimeDelta) -> Vec<Verdict> {
    let judge = |(place, one): (usize, &Expectation)| {
        let (expected, got) = match &one.what {
            Expected::Refused { contains } => refused(contains, seen),
            _ if seen.refused => (words(&one.what), Err("the configuration is refused".to_owned())),
            Expected::Alert { alert, after, pending, fires, resolves } => life(
                seen.story,
                alert,
                *after,
                &[(PENDING, *pending), (FIRES, *fires), (RESOLVES, *resolves)],
                tolerance,
            ),
            Expected::State { alert, at, is } => {
                let seen = seen_of(seen, place).pop();
                let text = format!("{} is {} at {at}", name_of(alert), is.as_str());
                (
                    text,
                    match seen {
                        Some(Glimpse::State(found)) if found == *is => Ok(String::new()),
                        Some(Glimpse::State(found)) => Err(format!("it is {}", found.as_str())),
                        _ => Err("nobody looked".to_owned()),
                    },
                )
            }
            Expected::Notified { .. } => notified(seen.story, &one.what, tolerance),
            Expected::Value { of, at, is } => value(of, *at, *is, seen_of(seen, place)),
        };
        let (holds, got) = match got {
            Ok(got) => (true, got),
            Err(got) => (false, got),
        };
        Verdict { span: one.span, holds, expected, got, at: one.what.moment() }
    };
    let mut verdicts: Vec<Verdict> = run.expect.iter().enumerate().map(judge).collect();
    let failed = seen.story.deeds.iter().filter(|deed| deed.failed);
    verdicts.extend(failed.map(|deed| Verdict {
        span: run.span,
        holds: false,
        expected: "what is done works".to_owned(),
        got: deed.what.clone(),
        at: Some(deed.at),
    }));
    if seen.refused && !run.expects_refusal() && run.expect.is_empty() {
        verdicts.push(Verdict {
            span: run.span,
            holds: false,
            expected: "the configuration is accepted".to_owned(),
            got: "it is refused".to_owned(),
            at: None,
        });
    }
    verdicts
}

fn seen_of(seen: &Seen<'_>, place: usize) -> Vec<Glimpse> {
    seen.looks.iter().filter(|look| look.of == place).filter_map(|look| look.seen.clone()).collect()
}

fn refused(contains: &[String], seen: &Seen<'_>) -> (String, Result<String, String>) {
    let says = contains.iter().map(|text| format!(" {text:?}")).collect::<Vec<_>>().join(",");
    let expected = match contains {
        [] => "the configuration is refused".to_owned(),
        _ => format!("the configuration is refused with{says}"),
    };
    let missing = contains.iter().find(|text| !seen.problems.contains(text.as_str()));
    let got = match (seen.refused, missing) {
        (false, _) => Err("it is accepted".to_owned()),
        (true, Some(missing)) => Err(format!("it is refused, but nothing says {missing:?}")),
        (true, None) => Ok(String::new()),
    };
    (expected, got)
}

/// What an expectation asks, in words, where nothing can have come of it.
fn words(what: &Expected) -> String {
    match what {
        Expected::Alert { alert, .. } | Expected::State { alert, .. } => {
            format!("{} is judged", name_of(alert))
        }
        Expected::Notified { receiver, .. } => format!("{receiver} is told"),
        Expected::Value { of, at, .. } => format!("{} at {at}", measured(of)),
        Expected::Refused { .. } => "the configuration is refused".to_owned(),
    }
}

/// A part of an alert's life: what it is called, and when it was.
type Part = (&'static str, fn(&Life) -> Option<Moment>);
const PENDING: Part = ("is pending", |life| life.pending);
const FIRES: Part = ("fires", |life| life.fired);
const RESOLVES: Part = ("resolves", |life| life.ended.filter(|_| life.fired.is_some()));

fn life(
    story: &Story,
    alert: &Labels,
    after: Moment,
    parts: &[(Part, Option<When>)],
    tolerance: TimeDelta,
) -> (String, Result<String, String>) {
    let lives: Vec<&Life> =
        story.lives.iter().filter(|life| life.has(alert) && life.begin() >= after).collect();
    // A life that fired says more than one that did not.
    let first = lives.iter().find(|life| life.fired.is_some()).or(lives.first());
    let (mut expected, mut got, mut holds) = (Vec::new(), Vec::new(), true);
    for ((word, of), when) in parts {
        let Some(when) = when else { continue };
        let found = first.and_then(|life| of(life));
        let is_right = match (when, found) {
            (When::Never, None) => true,
            (When::At(at), Some(found)) => at.distance(found) <= tolerance,
            (When::Never, Some(_)) | (When::At(_), None) => false,
        };
        holds &= is_right;
        expected.push(match when {
            When::Never => format!("never {word}"),
            When::At(at) => format!("{word} {at}"),
        });
        got.push(match found {
            Some(found) => format!("{word} {found}"),
            None => format!("never {word}"),
        });
    }
    let expected = format!("{} {}", name_of(alert), expected.join(", "));
    (expected, if holds { Ok(got.join(", ")) } else { Err(got.join(", ")) })
}

fn name_of(alert: &Labels) -> String {
    match (alert.get("alertname"), alert.iter().count()) {
        (Some(name), 1) => name.to_owned(),
        (_, _) => alert.to_string(),
    }
}

fn notified(story: &Story, what: &Expected, tolerance: TimeDelta) -> (String, Result<String, String>) {
    let Expected::Notified { receiver, at, times, from, until, title, contains, reason } = what else {
        return (words(what), Err("not a message".to_owned()));
    };
    let to: Vec<&Told> = story.told.iter().filter(|told| told.went_to(receiver)).collect();
    let says = |told: &&&Told| {
        title.as_ref().is_none_or(|title| told.title == *title)
            && contains.iter().all(|text| told.text.contains(text.as_str()))
            && reason.is_none_or(|reason| told.reason == reason)
            && told.at >= *from
            && until.is_none_or(|until| told.at <= until)
    };
    let fitting: Vec<&&Told> = to.iter().filter(says).collect();
    let mut about = String::new();
    if let Some(title) = title {
        about.push_str(&format!(" {title:?}"));
    }
    about.extend(contains.iter().map(|text| format!(" …{text}…")));
    about.extend(reason.iter().map(|reason| format!(" ({reason})")));
    let expected = match (at, times) {
        (Some(When::Never), _) => format!("{receiver} is never told{about}"),
        (Some(When::At(at)), None) => format!("{receiver} is told {at}{about}"),
        (Some(When::At(at)), Some(times)) => format!("{receiver} is told {at}, {times} times in all{about}"),
        (None, times) => format!("{receiver} is told {} times{about}", times.unwrap_or_default()),
    };
    let count = times.is_none_or(|times| times == fitting.len());
    let holds = count
        && match at {
            None => true,
            Some(When::Never) => fitting.is_empty(),
            Some(When::At(at)) => fitting.iter().any(|told| told.at.distance(*at) <= tolerance),
        };
    let shown: Vec<String> = match fitting.is_empty() {
        true if !holds => to.iter().map(|told| format!("{} {:?}", told.at, told.title)).collect(),
        _ => fitting.iter().map(|told| told.at.to_string()).collect(),
    };
    let got = match (shown.len(), fitting.is_empty()) {
        (0, _) => "nothing was told".to_owned(),
        (_, true) => format!("told {}, but nothing like that", some(&shown)),
        (_, false) => format!("told {}", some(&shown)),
    };
    (expected, if holds { Ok(got) } else { Err(got) })
}

/// The first few of a list.
fn some(all: &[String]) -> String {
    const SHOWN: usize = 6;
    match all.len() {
        0..=SHOWN => all.join(", "),
        more => format!("{} and {} more", all[..SHOWN].join(", "), more - SHOWN),
    }
}

fn measured(of: &Measured) -> String {
    match of {
        Measured::Budget { slo } => format!("budget left of {slo}"),
        Measured::Costs { slo, from } => format!("budget of {slo} spent since {from}"),
        Measured::Burn { slo, window } => format!("burn rate of {slo} over {window}"),
        Measured::Sli { slo, window: Some(window) } => format!("good share of {slo} over {window}"),
        Measured::Sli { slo, window: None } => format!("good share of {slo} over its period"),
        Measured::Query { text, .. } => text.clone(),
    }
}

fn value(of: &Measured, at: Moment, is: Amount, seen: Vec<Glimpse>) -> (String, Result<String, String>) {
    let expected = match is {
        Amount::Nothing => format!("{} at {at} is nothing", measured(of)),
        Amount::About { value, .. } => format!("{} at {at} is {}", measured(of), number(value)),
    };
    let found = match (of, seen.as_slice()) {
        (Measured::Costs { .. }, [Glimpse::Number(before), Glimpse::Number(after)]) => Ok(before - after),
        (Measured::Costs { .. }, [.., Glimpse::Nothing(why)] | [Glimpse::Nothing(why), ..]) => {
            Err(why.clone())
        }
        (_, [Glimpse::Number(found)]) => Ok(*found),
        (_, [Glimpse::Nothing(why)]) => Err(why.clone()),
        (_, _) => Err("nobody looked".to_owned()),
    };
    let got = match (is, found) {
        (Amount::Nothing, Err(why)) => Ok(why),
        (Amount::Nothing, Ok(found)) => Err(number(found)),
        (Amount::About { .. }, Err(why)) => Err(why),
        (Amount::About { value, within }, Ok(found)) if (found - value).abs() <= within => Ok(number(found)),
        (Amount::About { .. }, Ok(found)) => Err(number(found)),
    };
    (expected, got)
}

/// A number with as many digits as tell it apart.
pub fn number(value: f64) -> String {
    let rounded = format!("{value:.6}");
    let text = rounded.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
