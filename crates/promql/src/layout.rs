//! A query laid out for reading, as Prometheus lays it out: what fits a line stays on it, the rest is broken at its
//! own structure, two blanks deeper at every level.
//!
//! Comments stay, which Prometheus loses. Something that holds a comment is broken like something too long, until the
//! comment stands at the end of a line or on one of its own; there it can neither swallow nor join anything.

use std::fmt::{self, Write};

use crate::comment::{Comment, any_within, moved_out};
use crate::parse::parse_with_comments;
use crate::parse_error::ParseError;
use crate::print::{Brackets, Head, Operator, is_infinite_base};
use crate::syntax::{Expr, ExprKind};

/// Bytes up to which an expression stays on one line.
const LINE_WIDTH: usize = 100;

/// A query's text laid out for reading, with its comments. Laying out a layout changes nothing.
pub fn format_query(text: &str) -> Result<String, Vec<ParseError>> {
    let (expr, comments) = parse_with_comments(text)?;
    Ok(Layout::of(&expr, moved_out(&expr, comments)))
}

/// The expression laid out for reading.
pub fn format(expr: &Expr) -> String {
    Layout::of(expr, Vec::new())
}

struct Layout {
    out: String,
    /// In the order of the text; those before `next` are written.
    comments: Vec<Comment>,
    next: usize,
    /// Whether nothing more can be written on the last line.
    is_line_closed: bool,
    /// Signs that stand before what comes next.
    signs: String,
}

impl Layout {
    fn of(expr: &Expr, comments: Vec<Comment>) -> String {
        let mut layout =
            Self { out: String::new(), comments, next: 0, is_line_closed: false, signs: String::new() };
        layout.node(expr, 0);
        layout.comments_until(usize::MAX, 0);
        layout.out
    }

    fn node(&mut self, expr: &Expr, indent: usize) {
        if fits(expr) && !any_within(&self.comments, &expr.span) {
            return self.line(expr.span.start, indent, &expr.to_string());
        }
        match &expr.kind {
            ExprKind::Number { .. } | ExprKind::Text(_) | ExprKind::Selector(_) | ExprKind::Range(_) => {
                self.line(expr.span.start, indent, &expr.to_string());
            }
            ExprKind::Paren(inner) => self.bracketed(expr, indent, "(", &[inner]),
            ExprKind::Unary { is_negative, operand } => {
                self.signs.push(if *is_negative { '-' } else { '+' });
                self.node(operand, indent);
            }
            ExprKind::Subquery(subquery) => {
                self.node(&subquery.inner, indent);
                self.out.push_str(&Brackets(subquery).to_string());
            }
            ExprKind::Binary(binary) => {
                match is_infinite_base(binary) {
                    true => self.line(binary.left.span.start, indent + 1, "Inf"),
                    false => self.node(&binary.left, indent + 1),
                }
                self.comments_until(binary.op_span.start, indent + 1);
                self.line(binary.op_span.start, indent, &Operator(binary).to_string());
                self.node(&binary.right, indent + 1);
            }
            ExprKind::Aggregate(aggregation) => {
                let children: Vec<_> = aggregation.parameter.iter().chain([&aggregation.inner]).collect();
                self.bracketed(expr, indent, &format!("{}(", Head(aggregation)), &children);
            }
            ExprKind::Call(call) => {
                let children: Vec<_> = call.arguments.iter().collect();
                self.bracketed(expr, indent, &format!("{}(", call.function.spec().name), &children);
            }
        }
    }

    fn bracketed(&mut self, expr: &Expr, indent: usize, open: &str, children: &[&Expr]) {
        self.line(expr.span.start, indent, open);
        for (index, child) in children.iter().enumerate() {
            self.node(child, indent + 1);
            if index + 1 < children.len() {
                self.out.push(',');
            }
        }
        let close = expr.span.end.saturating_sub(1);
        self.comments_until(close, indent + 1);
        self.line(close, indent, ")");
    }

    /// A new line, after the comments that stand before it in the text.
    fn line(&mut self, start: usize, indent: usize, content: &str) {
        self.comments_until(start, indent);
        self.break_line(indent);
        self.out.push_str(&std::mem::take(&mut self.signs));
        self.out.push_str(content);
    }

    fn comments_until(&mut self, end: usize, indent: usize) {
        while let Some(comment) = self.comments.get(self.next).filter(|comment| comment.at <= end) {
            let text = comment.text.clone();
            if comment.is_own_line || self.is_line_closed || self.out.is_empty() {
                self.break_line(indent);
            } else {
                self.out.push(' ');
            }
            self.out.push_str(&text);
            self.is_line_closed = true;
            self.next += 1;
        }
    }

    fn break_line(&mut self, indent: usize) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(&"  ".repeat(indent));
        self.is_line_closed = false;
    }
}

/// Whether an expression is short enough for a line; looks no further than the line is wide.
fn fits(expr: &Expr) -> bool {
    write!(Room(LINE_WIDTH), "{expr}").is_ok()
}

struct Room(usize);

impl Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}
