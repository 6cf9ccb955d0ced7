//! What an expression is worth: pipelines, paths through the data and calls of functions.

use bellwether_diag::suggest;

use super::{Eval, Run};
use crate::ast::{Command, Pipe, Span, Word, WordKind};
use crate::error::Problem;
use crate::function_table::{Call, MissingKey};
use crate::methods;
use crate::value::{Element, Value};

impl Run<'_> {
    pub(super) fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Eval<Value> {
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
        if let Some(message) = function.wrong_count(name, count) {
            return self.fail(span, message);
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
