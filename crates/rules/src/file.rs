//! Prometheus rule files: what is in them, and every reason to refuse one.
//!
//! All of its problems are reported: a rule that is silently dropped is an alert nobody will miss until the outage.
//! Whoever checks a file takes it whole or not at all; a server that starts may leave out the rules that are wrong,
//! and say so, rather than run none. What Prometheus accepts is accepted unchanged; what it accepts but is
//! probably a mistake (the same rule twice, a second document) is a warning.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{
    Cx, Decode, Diagnostic, Diagnostics, FileId, MapReader, Severity, Sources, Span, Spanned, entries,
};
use bellwether_model::{METRIC_NAME, TimeDelta, is_valid_legacy_name};
use bellwether_promql::Expr;

use crate::{TemplateOf, TemplatePlace, expand, lint, query_text, template_place};

/// Which names metrics, labels and annotations may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameScheme {
    /// Any text but the empty one, as Prometheus 3 does by default.
    #[default]
    Utf8,
    /// Letters, digits, `_` and, for metrics, `:`.
    Legacy,
}

/// How strictly a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which names are allowed.
    pub names: NameScheme,
    /// Whether unknown fields are only warned of, for files that other programs add their own fields to.
    pub ignore_unknown_fields: bool,
}

impl From<NameScheme> for ReadOptions {
    fn from(names: NameScheme) -> Self {
        Self { names, ignore_unknown_fields: false }
    }
}

impl ReadOptions {
    fn finish(self, map: MapReader<'_>, cx: &mut Cx<'_>) {
        map.finish_as(if self.ignore_unknown_fields { Severity::Warning } else { Severity::Error }, cx);
    }
}

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleFile {
    /// Its groups; their names differ.
    pub groups: Vec<RuleGroup>,
}

/// Rules that are evaluated together, one after the other, at the same moment.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleGroup {
    /// Its name; never empty.
    pub name: Spanned<String>,
    /// How often; the server's default if absent.
    pub interval: Option<TimeDelta>,
    /// How many series or alerts one of its rules may produce; no limit if absent.
    pub limit: Option<usize>,
    /// How far back its queries look; the server's default if absent.
    pub query_offset: Option<TimeDelta>,
    /// Labels for all of its rules, unless a rule sets them itself.
    pub labels: BTreeMap<String, String>,
    /// Its rules in order.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The metric to record, or the alert to raise.
    pub name: Spanned<String>,
    /// The query.
    pub expr: RuleExpr,
    /// Labels to set on the results. Those of alerts are templates. An empty value removes the label.
    pub labels: BTreeMap<String, String>,
    /// What becomes of the results.
    pub kind: RuleKind,
    /// Where its templates stand.
    pub template_places: BTreeMap<TemplateOf, TemplatePlace>,
}

/// What becomes of a rule's results.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// They are stored under the rule's name.
    Record,
    /// Each is an alert.
    Alert {
        /// How long it must have been there before it fires (`for`).
        hold: TimeDelta,
        /// How long it goes on firing after it is gone.
        keep_firing: TimeDelta,
        /// Templates of what people read.
        annotations: BTreeMap<String, String>,
    },
}

/// A query with its text and place.
#[derive(Clone, Debug)]
pub struct RuleExpr {
    /// As it was written.
    pub text: String,
    /// What it means.
    pub parsed: Expr,
    /// The YAML scalar it stands in, for pointing at parts of it with [`yaml::span_within`].
    pub node: Node,
}

impl RuleFile {
    /// Reads a file. `Some` means that no error was found; warnings may have been added all the same.
    /// `options` may be a [`NameScheme`] alone.
    pub fn read(
        sources: &Sources,
        file: FileId,
        options: impl Into<ReadOptions>,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let mut refused = Diagnostics::new();
        let read = Self::read_leniently(sources, file, options, out, &mut refused);
        let read = read.filter(|_| !refused.has_errors());
        out.extend(refused);
        read
    }

    /// Reads a file and leaves out the rules that are wrong, whose problems go to `refused`. Whatever else is wrong is
    /// reported in `out` and leaves nothing.
    pub fn read_leniently(
        sources: &Sources,
        file: FileId,
        options: impl Into<ReadOptions>,
        out: &mut Diagnostics,
        refused: &mut Diagnostics,
    ) -> Option<Self> {
        let errors_before = out.error_count();
        let documents = yaml::parse(sources, file, out);
        let read = Self::decode_leniently(&documents, options, &mut Cx::new(sources, out), refused);
        (out.error_count() == errors_before).then_some(read)
    }

    /// The same for a file whose YAML has been read already.
    pub fn decode_leniently(
        documents: &[Node],
        options: impl Into<ReadOptions>,
        cx: &mut Cx<'_>,
        refused: &mut Diagnostics,
    ) -> Self {
        let options = options.into();
        if let Some(second) = documents.get(1) {
            let message = "only the first document of a rule file is read";
            let help = "put these groups into the first document or into a file of their own";
            cx.push(Diagnostic::warning("rule-documents", second.span, message).with_help(help));
        }
        let document = documents.first();
        let groups = document.map_or_else(Vec::new, |document| groups_of(document, options, cx, refused));
        let read = Self { groups };
        lint::duplicates([&read]).into_iter().for_each(|warning| cx.push(warning));
        read
    }
}

impl Rule {
    /// Reads one rule that stands by itself, outside a group, as documents show them.
    pub fn decode(node: &Node, options: ReadOptions, cx: &mut Cx<'_>) -> Option<Self> {
        rule(node, options, cx)
    }
}

impl RuleGroup {
    /// Reads one group that stands by itself, outside a rule file, as [`RuleFile::read_leniently`] does.
    pub fn decode_leniently(
        node: &Node,
        options: ReadOptions,
        cx: &mut Cx<'_>,
        refused: &mut Diagnostics,
    ) -> Option<Self> {
        group(node, options, cx, refused)
    }

    /// A rule's labels over the group's.
    pub fn labels_of(&self, rule: &Rule) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(rule.labels.clone());
        labels
    }
}

/// All groups that could be read; the others have been reported.
fn groups_of(
    document: &Node,
    options: ReadOptions,
    cx: &mut Cx<'_>,
    refused: &mut Diagnostics,
) -> Vec<RuleGroup> {
    if document.is_null() {
        return Vec::new();
    }
    let Some(mut map) = MapReader::open(document, cx) else { return Vec::new() };
    let nodes: Vec<Node> = map.optional("groups", cx).unwrap_or_default();
    options.finish(map, cx);
    let groups: Vec<RuleGroup> = nodes.iter().filter_map(|node| group(node, options, cx, refused)).collect();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for group in &groups {
        let name = &group.name;
        if let Some(first) = seen.insert(name.as_str(), name.span) {
            let message = format!("group {:?} appears twice in this file", name.value);
            cx.push(
                Diagnostic::error("rule-group-duplicate", name.span, message)
                    .with_help("rename one of the two")
                    .with_related(first, "the first one is here"),
            );
        }
    }
    groups
}

fn group(node: &Node, options: ReadOptions, cx: &mut Cx<'_>, refused: &mut Diagnostics) -> Option<RuleGroup> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("name", cx);
    let interval = map.optional("interval", cx).filter(|interval| *interval > TimeDelta::ZERO);
    let limit = map.optional("limit", cx).filter(|limit| *limit > 0);
    let query_offset = map.optional("query_offset", cx);
    let labels = map.node("labels").map(|node| names(node, NameOf::Label, options, cx)).unwrap_or_default();
    let rules: Option<Vec<Node>> = map.optional("rules", cx);
    options.finish(map, cx);
    let read = rules.unwrap_or_default();
    let rules: Vec<Rule> = read.iter().filter_map(|node| good_rule(node, options, cx, refused)).collect();
    let name = name?;
    if name.is_empty() {
        cx.error_help(name.span, "a group needs a name", "write one that is unique in this file");
    }
    Some(RuleGroup { name, interval, limit, query_offset, labels, rules })
}

/// A rule in which nothing is wrong; what is goes to `refused`.
fn good_rule(node: &Node, options: ReadOptions, cx: &mut Cx<'_>, refused: &mut Diagnostics) -> Option<Rule> {
    let mut own = Diagnostics::new();
    let read = rule(node, options, &mut Cx::new(cx.sources, &mut own));
    if own.has_errors() {
        refused.extend(own);
        return None;
    }
    own.into_iter().for_each(|warning| cx.push(warning));
    read
}

fn rule(node: &Node, options: ReadOptions, cx: &mut Cx<'_>) -> Option<Rule> {
    let mut map = MapReader::open(node, cx)?;
    let record = name_field(&mut map, "record", cx);
    let alert = name_field(&mut map, "alert", cx);
    let expr = query_text::read(&mut map, cx);
    let labels = map.node("labels").map(|node| names(node, NameOf::Label, options, cx)).unwrap_or_default();
    let kind = match (&record, &alert) {
        (Some(record), Some(_)) => {
            let message = "a rule either records or alerts, this one says both";
            cx.error_help(record.span, message, "keep record or alert, not both");
            map.ignore(&["for", "keep_firing_for", "annotations"]);
            None
        }
        (None, None) => {
            let message = "the rule says neither record nor alert";
            cx.error_help(
                map.span_first_line(cx),
                message,
                "write `record: metric_name` or `alert: AlertName`",
            );
            map.ignore(&["for", "keep_firing_for", "annotations"]);
            None
        }
        (Some(record), None) => {
            check_record_name(record, options, cx);
            refuse_alert_fields(&mut map, cx);
            Some(RuleKind::Record)
        }
        (None, Some(_)) => Some(alert_kind(&mut map, options, cx)),
    };
    options.finish(map, cx);
    if let Some(node) = node.get("labels").filter(|_| alert.is_some()) {
        check_templates(node, cx);
    }
    let template_places =
        if alert.is_some() { template_place::places(node, cx.sources) } else { BTreeMap::new() };
    Some(Rule { name: record.or(alert)?, expr: expr?, labels, kind: kind?, template_places })
}

fn alert_kind(map: &mut MapReader<'_>, options: ReadOptions, cx: &mut Cx<'_>) -> RuleKind {
    let hold = map.optional("for", cx).unwrap_or_default();
    let keep_firing = map.optional("keep_firing_for", cx).unwrap_or_default();
    let mut annotations = BTreeMap::new();
    if let Some(node) = map.node("annotations") {
        annotations = names(node, NameOf::Annotation, options, cx);
        check_templates(node, cx);
    }
    RuleKind::Alert { hold, keep_firing, annotations }
}

/// `record` or `alert`; an empty one counts as absent, as in Prometheus.
fn name_field(map: &mut MapReader<'_>, field: &'static str, cx: &mut Cx<'_>) -> Option<Spanned<String>> {
    map.optional(field, cx).filter(|name: &Spanned<String>| !name.is_empty())
}

fn check_record_name(record: &Spanned<String>, options: ReadOptions, cx: &mut Cx<'_>) {
    if record.contains(['{', '}']) {
        let help = "write the metric's name only; labels to set go under labels, a selection goes into expr";
        cx.error_help(
            record.span,
            format!("braces in the name {:?} of a recorded metric", record.value),
            help,
        );
    } else if options.names == NameScheme::Legacy && !is_valid_legacy_name(record, true) {
        let help = "use letters, digits, `_` and `:`, not starting with a digit";
        cx.error_help(record.span, format!("{:?} is not a metric name", record.value), help);
    }
}

/// What only alerts have. Zero and empty mean the same as nothing, as in Prometheus.
fn refuse_alert_fields(map: &mut MapReader<'_>, cx: &mut Cx<'_>) {
    let refuse = |field: &str, key: Span, cx: &mut Cx<'_>| {
        let message = format!("{field} has no meaning in a rule that records");
        cx.error_help(key, message, "remove it, or write alert instead of record");
    };
    for field in ["for", "keep_firing_for"] {
        let delta: Option<TimeDelta> = map.optional(field, cx);
        if delta.is_some_and(|delta| delta != TimeDelta::ZERO) {
            refuse(field, map.key_span(field), cx);
        }
    }
    let annotations: Option<BTreeMap<String, String>> = map.optional("annotations", cx);
    if annotations.is_some_and(|annotations| !annotations.is_empty()) {
        refuse("annotations", map.key_span("annotations"), cx);
    }
}

/// What a name belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameOf {
    Label,
    Annotation,
}

/// A mapping of names to texts with the names checked. What is wrong is reported and left out.
fn names(node: &Node, of: NameOf, options: ReadOptions, cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for (key, value) in entries(node, cx).unwrap_or(&[]) {
        let (name, text) = (String::decode(key, cx), String::decode(value, cx));
        let Some((name, text)) = name.zip(text) else { continue };
        if of == NameOf::Label && name == METRIC_NAME {
            cx.error_help(
                key.span,
                format!("{METRIC_NAME} cannot be set as a label"),
                "use record to name the metric",
            );
        } else if name.is_empty() {
            cx.error(key.span, "a name is missing before the colon");
        } else if options.names == NameScheme::Legacy && !is_valid_legacy_name(&name, false) {
            let message = format!("{name:?} is not a label name");
            cx.error_help(key.span, message, "use letters, digits and `_`, not starting with a digit");
        } else {
            read.insert(name, text);
        }
    }
    read
}

/// Reports what is wrong with the templates in a mapping's values, inside the YAML they stand in.
fn check_templates(mapping: &Node, cx: &mut Cx<'_>) {
    for (_, value) in mapping.as_mapping().unwrap_or(&[]) {
        for problem in value.as_text().map(expand::check).unwrap_or_default() {
            let span = yaml::span_within(cx.sources, value, problem.span);
            let mut diagnostic = Diagnostic::error("template", span, problem.message);
            diagnostic.help = problem.help;
            cx.push(diagnostic);
        }
    }
}

impl PartialEq for RuleExpr {
    /// The same text at the same place.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.node == other.node
    }
}

impl RuleExpr {
    /// A query that does not come from a file, such as a generated one.
    pub fn parse(text: impl Into<String>) -> Result<Self, Vec<bellwether_promql::ParseError>> {
        let text = text.into();
        let parsed = bellwether_promql::parse(&text)?;
        let value = yaml::Value::Scalar(yaml::Scalar { text: text.clone(), quoted: true });
        Ok(Self { text, parsed, node: Node { span: Span::default(), value } })
    }
}
