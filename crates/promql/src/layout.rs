//! A query laid out for reading, as Prometheus lays it out: what fits a line stays on it, the rest is broken at its
//! own structure, two blanks deeper at every level.

use crate::parse::parse;
use crate::parse_error::ParseError;
use crate::print::{Brackets, Head, Operator};
use crate::syntax::{Expr, ExprKind};

/// Bytes up to which an expression stays on one line.
const LINE_WIDTH: usize = 100;

/// A query's text laid out for reading.
pub fn format_query(text: &str) -> Result<String, Vec<ParseError>> {
    parse(text).map(|expr| format(&expr))
}

/// The expression laid out for reading.
pub fn format(expr: &Expr) -> String {
    let mut out = String::new();
    pretty(expr, 0, &mut out);
    out
}

fn pretty(expr: &Expr, indent: usize, out: &mut String) {
    let line = expr.to_string();
    let pad = "  ".repeat(indent);
    if line.len() <= LINE_WIDTH {
        out.push_str(&pad);
        out.push_str(&line);
        return;
    }
    let mut bracketed = |open: &str, children: &[&Expr], close: &str| {
        out.push_str(&format!("{pad}{open}\n"));
        for (index, child) in children.iter().enumerate() {
            pretty(child, indent + 1, out);
            out.push_str(if index + 1 == children.len() { "\n" } else { ",\n" });
        }
        out.push_str(&format!("{pad}{close}"));
    };
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Text(_) | ExprKind::Selector(_) | ExprKind::Range(_) => {
            out.push_str(&pad);
            out.push_str(&line);
        }
        ExprKind::Paren(inner) => bracketed("(", &[inner], ")"),
        ExprKind::Unary { is_negative, operand } => {
            let mut below = String::new();
            pretty(operand, indent, &mut below);
            let sign = if *is_negative { "-" } else { "+" };
            out.push_str(&format!("{pad}{sign}{}", below.trim_start()));
        }
        ExprKind::Subquery(subquery) => {
            pretty(&subquery.inner, indent, out);
            out.push_str(&Brackets(subquery).to_string());
        }
        ExprKind::Binary(binary) => {
            pretty(&binary.left, indent + 1, out);
            out.push_str(&format!("\n{pad}{}\n", Operator(binary)));
            pretty(&binary.right, indent + 1, out);
        }
        ExprKind::Aggregate(aggregation) => {
            let children: Vec<_> = aggregation.parameter.iter().chain([&aggregation.inner]).collect();
            bracketed(&format!("{}(", Head(aggregation)), &children, ")");
        }
        ExprKind::Call(call) => {
            let children: Vec<_> = call.arguments.iter().collect();
            bracketed(&format!("{}(", call.function.spec().name), &children, ")");
        }
    }
}
