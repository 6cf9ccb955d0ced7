//! Reads function calls and aggregations, and the modifiers of operators between vectors.

use crate::function::Function;
use crate::lex::{PROBLEMS_MAX, Token, clipped};
use crate::parse::{Parser, named_number};
use crate::parse_error::ParseError;
use crate::parse_halt::{Halt, Parsed};
use crate::syntax::{
    AggregateOp, Aggregation, BinaryOp, Call, Expr, ExprKind, Grouping, MatchGroup, MatchLabels, Matching,
    Span,
};

/// Labels of one list, conditions of one selector, arguments of one call: more are nobody's intention, and every
/// series would be held against each of them.
pub(crate) const LIST_MAX: usize = 1_000;

impl Parser<'_> {
    pub(crate) fn matching(&mut self, op: BinaryOp) -> Parsed<(bool, Matching)> {
        let mut matching = Matching::default();
        let bool_span = self.span();
        let is_bool = self.take_word("bool");
        if is_bool && !op.is_comparison() {
            let message =
                format!("bool modifier can only be used on comparison operators, not on {:?}", op.as_str());
            self.note(ParseError::new(bool_span, message).with_help("leave bool out"));
        }
        self.match_labels(&mut matching)?;
        self.match_group(op, &mut matching)?;
        self.fills(op, &mut matching)?;
        if self.is_word("bool") && op.is_comparison() {
            let error = self.unexpected("").with_help("write bool once, right behind the operator");
            self.note(error);
            self.take();
        }
        Ok((is_bool, matching))
    }

    fn match_labels(&mut self, matching: &mut Matching) -> Parsed<()> {
        let is_on = self.is_word("on");
        if !is_on && !self.is_word("ignoring") {
            return Ok(());
        }
        self.take();
        let labels = MatchLabels { is_on, names: self.label_list()? };
        matching.labels = Some(labels);
        if self.is_word("on") || self.is_word("ignoring") {
            let error = self.unexpected("").with_help("write either on or ignoring, once");
            self.note(error);
            self.take();
            self.label_list()?;
        }
        Ok(())
    }

    fn match_group(&mut self, op: BinaryOp, matching: &mut Matching) -> Parsed<()> {
        let is_left = self.is_word("group_left");
        if !is_left && !self.is_word("group_right") {
            return Ok(());
        }
        let span = self.take().span;
        if matching.labels.is_none() && !op.is_set() {
            let name = if is_left { "group_left" } else { "group_right" };
            let error = ParseError::new(span.clone(), format!("unexpected <{name}>"));
            let help = format!("say first which labels must agree: on (...) {name} (...)");
            self.note(error.with_help(help));
        }
        let include = if self.is_sign("(") { self.label_list()? } else { Vec::new() };
        if op.is_set() {
            let message = format!("no grouping allowed for {:?} operation", op.as_str());
            self.note(ParseError::new(span.clone(), message).with_help("leave the group modifier out"));
        }
        let on = matching.labels.iter().filter(|labels| labels.is_on).flat_map(|labels| &labels.names);
        if let Some(name) = on.into_iter().find(|name| include.contains(name)) {
            let message = format!("label {name:?} must not occur in ON and GROUP clause at once");
            let help = "a label that must agree is there anyway; leave it out of the group";
            self.note(ParseError::new(span, message).with_help(help));
        }
        matching.group = Some(MatchGroup { is_left, include });
        Ok(())
    }

    fn fills(&mut self, op: BinaryOp, matching: &mut Matching) -> Parsed<()> {
        loop {
            let name = match self.peek() {
                Token::Word(word) if matches!(self.peek_second(), Token::Sign("(")) => {
                    word.to_ascii_lowercase()
                }
                _ => return Ok(()),
            };
            let (left, right) = match name.as_str() {
                "fill" => (true, true),
                "fill_left" => (true, false),
                "fill_right" => (false, true),
                _ => return Ok(()),
            };
            let span = self.take().span;
            if op.is_set() {
                let message = format!(
                    "filling in missing series not allowed for set operators such as {:?}",
                    op.as_str()
                );
                self.note(ParseError::new(span, message).with_help("leave the fill modifier out"));
            }
            self.expect_sign("(", "after the fill modifier")?;
            let value = self.signed_number("as fill value")?;
            self.expect_sign(")", "after the fill value")?;
            if left {
                matching.fill_left = Some(value);
            }
            if right {
                matching.fill_right = Some(value);
            }
        }
    }

    pub(crate) fn label_list(&mut self) -> Parsed<Vec<String>> {
        let open = self.span();
        let mut names = Vec::new();
        if !self.take_sign("(") {
            return self.bare_labels();
        }
        loop {
            match self.peek().clone() {
                Token::Word(name) if !name.contains(':') => names.push(name),
                Token::Text(name) if !name.is_empty() => names.push(name),
                Token::Sign(")") | Token::End => break,
                Token::Sign(",") => {
                    let error = self.unexpected("in grouping opts, expected label");
                    self.note(error.with_help("leave the comma out"));
                    self.take();
                    continue;
                }
                Token::Unknown => {}
                Token::Word(_) | Token::Text(_) | Token::Number(_) | Token::Duration(_) | Token::Sign(_) => {
                    let error = self.unexpected("in grouping opts, expected label");
                    let help = "write names of labels; quote one with other characters: \"http.status\"";
                    let depth = self.depth;
                    self.recover(error.with_help(help).into(), depth, &[",", ")"])?;
                    if !self.take_sign(",") {
                        break;
                    }
                    continue;
                }
            }
            self.take();
            self.check_length(names.len(), "labels of one list", &open)?;
            if !self.take_sign(",") && !matches!(self.peek(), Token::Sign(")") | Token::End) {
                let error = self.unexpected("in grouping opts, expected \",\" or \")\"");
                self.note(error.with_help("write a comma between labels"));
                if !matches!(self.peek(), Token::Word(_) | Token::Text(_)) {
                    self.skip_until(&[")"]);
                }
            }
        }
        self.close(")", &open)?;
        Ok(names)
    }

    /// `by job, instance` where `by (job, instance)` was meant.
    fn bare_labels(&mut self) -> Parsed<Vec<String>> {
        let start = self.span().start;
        let error = self.unexpected("in grouping opts, expected \"(\"");
        let mut names = Vec::new();
        let mut from = self.next;
        while let Token::Word(name) = self.peek().clone() {
            names.push(name);
            self.take();
            from = self.next;
            if !self.take_sign(",") {
                break;
            }
        }
        self.next = from;
        if names.is_empty() {
            return Err(error.with_help("write the labels in parentheses: by (job, instance)").into());
        }
        let written = clipped(self.text.get(start..self.end()).unwrap_or_default());
        self.note(error.with_help(format!("write the labels in parentheses: ({written})")));
        Ok(names)
    }

    pub(crate) fn check_length(&self, length: usize, what: &str, place: &Span) -> Parsed<()> {
        if length <= LIST_MAX {
            return Ok(());
        }
        let message = format!("more than {LIST_MAX} {what}");
        let error = ParseError::new(place.clone(), message);
        Err(Halt::TooDeep(Box::new(
            error.with_help("match several values with a regex, or record parts of it with rules"),
        )))
    }

    pub(crate) fn call(&mut self, name: String) -> Parsed<Expr> {
        let name_span = self.span();
        let Some(function) = Function::of_name(&name) else { return self.unknown_call(&name) };
        self.take();
        let arguments = self.arguments()?;
        let span = name_span.start..self.end();
        self.node(ExprKind::Call(Call { function, name_span, arguments }), span)
    }

    fn unknown_call(&mut self, name: &str) -> Parsed<Expr> {
        let name_span = self.span();
        let lower = name.to_ascii_lowercase();
        if ["by", "without"].contains(&lower.as_str()) {
            let help = format!("{lower} follows the aggregation: sum {lower} (job) (up)");
            return Err(self.unexpected("").with_help(help).into());
        }
        if named_number(name).is_some() || ["on", "ignoring", "bool"].contains(&lower.as_str()) {
            let help = "it stands between an operator and its right side: a / on (job) b";
            return Err(self.unexpected("").with_help(help).into());
        }
        if self.problems.len() >= PROBLEMS_MAX {
            return Err(Halt::Reported);
        }
        self.take();
        let index = self.problems.len();
        let message = format!("unknown function with name {:?}", clipped(name));
        self.note(ParseError::new(name_span.clone(), message));
        let arguments = self.arguments()?;
        let help = match near_function(&lower) {
            Some(help) => Some(help.to_owned()),
            None => did_you_mean(name, arguments.first()),
        };
        if let Some(problem) = self.problems.get_mut(index) {
            problem.help = help;
        }
        Ok(Self::stand_in(name_span.start..self.end()))
    }

    pub(crate) fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let open = self.span();
        self.expect_sign("(", "before the arguments")?;
        let mut arguments = Vec::new();
        if self.is_sign(")") {
            self.take();
            return Ok(arguments);
        }
        // Where the text ends, only the bracket is missing.
        while *self.peek() != Token::End {
            let depth = self.depth;
            let argument = match self.expression() {
                Ok(argument) => argument,
                Err(halt) => self.recover(halt, depth, &[",", ")"])?,
            };
            arguments.push(argument);
            self.check_length(arguments.len(), "arguments", &open)?;
            if !matches!(self.peek(), Token::Sign("," | ")") | Token::End) {
                let halt = match self.misplaced_after(&arguments[arguments.len() - 1]) {
                    Halt::Reported => {
                        self.skip_until(&[",", ")"]);
                        None
                    }
                    halt => Some(halt),
                };
                if let Some(halt) = halt {
                    self.recover(halt, depth, &[",", ")"])?;
                }
            }
            let comma = self.span();
            if !self.take_sign(",") {
                break;
            }
            if self.is_sign(")") {
                if arguments[arguments.len() - 1].is_stand_in() {
                    break;
                }
                let message = "trailing commas not allowed in function call args";
                self.note(ParseError::new(comma, message).with_help("leave the comma out"));
                break;
            }
        }
        self.close(")", &open)?;
        Ok(arguments)
    }

    pub(crate) fn aggregation(&mut self, op: AggregateOp) -> Parsed<Expr> {
        let op_span = self.take().span;
        let known_problems = self.problems.len();
        let mut grouping = self.grouping()?;
        if grouping.is_some() && !self.is_sign("(") {
            if self.problems.len() > known_problems {
                // The list of labels went wrong, and what follows with it.
                return Err(Halt::Reported);
            }
            let help = format!("write the expression in parentheses: {} by (...) (...)", op.as_str());
            return Err(self.unexpected("in aggregation, expected \"(\"").with_help(help).into());
        }
        let mut arguments = self.arguments()?;
        if op == AggregateOp::CountValues {
            self.name_label_problem(&arguments);
        }
        let end = self.end();
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let span = op_span.start..self.end();
        let expected = if op.parameter().is_some() { 2 } else { 1 };
        if self.ended_inside.is_some() && arguments.len() < expected {
            return Ok(Self::stand_in(span));
        }
        if arguments.len() != expected {
            let message = match arguments.len() {
                0 => "no arguments for aggregate expression provided".to_owned(),
                given => format!(
                    "wrong number of arguments for aggregate expression provided, expected {expected}, got {given}"
                ),
            };
            let example = if expected == 2 { "topk(5, up)" } else { "sum(up)" };
            self.note(ParseError::new(op_span.start..end, message).with_help(format!("such as {example}")));
            return Ok(Self::stand_in(span));
        }
        let inner = arguments.remove(expected - 1);
        let parameter = arguments.pop();
        let aggregation = Aggregation { op, op_span, parameter, inner, grouping };
        self.node(ExprKind::Aggregate(Box::new(aggregation)), span)
    }

    /// The label of `count_values` is the one text that must also be a name, and is called one where it is wrong.
    fn name_label_problem(&mut self, arguments: &[Expr]) {
        let Some(label) = arguments.first().filter(|label| matches!(label.kind, ExprKind::Text(_))) else {
            return;
        };
        if let Some(problem) = self.problems.iter_mut().find(|problem| problem.span == label.span) {
            let written = clipped(self.text.get(label.span.clone()).unwrap_or_default());
            problem.message = format!("invalid label name {written}");
        }
    }

    pub(crate) fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let is_without = self.is_word("without");
        if !is_without && !self.is_word("by") {
            return Ok(None);
        }
        self.take();
        Ok(Some(Grouping { is_without, names: self.label_list()? }))
    }

    /// `rate(x[5m]) by (job)`: only aggregations group.
    pub(crate) fn stray_grouping(&mut self) -> Parsed<bool> {
        let is_grouping = self.is_word("by") || self.is_word("without");
        if !is_grouping || !matches!(self.peek_second(), Token::Sign("(")) {
            return Ok(false);
        }
        let error = self.unexpected("").with_help("only aggregations group: sum by (job) (...)");
        self.note(error);
        self.grouping()?;
        Ok(true)
    }
}

/// The function of a similar name; of equally similar ones, one that takes such an argument.
fn did_you_mean(name: &str, argument: Option<&Expr>) -> Option<String> {
    let takes = |function: &&Function| {
        argument.is_some_and(|a| function.spec().arguments.first() == Some(&a.result()))
    };
    let fitting = Function::ALL.iter().filter(takes).map(|f| f.spec().name);
    let all = Function::ALL.iter().map(|f| f.spec().name).chain(AggregateOp::ALL.map(AggregateOp::as_str));
    let close = bellwether_diag::suggest(name, fitting.chain(["rate", "sum"]).chain(all))?;
    Some(format!("did you mean {close:?}?"))
}

/// Functions of other systems, and what does their work here.
fn near_function(name: &str) -> Option<&'static str> {
    Some(match name {
        "average" | "mean" => "write avg(...)",
        "total" | "add" => "write sum(...)",
        "percentile" | "histogram_percentile" => "write quantile(0.95, ...) or histogram_quantile(0.95, ...)",
        "median" => "write quantile(0.5, ...)",
        "derivative" => "write deriv(...)",
        "distinct" | "count_distinct" => "write count(count by (label) (...))",
        "now" => "write time()",
        "log" => "write ln(...), log2(...) or log10(...)",
        "pow" | "power" => "write a ^ b",
        "mod" => "write a % b",
        "if" => "write (...) and (condition)",
        "not" => "write ... unless (...)",
        "coalesce" | "default" => "write ... or vector(0)",
        "holt_winters" => "it is called double_exponential_smoothing now",
        _ => return None,
    })
}
