//! A tree as text: on one line (`Display`, canonical: equal trees print equally) or laid out over lines ([`format`]).

use std::fmt;

use bellwether_model::{METRIC_NAME, MatchOp, Matcher, TimeDelta, is_valid_legacy_name};

use crate::parse::parse;
use crate::parse_error::ParseError;
use crate::syntax::{
    Aggregation, At, Binary, DurationExpr, DurationKind, Edges, Expr, ExprKind, Grouping, MatchGroup, Shift,
    Subquery, VectorSelector,
};

/// Width up to which an expression stays on one line.
const LINE_WIDTH: usize = 100;

/// The expression laid out for reading: what fits a line stays on it, the rest is broken at its own structure.
pub fn format(expr: &Expr) -> String {
    let mut out = String::new();
    pretty(expr, 0, &mut out);
    out
}

/// A query's text laid out for reading.
pub fn format_query(text: &str) -> Result<String, Vec<ParseError>> {
    parse(text).map(|expr| format(&expr))
}

fn pretty(expr: &Expr, indent: usize, out: &mut String) {
    let line = expr.to_string();
    let pad = "  ".repeat(indent);
    if line.len() + pad.len() <= LINE_WIDTH {
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
            pretty(&binary.left, indent, out);
            out.push_str(&format!("\n{pad}{}\n", Operator(binary)));
            pretty(&binary.right, indent, out);
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

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number { value, is_duration } => number(*value, *is_duration, f),
            ExprKind::Text(text) => quoted(text, f),
            ExprKind::Selector(selector) => selector.write(None, f),
            ExprKind::Range(range) => range.selector.write(Some(&range.range), f),
            ExprKind::Subquery(subquery) => write!(f, "{}{}", subquery.inner, Brackets(subquery)),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Unary { is_negative, operand } => {
                write!(f, "{}{operand}", if *is_negative { "-" } else { "+" })
            }
            ExprKind::Binary(binary) => write!(f, "{} {} {}", binary.left, Operator(binary), binary.right),
            ExprKind::Aggregate(aggregation) => {
                write!(f, "{}(", Head(aggregation))?;
                aggregation.parameter.iter().try_for_each(|p| write!(f, "{p}, "))?;
                write!(f, "{})", aggregation.inner)
            }
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.spec().name)?;
                separated(call.arguments.iter(), f, |argument, f| write!(f, "{argument}"))?;
                f.write_str(")")
            }
        }
    }
}

fn separated<T>(
    items: impl IntoIterator<Item = T>,
    f: &mut fmt::Formatter<'_>,
    mut write: impl FnMut(T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(item, f)?;
    }
    Ok(())
}

fn number(value: f64, is_duration: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_duration {
        return write!(f, "{}", TimeDelta::from_secs_f64(value));
    }
    if value.is_infinite() {
        return f.write_str(if value > 0.0 { "Inf" } else { "-Inf" });
    }
    let magnitude = value.abs();
    if value != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        write!(f, "{value:e}")
    } else {
        write!(f, "{value}")
    }
}

/// In double quotes, with escapes that the lexer reads back.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

fn name(label: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_valid_legacy_name(label, false) { f.write_str(label) } else { quoted(label, f) }
}

fn names(labels: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(")?;
    separated(labels, f, |label, f| name(label, f))?;
    f.write_str(")")
}

impl VectorSelector {
    fn write(&self, range: Option<&DurationExpr>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_named = |m: &Matcher| {
            m.name == METRIC_NAME && m.op == MatchOp::Equal && Some(&m.value) == self.name.as_ref()
        };
        let bare = self.name.as_deref().filter(|n| can_stand_bare(n));
        f.write_str(bare.unwrap_or(""))?;
        let rest: Vec<_> = self.matchers.iter().filter(|m| bare.is_none() || !is_named(m)).collect();
        if !rest.is_empty() || bare.is_none() {
            f.write_str("{")?;
            separated(rest, f, |m, f| {
                if is_named(m) {
                    return quoted(&m.value, f);
                }
                name(&m.name, f)?;
                f.write_str(m.op.as_str())?;
                quoted(&m.value, f)
            })?;
            f.write_str("}")?;
        }
        range.iter().try_for_each(|range| write!(f, "[{range}]"))?;
        match self.edges {
            Edges::Plain => {}
            Edges::Anchored => f.write_str(" anchored")?,
            Edges::Smoothed => f.write_str(" smoothed")?,
        }
        write!(f, "{}", self.shift)
    }
}

/// Whether a metric's name reads back as one when it stands without quotes.
fn can_stand_bare(name: &str) -> bool {
    let reserved = ["inf", "nan", "bool", "on", "ignoring", "group_left", "group_right"];
    is_valid_legacy_name(name, true) && !reserved.iter().any(|word| word.eq_ignore_ascii_case(name))
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(None, f)
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            None => {}
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Time(at)) => write!(f, " @ {:.3}", at.as_secs_f64())?,
        }
        self.offset.iter().try_for_each(|offset| write!(f, " offset {offset}"))
    }
}

struct Brackets<'a>(&'a Subquery);

impl fmt::Display for Brackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:", self.0.range)?;
        self.0.step.iter().try_for_each(|step| write!(f, "{step}"))?;
        write!(f, "]{}", self.0.shift)
    }
}

struct Operator<'a>(&'a Binary);

impl fmt::Display for Operator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Binary { op, is_bool, matching, .. } = self.0;
        write!(f, "{}{}", op.as_str(), if *is_bool { " bool" } else { "" })?;
        if let Some(labels) = &matching.labels {
            f.write_str(if labels.is_on { " on " } else { " ignoring " })?;
            names(&labels.names, f)?;
        }
        if let Some(MatchGroup { is_left, include }) = &matching.group {
            f.write_str(if *is_left { " group_left " } else { " group_right " })?;
            names(include, f)?;
        }
        let fill = |f: &mut fmt::Formatter<'_>, word: &str, value: f64| {
            write!(f, " {word} (")?;
            number(value, false, f)?;
            f.write_str(")")
        };
        matching.fill_left.map_or(Ok(()), |value| fill(f, "fill_left", value))?;
        matching.fill_right.map_or(Ok(()), |value| fill(f, "fill_right", value))
    }
}

struct Head<'a>(&'a Aggregation);

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        let Some(Grouping { is_without, names: labels }) = &self.0.grouping else { return Ok(()) };
        f.write_str(if *is_without { " without " } else { " by " })?;
        names(labels, f)?;
        f.write_str(" ")
    }
}

impl fmt::Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationKind::Literal(delta) => write!(f, "{delta}"),
            DurationKind::Seconds(seconds) => match self.constant() {
                Some(whole) if whole.0 >= 0 && whole.as_secs_f64() == *seconds => write!(f, "{whole}"),
                _ => number(*seconds, false, f),
            },
            DurationKind::Step => f.write_str("step()"),
            DurationKind::Range => f.write_str("range()"),
            DurationKind::Min(pair) => write!(f, "min_of({}, {})", pair.0, pair.1),
            DurationKind::Max(pair) => write!(f, "max_of({}, {})", pair.0, pair.1),
            DurationKind::Negative(inner) => write!(f, "-{inner}"),
            DurationKind::Binary(op, pair) => {
                write!(f, "{} {} {}", Operand(&pair.0), op.as_str(), Operand(&pair.1))
            }
            DurationKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

/// A part of a calculation: a number stays one, for `2 * 5m` is not `2s * 5m` to the reader.
struct Operand<'a>(&'a DurationExpr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            DurationKind::Seconds(seconds) => number(*seconds, false, f),
            _ => write!(f, "{}", self.0),
        }
    }
}
