//! A tree as text on one line, as Prometheus writes it: equal trees print equally, whatever they were read from.

use std::fmt;

use bellwether_model::{Matcher, TimeDelta, is_valid_legacy_name};

use crate::syntax::{
    Aggregation, At, Binary, BinaryOp, DurationExpr, DurationKind, Edges, Expr, ExprKind, Grouping,
    MatchGroup, MatchLabels, Shift, Subquery, VectorSelector,
};

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
            ExprKind::Binary(binary) if is_infinite_base(binary) => {
                write!(f, "Inf {} {}", Operator(binary), binary.right)
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

/// Whether infinity is raised to a power: its own sign would be read as one before the power.
pub(crate) fn is_infinite_base(binary: &Binary) -> bool {
    let is_infinite = matches!(&binary.left.kind, ExprKind::Number { value, .. } if value.is_infinite());
    is_infinite && binary.op == BinaryOp::Power
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

pub(crate) fn number(value: f64, is_duration: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_duration && value.is_finite() {
        return write!(f, "{}", TimeDelta::from_secs_f64(value));
    }
    f.write_str(&decimal(value))
}

/// All digits, without an exponent; infinities with their sign.
pub(crate) fn decimal(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".into()
    } else if value.is_infinite() {
        "-Inf".into()
    } else {
        value.to_string()
    }
}

/// In double quotes; what cannot be seen is written as an escape that the lexer reads back.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\x07' => f.write_str("\\a")?,
            '\x08' => f.write_str("\\b")?,
            '\x0c' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\x0b' => f.write_str("\\v")?,
            c if c.is_ascii_control() => write!(f, "\\x{:02x}", c as u32)?,
            c if is_invisible(c) && c as u32 <= 0xffff => write!(f, "\\u{:04x}", c as u32)?,
            c if is_invisible(c) => write!(f, "\\U{:08x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// Controls, blanks other than the space, and characters that only steer how others are shown.
fn is_invisible(c: char) -> bool {
    let is_blank = c != ' ' && c.is_whitespace();
    let steers = matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{10ffff}');
    c.is_control() || is_blank || steers
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
        let rest = if self.is_name_bare { &self.matchers[1..] } else { &self.matchers };
        if self.is_name_bare {
            f.write_str(self.name.as_deref().unwrap_or_default())?;
        }
        if !rest.is_empty() || !self.is_name_bare {
            // Sorted by what is written, so that the order of conditions makes no difference.
            let mut written: Vec<String> = rest.iter().map(|m| Written(m).to_string()).collect();
            written.sort();
            write!(f, "{{{}}}", written.join(","))?;
        }
        let edges = match self.edges {
            Edges::Plain => "",
            Edges::Anchored => " anchored",
            Edges::Smoothed => " smoothed",
        };
        match range {
            Some(range) => write!(f, "[{range}]{edges}{}{}", Moment(self.shift.at), Offset(&self.shift)),
            None => write!(f, "{}{edges}{}", Moment(self.shift.at), Offset(&self.shift)),
        }
    }
}

/// A condition as a query writes it.
struct Written<'a>(&'a Matcher);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name(&self.0.name, f)?;
        f.write_str(self.0.op.as_str())?;
        quoted(&self.0.value, f)
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(None, f)
    }
}

struct Moment(Option<At>);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(At::Start) => f.write_str(" @ start()"),
            Some(At::End) => f.write_str(" @ end()"),
            Some(At::Time(at)) => {
                let sign = if at.0 < 0 { "-" } else { "" };
                write!(f, " @ {sign}{}.{:03}", at.0.unsigned_abs() / 1000, at.0.unsigned_abs() % 1000)
            }
        }
    }
}

struct Offset<'a>(&'a Shift);

impl fmt::Display for Offset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.offset.iter().try_for_each(|offset| write!(f, " offset {offset}"))
    }
}

/// What follows the expression of a subquery.
pub(crate) struct Brackets<'a>(pub(crate) &'a Subquery);

impl fmt::Display for Brackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:", self.0.range)?;
        self.0.step.iter().try_for_each(|step| write!(f, "{step}"))?;
        write!(f, "]{}{}", Moment(self.0.shift.at), Offset(&self.0.shift))
    }
}

/// An operator with everything that stands between its operands.
pub(crate) struct Operator<'a>(pub(crate) &'a Binary);

impl fmt::Display for Operator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Binary { op, is_bool, matching, .. } = self.0;
        write!(f, "{}{}", op.as_str(), if *is_bool { " bool" } else { "" })?;
        // Ignoring nothing is what no condition means, unless a group follows, which needs one before it.
        let says_nothing =
            |labels: &MatchLabels| !labels.is_on && labels.names.is_empty() && matching.group.is_none();
        if let Some(labels) = matching.labels.as_ref().filter(|labels| !says_nothing(labels)) {
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
        if let (Some(left), Some(right)) = (matching.fill_left, matching.fill_right)
            && left == right
        {
            return fill(f, "fill", left);
        }
        matching.fill_left.map_or(Ok(()), |value| fill(f, "fill_left", value))?;
        matching.fill_right.map_or(Ok(()), |value| fill(f, "fill_right", value))
    }
}

/// An aggregation up to its parenthesis.
pub(crate) struct Head<'a>(pub(crate) &'a Aggregation);

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        let Some(Grouping { is_without, names: labels }) = &self.0.grouping else { return Ok(()) };
        if labels.is_empty() && !is_without {
            return Ok(());
        }
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
            DurationKind::Min(pair) => write!(f, "min_of({}, {})", Operand(&pair.0), Operand(&pair.1)),
            DurationKind::Max(pair) => write!(f, "max_of({}, {})", Operand(&pair.0), Operand(&pair.1)),
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
