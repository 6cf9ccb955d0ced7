//! What may stand where: kinds of operands and arguments, counts of arguments, selectors that would select all.
//!
//! The walk goes on after a problem, so that one run shows every one of them.

use crate::function::Function;
use crate::lex::PROBLEMS_MAX;
use crate::parse_error::ParseError;
use crate::syntax::{
    Aggregation, Binary, Call, DurationExpr, Edges, Expr, ExprKind, Kind, RangeSelector, Shift, Span,
    Subquery, VectorSelector,
};

/// Adds every problem of an expression and of what is below it.
pub(crate) fn types(expr: &Expr, problems: &mut Vec<ParseError>) {
    if problems.len() >= PROBLEMS_MAX {
        return;
    }
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Text(_) => {}
        ExprKind::Selector(selector) => selector_is_narrow(selector, problems),
        ExprKind::Range(range) => range_selector(range, problems),
        ExprKind::Subquery(subquery) => subquery_kinds(subquery, problems),
        ExprKind::Paren(_) => {}
        ExprKind::Unary { operand, .. } => {
            if !operand.is_stand_in() && !matches!(operand.result(), Kind::Scalar | Kind::Vector) {
                let message = format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                    operand.result().as_str()
                );
                problems.push(ParseError::new(operand.span.clone(), message));
            }
        }
        ExprKind::Binary(binary) => operands(binary, problems),
        ExprKind::Aggregate(aggregation) => aggregate(aggregation, problems),
        ExprKind::Call(call) => arguments(call, &expr.span, problems),
    }
    let is_info = matches!(&expr.kind, ExprKind::Call(call) if call.function == Function::Info);
    let mut index = 0;
    expr.for_each_child(|child| {
        // The second argument of info() is a list of conditions, not a selection of its own.
        if !(is_info && index == 1) {
            types(child, problems);
        }
        index += 1;
    });
}

fn selector_is_narrow(selector: &VectorSelector, problems: &mut Vec<ParseError>) {
    if selector.matchers.iter().all(|m| m.matches_empty()) {
        let message = "vector selector must contain at least one non-empty matcher";
        let error = ParseError::new(selector.span.clone(), message);
        problems.push(error.with_help("name a metric, or add a condition such as job=\"api\""));
    }
    if !selector.is_name_bare {
        return;
    }
    let mut names = selector.matchers.iter().zip(&selector.matcher_spans);
    let bare = names.next().map_or("", |(bare, _)| &bare.value);
    for (other, span) in names.filter(|(m, _)| m.name == bellwether_model::METRIC_NAME) {
        let message = format!("metric name must not be set twice: {bare:?} or {:?}", other.value);
        let error = ParseError::new(span.clone(), message);
        problems.push(error.with_help("leave out the name before the braces, or the condition on it"));
    }
}

fn range_selector(range: &RangeSelector, problems: &mut Vec<ParseError>) {
    selector_is_narrow(&range.selector, problems);
    positive(&range.range, problems);
}

fn positive(duration: &DurationExpr, problems: &mut Vec<ParseError>) {
    if let Some(zero) = duration.division_by_zero() {
        problems.push(ParseError::new(zero.clone(), "division by zero"));
        return;
    }
    if duration.constant().is_some_and(|d| d.0 <= 0) {
        let error = ParseError::new(duration.span.clone(), "duration must be greater than 0");
        problems.push(error.with_help("write a duration such as 5m"));
    }
}

fn subquery_kinds(subquery: &Subquery, problems: &mut Vec<ParseError>) {
    let got = subquery.inner.result();
    if subquery.inner.is_stand_in() {
        // What is wrong with it is said already.
    } else if got != Kind::Vector && got != Kind::Scalar {
        let message = format!("subquery is only allowed on instant vector, got {} instead", got.as_str());
        problems.push(ParseError::new(subquery.inner.span.clone(), message));
    } else if got == Kind::Scalar {
        let message = "subquery is only allowed on instant vector, got scalar instead";
        problems
            .push(ParseError::new(subquery.inner.span.clone(), message).with_help("wrap it: vector(...)"));
    }
    positive(&subquery.range, problems);
    subquery.step.iter().for_each(|step| positive(step, problems));
}

fn operands(binary: &Binary, problems: &mut Vec<ParseError>) {
    if binary.left.is_stand_in() || binary.right.is_stand_in() {
        return;
    }
    let (left, right) = (binary.left.result(), binary.right.result());
    for (operand, kind) in [(&binary.left, left), (&binary.right, right)] {
        if !matches!(kind, Kind::Scalar | Kind::Vector) {
            let message = "binary expression must contain only scalar and instant vector types";
            let mut error = ParseError::new(operand.span.clone(), message);
            if kind == Kind::Range {
                error = error.with_help("put a function such as rate() around the range");
            }
            problems.push(error);
        }
    }
    let both_scalar = left == Kind::Scalar && right == Kind::Scalar;
    if both_scalar && binary.op.is_comparison() && !binary.is_bool {
        let error =
            ParseError::new(binary.op_span.clone(), "comparisons between scalars must use BOOL modifier");
        problems.push(error.with_help(format!("write {} bool", binary.op.as_str())));
    }
    if both_scalar && binary.op.is_trim() {
        let message = format!("operator {:?} trims native histograms, not numbers", binary.op.as_str());
        problems.push(ParseError::new(binary.op_span.clone(), message).with_help("compare with < or >"));
    }
    let one_scalar = left == Kind::Scalar || right == Kind::Scalar;
    if one_scalar && binary.op.is_set() {
        let message =
            format!("set operator {:?} not allowed in binary scalar expression", binary.op.as_str());
        problems
            .push(ParseError::new(binary.op_span.clone(), message).with_help("wrap the number: vector(...)"));
    }
    if one_scalar && !binary.op.is_set() {
        let matching = &binary.matching;
        let mut refuse = |message: &str, help: &str| {
            problems.push(ParseError::new(binary.op_span.clone(), message).with_help(help));
        };
        // Naming no label says nothing, so Prometheus lets it pass.
        if matching.labels.as_ref().is_some_and(|labels| !labels.names.is_empty()) {
            let message = "vector matching only allowed between instant vectors";
            refuse(message, "leave on, ignoring and group out");
        }
        if matching.fill_left.is_some() || matching.fill_right.is_some() {
            let message = "filling in missing series only allowed between instant vectors";
            refuse(message, "leave fill, fill_left and fill_right out");
        }
    }
}

fn aggregate(aggregation: &Aggregation, problems: &mut Vec<ParseError>) {
    if let (Some(parameter), Some(kind)) = (&aggregation.parameter, aggregation.op.parameter())
        && parameter.result() == Kind::Vector
        && aggregation.inner.result() == kind
        && !parameter.is_stand_in()
        && !aggregation.inner.is_stand_in()
    {
        let example = format!("{}({}, ...)", aggregation.op.as_str(), short(&aggregation.inner));
        return swapped(parameter, kind, "aggregation parameter", &example, problems);
    }
    expect(&aggregation.inner, Kind::Vector, "aggregation expression", problems);
    if let (Some(parameter), Some(kind)) = (&aggregation.parameter, aggregation.op.parameter()) {
        expect(parameter, kind, "aggregation parameter", problems);
    }
}

fn expect(expr: &Expr, expected: Kind, context: &str, problems: &mut Vec<ParseError>) {
    let got = expr.result();
    if got == expected || expr.is_stand_in() {
        return;
    }
    let message = format!("expected type {} in {context}, got {}", expected.as_str(), got.as_str());
    let mut error = ParseError::new(expr.span.clone(), message);
    error.help = match (expected, got) {
        (Kind::Range, Kind::Vector) => Some(match expr.to_string() {
            text if text.len() > 40 => "put a range behind it: [5m], or [1h:1m] behind a calculation".into(),
            text if let ExprKind::Selector(selector) = &expr.kind => {
                let bare =
                    VectorSelector { shift: Shift::default(), edges: Edges::Plain, ..(**selector).clone() };
                let bare = bare.to_string();
                format!("write {bare}[5m]{}", text.strip_prefix(&bare).unwrap_or_default())
            }
            text if matches!(expr.kind, ExprKind::Binary(_) | ExprKind::Unary { .. }) => {
                format!("write ({text})[1h:1m]")
            }
            text => format!("write {text}[1h:1m]"),
        }),
        (Kind::Vector, Kind::Range) => {
            Some("leave the range out, or put a function such as rate() around it".into())
        }
        (Kind::Vector, Kind::Scalar) => Some("wrap the number: vector(...)".into()),
        (Kind::Scalar, Kind::Vector) => {
            Some("write a number, or scalar(...) around a vector of one series".into())
        }
        (Kind::Text, _) => Some("put it in quotes".into()),
        _ => None,
    };
    problems.push(error);
}

/// Two arguments that are each what the other should be.
fn swapped(first: &Expr, expected: Kind, context: &str, example: &str, problems: &mut Vec<ParseError>) {
    let got = first.result().as_str();
    let message = format!("expected type {} in {context}, got {got}", expected.as_str());
    let help = format!("the arguments stand the other way round: {example}");
    problems.push(ParseError::new(first.span.clone(), message).with_help(help));
}

/// An expression as text, if that is short.
fn short(expr: &Expr) -> String {
    let text = expr.to_string();
    if text.len() <= 20 { text } else { "...".to_owned() }
}

fn arguments(call: &Call, span: &Span, problems: &mut Vec<ParseError>) {
    let spec = call.function.spec();
    let given = call.arguments.len();
    let mut count_problem = |expected: String| {
        let message = format!("expected {expected} argument(s) in call to {:?}, got {given}", spec.name);
        let kinds: Vec<_> = spec.arguments.iter().map(|kind| kind.as_str()).collect();
        let help = format!("it is written {}({})", spec.name, kinds.join(", "));
        problems.push(ParseError::new(span.clone(), message).with_help(help));
    };
    if given < spec.arguments_min && spec.arguments_max == Some(spec.arguments_min) {
        count_problem(spec.arguments_min.to_string());
    } else if given < spec.arguments_min {
        count_problem(format!("at least {}", spec.arguments_min));
    } else if let Some(most) = spec.arguments_max.filter(|most| given > *most) {
        count_problem(if most == spec.arguments_min { most.to_string() } else { format!("at most {most}") });
    }
    let context = format!("call to function {:?}", spec.name);
    if let ([first, second], [first_kind, second_kind]) = (&call.arguments[..], spec.arguments)
        && first_kind != second_kind
        && (first.result(), second.result()) == (*second_kind, *first_kind)
        && !first.is_stand_in()
        && !second.is_stand_in()
    {
        let example = format!("{}({}, {})", spec.name, short(second), short(first));
        return swapped(first, *first_kind, &context, &example, problems);
    }
    for (index, argument) in call.arguments.iter().enumerate().take(spec.arguments_max.unwrap_or(usize::MAX))
    {
        if let Some(kind) = spec.arguments.get(index).or(spec.arguments.last()) {
            expect(argument, *kind, &context, problems);
        }
    }
    edges(call, problems);
    if call.function == Function::Info
        && let Some(second) = call.arguments.get(1)
        && !matches!(&second.kind, ExprKind::Selector(selector) if !selector.is_name_bare)
    {
        let error = ParseError::new(second.span.clone(), "expected label selectors only");
        problems.push(error.with_help("write conditions in braces, such as {k8s_cluster_name=\"eu\"}"));
    }
}

fn edges(call: &Call, problems: &mut Vec<ParseError>) {
    use Function::{Changes, Delta, Increase, Rate, Resets};
    for argument in &call.arguments {
        let ExprKind::Range(range) = &argument.unwrapped().kind else { continue };
        let (modifier, allowed): (&str, &[Function]) = match range.selector.edges {
            Edges::Plain => continue,
            Edges::Anchored => ("anchored", &[Changes, Delta, Increase, Rate, Resets]),
            Edges::Smoothed => ("smoothed", &[Delta, Increase, Rate]),
        };
        if !allowed.contains(&call.function) {
            let names: Vec<_> = allowed.iter().map(|f| f.spec().name).collect();
            let (names, name) = (names.join(", "), call.function.spec().name);
            let message = format!("{modifier} modifier can only be used with: {names} - not with {name}");
            problems.push(ParseError::new(argument.span.clone(), message));
        }
    }
}
