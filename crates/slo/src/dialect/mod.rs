//! Everybody's ways of writing objectives, told apart by what a document says of itself, and read together: an
//! objective of OpenSLO may name an indicator, and one of Sloth a catalogue of windows, that stands in another file.
//!
//! A reader of a dialect reports what it cannot carry over with [`not_carried`] and goes on without it. Read strictly
//! that is an error, since a field that is silently left out is an alert that never fires; read leniently it is a
//! warning, and the warnings are the list of what was left out. What would change the meaning of what is counted is
//! an error either way.

pub(crate) mod alert_windows;
pub(crate) mod draft;
mod google;
mod kind;
pub(crate) mod openslo;
pub(crate) mod own_annotation;
pub(crate) mod pyrra;
pub(crate) mod queried;
mod sloth;
pub(crate) mod sloth_spec;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, Diagnostic, Diagnostics, FileId, Severity, Sources, Span};

use crate::decode::SloFile;
use crate::definition::Slo;

use alert_windows::Catalogue;
pub use kind::Kind;

/// What becomes of fields that cannot be carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// They are errors.
    #[default]
    Strict,
    /// They are left out, and each is named in a warning.
    Lenient,
}

/// The kind of problem that a field which cannot be carried over is.
pub const NOT_CARRIED: &str = "field-not-carried";

/// Reports something that we have nothing for. The objective can be used without it.
pub(crate) fn not_carried(span: Span, message: impl Into<String>, help: impl Into<String>, cx: &mut Cx<'_>) {
    cx.push(Diagnostic::error(NOT_CARRIED, span, message).with_help(help));
}

/// A document, and whose way of writing it is.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its contents; the span says in which file.
    pub node: Node,
}

/// All documents that are read together, in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    all: Vec<Document>,
}

impl Documents {
    /// Adds every document of a file; those of no kind are reported.
    pub fn add_file(&mut self, sources: &Sources, file: FileId, out: &mut Diagnostics) {
        let errors = out.error_count();
        let nodes = yaml::parse(sources, file, out);
        if out.error_count() > errors {
            return;
        }
        let mut cx = Cx::new(sources, out);
        nodes.into_iter().filter(|node| !node.is_null()).for_each(|node| self.add(node, &mut cx));
    }

    /// Adds one document; a list of them is taken apart.
    pub fn add(&mut self, node: Node, cx: &mut Cx<'_>) {
        if let Some(items) = node.as_sequence().or_else(|| kind::resources(&node)) {
            items.iter().for_each(|item| self.add(item.clone(), cx));
            return;
        }
        match Kind::of(&node) {
            Some(kind) => self.all.push(Document { kind, node }),
            None => kind::report_unknown(&node, cx),
        }
    }

    /// Adds what stands in a list of objectives: one of our own, or a document of another dialect.
    pub fn add_item(&mut self, node: Node, cx: &mut Cx<'_>) {
        match Kind::of(&node) {
            Some(Kind::Bellwether) => self.all.push(Document { kind: Kind::BellwetherSlo, node }),
            Some(_) | None => self.add(node, cx),
        }
    }

    /// Adds an objective of Google Cloud Monitoring, whatever it says of itself.
    pub fn add_google(&mut self, node: Node) {
        self.all.push(Document { kind: Kind::GoogleCloud, node });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Documents of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Node> {
        self.all.iter().filter(move |document| document.kind == kind).map(|document| &document.node)
    }

    /// The objectives of all documents, in their order. What cannot be read is reported and left out.
    pub fn slos(&self, sources: &Sources, strictness: Strictness, out: &mut Diagnostics) -> Vec<Slo> {
        let mut found = Diagnostics::new();
        let mut cx = Cx::new(sources, &mut found);
        let windows = self.windows(&mut cx);
        let slos: Vec<Slo> =
            self.all.iter().flat_map(|document| self.read(document, &windows, &mut cx)).collect();
        refuse_duplicates(&slos, &mut cx);
        // What several refer to has been read several times, and matters more to some than to others.
        let mut seen = BTreeSet::new();
        let (errors, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|problem| problem.severity == Severity::Error);
        let all = errors.into_iter().chain(others);
        let first = all.filter(|problem| seen.insert((problem.span, problem.message.clone())));
        out.extend(first.map(|problem| weighed(problem, strictness)));
        slos
    }

    /// Sloth's catalogues of alert windows.
    pub(crate) fn windows(&self, cx: &mut Cx<'_>) -> Catalogue {
        Catalogue::read(self.of(Kind::SlothWindows), cx)
    }

    /// All documents, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Document> {
        self.all.iter()
    }

    pub(crate) fn read(&self, document: &Document, windows: &Catalogue, cx: &mut Cx<'_>) -> Vec<Slo> {
        let node = &document.node;
        match document.kind {
            Kind::Bellwether => SloFile::decode(node, cx).map(|file| file.slos).unwrap_or_default(),
            Kind::BellwetherSlo => Slo::decode(node, cx).into_iter().collect(),
            Kind::OpenSlo => openslo::read(node, self, cx),
            Kind::SlothSpec => sloth::read_spec(node, windows, cx),
            Kind::SlothResource => sloth::read_resource(node, windows, cx),
            // They were read before, since objectives go by them.
            Kind::SlothWindows => Vec::new(),
            Kind::Pyrra => pyrra::read(node, cx).into_iter().collect(),
            Kind::GoogleCloud => google::read(node, cx),
        }
    }
}

/// Reads the objectives of several files together.
pub fn read(sources: &Sources, files: &[FileId], strictness: Strictness, out: &mut Diagnostics) -> Vec<Slo> {
    let mut documents = Documents::default();
    files.iter().for_each(|file| documents.add_file(sources, *file, out));
    documents.slos(sources, strictness, out)
}

/// Reads the objectives of one file, strictly.
pub fn parse(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Vec<Slo> {
    read(sources, &[file], Strictness::Strict, out)
}

/// How bad a problem is to whoever reads leniently.
pub(crate) fn weighed(problem: Diagnostic, strictness: Strictness) -> Diagnostic {
    match strictness {
        Strictness::Lenient if problem.id == NOT_CARRIED => {
            Diagnostic { severity: Severity::Warning, ..problem }
        }
        Strictness::Strict | Strictness::Lenient => problem,
    }
}

/// Names are how everybody speaks of objectives: corrections, silences and links go by them.
fn refuse_duplicates(slos: &[Slo], cx: &mut Cx<'_>) {
    let mut first_by_id: BTreeMap<String, Option<Span>> = BTreeMap::new();
    for slo in slos {
        let id = slo.id();
        let message = format!("objective {id:?} is defined twice");
        let Some(first) = first_by_id.insert(id, slo.span) else { continue };
        let help = "give each objective of a service a name of its own";
        let problem = Diagnostic::error("duplicate-slo", slo.span, message).with_help(help);
        cx.push(match first {
            Some(first) => problem.with_related(first, "the first is here"),
            None => problem,
        });
    }
}
