//! Everything a setup says, read as far as it can be read: a rule with a broken template is still a rule whose query can
//! be looked at. What cannot be read is a problem.

pub(crate) mod amounts;
pub(crate) mod burn;
pub(crate) mod described;
mod fragment;
pub(crate) mod goal;
pub(crate) mod goal_json;
pub(crate) mod goal_recorded;
mod index;
pub(crate) mod known_alert;
pub(crate) mod labels_left;
pub(crate) mod markdown;
pub(crate) mod query;
mod query_block;
pub(crate) mod routing;
pub(crate) mod rule;
pub(crate) mod shell;
pub(crate) mod template;

use std::collections::BTreeMap;

use std::sync::OnceLock;

use bellwether_diag::{Diagnostics, FileId, Sources};
use bellwether_slo::Slo;

use crate::Catalogue;
use burn::Burn;
use described::Described;
use goal::Goal;
use known_alert::LabelNames;
use markdown::Markdown;
use query::Query;
use routing::Routing;
use rule::Rule;
use shell::Script;
use template::Template;

/// What a file or a block of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Rules: a file of groups, a list of rules, or one rule.
    Rules,
    /// All or a part of `alertmanager.yml`.
    Alertmanager,
    /// All or a part of `prometheus.yml`.
    Prometheus,
    /// `bellwether.yml`.
    Bellwether,
    /// Objectives of any dialect.
    Objectives,
    /// An objective described in fields of the author's own: `target: 99.9%`.
    Described,
    /// Queries.
    Promql,
    /// Commands of a shell.
    Shell,
    /// JSON.
    Json,
    /// Templates of Alertmanager.
    Template,
    /// A document.
    Markdown,
    /// Anything else; nothing is said of it.
    Other,
}

/// A file that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Its text.
    pub file: FileId,
    /// What it is.
    pub form: Form,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Setup {
    /// All texts; blocks of documents are parts of them.
    pub sources: Sources,
    /// The files as they were given.
    pub files: Vec<InputFile>,
    /// Documents, taken apart.
    pub documents: Vec<Markdown>,
    /// YAML trees by what they are, in files and in documents: for checks about how something is written.
    pub trees: Vec<Tree>,
    /// Every alert and recording.
    pub rules: Vec<Rule>,
    /// Queries that no rule holds: in documents and dashboards.
    pub queries: Vec<Query>,
    /// Configurations of Alertmanager, whole ones and pieces.
    pub routings: Vec<Routing>,
    /// Goals that are stated anywhere.
    pub goals: Vec<Goal>,
    /// Templates of rules and messages, template files, and those that documents speak of.
    pub templates: Vec<Template>,
    /// Objectives of the dialects we read.
    pub slos: Vec<Slo>,
    /// Objectives in fields of the author's own.
    pub described: Vec<Described>,
    /// Alerts on how fast a budget is spent.
    pub burns: Vec<Burn>,
    /// Commands of documents and scripts.
    pub scripts: Vec<Script>,
    /// Labels it speaks of; gathered when a check first asks.
    label_names: OnceLock<LabelNames>,
    /// What could not be read, found while reading.
    pub problems: Diagnostics,
    /// What is looked up again and again.
    pub(crate) index: index::Index,
    /// What a running server knows, if one was asked.
    pub online: Option<Catalogue>,
}

/// A tree of YAML.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The file or part it stands in.
    pub file: FileId,
    /// What it is.
    pub form: Form,
    /// Its root.
    pub node: bellwether_diag::yaml::Node,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
}

/// A section of a document: which document, which section of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectionId {
    /// Index into [`Setup::documents`].
    pub document: usize,
    /// Index into [`Markdown::sections`].
    pub section: usize,
}

impl Setup {
    /// Reads files, each by its name and text.
    pub fn read<N: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (N, T)>) -> Self {
        let mut setup = Self::default();
        for (name, text) in files {
            let name = name.into();
            let file = setup.sources.add(name.clone(), text);
            let form = setup.read_file(&name, file);
            setup.files.push(InputFile { file, form });
        }
        setup.read_objectives();
        let described = setup.trees.iter().filter(|tree| tree.form == Form::Described);
        setup.described = described.filter_map(|tree| Described::read(tree, &setup.sources)).collect();
        setup.index_rules();
        setup.read_goals();
        setup.index_goals();
        setup.read_burns();
        setup.index_burns();
        setup.read_templates();
        setup
    }

    /// Reads files as they lie on a disk. What is not UTF-8 is a problem, and otherwise left alone.
    pub fn read_bytes<N: Into<String>>(files: impl IntoIterator<Item = (N, Vec<u8>)>) -> Self {
        let mut setup = Self::default();
        for (name, bytes) in files {
            let name = name.into();
            let before = setup.problems.len();
            let file = setup.sources.add_bytes(name.clone(), bytes, &mut setup.problems);
            let is_text = setup.problems.len() == before;
            let form = if is_text { setup.read_file(&name, file) } else { Form::Other };
            setup.files.push(InputFile { file, form });
        }
        setup.read_objectives();
        setup
    }

    /// The same files, some with other texts.
    pub(crate) fn with_texts(&self, texts: &BTreeMap<FileId, String>) -> Self {
        let text = |file: FileId| texts.get(&file).map_or(self.sources.text(file), String::as_str);
        let read =
            Self::read(self.files.iter().map(|input| (self.sources.name(input.file), text(input.file))));
        Self { online: self.online.clone(), ..read }
    }

    fn read_file(&mut self, name: &str, file: FileId) -> Form {
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        match end {
            "md" | "markdown" | "txt" => {
                self.read_markdown(file);
                Form::Markdown
            }
            "tmpl" | "tpl" => Form::Template,
            "promql" => {
                self.read_queries(file, None);
                Form::Promql
            }
            "sh" | "bash" => {
                self.read_script(file, end, None);
                Form::Shell
            }
            "json" => Form::Json,
            _ => self.read_yaml(file, None),
        }
    }

    /// All rules that alert.
    pub fn alerts(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.is_alert())
    }

    /// All queries: those of rules, and the others.
    pub fn all_queries(&self) -> impl Iterator<Item = &Query> {
        self.rules.iter().filter_map(|rule| rule.query.as_ref()).chain(&self.queries)
    }

    /// A section of a document.
    pub fn section(&self, id: SectionId) -> Option<&markdown::Section> {
        self.documents.get(id.document)?.sections.get(id.section)
    }

    /// The text around something that stands in a document: the lines of its section.
    pub fn prose_of(&self, id: SectionId) -> impl Iterator<Item = &markdown::Prose> {
        let prose = self.documents.get(id.document).map_or(&[][..], |document| &document.prose);
        prose.iter().filter(move |line| line.section == id.section)
    }
}
