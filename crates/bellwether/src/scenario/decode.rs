//! Reads a scenario from YAML, and reports everything that is wrong with it at once.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostics, FileId, MapReader, Sources, Span, Spanned, entries};
use bellwether_model::{TimeDelta, Timestamp};

use super::definition::ServiceDefinition;
use super::definition_decode::{services, set_value, take};
use super::event_decode::{config_choice, event};
use super::expect_decode::expectation;
use super::model::{ConfigChoice, Fault, FaultChange, FaultyAnswer, History, Run, Scenario, Setting};
use super::quantity::Moment;
use super::real::real;

/// Runs start then unless a scenario says otherwise: midnight, a Thursday, in no change of clocks.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);
const RUNS_MAX: usize = 200;
const LENGTH_MAX: TimeDelta = TimeDelta(400 * TimeDelta::DAY.0);

/// Reads a scenario file; `None` after at least one problem was reported.
pub fn read(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Scenario> {
    bellwether_diag::decode_file(sources, file, out)
}

impl Decode for Moment {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = String::decode(node, cx)?;
        take(Self::parse(&text), node.span, cx)
    }
}

impl Decode for Scenario {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let name: Option<String> = map.required("scenario", cx);
        let about = map.optional("about", cx).unwrap_or_default();
        let start = map.node("start").and_then(|node| start(node, cx)).unwrap_or(START);
        let step = positive(&mut map, "step", cx);
        let evaluation = positive(&mut map, "evaluation", cx);
        let history = map.node("history").and_then(|node| history(node, cx)).unwrap_or_else(no_history);
        let services = map.node("services").map(|node| services(node, cx)).unwrap_or_default();
        let config = map.node("config").and_then(|node| config_choice(node, cx));
        let length: Option<TimeDelta> = map.optional("length", cx);
        let nodes: Vec<Node> = map.required("runs", cx).unwrap_or_default();
        let real = map.node("real").and_then(|node| real(node, &services, cx));
        map.finish(cx);
        if nodes.len() > RUNS_MAX {
            cx.error(nodes[RUNS_MAX].span, format!("more than {RUNS_MAX} runs"));
        }
        let shared = Shared { services: &services, config: config.as_ref(), length };
        let runs: Vec<Option<Run>> = nodes.iter().take(RUNS_MAX).map(|node| run(node, &shared, cx)).collect();
        let runs: Vec<Run> = runs.into_iter().collect::<Option<_>>()?;
        for (index, run) in runs.iter().enumerate() {
            if runs[..index].iter().any(|before| before.name == run.name) {
                cx.error_help(
                    run.span,
                    format!("a second run is named {:?}", run.name),
                    "rename one of them",
                );
            }
        }
        Some(Self { name: name?, about, start, step, evaluation, history, services, runs, real })
    }
}

fn start(node: &Node, cx: &mut Cx<'_>) -> Option<Timestamp> {
    let text = String::decode(node, cx)?;
    let parsed = text.parse::<jiff::Timestamp>();
    let wrong = |_| format!("{text:?} is not a time; write it like 2025-01-01T00:00:00Z");
    take(parsed.map(|at| Timestamp(at.as_millisecond())).map_err(wrong), node.span, cx)
}

fn positive(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let length: Spanned<TimeDelta> = map.optional(name, cx)?;
    if length.value < TimeDelta::SECOND {
        cx.error_help(
            length.span,
            format!("{name} is shorter than a second"),
            "write a duration such as 15s",
        );
        return None;
    }
    Some(length.value)
}

const fn no_history() -> History {
    History {
        length: TimeDelta(TimeDelta::HOUR.0),
        step: TimeDelta(5 * TimeDelta::MINUTE.0),
        fine: TimeDelta(TimeDelta::HOUR.0),
        lead: TimeDelta(5 * TimeDelta::MINUTE.0),
    }
}

fn history(node: &Node, cx: &mut Cx<'_>) -> Option<History> {
    let default = no_history();
    let history = if node.as_text().is_some() {
        History { length: TimeDelta::decode(node, cx)?, ..default }
    } else {
        let mut map = MapReader::open(node, cx)?;
        let length = map.required("length", cx);
        let step = positive(&mut map, "step", cx).unwrap_or(default.step);
        let fine = map.optional("fine", cx).unwrap_or(default.fine);
        let lead = map.optional("lead", cx).unwrap_or(default.lead);
        map.finish(cx);
        History { length: length?, step, fine, lead }
    };
    if history.length > LENGTH_MAX {
        cx.error(node.span, format!("a history is at most {LENGTH_MAX} long"));
        return None;
    }
    let fine = history.fine.min(history.length);
    Some(History { fine, lead: history.lead.min(history.length), ..history })
}

/// What all runs have in common.
pub(super) struct Shared<'a> {
    services: &'a [ServiceDefinition],
    config: Option<&'a ConfigChoice>,
    length: Option<TimeDelta>,
}

fn run(node: &Node, shared: &Shared<'_>, cx: &mut Cx<'_>) -> Option<Run> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("name", cx);
    let about = map.optional("about", cx).unwrap_or_default();
    let own_config = map.node("config").and_then(|node| config_choice(node, cx));
    let own_length: Option<Spanned<TimeDelta>> = map.optional("length", cx);
    let faults: Vec<Node> = map.optional("faults", cx).unwrap_or_default();
    let events: Vec<Node> = map.optional("events", cx).unwrap_or_default();
    let expect: Vec<Node> = map.optional("expect", cx).unwrap_or_default();
    map.finish(cx);
    let mut services = shared.services.to_vec();
    let faults: Vec<_> = faults.iter().map(|node| fault(node, &mut services, cx)).collect();
    let events: Vec<_> = events.iter().map(|node| event(node, cx)).collect();
    let expect: Vec<_> = expect.iter().map(|node| expectation(node, cx)).collect();
    let config = own_config.or_else(|| shared.config.cloned());
    if config.is_none() {
        let help = "write config: bellwether.yml, here or for all runs";
        cx.error_help(map_span(&name, node), "nothing says which configuration is under test", help);
    }
    let length = own_length.as_ref().map(|length| length.value).or(shared.length);
    if length.is_none_or(|length| length <= TimeDelta::ZERO || length > LENGTH_MAX) {
        let message = format!("how long the run lasts is not said, or not between 1s and {LENGTH_MAX}");
        cx.error_help(map_span(&name, node), message, "write length: 30m, here or for all runs");
    }
    let (name, length) = (name?, length?);
    for moment in late(&expect, length) {
        let message = format!("{} is after the end of the run, which lasts {length}", moment.1);
        cx.error_help(moment.0, message, "write a longer length");
    }
    Some(Run {
        span: name.span,
        name: name.value,
        about,
        config: config?,
        length,
        faults: faults.into_iter().collect::<Option<_>>()?,
        events: events.into_iter().collect::<Option<_>>()?,
        expect: expect.into_iter().collect::<Option<_>>()?,
    })
}

fn map_span(name: &Option<Spanned<String>>, node: &Node) -> Span {
    name.as_ref().map_or(node.span, |name| name.span)
}

/// What is expected at moments that never come.
fn late(expect: &[Option<super::model::Expectation>], length: TimeDelta) -> Vec<(Span, Moment)> {
    let all = expect.iter().flatten();
    all.filter_map(|one| Some((one.span, one.what.moment().filter(|moment| moment.0 > length)?))).collect()
}

fn fault(node: &Node, services: &mut [ServiceDefinition], cx: &mut Cx<'_>) -> Option<Fault> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<String> = map.optional("name", cx);
    let at: Option<Spanned<Moment>> = map.optional("at", cx);
    let until: Option<Spanned<Moment>> = map.optional("until", cx);
    let set = map.entry("set");
    let receiver: Option<String> = map.optional("receiver", cx);
    let answers: Option<Spanned<String>> = map.optional("answers", cx);
    map.finish(cx);
    let at = at.map_or_else(Moment::default, |at| at.value);
    if let Some(until) = &until
        && until.value <= at
    {
        cx.error(until.span, format!("the fault ends at {}, not after it begins at {at}", until.value));
    }
    let change = match (set, receiver) {
        (Some((_, node)), None) => FaultChange::Settings(settings(node, services, cx)?),
        (None, Some(name)) => {
            let Some(answers) = answers else {
                cx.error_help(
                    node.span,
                    "how the receiver answers is missing",
                    "write answers: 503, or unreachable",
                );
                return None;
            };
            let answer = match (answers.value.as_str(), answers.value.parse()) {
                ("unreachable", _) => FaultyAnswer::Unreachable,
                (_, Ok(status @ 100..=599)) => FaultyAnswer::Status(status),
                (other, _) => {
                    cx.error_help(
                        answers.span,
                        format!("{other:?} is no answer"),
                        "write a status such as 503, or unreachable",
                    );
                    return None;
                }
            };
            FaultChange::Receiver { name, answer }
        }
        (_, _) => {
            cx.error_help(
                node.span,
                "a fault sets something or makes a receiver fail",
                "write set: {SERVICE.METRIC.rate: 0/s}, or receiver: NAME with answers: 503",
            );
            return None;
        }
    };
    let name = name.unwrap_or_else(|| described(&change));
    Some(Fault { name, at, until: until.map(|until| until.value), change })
}

/// What a fault is called that has no name.
fn described(change: &FaultChange) -> String {
    match change {
        FaultChange::Settings(settings) => {
            let each = settings.iter().map(|s| format!("{}.{} = {}", s.service, s.path, s.value.shown()));
            each.collect::<Vec<_>>().join(", ")
        }
        FaultChange::Receiver { name, answer: FaultyAnswer::Status(status) } => {
            format!("{name} answers {status}")
        }
        FaultChange::Receiver { name, answer: FaultyAnswer::Unreachable } => {
            format!("{name} cannot be reached")
        }
    }
}

/// Settings that exist, with values that they can have: tried on a copy of the services.
fn settings(node: &Node, services: &mut [ServiceDefinition], cx: &mut Cx<'_>) -> Option<Vec<Setting>> {
    let mut settings = Vec::new();
    let mut is_good = true;
    for (key, value) in entries(node, cx)? {
        let path = String::decode(key, cx)?;
        let (service, path) = path.split_once('.').unwrap_or((&path, ""));
        let Some(found) = services.iter_mut().find(|known| known.name == service) else {
            let names: Vec<String> = services.iter().map(|known| known.name.clone()).collect();
            let help = format!("the services are {}", names.join(", "));
            cx.error_help(key.span, format!("there is no service {service:?}"), help);
            is_good = false;
            continue;
        };
        let Some(value) = set_value(value, cx) else {
            is_good = false;
            continue;
        };
        if take(found.clone().set(path, &value), key.span, cx).is_none() {
            is_good = false;
            continue;
        }
        let (service, path) = (service.to_owned(), path.to_owned());
        settings.push(Setting { service, path, value, span: key.span });
    }
    is_good.then_some(settings)
}
