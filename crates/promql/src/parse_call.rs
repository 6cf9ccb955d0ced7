//! Reads function calls and aggregations, and the modifiers of operators between vectors.

use crate::function::Function;
use crate::lex::Token;
use crate::parse::{Parsed, Parser};
use crate::parse_error::ParseError;
use crate::syntax::{
    AggregateOp, Aggregation, BinaryOp, Call, Expr, ExprKind, Grouping, MatchGroup, MatchLabels, Matching,
    Span,
};

impl Parser {
    pub(crate) fn matching(&mut self, op: BinaryOp) -> Parsed<(bool, Matching)> {
        let mut matching = Matching::default();
        let bool_span = self.span();
        let is_bool = self.take_word("bool");
        if is_bool && !op.is_comparison() {
            let message =
                format!("bool modifier can only be used on comparison operators, not on {}", op.as_str());
            self.problems.push(ParseError::new(bool_span, message).with_help("leave bool out"));
        }
        let is_on = self.is_word("on");
        if (is_on || self.is_word("ignoring")) && matches!(self.peek_second(), Token::Sign("(")) {
            self.take();
            matching.labels = Some(MatchLabels { is_on, names: self.label_list()? });
        }
        let is_left = self.is_word("group_left");
        if is_left || self.is_word("group_right") {
            let span = self.take().span;
            if matching.labels.is_none() {
                let name = if is_left { "group_left" } else { "group_right" };
                let error = ParseError::new(span.clone(), format!("unexpected <{name}>"));
                self.problems.push(
                    error.with_help(format!("say first which labels must agree: on (...) {name} (...)")),
                );
            }
            let include = if self.is_sign("(") { self.label_list()? } else { Vec::new() };
            if op.is_set() {
                let message = format!("no grouping allowed for {:?} operation", op.as_str());
                self.problems
                    .push(ParseError::new(span.clone(), message).with_help("leave the group modifier out"));
            }
            let twice = matching
                .labels
                .iter()
                .filter(|l| l.is_on)
                .flat_map(|l| &l.names)
                .find(|n| include.contains(n));
            if let Some(name) = twice {
                let message = format!("label {name:?} must not occur in ON and GROUP clause at once");
                self.problems.push(ParseError::new(span, message));
            }
            matching.group = Some(MatchGroup { is_left, include });
        }
        self.fills(op, &mut matching)?;
        Ok((is_bool, matching))
    }

    pub(crate) fn fills(&mut self, op: BinaryOp, matching: &mut Matching) -> Parsed<()> {
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
                let message =
                    format!("filling in missing series not allowed for {:?} operation", op.as_str());
                self.problems.push(ParseError::new(span, message).with_help("leave the fill modifier out"));
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
        self.expect_sign("(", "before the list of labels")?;
        let mut names = Vec::new();
        while !self.is_sign(")") {
            match self.peek().clone() {
                Token::Word(name) if !name.contains(':') => names.push(name),
                Token::Text(name) if !name.is_empty() => names.push(name),
                _ => return Err(self.unexpected("in the list of labels").with_help("write a label's name")),
            }
            self.take();
            if !self.take_sign(",") {
                break;
            }
        }
        self.expect_sign(")", "in the list of labels")?;
        Ok(names)
    }

    pub(crate) fn call(&mut self, name: String) -> Parsed<Expr> {
        let name_span = self.take().span;
        let arguments = self.arguments()?;
        let span = name_span.start..self.end();
        let Some(function) = Function::of_name(&name) else {
            let known =
                Function::ALL.iter().map(|f| f.spec().name).chain(AggregateOp::ALL.map(AggregateOp::as_str));
            let mut error = ParseError::new(name_span, format!("unknown function with name {name:?}"));
            error.help =
                bellwether_diag::suggest(&name, known).map(|close| format!("did you mean {close:?}?"));
            self.problems.push(error);
            return Ok(self.stand_in(span));
        };
        self.node(ExprKind::Call(Call { function, name_span, arguments }), span)
    }

    /// The query is refused anyway, but reading goes on to find what else is wrong.
    pub(crate) fn stand_in(&mut self, span: Span) -> Expr {
        self.stand_ins.push(span.clone());
        Expr::new(ExprKind::Number { value: 0.0, is_duration: false }, span)
    }

    pub(crate) fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.expect_sign("(", "before the arguments")?;
        let mut arguments = Vec::new();
        while !self.is_sign(")") {
            arguments.push(self.expression()?);
            if self.take_sign(",") {
                if self.is_sign(")") {
                    return Err(
                        self.unexpected("after a comma; trailing commas not allowed in function call args")
                    );
                }
            } else if !self.is_sign(")") {
                return Err(self.unexpected("in the arguments").with_help("write \",\" or \")\" here"));
            }
        }
        self.take();
        Ok(arguments)
    }

    pub(crate) fn aggregation(&mut self, op: AggregateOp) -> Parsed<Expr> {
        let op_span = self.take().span;
        let mut grouping = self.grouping()?;
        let mut arguments = self.arguments()?;
        let end = self.end();
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let span = op_span.start..self.end();
        let expected = if op.parameter().is_some() { 2 } else { 1 };
        if arguments.len() != expected {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {expected}, got {}",
                arguments.len()
            );
            let example = if expected == 2 { "topk(5, up)" } else { "sum(up)" };
            self.problems
                .push(ParseError::new(op_span.start..end, message).with_help(format!("such as {example}")));
            return Ok(self.stand_in(span));
        }
        let inner = arguments.remove(expected - 1);
        let parameter = arguments.pop();
        let aggregation = Aggregation { op, op_span, parameter, inner, grouping };
        self.node(ExprKind::Aggregate(Box::new(aggregation)), span)
    }

    pub(crate) fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let is_without = self.is_word("without");
        if !is_without && !self.is_word("by") {
            return Ok(None);
        }
        self.take();
        Ok(Some(Grouping { is_without, names: self.label_list()? }))
    }
}
