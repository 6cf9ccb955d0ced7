//! `alertmanager.yml` as far as it can be read, whole or a piece of it, with the place of everything in it. The strict
//! reader resolves and refuses; this one keeps what is written, because that is what a check points at.

use bellwether_alerts::parse_matchers;
use bellwether_diag::yaml::Node;
use bellwether_diag::{FileId, Span, Spanned};
use bellwether_model::{MatchOp, Matcher, TimeDelta};

use super::SectionId;
use super::rule::duration;

/// A configuration.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The file or part.
    pub file: FileId,
    /// Whether it has a route and receivers: what is missing in a piece may stand elsewhere.
    pub is_whole: bool,
    /// `global`.
    pub global: Option<Node>,
    /// The tree of routes.
    pub route: Option<Route>,
    /// Receivers in the order they are written.
    pub receivers: Vec<Receiver>,
    /// Inhibition rules.
    pub inhibit_rules: Vec<Inhibit>,
    /// All of it.
    pub node: Node,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
}

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Who is told.
    pub receiver: Option<Spanned<String>>,
    /// What it asks of an alert.
    pub matchers: Vec<RouteMatcher>,
    /// `group_by`, where it is written.
    pub group_by: Option<Vec<Spanned<String>>>,
    /// `group_wait`.
    pub group_wait: Option<Spanned<TimeDelta>>,
    /// `group_interval`.
    pub group_interval: Option<Spanned<TimeDelta>>,
    /// `repeat_interval`.
    pub repeat_interval: Option<Spanned<TimeDelta>>,
    /// Whether its siblings are tried after it.
    pub continues: bool,
    /// The routes below it.
    pub routes: Vec<Self>,
    /// All of it.
    pub node: Node,
}

/// How a matcher is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatcherForm {
    /// `match`, `source_match`, `target_match`.
    Equal,
    /// `match_re` and the like.
    Regex,
    /// `matchers` and the like.
    List,
}

/// A matcher of a route or an inhibition.
#[derive(Clone, Debug)]
pub struct RouteMatcher {
    /// What it asks.
    pub matcher: Matcher,
    /// How it is written.
    pub form: MatcherForm,
    /// Where.
    pub span: Span,
}

/// A receiver.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its name.
    pub name: Spanned<String>,
    /// What it sends to.
    pub integrations: Vec<Integration>,
    /// All of it.
    pub node: Node,
}

/// One entry of `slack_configs` and the like.
#[derive(Clone, Debug)]
pub struct Integration {
    /// The field it stands in: `slack_configs`.
    pub field: Spanned<String>,
    /// Its settings.
    pub node: Node,
}

/// An inhibition rule.
#[derive(Clone, Debug)]
pub struct Inhibit {
    /// What must fire.
    pub source: Vec<RouteMatcher>,
    /// What is then quiet.
    pub target: Vec<RouteMatcher>,
    /// Labels that must be the same on both.
    pub equal: Vec<Spanned<String>>,
    /// All of it.
    pub node: Node,
}

impl Routing {
    pub(crate) fn read(node: &Node, file: FileId, section: Option<SectionId>) -> Self {
        let items = |name: &str| node.get(name).and_then(Node::as_sequence).unwrap_or_default();
        let route = node.get("route").map(Route::read);
        Self {
            file,
            is_whole: route.is_some() && node.get("receivers").is_some(),
            global: node.get("global").cloned(),
            route,
            receivers: items("receivers").iter().filter_map(Receiver::read).collect(),
            inhibit_rules: items("inhibit_rules").iter().map(Inhibit::read).collect(),
            node: node.clone(),
            section,
        }
    }

    /// All routes, each before those below it.
    pub fn routes(&self) -> Vec<&Route> {
        let mut found: Vec<&Route> = self.route.iter().collect();
        let mut at = 0;
        while let Some(route) = found.get(at).copied() {
            at += 1;
            found.splice(at..at, route.routes.iter());
        }
        found
    }
}

impl Route {
    fn read(node: &Node) -> Self {
        let time = |name: &str| node.get(name).and_then(duration);
        let below = node.get("routes").and_then(Node::as_sequence).unwrap_or_default();
        Self {
            receiver: node.get("receiver").and_then(text),
            matchers: matchers(node, ["match", "match_re", "matchers"]),
            group_by: node.get("group_by").map(texts),
            group_wait: time("group_wait"),
            group_interval: time("group_interval"),
            repeat_interval: time("repeat_interval"),
            continues: node.get("continue").and_then(Node::as_text) == Some("true"),
            routes: below.iter().map(Self::read).collect(),
            node: node.clone(),
        }
    }
}

impl Receiver {
    fn read(node: &Node) -> Option<Self> {
        let mut integrations = Vec::new();
        for (key, value) in node.as_mapping()? {
            let Some(field) = text(key).filter(|field| field.value.ends_with("_configs")) else { continue };
            let one = |node: &Node| Integration { field: field.clone(), node: node.clone() };
            integrations.extend(value.as_sequence().unwrap_or_default().iter().map(one));
        }
        Some(Self { name: node.get("name").and_then(text)?, integrations, node: node.clone() })
    }
}

impl Inhibit {
    fn read(node: &Node) -> Self {
        Self {
            source: matchers(node, ["source_match", "source_match_re", "source_matchers"]),
            target: matchers(node, ["target_match", "target_match_re", "target_matchers"]),
            equal: node.get("equal").map(texts).unwrap_or_default(),
            node: node.clone(),
        }
    }
}

fn text(node: &Node) -> Option<Spanned<String>> {
    Some(Spanned { value: node.as_text()?.to_owned(), span: node.span })
}

fn texts(node: &Node) -> Vec<Spanned<String>> {
    node.as_sequence()
        .map_or_else(|| text(node).into_iter().collect(), |all| all.iter().filter_map(text).collect())
}

/// Matchers of all three ways of writing them; those that cannot be read are reported by the strict reader.
fn matchers(node: &Node, [equal, regex, list]: [&str; 3]) -> Vec<RouteMatcher> {
    let mut found = Vec::new();
    for (field, op, form) in
        [(equal, MatchOp::Equal, MatcherForm::Equal), (regex, MatchOp::Regex, MatcherForm::Regex)]
    {
        for (name, value) in node.get(field).and_then(Node::as_mapping).unwrap_or_default() {
            let (Some(label), Some(wanted)) = (name.as_text(), value.as_text()) else { continue };
            if let Ok(matcher) = Matcher::new(op, label, wanted) {
                found.push(RouteMatcher { matcher, form, span: name.span.to(value.span) });
            }
        }
    }
    for written in node.get(list).map(texts).unwrap_or_default() {
        let read = parse_matchers(&written.value).unwrap_or_default();
        let form = MatcherForm::List;
        found.extend(read.into_iter().map(|matcher| RouteMatcher { matcher, form, span: written.span }));
    }
    found
}
