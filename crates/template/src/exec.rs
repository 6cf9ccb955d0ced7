//! Renders parsed templates. Output, steps and depth are bounded, so that no template can hang or exhaust its host.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_diag::suggest;

use crate::ast::{Branch, Command, Node, Pipe, Span, Word, WordKind};
use crate::context::Context;
use crate::error::{Problem, TemplateError};
use crate::functions::{Call, Functions, MissingKey};
use crate::html::Escaper;
use crate::methods;
use crate::printf;
use crate::value::{Element, Value};

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

    fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Eval<Value> {
        let mut value = None;
        for command in &pipe.commands {
            self.step(&command.span)?;
            let found = self.command(command, dot, value.take())?;
            value = Some(if matches!(found, Value::Nil) { Value::Missing } else { found });
        }
        let value = value.unwrap_or_default();
        // A range sets its own variables, turn by turn.
        if pipe.variables.len() == 1 {
            self.set(pipe.assigns, &pipe.variables[0], value.clone());
        }
        Ok(value)
    }

    fn command(&mut self, command: &Command, dot: &Value, piped: Option<Value>) -> Eval<Value> {
        let Some((first, args)) = command.words.split_first() else { return Ok(Value::Missing) };
        match &first.kind {
            WordKind::Function(name) => return self.function(&first.span, name, args, dot, piped),
            WordKind::Field(path) => return self.path(&first.span, dot.clone(), path, args, dot, piped),
            WordKind::Variable(name, path) if !path.is_empty() => {
                let start = self.variable(name);
                return self.path(&first.span, start, path, args, dot, piped);
            }
            WordKind::Chain(inner, path) => {
                let start = self.word(inner, dot)?;
                return self.path(&first.span, start, path, args, dot, piped);
            }
            WordKind::Nil => return self.fail(&first.span, "nil is not a command"),
            WordKind::Dot | WordKind::Literal(_) | WordKind::Variable(..) | WordKind::Parens(_) => {}
        }
        if !args.is_empty() || piped.is_some() {
            return self.fail(&first.span, "this is a value and takes no arguments");
        }
        self.word(first, dot)
    }

    fn variable(&self, name: &str) -> Value {
        self.variables
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, v)| v.clone())
            .unwrap_or_default()
    }

    /// A word as an argument.
    fn word(&mut self, word: &Word, dot: &Value) -> Eval<Value> {
        match &word.kind {
            WordKind::Dot => Ok(dot.clone()),
            WordKind::Nil => Ok(Value::Nil),
            WordKind::Literal(value) => Ok(value.clone()),
            WordKind::Field(path) => self.path(&word.span, dot.clone(), path, &[], dot, None),
            WordKind::Variable(name, path) => {
                let start = self.variable(name);
                self.path(&word.span, start, path, &[], dot, None)
            }
            WordKind::Function(name) => self.function(&word.span, name, &[], dot, None),
            WordKind::Parens(pipe) => {
                let depth = self.depth;
                self.deeper(&word.span)?;
                let value = self.pipe(pipe, dot)?;
                self.depth = depth;
                Ok(value)
            }
            WordKind::Chain(inner, path) => {
                let start = self.word(inner, dot)?;
                self.path(&word.span, start, path, &[], dot, None)
            }
        }
    }

    fn args(&mut self, words: &[Word], dot: &Value, piped: Option<Value>) -> Eval<Vec<Value>> {
        let mut args = Vec::with_capacity(words.len() + 1);
        for word in words {
            args.push(self.word(word, dot)?);
        }
        args.extend(piped);
        Ok(args)
    }

    /// `.A.B args`: only the last name takes the arguments.
    fn path(
        &mut self,
        span: &Span,
        start: Value,
        path: &[String],
        words: &[Word],
        dot: &Value,
        piped: Option<Value>,
    ) -> Eval<Value> {
        let mut value = start;
        let Some((last, before)) = path.split_last() else { return Ok(value) };
        for name in before {
            value = self.field(span, &value, name, &[])?;
        }
        let args = self.args(words, dot, piped)?;
        self.field(span, &value, last, &args)
    }

    fn field(&mut self, span: &Span, value: &Value, name: &str, args: &[Value]) -> Eval<Value> {
        if methods::has(value, name) {
            return match methods::call(value, name, args) {
                Ok(found) => Ok(found),
                Err(reason) => self.fail(span, format!("{name}: {reason}")),
            };
        }
        if let Value::Object(object) = value
            && let Some(found) = object.field(name)
        {
            return match args.is_empty() {
                true => Ok(found),
                false => self.fail(span, format!(".{name} is a field and takes no arguments")),
            };
        }
        match value.plain() {
            Value::Missing => match self.world.functions.missing_key {
                MissingKey::Error => self.fail(span, format!("no data to take .{name} of")),
                MissingKey::NoValue | MissingKey::Zero => Ok(Value::Missing),
            },
            Value::Nil => self.fail(span, format!("cannot take .{name} of nil")),
            Value::Map(map) => {
                if !args.is_empty() {
                    return self.fail(span, format!(".{name} is not a method and takes no arguments"));
                }
                match (map.entries.get(name), self.world.functions.missing_key, map.element) {
                    (Some(found), _, _) => Ok(found.clone()),
                    (None, MissingKey::NoValue, _) => Ok(Value::Missing),
                    (None, MissingKey::Zero, Element::Any) => Ok(Value::Nil),
                    (None, MissingKey::Zero, Element::Text) => Ok(Value::text("")),
                    (None, MissingKey::Error, _) => self.fail(span, format!("the map has no key {name:?}")),
                }
            }
            other => self.fail_problem(no_field(span, &other, value, name)),
        }
    }

    fn function(
        &mut self,
        span: &Span,
        name: &str,
        words: &[Word],
        dot: &Value,
        piped: Option<Value>,
    ) -> Eval<Value> {
        let functions = self.world.functions;
        let Some(function) = functions.get(name) else {
            return self.fail(span, format!("function {name:?} is not defined"));
        };
        let count = words.len() + usize::from(piped.is_some());
        let (min, max) = (function.args_min, function.args_max);
        if count < min || max.is_some_and(|max| count > max) {
            let wanted = match max {
                Some(max) if max == min => format!("{min}"),
                Some(max) => format!("{min} to {max}"),
                None => format!("at least {min}"),
            };
            return self.fail(span, format!("{name} takes {wanted} arguments, not {count}"));
        }
        match name {
            "and" | "or" => return self.and_or(name == "and", words, dot, piped),
            "tmpl" => return self.tmpl(span, words, dot, piped),
            _ => {}
        }
        let args = self.args(words, dot, piped)?;
        let call = Call { name, args: &args, context: self.world.context };
        match (function.native)(&call) {
            Ok(value) => match value.as_text() {
                Some(text) if text.len() > self.output_bytes_max() => self
                    .fail(span, format!("{name} made a text of more than {} bytes", self.output_bytes_max())),
                _ => Ok(value),
            },
            Err(reason) => self.fail(span, format!("{name}: {reason}")),
        }
    }

    /// The first argument that decides, evaluating none after it.
    fn and_or(&mut self, is_and: bool, words: &[Word], dot: &Value, piped: Option<Value>) -> Eval<Value> {
        let mut value = Value::Missing;
        for word in words {
            value = self.word(word, dot)?;
            if value.is_true() != is_and {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    /// Prometheus' `tmpl`: a template's output as a text.
    fn tmpl(&mut self, span: &Span, words: &[Word], dot: &Value, piped: Option<Value>) -> Eval<Value> {
        let args = self.args(words, dot, piped)?;
        let Some(name) = args.first().and_then(Value::as_text) else {
            return self.fail(span, "tmpl: argument 1 must be a string, the template's name");
        };
        let data = args.get(1).cloned().unwrap_or_default();
        let outer = std::mem::take(&mut self.out);
        self.made_bytes += outer.len();
        let escaper = self.escaper.take();
        let result = self.call_template(span, name, &data);
        self.escaper = escaper;
        self.made_bytes = self.made_bytes.saturating_sub(outer.len());
        let made = std::mem::replace(&mut self.out, outer);
        result?;
        Ok(Value::text(made))
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("the string {:?}", text.chars().take(30).collect::<String>()),
        other => format!("a value of type {}", other.type_name()),
    }
}

fn no_field(span: &Span, plain: &Value, value: &Value, name: &str) -> Problem {
    let mut names: Vec<&str> = methods::names(value).to_vec();
    if let Value::Object(object) = value {
        names.extend(object.fields().iter().map(|(name, _)| *name));
    }
    let what = match value {
        Value::Object(_) => value.type_name(),
        _ => plain.type_name(),
    };
    let problem = Problem::new(span.clone(), format!("type {what} has no field or method .{name}"));
    match suggest(name, names.iter().copied()) {
        Some(near) => problem.with_help(format!("did you mean .{near}?")),
        None if names.is_empty() => problem,
        None => problem.with_help(format!("it has {}", names.join(", "))),
    }
}
