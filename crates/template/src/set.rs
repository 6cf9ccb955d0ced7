//! Templates by name: parsed once, rendered often.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::context::Context;
use crate::error::{PROBLEMS_MAX, Problem, TemplateError};
use crate::exec::{Limits, Run, Source, Template, World};
use crate::function_table::Functions;
use crate::parse::{Parsed, is_blank, parse};
use crate::value::Value;

/// Longest text that is parsed.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// How a value becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// For a html page, by where in the page it stands.
    Html,
}

/// What a text refers to, for checks before anything is rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Functions called, with their place.
    pub functions: Vec<(String, Range<usize>)>,
    /// Templates called that the text does not define itself, with their place.
    pub templates: Vec<(String, Range<usize>)>,
}

/// The templates that one file calls, with their place.
#[derive(Clone, Debug)]
struct FileCalls {
    source: Arc<Source>,
    calls: Vec<(String, Range<usize>)>,
}

/// Named templates that can call one another, and the functions they may use.
#[derive(Clone, Debug)]
pub struct TemplateSet {
    functions: Functions,
    templates: BTreeMap<String, Template>,
    /// What the files call, for finding calls of templates that no file defines.
    calls: Vec<FileCalls>,
    /// Names that files with problems would define; what calls them is not at fault.
    broken: BTreeSet<String>,
    /// What rendering may take.
    pub limits: Limits,
}

impl TemplateSet {
    /// A set without templates.
    pub fn new(functions: Functions) -> Self {
        Self {
            functions,
            templates: BTreeMap::new(),
            calls: Vec::new(),
            broken: BTreeSet::new(),
            limits: Limits::default(),
        }
    }

    /// Adds a file: its own text under `name`, and under the last part of it where that is a path, and everything
    /// it defines. Nothing is added when there is a problem; every problem found is returned. A definition replaces
    /// one of the same name unless it is blank. Files may call one another's templates in any order, so calls of
    /// what nobody defines are found afterwards, by [`TemplateSet::undefined`].
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), Vec<TemplateError>> {
        let mut parsed = self.read(text, &[]);
        if !parsed.problems.is_empty() {
            self.broken.extend(parsed.defines.into_keys());
            return Err(located(parsed.problems, name, text));
        }
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
        let calls = std::mem::take(&mut parsed.templates);
        self.calls.push(FileCalls { source: source.clone(), calls });
        let base = name.rsplit('/').next().filter(|base| *base != name);
        if let Some(base) = base.filter(|base| !parsed.defines.contains_key(*base)) {
            parsed.defines.insert(base.to_owned(), parsed.root.clone());
        }
        self.adopt(parsed, name, &source);
        Ok(())
    }

    /// Calls, in all files, of templates that nobody defines.
    pub fn undefined(&self) -> Vec<TemplateError> {
        let of_file = |file: &FileCalls| {
            located(self.undefined_among(&file.calls), &file.source.name, &file.source.text)
        };
        self.calls.iter().flat_map(of_file).collect()
    }

    fn undefined_among(&self, calls: &[(String, Range<usize>)]) -> Vec<Problem> {
        let is_unknown = |name: &str| !self.contains(name) && !self.broken.contains(name);
        let unknown = calls.iter().filter(|(name, _)| is_unknown(name));
        unknown
            .take(PROBLEMS_MAX)
            .map(|(name, span)| Problem::undefined_template(span.clone(), name, self.names()))
            .collect()
    }

    fn adopt(&mut self, parsed: Parsed, name: &str, source: &Arc<Source>) {
        for (name, nodes) in parsed.defines.into_iter().chain([(name.to_owned(), parsed.root)]) {
            if !is_blank(&nodes) || !self.templates.contains_key(&name) {
                self.templates.insert(name, Template { nodes: Arc::new(nodes), source: source.clone() });
            }
        }
    }

    fn read(&self, text: &str, variables: &[&str]) -> Parsed {
        if text.len() > TEXT_BYTES_MAX {
            let problem = Problem::new(0..0, format!("longer than {TEXT_BYTES_MAX} bytes"));
            return Parsed { problems: vec![problem], ..Parsed::default() };
        }
        parse(text, &self.functions, variables)
    }

    /// Whether there is a template of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.templates.contains_key(name)
    }

    /// Names of all templates, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(String::as_str)
    }

    /// The functions templates may use.
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Checks an inline text without rendering it: syntax, functions, variables and the templates it calls.
    /// `variables` are names such as `$labels` that the text may use without declaring them.
    pub fn check(
        &self,
        name: &str,
        text: &str,
        variables: &[&str],
    ) -> Result<References, Vec<TemplateError>> {
        let mut parsed = self.read(text, variables);
        parsed.templates.retain(|(called, _)| !parsed.defines.contains_key(called));
        let mut problems = parsed.problems;
        problems.extend(self.undefined_among(&parsed.templates));
        match problems.is_empty() {
            true => Ok(References { functions: parsed.functions, templates: parsed.templates }),
            false => Err(located(problems, name, text)),
        }
    }

    /// Renders a template of the set.
    pub fn render(&self, name: &str, data: &Value, context: &dyn Context) -> Result<String, TemplateError> {
        self.render_as(Escape::None, name, data, context)
    }

    /// Renders a template of the set into a page or as plain text.
    pub fn render_as(
        &self,
        escape: Escape,
        name: &str,
        data: &Value,
        context: &dyn Context,
    ) -> Result<String, TemplateError> {
        let call = format!("{{{{ template {} . }}}}", crate::number::quote(name, false));
        self.render_text(escape, &call, data, context)
    }

    /// Renders an inline text that may call the templates of the set.
    pub fn render_text(
        &self,
        escape: Escape,
        text: &str,
        data: &Value,
        context: &dyn Context,
    ) -> Result<String, TemplateError> {
        self.render_inline("inline", escape, text, (data, &[]), context)
    }

    /// Renders an inline text under a name of its own, with data and predefined variables.
    pub(crate) fn render_inline(
        &self,
        name: &str,
        escape: Escape,
        text: &str,
        data: (&Value, &[(&str, Value)]),
        context: &dyn Context,
    ) -> Result<String, TemplateError> {
        let variables: Vec<&str> = data.1.iter().map(|(name, _)| *name).collect();
        let mut parsed = self.read(text, &variables);
        if !parsed.problems.is_empty() {
            return Err(located(std::mem::take(&mut parsed.problems), name, text).remove(0));
        }
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
        let root = parsed.root.clone();
        let extended;
        let templates = if parsed.defines.is_empty() {
            &self.templates
        } else {
            let mut all = self.clone();
            all.adopt(Parsed { root: Vec::new(), ..parsed }, name, &source);
            extended = all.templates;
            &extended
        };
        let world = World { templates, functions: &self.functions, context, limits: self.limits };
        Run::new(world, source, escape == Escape::Html).render(&root, data.0, data.1)
    }
}

/// Problems in order of their places, each once.
pub(crate) fn located(mut problems: Vec<Problem>, name: &str, text: &str) -> Vec<TemplateError> {
    problems.sort_by_key(|problem| problem.span.start);
    problems.dedup_by(|a, b| a.span.start == b.span.start && a.message == b.message);
    problems.into_iter().map(|problem| problem.locate(name, text)).collect()
}
