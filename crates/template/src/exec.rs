//! Renders parsed templates. Output, steps and depth are bounded, so that no template can hang or exhaust its host.

mod evaluate;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Branch, Node, Span};
use crate::context::Context;
use crate::error::{Problem, TemplateError};
use crate::function_table::Functions;
use crate::html::Escaper;
use crate::printf;
use crate::value::Value;

/// How much a rendering may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output, and of any text made on the way; never above 8 MiB.
    pub output_bytes_max: usize,
    /// Nodes and commands evaluated.
    pub steps_max: u64,
    /// Templates, blocks and parentheses inside one another.
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output_bytes_max: 4 << 20, steps_max: 2_000_000, depth_max: 150 }
    }
}

/// A named body and the text it was parsed from.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) nodes: Arc<Vec<Node>>,
    pub(crate) source: Arc<Source>,
}

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Everything a rendering reads.
pub(crate) struct World<'a> {
    pub(crate) templates: &'a BTreeMap<String, Template>,
    pub(crate) functions: &'a Functions,
    pub(crate) context: &'a dyn Context,
    pub(crate) limits: Limits,
}

pub(crate) struct Run<'a> {
    world: World<'a>,
    source: Arc<Source>,
    variables: Vec<(String, Value)>,
    out: String,
    escaper: Option<Escaper>,
    steps: u64,
    depth: usize,
    /// Bytes of output set aside while `tmpl` renders, which count too.
    made_bytes: usize,
}

enum Flow {
    Next,
    Break,
    Continue,
}

/// A problem keeps the source it happened in.
type Eval<T> = Result<T, Box<TemplateError>>;

impl<'a> Run<'a> {
    pub(crate) fn new(world: World<'a>, source: Arc<Source>, escapes: bool) -> Self {
        let escaper = escapes.then(Escaper::default);
        let (variables, out) = (Vec::new(), String::new());
        Self { world, source, variables, out, escaper, steps: 0, depth: 0, made_bytes: 0 }
    }

    pub(crate) fn render(
        mut self,
        nodes: &[Node],
        data: &Value,
        variables: &[(&str, Value)],
    ) -> Result<String, TemplateError> {
        self.variables.push(("$".to_owned(), data.clone()));
        self.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.list(nodes, data).map_err(|problem| *problem)?;
        Ok(self.out)
    }

    fn fail<T>(&self, span: &Span, message: impl Into<String>) -> Eval<T> {
        self.fail_problem(Problem::new(span.clone(), message))
    }

    fn fail_problem<T>(&self, problem: Problem) -> Eval<T> {
        Err(Box::new(problem.locate(&self.source.name, &self.source.text)))
    }

    fn step(&mut self, span: &Span) -> Eval<()> {
        self.steps += 1;
        if self.steps > self.world.limits.steps_max {
            return self.fail(span, format!("stopped after {} steps", self.world.limits.steps_max));
        }
        Ok(())
    }

    fn deeper(&mut self, span: &Span) -> Eval<()> {
        self.depth += 1;
        if self.depth > self.world.limits.depth_max {
            let max = self.world.limits.depth_max;
            return self.fail_problem(
                Problem::new(span.clone(), format!("templates and blocks are more than {max} deep"))
                    .with_help("does a template call itself without end?"),
            );
        }
        Ok(())
    }

    fn output_bytes_max(&self) -> usize {
        self.world.limits.output_bytes_max.min(printf::TEXT_BYTES_MAX)
    }

    fn emit(&mut self, span: &Span, text: &str) -> Eval<()> {
        if self.out.len() + self.made_bytes + text.len() > self.output_bytes_max() {
            return self.fail(span, format!("output exceeds {} bytes", self.output_bytes_max()));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn list(&mut self, nodes: &[Node], dot: &Value) -> Eval<Flow> {
        for node in nodes {
            match self.node(node, dot)? {
                Flow::Next => {}
                flow @ (Flow::Break | Flow::Continue) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Eval<Flow> {
        match node {
            Node::Text(span, text) => {
                self.step(span)?;
                if let Some(escaper) = &mut self.escaper {
                    escaper.feed(text);
                }
                self.emit(span, text)?;
            }
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.show(&pipe.span, &value)?;
                }
            }
            Node::If(branch) => return self.scoped(|run| run.choose(branch, dot, false)),
            Node::With(branch) => return self.scoped(|run| run.choose(branch, dot, true)),
            Node::Range(branch) => return self.scoped(|run| run.range(branch, dot)),
            Node::Template { span, name, pipe } => {
                let data = match pipe {
                    Some(pipe) => self.pipe(pipe, dot)?,
                    None => Value::Missing,
                };
                self.call_template(span, name, &data)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn show(&mut self, span: &Span, value: &Value) -> Eval<()> {
        let text = match &mut self.escaper {
            None => printf::show(value),
            Some(escaper) => match escaper.escape(value) {
                Ok(text) => text,
                Err(reason) => return self.fail(span, reason),
            },
        };
        self.emit(span, &text)
    }

    /// Runs a part whose variables end with it.
    fn scoped<T>(&mut self, part: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        let (variables, depth) = (self.variables.len(), self.depth);
        let result = part(self);
        self.variables.truncate(variables);
        self.depth = depth;
        result
    }

    fn choose(&mut self, branch: &Branch, dot: &Value, moves_dot: bool) -> Eval<Flow> {
        self.deeper(&branch.pipe.span)?;
        let value = self.pipe(&branch.pipe, dot)?;
        match (value.is_true(), moves_dot) {
            (true, true) => self.list(&branch.body, &value),
            (true, false) => self.list(&branch.body, dot),
            (false, _) => self.list(&branch.otherwise, dot),
        }
    }

    fn range(&mut self, branch: &Branch, dot: &Value) -> Eval<Flow> {
        let span = &branch.pipe.span;
        self.deeper(span)?;
        let value = self.pipe(&branch.pipe, dot)?.plain();
        let mut went = false;
        match &value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    went = true;
                    if !self.turn(branch, Value::Int(index as i64), item)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in &map.entries {
                    went = true;
                    if !self.turn(branch, Value::text(key.as_str()), item)? {
                        break;
                    }
                }
            }
            Value::Int(count) => {
                if branch.pipe.variables.len() > 1 {
                    return self.fail(span, "range over a number has one variable, not two");
                }
                for index in 0..*count {
                    went = true;
                    if !self.turn(branch, Value::Int(index), &Value::Int(index))? {
                        break;
                    }
                }
            }
            Value::Missing | Value::Nil => {}
            other => return self.fail(span, format!("range cannot go over {}", describe(other))),
        }
        if !went {
            return self.list(&branch.otherwise, dot);
        }
        Ok(Flow::Next)
    }

    /// One turn of a range. Returns whether to go on.
    fn turn(&mut self, branch: &Branch, key: Value, item: &Value) -> Eval<bool> {
        self.step(&branch.pipe.span)?;
        let names = &branch.pipe.variables;
        let values = if names.len() == 2 { vec![key, item.clone()] } else { vec![item.clone()] };
        let scope = self.variables.len();
        for (name, value) in names.iter().zip(values) {
            self.set(branch.pipe.assigns, name, value);
        }
        let flow = self.list(&branch.body, item)?;
        self.variables.truncate(scope);
        Ok(!matches!(flow, Flow::Break))
    }

    fn set(&mut self, assigns: bool, name: &str, value: Value) {
        let existing = self.variables.iter_mut().rev().find(|(known, _)| known == name);
        match (assigns, existing) {
            (true, Some((_, slot))) => *slot = value,
            (true, None) | (false, _) => self.variables.push((name.to_owned(), value)),
        }
    }

    fn call_template(&mut self, span: &Span, name: &str, data: &Value) -> Eval<()> {
        let world_templates = self.world.templates;
        let Some(template) = world_templates.get(name) else {
            let known = world_templates.keys().map(String::as_str);
            return self.fail_problem(Problem::undefined_template(span.clone(), name, known));
        };
        let depth = self.depth;
        self.deeper(span)?;
        let source = std::mem::replace(&mut self.source, template.source.clone());
        let variables = std::mem::replace(&mut self.variables, vec![("$".to_owned(), data.clone())]);
        let nodes = template.nodes.clone();
        let result = self.list(&nodes, data).map(|_| ());
        self.source = source;
        self.variables = variables;
        self.depth = depth;
        result
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("the string {:?}", text.chars().take(30).collect::<String>()),
        other => format!("a value of type {}", other.type_name()),
    }
}
