//! Where a template stands in its rule file, so that one that fails while an alert fires can be found: the file's text
//! is long gone by then.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Position, Sources};
use bellwether_template::TemplateError;

/// Which of a rule's templates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplateOf {
    /// That of a label.
    Label(String),
    /// That of an annotation.
    Annotation(String),
}

/// Where a template stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePlace {
    /// The rule file's name.
    pub file: String,
    /// Where each of its lines starts.
    pub lines: Vec<Position>,
}

impl TemplatePlace {
    /// The place of a YAML scalar's text.
    pub(crate) fn of(node: &Node, sources: &Sources) -> Option<Self> {
        let text = node.as_text()?;
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1);
        let starts = std::iter::once(0).chain(breaks).filter(|start| *start == 0 || *start < text.len());
        let position = |start: usize| sources.position(yaml::span_within(sources, node, start..start));
        Some(Self { file: sources.name(node.span.file).to_owned(), lines: starts.map(position).collect() })
    }
}

/// Where the templates of an alerting rule stand. Texts without an action are none.
pub(crate) fn places(rule: &Node, sources: &Sources) -> BTreeMap<TemplateOf, TemplatePlace> {
    let field = |name| rule.get(name).and_then(Node::as_mapping).unwrap_or(&[]);
    let labels = field("labels").iter().map(|(key, value)| (key.as_text().map(label), value));
    let annotations = field("annotations").iter().map(|(key, value)| (key.as_text().map(annotation), value));
    let is_template = |value: &Node| value.as_text().is_some_and(|text| text.contains("{{"));
    let templates = labels.chain(annotations).filter(|(_, value)| is_template(value));
    templates.filter_map(|(of, value)| of.zip(TemplatePlace::of(value, sources))).collect()
}

fn label(name: &str) -> TemplateOf {
    TemplateOf::Label(name.to_owned())
}

fn annotation(name: &str) -> TemplateOf {
    TemplateOf::Annotation(name.to_owned())
}

/// What failed, and where in the rule file.
pub(crate) fn sentence(
    of: &TemplateOf,
    error: &TemplateError,
    places: &BTreeMap<TemplateOf, TemplatePlace>,
) -> String {
    let what = match of {
        TemplateOf::Label(name) => format!("label {name}"),
        TemplateOf::Annotation(name) => format!("annotation {name}"),
    };
    let help = error.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    let place = places.get(of).and_then(|place| Some((&place.file, place.lines.get(error.line - 1)?)));
    match place {
        Some((file, line)) => {
            let column = line.column as usize + error.column - 1;
            format!("{file}:{}:{column}: {what}: {}{help}", line.line, error.message)
        }
        None => format!("{what}, line {}, column {}: {}{help}", error.line, error.column, error.message),
    }
}
