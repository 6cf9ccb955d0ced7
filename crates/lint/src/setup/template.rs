//! Templates wherever they stand, taken apart: in annotations and labels, in receivers, in files of their own, and in
//! the code of a document's line.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use bellwether_alerts::MessageTexts;
use bellwether_diag::yaml::Node;
use bellwether_diag::{FileId, Sources, Span};
use bellwether_template::{
    ALERT_VARIABLES, Functions, Outline, alertmanager_functions, outline, prometheus_functions,
};

use super::query::Place;
use super::{Form, Setup};

/// What a template is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateOf {
    /// A rule's label; the rule is an index into [`Setup::rules`].
    Label(usize),
    /// A rule's annotation.
    Annotation(usize),
    /// A receiver's text; the configuration is an index into [`Setup::routings`].
    Message(usize),
    /// A file of templates.
    File,
    /// Code in a line of a document.
    Document,
}

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    /// What it is part of.
    pub of: TemplateOf,
    /// The label or annotation it is the value of; empty elsewhere.
    pub field: String,
    /// Its text.
    pub text: String,
    /// What the text holds.
    pub outline: Outline,
    place: Place,
}

static OF_RULES: LazyLock<Functions> = LazyLock::new(prometheus_functions);
static OF_MESSAGES: LazyLock<Functions> = LazyLock::new(alertmanager_functions);

impl Template {
    fn new(of: TemplateOf, field: &str, text: &str, place: Place) -> Self {
        let variables: &[&str] = match of {
            TemplateOf::Label(_) | TemplateOf::Annotation(_) => &ALERT_VARIABLES,
            TemplateOf::Message(_) | TemplateOf::File | TemplateOf::Document => &[],
        };
        let outline = outline(text, functions_of(of), variables);
        Self { of, field: field.to_owned(), text: text.to_owned(), outline, place }
    }

    fn in_scalar(of: TemplateOf, field: &str, node: &Node) -> Option<Self> {
        let text = node.as_text().filter(|text| text.contains("{{"))?;
        Some(Self::new(of, field, text, Place::Scalar(node.clone())))
    }

    /// The functions it may call.
    pub fn functions(&self) -> &'static Functions {
        functions_of(self.of)
    }

    /// The rule it is part of.
    pub fn rule(&self) -> Option<usize> {
        match self.of {
            TemplateOf::Label(rule) | TemplateOf::Annotation(rule) => Some(rule),
            TemplateOf::Message(_) | TemplateOf::File | TemplateOf::Document => None,
        }
    }

    /// Where a part of it stands in the file.
    pub fn span(&self, sources: &Sources, part: Range<usize>) -> Span {
        self.place.span(sources, part)
    }
}

fn functions_of(of: TemplateOf) -> &'static Functions {
    match of {
        TemplateOf::Label(_) | TemplateOf::Annotation(_) => &OF_RULES,
        TemplateOf::Message(_) | TemplateOf::File | TemplateOf::Document => &OF_MESSAGES,
    }
}

impl Setup {
    /// Takes all templates apart, when everything else has been read.
    pub(super) fn read_templates(&mut self) {
        let mut found = Vec::new();
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert()) {
            let texts = |of: TemplateOf, fields: &[super::rule::Field]| -> Vec<Template> {
                let read =
                    |field: &super::rule::Field| Template::in_scalar(of, &field.name.value, &field.value);
                fields.iter().filter_map(read).collect()
            };
            found.extend(texts(TemplateOf::Label(index), &rule.labels));
            found.extend(texts(TemplateOf::Annotation(index), &rule.annotations));
        }
        for (index, routing) in self.routings.iter().enumerate() {
            let texts = MessageTexts::find(&routing.node);
            let read = |node: &Node| Template::in_scalar(TemplateOf::Message(index), "", node);
            found.extend(texts.texts().iter().filter_map(read));
        }
        for file in self.files.iter().filter(|file| file.form == Form::Template) {
            let place = Place::Text { file: file.file, start: 0 };
            found.push(Template::new(TemplateOf::File, "", self.sources.text(file.file), place));
        }
        for inline in self.documents.iter().flat_map(|document| &document.inline) {
            if inline.text.contains("{{") {
                let place = Place::Text { file: inline.span.file, start: inline.span.start as usize };
                found.push(Template::new(TemplateOf::Document, "", &inline.text, place));
            }
        }
        self.templates = found;
    }

    /// Names that any text of the setup defines, blocks of documents included.
    pub fn defined_templates(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let of_templates =
            self.templates.iter().flat_map(|template| template.outline.defines.keys().cloned());
        names.extend(of_templates);
        let documents = self.documents.iter().flat_map(|document| &document.blocks);
        for file in documents.map(|block| block.file).collect::<BTreeSet<FileId>>() {
            names.extend(defined_in(self.sources.text(file)));
        }
        names
    }
}

/// Names after `define` or `block` in a text of whatever kind.
fn defined_in(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("{{").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches(['-', ' ']);
        let rest = rest.strip_prefix("define").or_else(|| rest.strip_prefix("block"))?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '`'))?;
        rest[1..].split(quote).next().map(str::to_owned)
    })
}
