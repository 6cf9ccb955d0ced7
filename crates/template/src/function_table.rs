//! Functions by name, and how one is called: what every set of functions is made of, and what the evaluator asks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::context::Context;
use crate::value::Value;

/// One call of a function.
pub struct Call<'a> {
    /// The function's name as called.
    pub name: &'a str,
    /// The arguments; a piped value is the last.
    pub args: &'a [Value],
    /// The world.
    pub context: &'a dyn Context,
}

/// What a function does.
pub type Native = Arc<dyn Fn(&Call<'_>) -> Result<Value, String> + Send + Sync>;

/// A function and how many arguments it takes.
#[derive(Clone)]
pub struct Function {
    /// Fewest arguments.
    pub args_min: usize,
    /// Most arguments; `None` means any number.
    pub args_max: Option<usize>,
    /// Whether the product it is named after has it too; a function of ours alone is not portable.
    pub is_portable: bool,
    pub(crate) native: Native,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({}..{:?})", self.args_min, self.args_max)
    }
}

impl Function {
    /// What is wrong with calling it, under its name, with so many arguments.
    pub(crate) fn wrong_count(&self, name: &str, count: usize) -> Option<String> {
        let (min, max) = (self.args_min, self.args_max);
        if count >= min && max.is_none_or(|max| count <= max) {
            return None;
        }
        let wanted = match max {
            Some(0) => "no arguments".to_owned(),
            Some(1) if min == 1 => "1 argument".to_owned(),
            Some(max) if max == min => format!("{min} arguments"),
            Some(max) => format!("{min} to {max} arguments"),
            None if min == 1 => "at least 1 argument".to_owned(),
            None => format!("at least {min} arguments"),
        };
        Some(format!("{name} takes {wanted}, not {count}"))
    }
}

/// What a key that is not there reads as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// No value, printed `<no value>`: Go's default.
    NoValue,
    /// The zero of the map's values, so the empty text for labels: what Prometheus and Alertmanager do.
    Zero,
    /// An error: for tests of templates.
    Error,
}

/// Functions by name, and what belongs to a product's templates besides.
#[derive(Clone, Debug)]
pub struct Functions {
    table: BTreeMap<String, Function>,
    /// What a key that is not there reads as.
    pub missing_key: MissingKey,
}

impl Functions {
    /// No functions at all.
    pub(crate) fn none() -> Self {
        Self { table: BTreeMap::new(), missing_key: MissingKey::NoValue }
    }

    /// Adds or replaces a function. `args_max` of `None` means any number of arguments.
    pub fn add(
        &mut self,
        name: &str,
        args: (usize, Option<usize>),
        native: impl Fn(&Call<'_>) -> Result<Value, String> + Send + Sync + 'static,
    ) {
        let function =
            Function { args_min: args.0, args_max: args.1, is_portable: true, native: Arc::new(native) };
        self.table.insert(name.to_owned(), function);
    }

    /// Marks functions as ours alone.
    pub(crate) fn mark_own(&mut self, names: &[&str]) {
        for name in names {
            if let Some(function) = self.table.get_mut(*name) {
                function.is_portable = false;
            }
        }
    }

    /// The same functions with another reading of absent keys.
    pub fn with_missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// One function.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.table.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }
}

impl Call<'_> {
    fn wrong(&self, index: usize, expected: &str) -> String {
        let found = match self.args.get(index) {
            None | Some(Value::Missing | Value::Nil) => "no value".to_owned(),
            Some(Value::List(items)) if expected == "a number" => {
                format!("a vector of {} samples; take one, for example with first | value", items.len())
            }
            Some(value) => value.type_name(),
        };
        format!("argument {} must be {expected}, not {found}", index + 1)
    }

    /// A text argument.
    pub fn text(&self, index: usize) -> Result<&str, String> {
        self.args.get(index).and_then(Value::as_text).ok_or_else(|| self.wrong(index, "a string"))
    }

    /// A number: whole, floating, written in a text, a length of time in seconds, or a one-sample vector.
    pub fn number(&self, index: usize) -> Result<f64, String> {
        let found = match self.args.get(index) {
            Some(Value::Duration(ns)) => Some(*ns as f64 / 1e9),
            Some(Value::Time(moment)) => Some(moment.at.as_secs_f64()),
            Some(Value::Text(text)) => parse_float(text),
            Some(value) => value.as_number(),
            None => None,
        };
        found.ok_or_else(|| self.wrong(index, "a number"))
    }

    /// A list argument.
    pub fn list(&self, index: usize) -> Result<Arc<Vec<Value>>, String> {
        match self.args.get(index).map(Value::plain) {
            Some(Value::List(items)) => Ok(items),
            Some(Value::Nil | Value::Missing) => Ok(Arc::default()),
            _ => Err(self.wrong(index, "a list")),
        }
    }
}

/// Reads a floating number as `strconv.ParseFloat` does, as far as people write them.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    text.parse().ok()
}
