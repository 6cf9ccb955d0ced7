//! From tokens to a tree: recursive descent with operator precedence.
//!
//! What is wrong does not stop the parser where it can tell how to go on: names, types and patterns never do, and
//! after broken structure it goes on at the next comma or closing bracket. So one run reports all there is to say.
//! The tree's height is bounded here, so nothing after needs to fear recursion.

use bellwether_model::TimeDelta;

use crate::check;
use crate::comment::Comment;
use crate::lex::{Lexed, PROBLEMS_MAX, Placed, Token, tokens};
use crate::matcher_budget::MatcherBudget;
use crate::parse_error::ParseError;
use crate::parse_halt::{Halt, Parsed};
use crate::syntax::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, Span, VectorSelector};

/// Longest text that is read at all.
pub const QUERY_BYTES_MAX: usize = 512 << 10;

/// Levels of brackets and signs; reading this many fits a thread with a stack of 2 MiB, unoptimised.
pub const NESTING_MAX: u32 = 100;

/// Levels of the tree, to which every operator of a chain such as `a or b or c` adds one; evaluating this many fits
/// the same stack.
pub const HEIGHT_MAX: u32 = 400;

/// Parses and type-checks a query. All errors that can be told apart are reported, sorted by place.
pub fn parse(text: &str) -> Result<Expr, Vec<ParseError>> {
    parse_with_comments(text).map(|(expr, _)| expr)
}

/// [`parse`], with the comments in their order.
pub(crate) fn parse_with_comments(text: &str) -> Result<(Expr, Vec<Comment>), Vec<ParseError>> {
    let mut parser = Parser::new(text).map_err(|error| vec![error])?;
    let parsed = parser.query();
    if let Some(lost_at) = parser.lost_at {
        // The text in the unclosed quote swallowed whatever was to follow.
        parser.problems.retain(|problem| {
            problem.span.start <= lost_at && problem.span.end < text.len() || problem.span.start == lost_at
        });
    }
    let mut problems = std::mem::take(&mut parser.problems);
    if let Ok(expr) = parsed {
        let mut found = Vec::new();
        check::types(&expr, &mut found);
        if parser.ended_inside.is_some() {
            // What the text ends in is unfinished, not of the wrong kind.
            found.retain(|problem| problem.span.end < text.trim_end().len());
        }
        problems.extend(found);
        if problems.is_empty() {
            return Ok((expr, parser.comments));
        }
    }
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    problems.dedup();
    problems.truncate(PROBLEMS_MAX);
    Err(problems)
}

/// Parses a selector that stands alone, whose name may be a word of the language; only its labels are read.
pub(crate) fn parse_selector(text: &str) -> Result<VectorSelector, ParseError> {
    let mut parser = Parser::new(text)?;
    let name = match parser.peek().clone() {
        Token::Word(word) => Some((word, parser.take().span)),
        Token::Sign("{") => None,
        Token::Number(_)
        | Token::Duration(_)
        | Token::Text(_)
        | Token::Sign(_)
        | Token::Unknown
        | Token::End => {
            let error = parser.unexpected("where a series should stand");
            return Err(error.with_help("write name{label=\"value\"}"));
        }
    };
    let found = parser.selector(name);
    if parser.problems.is_empty() && found.is_ok() && *parser.peek() != Token::End {
        return Err(parser.unexpected("after the series"));
    }
    match (parser.problems.into_iter().next(), found) {
        (Some(problem), _) => Err(problem),
        (None, Err(Halt::Problem(error) | Halt::TooDeep(error))) => Err(*error),
        (None, Ok(Expr { kind: ExprKind::Selector(selector), .. })) => Ok(*selector),
        (None, Ok(_) | Err(Halt::Reported)) => Err(ParseError::new(0..text.len(), "expected a series")),
    }
}

pub(crate) struct Parser<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: Vec<Placed>,
    pub(crate) next: usize,
    pub(crate) depth: u32,
    pub(crate) problems: Vec<ParseError>,
    /// The problem that says the text ended inside brackets.
    pub(crate) ended_inside: Option<usize>,
    pub(crate) budget: MatcherBudget,
    comments: Vec<Comment>,
    /// From here on structure says nothing, because a quote was never closed.
    lost_at: Option<usize>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, ParseError> {
        if text.len() > QUERY_BYTES_MAX {
            let message =
                format!("query of {} bytes is too long; at most {QUERY_BYTES_MAX} are read", text.len());
            let error = ParseError::new(0..0, message);
            return Err(error.with_help("record parts of it with rules, or match names with a regex"));
        }
        let Lexed { tokens, comments, problems, lost_at } = tokens(text);
        Ok(Self {
            text,
            tokens,
            next: 0,
            depth: 0,
            problems,
            ended_inside: None,
            budget: MatcherBudget::default(),
            comments,
            lost_at,
        })
    }

    pub(crate) fn peek(&self) -> &Token {
        &self.tokens[self.next].token
    }

    pub(crate) fn peek_second(&self) -> &Token {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].token
    }

    pub(crate) fn span(&self) -> Span {
        self.tokens[self.next].span.clone()
    }

    /// Where the last token taken ends.
    pub(crate) fn end(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |last| self.tokens[last].span.end)
    }

    pub(crate) fn take(&mut self) -> Placed {
        let placed = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        placed
    }

    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(s) if *s == sign)
    }

    pub(crate) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.take();
        }
        found
    }

    pub(crate) fn expect_sign(&mut self, sign: &str, context: &str) -> Parsed<()> {
        if self.take_sign(sign) {
            return Ok(());
        }
        let error = self.unexpected(&format!("{context}, expected {sign:?}"));
        Err(error.with_help(format!("write {sign:?} here")).into())
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.take();
        }
        found
    }

    fn query(&mut self) -> Parsed<Expr> {
        let found = self.whole();
        match found {
            Ok(expr) => Ok(expr),
            Err(Halt::Problem(error) | Halt::TooDeep(error)) => {
                self.note(*error);
                Err(Halt::Reported)
            }
            Err(Halt::Reported) => Err(Halt::Reported),
        }
    }

    fn whole(&mut self) -> Parsed<Expr> {
        if *self.peek() == Token::End {
            let error = ParseError::new(0..0, "no expression found in input");
            return Err(if self.problems.is_empty() {
                error.with_help("write a query, such as up").into()
            } else {
                Halt::Reported
            });
        }
        let expr = self.expression()?;
        if *self.peek() == Token::End {
            return Ok(expr);
        }
        Err(self.misplaced_after(&expr))
    }

    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        self.binary(1)
    }

    pub(crate) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth <= NESTING_MAX {
            return Ok(());
        }
        Err(too_deep(self.span()))
    }

    pub(crate) fn node(&self, kind: ExprKind, span: Span) -> Parsed<Expr> {
        let expr = Expr::new(kind, span);
        if expr.height() > HEIGHT_MAX { Err(too_deep(expr.span.clone())) } else { Ok(expr) }
    }

    pub(crate) fn binary(&mut self, least: u8) -> Parsed<Expr> {
        self.enter()?;
        let mut left = self.unary()?;
        while let Some((op, width)) = self.peek_any_operator() {
            let precedence = op.precedence();
            if precedence < least {
                break;
            }
            let op_span = self.operator(op, width);
            let (is_bool, matching) = self.matching(op)?;
            // Only powers group to the right: 2 ^ 3 ^ 2 is 2 ^ 9.
            let right = self.binary(if op == BinaryOp::Power { precedence } else { precedence + 1 })?;
            let span = left.span.start..right.span.end;
            let binary = Binary { op, op_span, left, right, is_bool, matching };
            left = self.node(ExprKind::Binary(Box::new(binary)), span)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    pub(crate) fn peek_operator(&self) -> Option<BinaryOp> {
        match self.peek() {
            Token::Sign(sign) => operator_of_sign(sign),
            Token::Word(word) => [BinaryOp::And, BinaryOp::Or, BinaryOp::Unless, BinaryOp::Atan2]
                .into_iter()
                .find(|op| op.as_str().eq_ignore_ascii_case(word)),
            Token::Number(_) | Token::Duration(_) | Token::Text(_) | Token::Unknown | Token::End => None,
        }
    }

    pub(crate) fn signed_number(&mut self, context: &str) -> Parsed<f64> {
        let is_negative = self.take_sign("-");
        if !is_negative {
            self.take_sign("+");
        }
        let value = match self.peek() {
            Token::Number(value) => *value,
            Token::Duration(ms) => TimeDelta(*ms).as_secs_f64(),
            Token::Unknown => 0.0,
            Token::Word(word) => {
                named_number(word).ok_or_else(|| self.unexpected(context).with_help("write a number"))?
            }
            Token::Text(_) | Token::Sign(_) | Token::End => {
                return Err(self.unexpected(context).with_help("write a number").into());
            }
        };
        self.take();
        Ok(if is_negative { -value } else { value })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let is_negative = self.is_sign("-");
        if !is_negative && !self.is_sign("+") {
            return self.postfix();
        }
        let start = self.take().span.start;
        // A sign binds weaker than a power: -2 ^ 2 is -4.
        let operand = self.binary(BinaryOp::Power.precedence())?;
        let span = start..operand.span.end;
        if let ExprKind::Number { value, is_duration } = operand.kind {
            let value = if is_negative { -value } else { value };
            return Ok(Expr::new(ExprKind::Number { value, is_duration }, span));
        }
        self.node(ExprKind::Unary { is_negative, operand: Box::new(operand) }, span)
    }

    pub(crate) fn primary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        match self.peek().clone() {
            Token::Number(value) => {
                self.take();
                self.no_unit_apart(&span);
                Ok(Expr::new(ExprKind::Number { value, is_duration: false }, span))
            }
            Token::Duration(ms) => {
                self.take();
                let value = TimeDelta(ms).as_secs_f64();
                Ok(Expr::new(ExprKind::Number { value, is_duration: true }, span))
            }
            Token::Text(text) => {
                self.take();
                Ok(Expr::new(ExprKind::Text(text), span))
            }
            Token::Unknown => {
                self.take();
                Ok(Self::stand_in(span))
            }
            Token::Sign("(") => self.parenthesis(),
            Token::Sign("{") => self.selector(None),
            Token::Word(word) => self.word(word),
            Token::Sign(_) | Token::End => Err(self.no_expression()),
        }
    }

    fn parenthesis(&mut self) -> Parsed<Expr> {
        let open = self.take().span;
        let depth = self.depth;
        let inner = match self.peek() {
            Token::End => Ok(Self::stand_in(self.span())),
            _ => self.expression(),
        };
        let inner = match inner {
            Ok(inner) => inner,
            Err(halt) => self.recover(halt, depth, &[")"])?,
        };
        if !matches!(self.peek(), Token::Sign(")" | "]" | "}") | Token::End) {
            let error = self.unexpected("inside parentheses, expected \")\"");
            let error = error
                .with_help("write an operator or \")\" here")
                .with_related(open.clone(), "it was opened here");
            let depth = self.depth;
            self.recover(error.into(), depth, &[")"])?;
        }
        self.close(")", &open)?;
        self.node(ExprKind::Paren(Box::new(inner)), open.start..self.end())
    }

    fn word(&mut self, word: String) -> Parsed<Expr> {
        let span = self.span();
        if let Some(op) = AggregateOp::of_name(&word) {
            let second_is_grouping = matches!(self.peek_second(), Token::Word(w)
                if w.eq_ignore_ascii_case("by") || w.eq_ignore_ascii_case("without"));
            if second_is_grouping || matches!(self.peek_second(), Token::Sign("(")) {
                return self.aggregation(op);
            }
        }
        if matches!(self.peek_second(), Token::Sign("(")) {
            return self.call(word);
        }
        if let Some(value) = named_number(&word) {
            self.take();
            return Ok(Expr::new(ExprKind::Number { value, is_duration: false }, span));
        }
        let reserved = ["atan2", "bool", "on", "ignoring", "group_left", "group_right"];
        if reserved.iter().any(|r| word.eq_ignore_ascii_case(r)) {
            let error = ParseError::new(span, format!("unexpected <{}>", word.to_ascii_lowercase()));
            return Err(error
                .with_help("it stands between two expressions; a metric of this name is written {\"...\"}")
                .into());
        }
        self.take();
        self.selector(Some((word, span)))
    }
}

pub(crate) fn too_deep(span: Span) -> Halt {
    let message = format!(
        "expression is nested too deeply; at most {NESTING_MAX} levels of brackets and {HEIGHT_MAX} of operators are read"
    );
    let error = ParseError::new(span, message);
    Halt::TooDeep(Box::new(
        error.with_help("record parts of it with rules, or match several names with a regex"),
    ))
}

fn operator_of_sign(sign: &str) -> Option<BinaryOp> {
    Some(match sign {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Modulo,
        "^" => BinaryOp::Power,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessOrEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterOrEqual,
        "</" => BinaryOp::TrimUpper,
        ">/" => BinaryOp::TrimLower,
        _ => return None,
    })
}

/// `Inf` and `NaN` in any case.
pub(crate) fn named_number(word: &str) -> Option<f64> {
    if word.eq_ignore_ascii_case("inf") {
        return Some(f64::INFINITY);
    }
    word.eq_ignore_ascii_case("nan").then_some(f64::NAN)
}
