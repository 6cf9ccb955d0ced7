//! Reads a template into nodes. Goes on after a problem, so that one run reports every unknown function and variable
//! of a file and not only the first.

mod pipeline;

use std::collections::BTreeMap;

use crate::ast::{Branch, Node, Pipe, Span};
use crate::error::{PROBLEMS_MAX, Problem};
use crate::function_table::Functions;
use crate::lex::{Kind, Lit, Token, lex};
use crate::value::Value;

/// Blocks and parentheses inside one another; deeper is refused rather than risking the stack.
const NESTING_MAX: usize = 60;

/// What a text defines: its own top level, and templates by name.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) root: Vec<Node>,
    pub(crate) defines: BTreeMap<String, Vec<Node>>,
    pub(crate) problems: Vec<Problem>,
    /// Every function named, with its place.
    pub(crate) functions: Vec<(String, Span)>,
    /// Every template called, with its place.
    pub(crate) templates: Vec<(String, Span)>,
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
    out: Parsed,
    variables: Vec<String>,
    known: &'a Functions,
    ranges: usize,
    depth: usize,
    /// Too deep to go on: what is reported after that only follows from it.
    gave_up: bool,
}

/// How a list of nodes ended.
#[derive(Clone, Debug, PartialEq)]
enum Ending {
    Text,
    End,
    Else,
}

type Parse<T> = Result<T, Problem>;

/// Parses a text in which the named functions and variables exist.
pub(crate) fn parse(text: &str, known: &Functions, variables: &[&str]) -> Parsed {
    let (tokens, problems) = lex(text);
    let mut parser = Parser {
        tokens,
        at: 0,
        end: text.len(),
        out: Parsed { problems, ..Parsed::default() },
        variables: std::iter::once("$").chain(variables.iter().copied()).map(str::to_owned).collect(),
        known,
        ranges: 0,
        depth: 0,
        gave_up: false,
    };
    let mut root = Vec::new();
    while parser.list(&mut root) != Ending::Text {
        let span = parser.tokens[parser.at.saturating_sub(1)].span.clone();
        parser.report(Problem::new(
            span,
            "this {{ end }} or {{ else }} belongs to no if, range, with, block or define",
        ));
    }
    let mut parsed = parser.out;
    parsed.root = root;
    parsed
}

/// Whether a template shows nothing at all; such a definition does not replace another.
pub(crate) fn is_blank(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(_, text) => text.trim().is_empty(),
        Node::Action(_) | Node::If(_) | Node::With(_) | Node::Range(_) => false,
        Node::Template { .. } | Node::Break | Node::Continue => false,
    })
}

impl Parser<'_> {
    fn report(&mut self, problem: Problem) {
        if !self.gave_up && !self.is_enough() {
            self.out.problems.push(problem);
        }
    }

    /// Whether nobody would read further problems, each of which takes a search for the name that was meant.
    fn is_enough(&self) -> bool {
        self.out.problems.len() >= PROBLEMS_MAX
    }

    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end..self.end, |token| token.span.clone())
    }

    fn skip_space(&mut self) {
        while self.peek() == Some(&Kind::Space) {
            self.at += 1;
        }
    }

    /// Consumes `}}`, leaving out whatever stands before it.
    fn skip_to_close(&mut self) {
        while let Some(kind) = self.peek() {
            let (closes, opens) = (*kind == Kind::Close, matches!(kind, Kind::Open | Kind::Text(_)));
            if opens {
                return;
            }
            self.at += 1;
            if closes {
                return;
            }
        }
    }

    /// Reads nodes until the list ends; what follows `else` on the same action is left to the caller.
    fn list(&mut self, nodes: &mut Vec<Node>) -> Ending {
        loop {
            let span = self.span();
            match self.peek() {
                None => return Ending::Text,
                Some(Kind::Text(text)) => {
                    let text = text.clone();
                    self.at += 1;
                    nodes.push(Node::Text(span, text));
                }
                Some(Kind::Open) => {
                    self.at += 1;
                    if let Some(ending) = self.action(span, nodes) {
                        return ending;
                    }
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn action(&mut self, open: Span, nodes: &mut Vec<Node>) -> Option<Ending> {
        self.skip_space();
        let keyword = match self.peek() {
            Some(Kind::Name(name)) => name.clone(),
            _ => String::new(),
        };
        let span = self.span();
        let is_keyword =
            ["if", "with", "range", "end", "else", "define", "block", "template", "break", "continue"]
                .contains(&keyword.as_str());
        if is_keyword {
            self.at += 1;
        }
        let result = match keyword.as_str() {
            "end" => {
                self.close_action("end");
                return Some(Ending::End);
            }
            "else" => return Some(Ending::Else),
            "if" | "with" | "range" => self.control(&keyword, open).map(|node| nodes.push(node)),
            "define" => self.define(open),
            "block" => self.block(open).map(|node| nodes.push(node)),
            "template" => self.template(open).map(|node| nodes.push(node)),
            "break" | "continue" => {
                self.close_action(&keyword);
                if self.ranges == 0 {
                    self.report(Problem::new(span, format!("{{{{ {keyword} }}}} outside of a range")));
                }
                nodes.push(if keyword == "break" { Node::Break } else { Node::Continue });
                Ok(())
            }
            _ => self.pipe(&Kind::Close, "an action", false).map(|pipe| nodes.push(Node::Action(pipe))),
        };
        if let Err(problem) = result {
            self.report(problem);
            self.skip_to_close();
        }
        None
    }

    fn close_action(&mut self, what: &str) {
        self.skip_space();
        if self.peek() != Some(&Kind::Close) {
            let span = self.span();
            self.report(Problem::new(span, format!("unexpected text after {what}; close it with }}}}")));
        }
        self.skip_to_close();
    }

    /// Runs a part that may nest, refusing to go too deep.
    fn nested<T>(&mut self, span: &Span, part: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= NESTING_MAX {
            let problem = Problem::new(span.clone(), format!("nested more than {NESTING_MAX} deep"));
            self.report(problem.clone());
            self.gave_up = true;
            self.at = self.tokens.len();
            return Err(problem);
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }

    fn control(&mut self, keyword: &str, open: Span) -> Parse<Node> {
        self.nested(&open.clone(), |p| {
            let scope = p.variables.len();
            let is_range = keyword == "range";
            let pipe = match p.pipe(&Kind::Close, keyword, is_range) {
                Ok(pipe) => pipe,
                Err(problem) => {
                    p.report(problem);
                    p.skip_to_close();
                    Pipe { span: open.clone(), assigns: false, variables: Vec::new(), commands: Vec::new() }
                }
            };
            p.ranges += usize::from(is_range);
            let mut body = Vec::new();
            let ending = p.list(&mut body);
            p.ranges -= usize::from(is_range);
            let mut otherwise = Vec::new();
            match ending {
                Ending::End => {}
                Ending::Text => return Err(never_ended(keyword, open)),
                Ending::Else => p.otherwise(keyword, open, &mut otherwise)?,
            }
            p.variables.truncate(scope);
            let branch = Branch { pipe, body, otherwise };
            Ok(match keyword {
                "if" => Node::If(branch),
                "with" => Node::With(branch),
                _ => Node::Range(branch),
            })
        })
    }

    /// After `else`: either `}}` and a list, or another `if` or `with` that shares our `end`.
    fn otherwise(&mut self, keyword: &str, open: Span, nodes: &mut Vec<Node>) -> Parse<()> {
        let span = self.span();
        self.skip_space();
        match self.peek() {
            Some(Kind::Name(next)) if next == keyword && keyword != "range" => {
                self.at += 1;
                let node = self.control(keyword, span)?;
                nodes.push(node);
                return Ok(());
            }
            Some(Kind::Close) => self.at += 1,
            _ => {
                let span = self.span();
                let hint =
                    if keyword == "range" { "close it with }}" } else { "close it with }}, or chain it" };
                self.report(Problem::new(span, format!("unexpected text after else of {keyword}; {hint}")));
                self.skip_to_close();
            }
        }
        match self.list(nodes) {
            Ending::End => Ok(()),
            Ending::Text => Err(never_ended(keyword, open)),
            Ending::Else => Err(Problem::new(self.span(), format!("a second else in one {keyword}"))),
        }
    }

    fn name_literal(&mut self, what: &str) -> Parse<(String, Span)> {
        self.skip_space();
        let span = self.span();
        match self.peek() {
            Some(Kind::Literal(Lit(Value::Text(text)))) => {
                let name = text.to_string();
                self.at += 1;
                Ok((name, span))
            }
            _ => Err(Problem::new(
                span,
                format!("{what} needs a name in quotes, such as {{{{ {what} \"title\" }}}}"),
            )),
        }
    }

    /// A body with variables and loops of its own, up to its `end`.
    fn body(&mut self, what: &str, open: Span) -> Parse<Vec<Node>> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        let mut nodes = Vec::new();
        let ending = self.list(&mut nodes);
        self.variables = variables;
        self.ranges = ranges;
        match ending {
            Ending::End => Ok(nodes),
            Ending::Text => Err(never_ended(what, open)),
            Ending::Else => Err(Problem::new(self.span(), format!("{what} has no else"))),
        }
    }

    fn add_define(&mut self, name: String, nodes: Vec<Node>, open: &Span) {
        let is_second =
            self.out.defines.get(&name).is_some_and(|first| !is_blank(first)) && !is_blank(&nodes);
        if is_second {
            self.report(Problem::new(
                open.clone(),
                format!("template {name:?} is defined twice in this text"),
            ));
        }
        if !is_blank(&nodes) || !self.out.defines.contains_key(&name) {
            self.out.defines.insert(name, nodes);
        }
    }

    fn define(&mut self, open: Span) -> Parse<()> {
        if self.depth > 0 {
            self.report(
                Problem::new(open.clone(), "define inside another action")
                    .with_help("move it to the top level of the file"),
            );
        }
        self.nested(&open.clone(), |p| {
            match p.name_literal("define") {
                Ok((name, _)) => {
                    p.close_action("the name of a define");
                    let nodes = p.body("define", open.clone())?;
                    p.add_define(name, nodes, &open);
                }
                Err(problem) => {
                    p.report(problem);
                    p.skip_to_close();
                    p.body("define", open)?;
                }
            }
            Ok(())
        })
    }

    fn block(&mut self, open: Span) -> Parse<Node> {
        self.nested(&open.clone(), |p| {
            let (name, span) = p.name_literal("block")?;
            let pipe = p.pipe(&Kind::Close, "block", false)?;
            let nodes = p.body("block", open.clone())?;
            p.add_define(name.clone(), nodes, &open);
            Ok(Node::Template { span, name, pipe: Some(pipe) })
        })
    }

    fn template(&mut self, _open: Span) -> Parse<Node> {
        let (name, span) = self.name_literal("template")?;
        self.skip_space();
        let pipe = match self.peek() {
            Some(Kind::Close) => {
                self.at += 1;
                None
            }
            _ => Some(self.pipe(&Kind::Close, "template", false)?),
        };
        self.out.templates.push((name.clone(), span.clone()));
        Ok(Node::Template { span, name, pipe })
    }
}

fn never_ended(what: &str, open: Span) -> Problem {
    Problem::new(open, format!("this {what} is never ended")).with_help("add {{ end }}")
}
