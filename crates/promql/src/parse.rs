//! From tokens to a tree: recursive descent with operator precedence.
//!
//! What is wrong with types, names or patterns does not stop the parser, so one run reports all of it; only text
//! that has no structure ends it early. The tree's height is bounded here, so nothing after needs to fear recursion.

use bellwether_model::TimeDelta;

use crate::check;
use crate::lex::{Placed, Token, tokens};
use crate::parse_error::ParseError;
use crate::syntax::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, Span, VectorSelector};

/// Longest text that is read at all.
pub const QUERY_BYTES_MAX: usize = 4 << 20;

/// Levels of brackets and signs; reading this many fits a thread with a stack of 2 MiB, unoptimised.
pub const NESTING_MAX: u32 = 100;

/// Levels of the tree, to which every operator of a chain such as `a or b or c` adds one; evaluating this many fits
/// the same stack.
pub const HEIGHT_MAX: u32 = 400;

/// Parses and type-checks a query. All errors that can be told apart are reported, sorted by place.
pub fn parse(text: &str) -> Result<Expr, Vec<ParseError>> {
    if text.len() > QUERY_BYTES_MAX {
        let message =
            format!("query of {} bytes is too long; at most {QUERY_BYTES_MAX} are read", text.len());
        return Err(vec![ParseError::new(0..0, message)]);
    }
    let tokens = tokens(text).map_err(|error| vec![error])?;
    let mut parser = Parser { tokens, next: 0, depth: 0, problems: Vec::new(), stand_ins: Vec::new() };
    let parsed = parser.query();
    let mut problems = parser.problems;
    match parsed {
        Ok(expr) => {
            let mut found = Vec::new();
            check::types(&expr, &mut found);
            found.retain(|problem| !parser.stand_ins.contains(&problem.span));
            problems.extend(found);
            if problems.is_empty() {
                return Ok(expr);
            }
        }
        Err(error) => problems.push(error),
    }
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    Err(problems)
}

/// Parses a selector that stands alone, whose name may be a word of the language; only its labels are read.
pub(crate) fn parse_selector(text: &str) -> Result<VectorSelector, ParseError> {
    let mut parser =
        Parser { tokens: tokens(text)?, next: 0, depth: 0, problems: Vec::new(), stand_ins: Vec::new() };
    let name = match parser.peek().clone() {
        Token::Word(word) => Some((word, parser.take().span)),
        Token::Sign("{") => None,
        Token::Number(_) | Token::Duration(_) | Token::Text(_) | Token::Sign(_) | Token::End => {
            return Err(parser
                .unexpected("where a series should stand")
                .with_help("write name{label=\"value\"}"));
        }
    };
    let expr = parser.selector(name)?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected("after the series"));
    }
    match (parser.problems.into_iter().next(), expr.kind) {
        (None, ExprKind::Selector(selector)) => Ok(*selector),
        (Some(problem), _) => Err(problem),
        (None, _) => Err(ParseError::new(expr.span, "expected a series")),
    }
}

pub(crate) type Parsed<T> = Result<T, ParseError>;

pub(crate) struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    pub(crate) depth: u32,
    /// What is wrong without being in the way of reading on.
    pub(crate) problems: Vec<ParseError>,
    /// Where a number stands in for something that could not be built; its kind says nothing.
    pub(crate) stand_ins: Vec<Span>,
}

impl Parser {
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
        Err(self.unexpected(context).with_help(format!("write {sign:?} here")))
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

    pub(crate) fn unexpected(&self, context: &str) -> ParseError {
        let what = match self.peek() {
            Token::Word(word) => format!("{word:?}"),
            Token::Number(_) => "a number".to_owned(),
            Token::Duration(_) => "a duration".to_owned(),
            Token::Text(_) => "a string".to_owned(),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::End => "end of input".to_owned(),
        };
        ParseError::new(self.span(), format!("unexpected {what} {context}"))
    }

    fn query(&mut self) -> Parsed<Expr> {
        if *self.peek() == Token::End {
            return Err(
                ParseError::new(0..0, "no expression found in input").with_help("write a query, such as up")
            );
        }
        let expr = self.expression()?;
        if *self.peek() == Token::End {
            return Ok(expr);
        }
        let mut error = self.unexpected("after the expression");
        if let Token::Word(word) = self.peek() {
            let known = ["and", "or", "unless", "atan2", "offset", "by", "without", "bool", "on", "ignoring"];
            if let Some(close) = bellwether_diag::suggest(word, known) {
                error = error.with_help(format!("did you mean {close:?}?"));
            }
        } else if self.is_sign(")") {
            error = error.with_help("there is no open parenthesis to close");
        } else if self.is_sign("=") {
            error = error.with_help("equality is written ==");
        }
        Err(error)
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
        while let Some(op) = self.peek_operator() {
            let precedence = op.precedence();
            if precedence < least {
                break;
            }
            let op_span = self.take().span;
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
            Token::Number(_) | Token::Duration(_) | Token::Text(_) | Token::End => None,
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
            Token::Word(word) => named_number(word).ok_or_else(|| self.unexpected(context))?,
            Token::Text(_) | Token::Sign(_) | Token::End => {
                return Err(self.unexpected(context).with_help("write a number"));
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
            Token::Sign("(") => {
                self.take();
                let inner = self.expression()?;
                if !self.take_sign(")") {
                    let error = self.unexpected("inside parentheses");
                    return Err(error
                        .with_help("close the parenthesis with \")\"")
                        .with_related(span, "it was opened here"));
                }
                self.node(ExprKind::Paren(Box::new(inner)), span.start..self.end())
            }
            Token::Sign("{") => self.selector(None),
            Token::Word(word) => self.word(word),
            Token::Sign(_) | Token::End => Err(self.unexpected("where an expression should stand")),
        }
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
            return Err(self.unexpected("where an expression should stand"));
        }
        self.take();
        self.selector(Some((word, span)))
    }
}

pub(crate) fn too_deep(span: Span) -> ParseError {
    let message = format!(
        "expression is nested too deeply; at most {NESTING_MAX} levels of brackets and {HEIGHT_MAX} of operators are read"
    );
    ParseError::new(span, message)
        .with_help("record parts of it with rules, or match several names with a regex")
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
