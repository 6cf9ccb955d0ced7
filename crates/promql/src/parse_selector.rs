//! Reads selectors and what may follow them: ranges, subqueries, `offset`, `@`, `anchored` and `smoothed`.

use bellwether_model::{MatchOp, Matcher, Timestamp};

use crate::lex::{Placed, Token};
use crate::parse::{Parsed, Parser};
use crate::parse_error::ParseError;
use crate::syntax::{
    At, DurationExpr, Edges, Expr, ExprKind, RangeSelector, Shift, Span, Subquery, VectorSelector,
};

impl Parser {
    pub(crate) fn postfix(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary()?;
        loop {
            if self.is_sign("[") {
                expr = self.range_or_subquery(expr)?;
            } else if self.is_word("offset") || self.is_sign("@") {
                self.shift(&mut expr)?;
            } else if self.is_word("anchored") || self.is_word("smoothed") {
                self.edges(&mut expr)?;
            } else {
                return Ok(expr);
            }
        }
    }

    pub(crate) fn range_or_subquery(&mut self, inner: Expr) -> Parsed<Expr> {
        self.take();
        let range = self.duration_expr()?;
        let start = inner.span.start;
        if self.take_sign(":") {
            let step = if self.is_sign("]") { None } else { Some(self.duration_expr()?) };
            self.expect_sign("]", "in the subquery")?;
            let subquery = Subquery { inner: Box::new(inner), range, step, shift: Shift::default() };
            return self.node(ExprKind::Subquery(Box::new(subquery)), start..self.end());
        }
        self.expect_sign("]", "in the range")?;
        let span = start..self.end();
        match inner.kind {
            ExprKind::Selector(mut selector) => {
                if selector.shift.offset.is_some() || selector.shift.at.is_some() {
                    let error =
                        ParseError::new(span.clone(), "no offset or @ modifiers allowed before range");
                    self.problems.push(error.with_help("write them after the range: up[5m] offset 1h"));
                }
                selector.span = span.clone();
                self.node(ExprKind::Range(Box::new(RangeSelector { selector: *selector, range })), span)
            }
            ExprKind::Range(_) | ExprKind::Subquery(_) => {
                Err(ParseError::new(span, "a range of a range has no meaning")
                    .with_help("write a subquery: [1h:1m]"))
            }
            kind => {
                let is_metric = "ranges are only allowed for vector selectors";
                self.problems
                    .push(ParseError::new(span.clone(), is_metric).with_help("write a subquery: [5m:]"));
                Ok(Expr::new(kind, span))
            }
        }
    }

    pub(crate) fn shift(&mut self, expr: &mut Expr) -> Parsed<()> {
        let start = self.span().start;
        let is_offset = self.is_word("offset");
        self.take();
        let offset = if is_offset { Some(self.offset_duration()?) } else { None };
        let at = if is_offset { None } else { Some(self.at_moment()?) };
        let end = self.end();
        expr.span.end = end;
        let shift = match &mut expr.kind {
            ExprKind::Selector(selector) => {
                selector.span.end = end;
                &mut selector.shift
            }
            ExprKind::Range(range) => {
                range.selector.span.end = end;
                &mut range.selector.shift
            }
            ExprKind::Subquery(subquery) => &mut subquery.shift,
            _ => {
                let name = if is_offset { "offset" } else { "@" };
                let message = format!(
                    "{name} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                );
                let error = ParseError::new(start..end, message);
                self.problems.push(error.with_help("move it behind the selector"));
                return Ok(());
            }
        };
        let is_twice = (is_offset && shift.offset.is_some()) || (!is_offset && shift.at.is_some());
        if is_twice {
            let name = if is_offset { "offset" } else { "@ <timestamp>" };
            self.problems.push(ParseError::new(start..end, format!("{name} may not be set multiple times")));
        }
        if is_offset {
            shift.offset = offset;
        } else {
            shift.at = at;
        }
        Ok(())
    }

    pub(crate) fn at_moment(&mut self) -> Parsed<At> {
        for (word, at) in [("start", At::Start), ("end", At::End)] {
            if self.take_word(word) {
                self.expect_sign("(", "after @ start or @ end")?;
                self.expect_sign(")", "after @ start or @ end")?;
                return Ok(at);
            }
        }
        let span = self.span();
        let seconds = self.signed_number("after @")?;
        if !seconds.is_finite() || seconds.abs() > 9.0e15 {
            self.problems.push(ParseError::new(span, "timestamp out of bounds for @ modifier"));
            return Ok(At::Start);
        }
        Ok(At::Time(Timestamp::from_secs_f64(seconds)))
    }

    pub(crate) fn edges(&mut self, expr: &mut Expr) -> Parsed<()> {
        let edges = if self.is_word("anchored") { Edges::Anchored } else { Edges::Smoothed };
        let span = self.take().span;
        expr.span.end = span.end;
        let place = match &mut expr.kind {
            ExprKind::Range(range) => Some(&mut range.selector.edges),
            ExprKind::Selector(selector) if edges == Edges::Smoothed => Some(&mut selector.edges),
            _ => None,
        };
        match place {
            Some(place) if *place == Edges::Plain => *place = edges,
            Some(_) => self.problems.push(ParseError::new(span, "anchored or smoothed may be set once")),
            None => {
                let message = "anchored and smoothed modifiers need a range vector selector";
                self.problems.push(
                    ParseError::new(span, message).with_help("write it after the range: up[5m] anchored"),
                );
            }
        }
        Ok(())
    }

    pub(crate) fn selector(&mut self, name: Option<(String, Span)>) -> Parsed<Expr> {
        let start = name.as_ref().map_or(self.span().start, |(_, span)| span.start);
        let mut found = VectorSelector {
            name: None,
            is_name_bare: name.is_some(),
            matchers: Vec::new(),
            matcher_spans: Vec::new(),
            shift: Shift::default(),
            edges: Edges::Plain,
            span: start..start,
        };
        if let Some((name, span)) = name {
            found.name(name, span);
        }
        if self.take_sign("{") {
            while !self.is_sign("}") {
                self.matcher(&mut found)?;
                if !self.take_sign(",") {
                    break;
                }
            }
            if !self.take_sign("}") {
                let error = self.unexpected("in label matching");
                return Err(error.with_help("write \",\" or \"}\" here"));
            }
        }
        found.span = start..self.end();
        let span = found.span.clone();
        Ok(Expr::new(ExprKind::Selector(Box::new(found)), span))
    }

    pub(crate) fn matcher(&mut self, found: &mut VectorSelector) -> Parsed<()> {
        let Placed { token, span } = self.take();
        let (label, is_quoted) = match token {
            Token::Word(word) => (word, false),
            Token::Text(text) => (text, true),
            Token::Number(_) | Token::Duration(_) | Token::Sign(_) | Token::End => {
                let error = ParseError::new(span, "expected a label name in label matching");
                return Err(error.with_help("write conditions such as job=\"api\""));
            }
        };
        let op = match self.peek() {
            Token::Sign("=") => MatchOp::Equal,
            Token::Sign("!=") => MatchOp::NotEqual,
            Token::Sign("=~") => MatchOp::Regex,
            Token::Sign("!~") => MatchOp::NotRegex,
            _ if is_quoted => {
                found.name(label, span);
                return Ok(());
            }
            Token::Sign("==") => {
                return Err(self
                    .unexpected("in label matching")
                    .with_help("equality of labels is written ="));
            }
            _ => {
                let error = self.unexpected("in label matching");
                return Err(error.with_help("write one of = != =~ !~ after the label's name"));
            }
        };
        self.take();
        let Token::Text(value) = self.peek().clone() else {
            let error = self.unexpected("in label matching, expected string");
            return Err(error.with_help("put the value in quotes"));
        };
        self.take();
        let span = span.start..self.end();
        if label == bellwether_model::METRIC_NAME && op == MatchOp::Equal && found.name.is_none() {
            found.name = Some(value.clone());
        }
        match Matcher::new(op, label, value) {
            Ok(matcher) => {
                found.matchers.push(matcher);
                found.matcher_spans.push(span);
            }
            Err(error) => self.problems.push(ParseError::new(span, error.to_string())),
        }
        Ok(())
    }

    pub(crate) fn offset_duration(&mut self) -> Parsed<DurationExpr> {
        self.duration_primary(true)
    }
}

impl VectorSelector {
    fn name(&mut self, name: String, span: Span) {
        self.matchers.push(Matcher::equal(bellwether_model::METRIC_NAME, name.clone()));
        self.matcher_spans.push(span);
        self.name.get_or_insert(name);
    }
}
