//! Durations in brackets and after `offset`: literals, numbers of seconds, and arithmetic over them.
//!
//! In brackets a whole calculation may stand; after `offset` only one operand, so that `up offset 5m + 2` adds 2 to
//! the value.

use bellwether_model::TimeDelta;

use crate::lex::{Token, clipped};
use crate::parse::Parser;
use crate::parse_error::ParseError;
use crate::parse_halt::{Halt, Parsed};
use crate::syntax::{BinaryOp, DurationExpr, DurationKind};

impl Parser<'_> {
    /// A calculation inside brackets.
    pub(crate) fn duration_expr(&mut self) -> Parsed<DurationExpr> {
        self.duration_binary(4)
    }

    fn duration_binary(&mut self, least: u8) -> Parsed<DurationExpr> {
        self.enter()?;
        let mut left = self.duration_unary()?;
        let mut chained = 0;
        while let Some(op) = self.peek_operator().filter(|op| is_arithmetic(*op) && op.precedence() >= least)
        {
            self.take();
            chained += 1;
            if chained > CHAIN_MAX {
                let error = ParseError::new(self.span(), "duration expression is too long");
                return Err(Halt::TooDeep(Box::new(error)));
            }
            let next = if op == BinaryOp::Power { op.precedence() } else { op.precedence() + 1 };
            let right = self.duration_binary(next)?;
            let span = left.span.start..right.span.end;
            left = DurationExpr { kind: DurationKind::Binary(op, Box::new((left, right))), span };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn duration_unary(&mut self) -> Parsed<DurationExpr> {
        let is_negative = self.is_sign("-");
        if !is_negative && !self.is_sign("+") {
            return self.duration_primary(false);
        }
        let start = self.take().span.start;
        let inner = self.duration_binary(BinaryOp::Power.precedence())?;
        Ok(signed(is_negative, start, inner))
    }

    /// One operand; `sign_allowed` is for `offset -5m`.
    pub(crate) fn duration_primary(&mut self, sign_allowed: bool) -> Parsed<DurationExpr> {
        let start = self.span().start;
        if sign_allowed && (self.is_sign("-") || self.is_sign("+")) {
            let is_negative = self.is_sign("-");
            self.take();
            let inner = self.duration_primary(false)?;
            return Ok(signed(is_negative, start, inner));
        }
        let kind = match self.peek().clone() {
            Token::Number(seconds) => {
                let span = self.take().span;
                self.no_unit_apart(&span);
                DurationKind::Seconds(seconds)
            }
            Token::Duration(ms) => {
                self.take();
                DurationKind::Literal(TimeDelta(ms))
            }
            Token::Sign("(") => {
                self.take();
                let inner = self.duration_expr()?;
                self.expect_sign(")", "in the duration")?;
                in_parentheses(inner)
            }
            Token::Word(word) => self.duration_function(&word.to_ascii_lowercase())?,
            Token::Unknown => {
                self.take();
                DurationKind::Literal(TimeDelta::MINUTE)
            }
            Token::Text(_) | Token::Sign(_) | Token::End => return Err(self.no_duration().into()),
        };
        Ok(DurationExpr { kind, span: start..self.end() })
    }

    fn duration_function(&mut self, name: &str) -> Parsed<DurationKind> {
        let makes_pair = match name {
            "step" | "range" => None,
            // The short names are those of earlier releases.
            "min_of" | "min" => Some(DurationKind::Min as fn(_) -> _),
            "max_of" | "max" => Some(DurationKind::Max as fn(_) -> _),
            _ => return Err(self.no_duration().into()),
        };
        self.take();
        self.expect_sign("(", "in the duration")?;
        let kind = match makes_pair {
            Some(make) => {
                let first = self.duration_expr()?;
                self.expect_sign(",", "between two durations")?;
                make(Box::new((first, self.duration_expr()?)))
            }
            None if name == "step" => DurationKind::Step,
            None => DurationKind::Range,
        };
        self.expect_sign(")", "in the duration")?;
        Ok(kind)
    }

    fn no_duration(&self) -> ParseError {
        let error = self.unexpected("in duration, expected number, duration, step(), or range()");
        match self.peek() {
            Token::Text(text) => error.with_help(format!("leave the quotes out: {}", clipped(text))),
            Token::Word(word) if word == "step" || word == "range" => {
                error.with_help(format!("write {word}()"))
            }
            Token::Word(word) if ["ms", "s", "m", "h", "d", "w", "y"].contains(&word.as_str()) => {
                error.with_help(format!("write a number before the unit: 5{word}"))
            }
            Token::Sign("]") => error.with_help("write a duration such as 5m before it"),
            Token::Sign(_)
            | Token::Word(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Unknown
            | Token::End => error.with_help("write a duration such as 5m, or a number of seconds"),
        }
    }
}

/// Operands one calculation may chain; every one is a level of the tree.
const CHAIN_MAX: u32 = 50;

fn signed(is_negative: bool, start: usize, inner: DurationExpr) -> DurationExpr {
    let span = start..inner.span.end;
    if is_negative {
        DurationExpr { kind: DurationKind::Negative(Box::new(inner)), span }
    } else {
        DurationExpr { kind: inner.kind, span }
    }
}

fn is_arithmetic(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Subtract
            | BinaryOp::Multiply
            | BinaryOp::Divide
            | BinaryOp::Modulo
            | BinaryOp::Power
    )
}

/// A value of its own needs no parentheses, and nothing needs two pairs.
fn in_parentheses(inner: DurationExpr) -> DurationKind {
    let is_value = |kind: &DurationKind| matches!(kind, DurationKind::Literal(_) | DurationKind::Seconds(_));
    match inner.kind {
        DurationKind::Negative(negated) if is_value(&negated.kind) => DurationKind::Negative(negated),
        DurationKind::Literal(_) | DurationKind::Seconds(_) | DurationKind::Paren(_) => inner.kind,
        DurationKind::Negative(_)
        | DurationKind::Step
        | DurationKind::Range
        | DurationKind::Min(_)
        | DurationKind::Max(_)
        | DurationKind::Binary(..) => DurationKind::Paren(Box::new(inner)),
    }
}
