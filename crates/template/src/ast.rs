//! The shape of a parsed template. Every node knows its bytes, because every message points at them.

use std::ops::Range;

use crate::value::Value;

pub(crate) type Span = Range<usize>;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Span, String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { span: Span, name: String, pipe: Option<Pipe> },
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Vec<Node>,
}

/// `$x, $y := command | command`.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) span: Span,
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<String>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) span: Span,
    pub(crate) words: Vec<Word>,
}

#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) span: Span,
    pub(crate) kind: WordKind,
}

#[derive(Clone, Debug)]
pub(crate) enum WordKind {
    Dot,
    Nil,
    /// A bool, number, character or text as written.
    Literal(Value),
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`
    Variable(String, Vec<String>),
    /// `name`
    Function(String),
    /// `( pipe )`
    Parens(Box<Pipe>),
    /// `( pipe ).A.B` or `name.A`
    Chain(Box<Word>, Vec<String>),
}
