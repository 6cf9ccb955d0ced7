//! The texts of `alertmanager.yml` that are templates, and what is wrong with them and with the template files. Found
//! in the tree itself, so that they are checked also when something else in the file is wrong.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Diagnostic, Diagnostics, FileId, Sources, Span};
use bellwether_template::TemplateError;

use crate::{IntegrationKind, Templates};

/// The template texts of a routing configuration.
#[derive(Clone, Debug, Default)]
pub struct MessageTexts {
    /// Patterns of template files.
    pub patterns: Vec<Node>,
    /// Texts written in the configuration.
    texts: Vec<Node>,
}

/// The template files that a configuration's patterns came to.
#[derive(Clone, Copy, Debug)]
pub struct TemplateFiles<'a> {
    /// Those that were read.
    pub files: &'a [FileId],
    /// Whether that is all of them; otherwise what texts call may be defined in another.
    pub is_complete: bool,
}

impl MessageTexts {
    /// Finds them in the document of a configuration, whatever else is wrong with it.
    pub fn find(document: &Node) -> Self {
        let mut found = Self::default();
        found.patterns.extend(items(document.get("templates")).filter(|n| n.as_text().is_some()).cloned());
        for receiver in items(document.get("receivers")) {
            for kind in IntegrationKind::ALL {
                items(receiver.get(kind.field())).for_each(|node| found.take_integration(kind, node));
            }
        }
        if let Some(route) = document.get("route") {
            found.take_route(route);
        }
        // Texts that are written once and used through an anchor are one text.
        found.texts.sort_by_key(|node| (node.span.file, node.span.start));
        found.texts.dedup_by_key(|node| node.span);
        found
    }

    /// The texts that are written in the configuration.
    pub fn texts(&self) -> &[Node] {
        &self.texts
    }

    /// Reports what is wrong with the files, with the texts, and calls of templates that nobody defines.
    pub fn check(&self, read: TemplateFiles<'_>, sources: &Sources, out: &mut Diagnostics) {
        let by_name: BTreeMap<String, FileId> =
            read.files.iter().map(|file| (sources.name(*file).to_owned(), *file)).collect();
        let text_of = |(name, file): (&String, &FileId)| (name.clone(), sources.text(*file).to_owned());
        let templates = Templates::new(by_name.iter().map(text_of).collect());
        for problem in templates.problems().iter().filter(|p| read.is_complete || !p.is_undefined_template) {
            let span = by_name.get(&problem.name).map(|file| Span::new(*file, problem.span.clone()));
            out.push(diagnostic(span, problem));
        }
        for node in &self.texts {
            let text = node.as_text().unwrap_or_default();
            for problem in templates.check("text", text).err().unwrap_or_default() {
                if read.is_complete || !problem.is_undefined_template {
                    let span = yaml::span_within(sources, node, problem.span.clone());
                    out.push(diagnostic(Some(span), &problem));
                }
            }
        }
    }

    fn take(&mut self, mapping: &Node, fields: &[&str]) {
        let texts = fields.iter().filter_map(|field| mapping.get(field));
        self.texts.extend(texts.filter(|node| node.as_text().is_some()).cloned());
    }

    fn take_integration(&mut self, kind: IntegrationKind, node: &Node) {
        self.take(node, kind.template_fields());
        kind.template_trees().iter().filter_map(|field| node.get(field)).for_each(|node| self.take_all(node));
    }

    /// Every text below a node.
    fn take_all(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(_) => self.texts.push(node.clone()),
            Value::Sequence(items) => items.iter().for_each(|item| self.take_all(item)),
            Value::Mapping(entries) => entries.iter().for_each(|(_, value)| self.take_all(value)),
            Value::Null => {}
        }
    }

    fn take_route(&mut self, route: &Node) {
        let labels = route.get("labels").and_then(Node::as_mapping).unwrap_or(&[]);
        self.texts
            .extend(labels.iter().map(|(_, text)| text).filter(|node| node.as_text().is_some()).cloned());
        items(route.get("routes")).for_each(|child| self.take_route(child));
    }
}

fn items(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    node.and_then(Node::as_sequence).unwrap_or(&[]).iter()
}

fn diagnostic(span: Option<Span>, problem: &TemplateError) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("template", span, problem.message.clone());
    diagnostic.help = problem.help.clone();
    diagnostic
}
