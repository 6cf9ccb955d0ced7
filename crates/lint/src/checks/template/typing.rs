//! What the values in a template are, as far as its text tells: which names exist, and where a number or a list is shown
//! or handed to a function. What cannot be told is nothing that is said of.

use std::collections::BTreeMap;

use bellwether_template::Value;
use bellwether_template::ast::{Branch, Command, Node, Pipe, Span, Word, WordKind};

/// A map of labels or annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// `$labels`: those of the series that fires.
    Series,
    /// `$externalLabels`.
    External,
    /// `.GroupLabels`
    Group,
    /// `.CommonLabels`
    Common,
    /// `.CommonAnnotations`
    CommonAnnotations,
    /// An alert's `.Labels`.
    Labels,
    /// An alert's `.Annotations`.
    Annotations,
    /// Labels of a query's result.
    OfResult,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// The dot of a rule's template.
    Rule,
    /// The dot of a message.
    Message,
    /// Alerts of a message.
    Alerts,
    /// One of them.
    Alert,
    /// Labels or annotations.
    Pairs(Pairs),
    /// Labels or annotations in order.
    SortedPairs,
    /// One of them.
    Pair,
    /// Results of a query.
    Samples,
    /// One of them.
    Sample,
    /// A number.
    Number,
    /// A text.
    Text,
    /// Anything.
    Unknown,
}

/// Something a check may look at.
#[derive(Clone, Debug)]
pub(crate) enum Event<'a> {
    /// A name that does not exist.
    NoField { span: Span, of: Type, name: &'a str },
    /// A label or annotation that is asked for.
    Key { span: Span, map: Pairs, name: &'a str, is_guarded: bool },
    /// What a function is given; the index counts the value that is piped in last.
    Argument { span: Span, function: &'a str, index: usize, is: Type, format: Option<String> },
    /// What is shown as it is: the place of the pipe, and the text behind it.
    Shown { span: Span, is: Type, behind: &'a str },
}

struct Walk<'a> {
    root: Type,
    variables: BTreeMap<&'a str, Type>,
    guards: usize,
    events: Vec<Event<'a>>,
}

/// Everything in a text whose dot is of a type.
pub(crate) fn events(nodes: &[Node], root: Type) -> Vec<Event<'_>> {
    let mut variables = BTreeMap::from([("$", root)]);
    if root == Type::Rule {
        variables.insert("$labels", Type::Pairs(Pairs::Series));
        variables.insert("$externalLabels", Type::Pairs(Pairs::External));
        variables.insert("$externalURL", Type::Text);
        variables.insert("$value", Type::Number);
    }
    let mut walk = Walk { root, variables, guards: 0, events: Vec::new() };
    walk.nodes(nodes, root);
    walk.events
}

impl<'a> Walk<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: Type) {
        for (index, node) in nodes.iter().enumerate() {
            match node {
                Node::Text(..) | Node::Break | Node::Continue => {}
                Node::Action(pipe) => {
                    let is = self.pipe(pipe, dot);
                    if pipe.variables.is_empty() {
                        let behind = match nodes.get(index + 1) {
                            Some(Node::Text(_, text)) => text.as_str(),
                            _ => "",
                        };
                        // The pipe goes on to the braces; its words end before.
                        let end =
                            pipe.commands.last().and_then(|it| it.words.last()).map(|word| word.span.end);
                        let span = pipe.span.start..end.unwrap_or(pipe.span.end);
                        self.events.push(Event::Shown { span, is, behind });
                    }
                }
                Node::If(branch) => {
                    self.guards += 1;
                    self.pipe(&branch.pipe, dot);
                    self.branch(branch, dot, dot);
                    self.guards -= 1;
                }
                Node::With(branch) => {
                    self.guards += 1;
                    let inner = self.pipe(&branch.pipe, dot);
                    self.branch(branch, inner, dot);
                    self.guards -= 1;
                }
                Node::Range(branch) => {
                    let list = self.pipe(&branch.pipe, dot);
                    let element = element_of(list);
                    if let Some(name) = branch.pipe.variables.last() {
                        self.variables.insert(name, element);
                    }
                    self.branch(branch, element, dot);
                }
                Node::Template { pipe, .. } => {
                    if let Some(pipe) = pipe {
                        self.pipe(pipe, dot);
                    }
                }
            }
        }
    }

    fn branch(&mut self, branch: &'a Branch, inner: Type, dot: Type) {
        self.nodes(&branch.body, inner);
        self.nodes(&branch.otherwise, dot);
    }

    fn pipe(&mut self, pipe: &'a Pipe, dot: Type) -> Type {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value, dot));
        }
        let is = value.unwrap_or(Type::Unknown);
        for name in &pipe.variables {
            self.variables.insert(name, is);
        }
        is
    }

    fn command(&mut self, command: &'a Command, piped: Option<Type>, dot: Type) -> Type {
        let Some((first, rest)) = command.words.split_first() else { return Type::Unknown };
        let WordKind::Function(name) = &first.kind else {
            let is = self.word(first, dot);
            rest.iter().for_each(|word| {
                self.word(word, dot);
            });
            return is;
        };
        // What is only asked for as one of several is guarded: `or .Annotations.runbook "none"`.
        let guards = matches!(name.as_str(), "or" | "and" | "not" | "eq" | "ne" | "len");
        self.guards += usize::from(guards);
        let mut arguments: Vec<(Span, Type)> =
            rest.iter().map(|word| (word.span.clone(), self.word(word, dot))).collect();
        self.guards -= usize::from(guards);
        arguments.extend(piped.map(|is| (first.span.clone(), is)));
        let format = rest.first().and_then(text_of).filter(|_| name == "printf");
        for (index, (span, is)) in arguments.iter().enumerate() {
            let (span, format) = (span.clone(), format.clone());
            self.events.push(Event::Argument { span, function: name, index, is: *is, format });
        }
        if let ("index", [(_, Type::Pairs(map)), (span, _)], Some(key)) =
            (name.as_str(), arguments.as_slice(), rest.get(1).and_then(text_in))
        {
            let is_guarded = self.guards > 0;
            self.events.push(Event::Key { span: span.clone(), map: *map, name: key, is_guarded });
        }
        returned(name, arguments.last().map_or(Type::Unknown, |(_, is)| *is))
    }

    fn word(&mut self, word: &'a Word, dot: Type) -> Type {
        match &word.kind {
            WordKind::Dot => dot,
            WordKind::Nil => Type::Unknown,
            WordKind::Literal(Value::Text(_)) => Type::Text,
            WordKind::Literal(Value::Int(_) | Value::Float(_)) => Type::Number,
            WordKind::Literal(_) => Type::Unknown,
            WordKind::Field(path) => self.path(dot, path, &word.span),
            WordKind::Variable(name, path) => {
                let is = self.variables.get(name.as_str()).copied().unwrap_or(Type::Unknown);
                self.path(is, path, &word.span)
            }
            WordKind::Function(name) => returned(name, Type::Unknown),
            WordKind::Parens(pipe) => self.pipe(pipe, dot),
            WordKind::Chain(inner, path) => {
                let is = self.word(inner, dot);
                self.path(is, path, &word.span)
            }
        }
    }

    fn path(&mut self, mut is: Type, path: &'a [String], span: &Span) -> Type {
        for name in path {
            is = match field(is, name) {
                Field::Is(next) => next,
                Field::Key(map) => {
                    let is_guarded = self.guards > 0;
                    self.events.push(Event::Key { span: span.clone(), map, name, is_guarded });
                    Type::Text
                }
                Field::Missing => {
                    // A template that is called with something else has a dot of its own.
                    if self.root != Type::Unknown {
                        self.events.push(Event::NoField { span: span.clone(), of: is, name });
                    }
                    return Type::Unknown;
                }
            };
        }
        is
    }
}

enum Field {
    Is(Type),
    Key(Pairs),
    Missing,
}

fn field(of: Type, name: &str) -> Field {
    let is = |found: Option<Type>| found.map_or(Field::Missing, Field::Is);
    match of {
        Type::Rule => is(match name {
            "Labels" => Some(Type::Pairs(Pairs::Series)),
            "ExternalLabels" => Some(Type::Pairs(Pairs::External)),
            "ExternalURL" => Some(Type::Text),
            "Value" => Some(Type::Number),
            _ => None,
        }),
        Type::Message => is(match name {
            "Receiver" | "Status" | "ExternalURL" | "NotificationReason" | "GroupKey" => Some(Type::Text),
            "Alerts" => Some(Type::Alerts),
            "GroupLabels" => Some(Type::Pairs(Pairs::Group)),
            "CommonLabels" => Some(Type::Pairs(Pairs::Common)),
            "CommonAnnotations" => Some(Type::Pairs(Pairs::CommonAnnotations)),
            _ => None,
        }),
        Type::Alerts => is(matches!(name, "Firing" | "Resolved").then_some(Type::Alerts)),
        Type::Alert => is(match name {
            "Status" | "GeneratorURL" | "Fingerprint" => Some(Type::Text),
            "Labels" => Some(Type::Pairs(Pairs::Labels)),
            "Annotations" => Some(Type::Pairs(Pairs::Annotations)),
            // Times and their methods.
            "StartsAt" | "EndsAt" => Some(Type::Unknown),
            _ => None,
        }),
        Type::Pairs(map) => match (map, name) {
            (Pairs::Series | Pairs::External | Pairs::OfResult, _) => Field::Key(map),
            (_, "SortedPairs") => Field::Is(Type::SortedPairs),
            (_, "Remove") => Field::Is(Type::Pairs(map)),
            (_, "Names" | "Values" | "String") => Field::Is(Type::Unknown),
            _ => Field::Key(map),
        },
        Type::SortedPairs => is(matches!(name, "Names" | "Values" | "String").then_some(Type::Unknown)),
        Type::Pair => is(matches!(name, "Name" | "Value").then_some(Type::Text)),
        Type::Sample => is(match name {
            "Labels" => Some(Type::Pairs(Pairs::OfResult)),
            "Value" => Some(Type::Number),
            _ => None,
        }),
        Type::Samples | Type::Number | Type::Text => Field::Missing,
        Type::Unknown => Field::Is(Type::Unknown),
    }
}

fn element_of(list: Type) -> Type {
    match list {
        Type::Alerts => Type::Alert,
        Type::SortedPairs => Type::Pair,
        Type::Samples => Type::Sample,
        Type::Pairs(_) => Type::Text,
        _ => Type::Unknown,
    }
}

/// What a function gives; `last` is its last argument.
fn returned(function: &str, last: Type) -> Type {
    match function {
        "query" | "sortByLabel" => Type::Samples,
        "first" if last == Type::Samples => Type::Sample,
        "value" | "len" | "mul" | "div" | "add" | "sub" | "parseDuration" => Type::Number,
        "label" | "strvalue" | "humanize" | "humanize1024" | "humanizeDuration" | "humanizePercentage"
        | "humanizeTimestamp" | "printf" | "print" | "println" | "title" | "toUpper" | "toLower"
        | "urlquery" | "html" | "js" | "reReplaceAll" | "join" | "trimSpace" | "externalURL"
        | "pathPrefix" | "graphLink" | "tableLink" => Type::Text,
        _ => Type::Unknown,
    }
}

fn text_in(word: &Word) -> Option<&str> {
    match &word.kind {
        WordKind::Literal(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn text_of(word: &Word) -> Option<String> {
    text_in(word).map(str::to_owned)
}
