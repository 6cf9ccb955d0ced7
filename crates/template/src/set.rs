//! Templates by name: parsed once, rendered often.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::context::Context;
use crate::error::TemplateError;
use crate::exec::{Limits, Run, Source, Template, World};
use crate::functions::Functions;
use crate::parse::{Parsed, is_blank, parse};
use crate::value::Value;

/// Longest text that is parsed.
const TEXT_BYTES_MAX: usize = 1 << 20;

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
    /// Templates called, with their place.
    pub templates: Vec<(String, Range<usize>)>,
}

/// Named templates that can call one another, and the functions they may use.
#[derive(Clone, Debug)]
pub struct TemplateSet {
    functions: Functions,
    templates: BTreeMap<String, Template>,
    /// What rendering may take.
    pub limits: Limits,
}

impl TemplateSet {
    /// A set without templates.
    pub fn new(functions: Functions) -> Self {
        Self { functions, templates: BTreeMap::new(), limits: Limits::default() }
    }

    /// Adds a file: its own text under `name` and everything it defines. Nothing is added when there is a problem;
    /// every problem found is returned. A definition replaces one of the same name unless it is blank.
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), Vec<TemplateError>> {
        let parsed = self.read(name, text, &[])?;
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
        self.adopt(parsed, name, &source);
        Ok(())
    }

    fn adopt(&mut self, parsed: Parsed, name: &str, source: &Arc<Source>) {
        for (name, nodes) in parsed.defines.into_iter().chain([(name.to_owned(), parsed.root)]) {
            if !is_blank(&nodes) || !self.templates.contains_key(&name) {
                self.templates.insert(name, Template { nodes: Arc::new(nodes), source: source.clone() });
            }
        }
    }

    fn read(&self, name: &str, text: &str, variables: &[&str]) -> Result<Parsed, Vec<TemplateError>> {
        if text.len() > TEXT_BYTES_MAX {
            let problem = crate::error::Problem::new(0..0, format!("longer than {TEXT_BYTES_MAX} bytes"));
            return Err(vec![problem.locate(name, text)]);
        }
        let known: BTreeSet<&str> = self.functions.names().collect();
        let mut parsed = parse(text, &known, variables);
        if parsed.problems.is_empty() {
            return Ok(parsed);
        }
        parsed.problems.sort_by_key(|problem| problem.span.start);
        parsed.problems.dedup_by(|a, b| a.span.start == b.span.start && a.message == b.message);
        Err(parsed.problems.into_iter().map(|problem| problem.locate(name, text)).collect())
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
        let parsed = self.read(name, text, variables)?;
        let unknown: Vec<TemplateError> = parsed
            .templates
            .iter()
            .filter(|(called, _)| !self.contains(called) && !parsed.defines.contains_key(called))
            .map(|(called, span)| {
                let problem =
                    crate::error::Problem::new(span.clone(), format!("template {called:?} is not defined"));
                let near = bellwether_diag::suggest(called, self.names());
                let problem = match near {
                    Some(near) => problem.with_help(format!("did you mean {near:?}?")),
                    None => problem,
                };
                problem.locate(name, text)
            })
            .collect();
        match unknown.is_empty() {
            true => Ok(References { functions: parsed.functions, templates: parsed.templates }),
            false => Err(unknown),
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
        let parsed = self.read(name, text, &variables).map_err(|mut problems| problems.remove(0))?;
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
