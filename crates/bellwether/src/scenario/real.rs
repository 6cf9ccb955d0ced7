//! What a scenario does on this machine by the clock on the wall: how its configuration is changed to fit, and steps that
//! are taken one after the other. A step that waits for something waits until it is so, not for a moment: machines differ.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Span, entries};
use bellwether_model::{Labels, TimeDelta};

use super::definition::{ServiceDefinition, SetValue};
use super::definition_decode::{set_value, take};
use super::event_decode::alert;
use crate::demo::receiver::Kind;

/// A real run that takes longer is no smoke run, but somebody's day.
const LENGTH_MAX: TimeDelta = TimeDelta(TimeDelta::DAY.0);
const LENGTH: TimeDelta = TimeDelta(TimeDelta::MINUTE.0);
const STEPS_MAX: usize = 200;
const USERS_MAX: u32 = 1000;

/// A real run.
#[derive(Clone, Debug)]
pub struct Real {
    /// What it shows.
    pub about: String,
    /// How long it may take at most.
    pub length: TimeDelta,
    /// The configuration, as a file beside the scenario.
    pub config: Option<String>,
    /// How many users call.
    pub users: u32,
    /// Texts of configuration files, and what stands there instead. `{NAME}` is an address.
    pub replace: Vec<(String, String)>,
    /// What is done and waited for, in order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub span: Span,
    /// What.
    pub what: StepKind,
}

/// What a step does, or waits for.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Changes settings of services.
    Set(Vec<(String, SetValue)>),
    /// Waits until a query's only value is this.
    Query {
        /// The query.
        text: String,
        /// Its value.
        is: f64,
    },
    /// Waits until an alert fires.
    Fires(Labels),
    /// Waits until a receiver has a message.
    Received {
        /// What it stands in for.
        by: Kind,
        /// What the message says.
        contains: String,
    },
}

/// Reads the section.
pub(super) fn real(node: &Node, services: &[ServiceDefinition], cx: &mut Cx<'_>) -> Option<Real> {
    let mut map = MapReader::open(node, cx)?;
    let about = map.optional("about", cx).unwrap_or_default();
    let length = map.optional("length", cx).unwrap_or(LENGTH);
    let config = map.optional("config", cx);
    let users: u32 = map.optional("users", cx).unwrap_or(0);
    let replace = map.node("replace").map(|node| texts(node, cx)).unwrap_or_default();
    let nodes: Vec<Node> = map.required("steps", cx)?;
    map.finish(cx);
    if !(TimeDelta::SECOND..=LENGTH_MAX).contains(&length) {
        cx.error(node.span, format!("a real run takes from 1s to {LENGTH_MAX}"));
    }
    if users > USERS_MAX {
        cx.error(node.span, format!("a real run has at most {USERS_MAX} users"));
    }
    if nodes.len() > STEPS_MAX {
        cx.error(nodes[STEPS_MAX].span, format!("more than {STEPS_MAX} steps"));
    }
    let steps: Vec<Option<Step>> =
        nodes.iter().take(STEPS_MAX).map(|node| step(node, services, cx)).collect();
    Some(Real { about, length, config, users, replace, steps: steps.into_iter().collect::<Option<_>>()? })
}

fn texts(node: &Node, cx: &mut Cx<'_>) -> Vec<(String, String)> {
    let Some(entries) = entries(node, cx) else { return Vec::new() };
    let read = |(from, to): &(Node, Node)| Some((String::decode(from, cx)?, String::decode(to, cx)?));
    entries.iter().filter_map(read).filter(|(from, _)| !from.is_empty()).collect()
}

const KINDS: &str = "a step is one of set, query with is, alert, or received with contains";

fn step(node: &Node, services: &[ServiceDefinition], cx: &mut Cx<'_>) -> Option<Step> {
    let mut map = MapReader::open(node, cx)?;
    let span = map.span_first_line(cx);
    let set = map.node("set").map(|node| settings(node, services, cx));
    let query: Option<String> = map.optional("query", cx);
    let is: Option<f64> = map.optional("is", cx);
    let fires = map.node("alert").map(|node| alert(node, cx));
    let received = map.node("received").map(|node| receiver(node, cx));
    let contains: Option<String> = map.optional("contains", cx);
    map.finish(cx);
    let what = match (set, query, is, fires, received, contains) {
        (Some(set), None, None, None, None, None) => StepKind::Set(set?),
        (None, Some(text), Some(is), None, None, None) => StepKind::Query { text, is },
        (None, None, None, Some(fires), None, None) => StepKind::Fires(fires?),
        (None, None, None, None, Some(by), contains) => {
            StepKind::Received { by: by?, contains: contains.unwrap_or_default() }
        }
        _ => {
            cx.error_help(span, "this is no step", KINDS);
            return None;
        }
    };
    Some(Step { span, what })
}

fn receiver(node: &Node, cx: &mut Cx<'_>) -> Option<Kind> {
    match node.as_text() {
        Some("slack") => Some(Kind::Slack),
        Some("pagerduty") => Some(Kind::PagerDuty),
        Some("mail") => Some(Kind::Mail),
        Some("webhook") => Some(Kind::Webhook),
        _ => {
            cx.error_help(node.span, "no such receiver", "write slack, pagerduty, mail or webhook");
            None
        }
    }
}

/// Settings by their whole paths; each is tried, so that a mistake is found before anything runs.
fn settings(node: &Node, services: &[ServiceDefinition], cx: &mut Cx<'_>) -> Option<Vec<(String, SetValue)>> {
    let mut read = Vec::new();
    for (key, value) in entries(node, cx)? {
        let path = String::decode(key, cx)?;
        let value_read = set_value(value, cx)?;
        let (name, rest) = path.split_once('.').unwrap_or((path.as_str(), ""));
        let tried = match services.iter().find(|service| service.name == name) {
            Some(service) => service.clone().set(rest, &value_read),
            None => Err(format!("there is no service {name:?}")),
        };
        take(tried, key.span, cx)?;
        read.push((path, value_read));
    }
    Some(read)
}

impl StepKind {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Set(settings) => {
                let texts: Vec<String> =
                    settings.iter().map(|(path, value)| format!("{path} = {}", value.shown())).collect();
                texts.join(", ")
            }
            Self::Query { text, is } => format!("{text} is {is}"),
            Self::Fires(alert) => match alert.get("alertname") {
                Some(name) if alert.len() == 1 => format!("{name} fires"),
                _ => format!("{alert} fires"),
            },
            Self::Received { by, contains } => format!("{} is told {contains:?}", by.as_str()),
        }
    }
}
