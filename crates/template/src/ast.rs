//! The shape of a parsed template. Every node knows its bytes, because every message points at them.

use std::ops::Range;

use crate::value::Value;

/// Bytes of the text.
pub type Span = Range<usize>;

/// A piece of a template.
#[derive(Clone, Debug)]
pub enum Node {
    /// Text as it is.
    Text(Span, String),
    /// `{{ pipe }}`
    Action(Pipe),
    /// `{{ if pipe }}`
    If(Branch),
    /// `{{ with pipe }}`
    With(Branch),
    /// `{{ range pipe }}`
    Range(Branch),
    /// `{{ template "name" pipe }}`
    Template {
        /// Where the name stands.
        span: Span,
        /// Which one.
        name: String,
        /// What it is given as its dot.
        pipe: Option<Pipe>,
    },
    /// `{{ break }}`
    Break,
    /// `{{ continue }}`
    Continue,
}

/// What `if`, `with` and `range` have.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What is asked or gone through.
    pub pipe: Pipe,
    /// What is shown then.
    pub body: Vec<Node>,
    /// What follows `else`.
    pub otherwise: Vec<Node>,
}

/// `$x, $y := command | command`.
#[derive(Clone, Debug)]
pub struct Pipe {
    /// Where it stands, without the braces.
    pub span: Span,
    /// Whether it is `=` rather than `:=`.
    pub assigns: bool,
    /// What it sets.
    pub variables: Vec<String>,
    /// What it does, in turn.
    pub commands: Vec<Command>,
}

/// A word, or a function with its arguments.
#[derive(Clone, Debug)]
pub struct Command {
    /// Where it stands.
    pub span: Span,
    /// Its words.
    pub words: Vec<Word>,
}

/// A word of a command.
#[derive(Clone, Debug)]
pub struct Word {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: WordKind,
}

/// What a word is.
#[derive(Clone, Debug)]
pub enum WordKind {
    /// `.`
    Dot,
    /// `nil`
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
