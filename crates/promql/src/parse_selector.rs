//! Reads selectors and what may follow them: ranges, subqueries, `offset`, `@`, `anchored` and `smoothed`.

use bellwether_model::{MatchOp, Matcher, TimeDelta, Timestamp};

use crate::kind::Kind;
use crate::lex::{Token, clipped};
use crate::parse::{Parser, named_number};
use crate::parse_error::ParseError;
use crate::parse_halt::{Halt, Parsed};
use crate::syntax::{
    At, DurationExpr, DurationKind, Edges, Expr, ExprKind, RangeSelector, Shift, Span, Subquery,
    VectorSelector,
};

impl Parser<'_> {
    pub(crate) fn postfix(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary()?;
        loop {
            if self.is_sign("[") {
                expr = self.range_or_subquery(expr)?;
            } else if self.is_word("offset") || self.is_sign("@") {
                self.shift(&mut expr)?;
            } else if self.is_word("anchored") || self.is_word("smoothed") {
                self.edges(&mut expr)?;
            } else if self.stray_grouping()? {
                continue;
            } else {
                return Ok(expr);
            }
        }
    }

    pub(crate) fn range_or_subquery(&mut self, inner: Expr) -> Parsed<Expr> {
        let open = self.take().span;
        let depth = self.depth;
        let range = match self.duration_expr() {
            Ok(range) => range,
            Err(halt) => self.recover_duration(halt, depth)?,
        };
        let start = inner.span.start;
        if self.take_sign(":") {
            let step = if matches!(self.peek(), Token::Sign("]") | Token::End) {
                None
            } else {
                match self.duration_expr() {
                    Ok(step) => Some(step),
                    Err(halt) => Some(self.recover_duration(halt, depth)?),
                }
            };
            self.end_of_range(&open)?;
            let subquery = Subquery { inner: Box::new(inner), range, step, shift: Shift::default() };
            return self.node(ExprKind::Subquery(Box::new(subquery)), start..self.end());
        }
        self.end_of_range(&open)?;
        let span = start..self.end();
        let inner_is_stand_in = inner.is_stand_in();
        match inner.kind {
            ExprKind::Selector(mut selector) => {
                let name = match (&selector.shift.offset, &selector.shift.at) {
                    (Some(_), _) => Some("offset"),
                    (None, Some(_)) => Some("@"),
                    (None, None) => None,
                };
                if let Some(name) = name {
                    let message = format!("no {name} modifiers allowed before range");
                    let range = self.text.get(open.start..self.end()).unwrap_or_default();
                    let help = format!("write the range first: up{} {name} ...", clipped(range));
                    self.note(ParseError::new(open.start..span.end, message).with_help(help));
                }
                selector.span = span.clone();
                self.node(ExprKind::Range(Box::new(RangeSelector { selector: *selector, range })), span)
            }
            kind => {
                let range =
                    clipped(self.text.get(open.start..self.end().saturating_sub(1)).unwrap_or_default());
                let help = match &kind {
                    ExprKind::Range(_) | ExprKind::Subquery(_) => {
                        "write one range; a function over time stands between two: max_over_time(rate(up[5m])[1h:])".to_owned()
                    }
                    ExprKind::Call(call) if call.function.spec().arguments.contains(&Kind::Range) => {
                        format!("put the range inside, {}(up{range}]), or write a subquery: {range}:]", call.function.spec().name)
                    }
                    _ => format!("write a subquery: {range}:]"),
                };
                if !inner_is_stand_in {
                    let message = "ranges only allowed for vector selectors";
                    self.note(ParseError::new(open.start..span.end, message).with_help(help));
                }
                Ok(Self::stand_in(span))
            }
        }
    }

    /// Goes on behind a duration that cannot be read, as if it were a minute.
    fn recover_duration(&mut self, halt: Halt, depth: u32) -> Parsed<DurationExpr> {
        let start = self.span().start;
        self.recover(halt, depth, &[":", "]"])?;
        // Parentheses within the broken duration.
        let last = self.tokens.iter().rposition(|placed| placed.token == Token::Sign("]"));
        while self.is_sign(")") && last.is_some_and(|last| self.next < last) {
            self.take();
            self.skip_until(&[":", "]"]);
        }
        let span = start..self.end().max(start);
        Ok(DurationExpr { kind: DurationKind::Literal(TimeDelta::MINUTE), span })
    }

    fn end_of_range(&mut self, open: &Span) -> Parsed<()> {
        if !matches!(self.peek(), Token::Sign("]") | Token::End) {
            let error = self.unexpected("in subquery or range selector, expected \"]\"");
            let error = match self.peek() {
                Token::Sign(":") => error.with_help("a subquery has a range and a step: [1h:1m]"),
                Token::Sign(")" | "}") => error.with_help("close the range with \"]\" before it"),
                _ => error.with_help("write a duration such as [5m], or of a subquery [1h:1m]"),
            };
            let is_closing = matches!(self.peek(), Token::Sign(")" | "}"));
            let depth = self.depth;
            self.recover(
                error.with_related(open.clone(), "this bracket was opened here").into(),
                depth,
                &["]"],
            )?;
            if is_closing {
                return Ok(());
            }
        }
        self.close("]", open)
    }

    pub(crate) fn shift(&mut self, expr: &mut Expr) -> Parsed<()> {
        let (start, is_stand_in) = (self.span().start, expr.is_stand_in());
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
            _ if is_stand_in => return Ok(()),
            _ => {
                let name = if is_offset { "offset" } else { "@" };
                let message = format!(
                    "{name} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                );
                let written = clipped(self.text.get(start..end).unwrap_or_default());
                let error = ParseError::new(start..end, message);
                self.note(error.with_help(format!("move it behind the selector inside: up {written}")));
                return Ok(());
            }
        };
        let is_twice = (is_offset && shift.offset.is_some()) || (!is_offset && shift.at.is_some());
        if is_twice {
            let name = if is_offset { "offset" } else { "@ <timestamp>" };
            self.note(ParseError::new(start..end, format!("{name} may not be set multiple times")));
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
                self.expect_sign("(", "in @")?;
                self.expect_sign(")", "in @")?;
                return Ok(at);
            }
        }
        let start = self.span().start;
        let is_number = matches!(
            self.peek(),
            Token::Number(_) | Token::Duration(_) | Token::Sign("-" | "+") | Token::Unknown
        ) || matches!(self.peek(), Token::Word(word) if named_number(word).is_some());
        if !is_number {
            let help = "write seconds since 1970, such as @ 1609746000, or @ start() or @ end()";
            return Err(self.unexpected("in @, expected timestamp").with_help(help).into());
        }
        let seconds = self.signed_number("in @, expected timestamp")?;
        if !seconds.is_finite() || seconds.abs() > 9.0e15 {
            let message = "timestamp out of bounds for @ modifier";
            let error = ParseError::new(start..self.end(), message);
            self.note(error.with_help("write seconds since 1970, such as 1609746000"));
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
            Some(_) => {
                let message = "anchored and smoothed modifiers cannot be used together or twice";
                self.note(ParseError::new(span, message).with_help("keep one of them"));
            }
            None => {
                let message = "anchored and smoothed modifiers need a range vector selector";
                self.note(
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
        let open = self.span();
        if self.take_sign("{") {
            self.matchers(&mut found, &open)?;
            self.close("}", &open)?;
        }
        found.span = start..self.end();
        let span = found.span.clone();
        Ok(Expr::new(ExprKind::Selector(Box::new(found)), span))
    }

    fn matchers(&mut self, found: &mut VectorSelector, open: &Span) -> Parsed<()> {
        loop {
            match self.peek() {
                Token::Sign("}") | Token::End => return Ok(()),
                Token::Sign(",") => {
                    let error = self.unexpected("in label matching, expected identifier or \"}\"");
                    self.note(error.with_help("leave the comma out"));
                    self.take();
                    continue;
                }
                Token::Sign(_)
                | Token::Word(_)
                | Token::Number(_)
                | Token::Duration(_)
                | Token::Text(_)
                | Token::Unknown => {}
            }
            let depth = self.depth;
            if let Err(halt) = self.matcher(found) {
                self.recover(halt, depth, &[",", "}"])?;
            }
            self.check_length(found.matchers.len(), "conditions of one selector", open)?;
            if self.take_sign(",") || matches!(self.peek(), Token::Sign("}") | Token::End) {
                continue;
            }
            if !matches!(self.peek(), Token::Word(_) | Token::Text(_)) {
                let error = self.unexpected("in label matching, expected \",\" or \"}\"");
                self.recover(error.with_help("write \",\" or \"}\" here").into(), depth, &[",", "}"])?;
                if !self.take_sign(",") {
                    return Ok(());
                }
                continue;
            }
            let error = self.unexpected("in label matching, expected \",\" or \"}\"");
            self.note(error.with_help("write a comma between conditions"));
        }
    }

    fn matcher(&mut self, found: &mut VectorSelector) -> Parsed<()> {
        let start = self.span();
        let (label, is_quoted) = match self.peek().clone() {
            Token::Word(word) => (word, false),
            Token::Text(text) => (text, true),
            Token::Unknown => {
                self.skip_until(&[",", "}"]);
                return Ok(());
            }
            Token::Number(_) | Token::Duration(_) | Token::Sign(_) | Token::End => {
                let error = self.unexpected("in label matching, expected identifier or \"}\"");
                return Err(error.with_help("write conditions such as job=\"api\"").into());
            }
        };
        self.take();
        let Some(op) = self.match_op(&label, is_quoted)? else {
            found.name(label, start);
            return Ok(());
        };
        let value = self.match_value(&label, op)?;
        let span = start.start..self.end();
        if label == bellwether_model::METRIC_NAME && op == MatchOp::Equal && found.name.is_none() {
            found.name = Some(value.clone());
        }
        match self.budget.matcher(op, label, value) {
            Ok(matcher) => {
                found.matchers.push(matcher);
                found.matcher_spans.push(span);
            }
            Err(message) => {
                // Something that selects anything stands in, so that nothing else is said about the selector.
                found.matchers.push(Matcher::equal("", "\0"));
                found.matcher_spans.push(span.clone());
                self.note(ParseError::new(span, message));
            }
        }
        Ok(())
    }

    /// The operator of a condition; none where a text in quotes names the metric.
    fn match_op(&mut self, label: &str, is_quoted: bool) -> Parsed<Option<MatchOp>> {
        let op = match self.peek() {
            Token::Sign("=") => MatchOp::Equal,
            Token::Sign("!=") => MatchOp::NotEqual,
            Token::Sign("=~") => MatchOp::Regex,
            Token::Sign("!~") => MatchOp::NotRegex,
            _ if is_quoted => return Ok(None),
            Token::Sign("==" | ":") => {
                let written = clipped(label);
                let error = self.unexpected("in label matching, expected label matching operator");
                self.note(error.with_help(format!("write {written}=\"...\"")));
                MatchOp::Equal
            }
            Token::Sign("<" | ">" | "<=" | ">=") => {
                let error = self.unexpected("in label matching, expected label matching operator");
                let help =
                    "labels are texts, compared with = != =~ !~; values are compared behind the braces";
                self.note(error.with_help(help));
                MatchOp::Equal
            }
            Token::Text(_) => {
                let value = self.text.get(self.span()).unwrap_or_default();
                let help = format!("write {}={}", clipped(label), clipped(value));
                let error = self.unexpected("in label matching, expected label matching operator");
                self.note(error.with_help(help));
                return Ok(Some(MatchOp::Equal));
            }
            Token::Word(word) if word.eq_ignore_ascii_case("in") || word.eq_ignore_ascii_case("like") => {
                let help = format!("write {}=~\"a|b\"", clipped(label));
                return Err(self
                    .unexpected("in label matching, expected label matching operator")
                    .with_help(help)
                    .into());
            }
            Token::Sign(_)
            | Token::Word(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Unknown
            | Token::End => {
                if *self.peek() == Token::End {
                    // The unclosed brace is what is wrong.
                    return Ok(Some(MatchOp::Equal));
                }
                let error = self.unexpected("in label matching, expected label matching operator");
                return Err(error.with_help("write one of = != =~ !~ after the label's name").into());
            }
        };
        self.take();
        Ok(Some(op))
    }

    fn match_value(&mut self, label: &str, op: MatchOp) -> Parsed<String> {
        match self.peek().clone() {
            Token::Text(value) => {
                self.take();
                Ok(value)
            }
            // The problem is said where it was found, or where the text ends.
            Token::Unknown | Token::End => {
                self.skip_until(&[",", "}"]);
                Ok("\0".to_owned())
            }
            Token::Sign("=") => {
                let error = self.unexpected("in label matching, expected string");
                self.note(error.with_help(format!("write {}{}", clipped(label), op.as_str())));
                self.take();
                self.match_value(label, op)
            }
            Token::Word(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Sign("." | "/" | "*" | "-" | "^" | "(" | "[") => {
                let start = self.span().start;
                let error = self.unexpected("in label matching, expected string");
                self.skip_until(&[",", "}"]);
                let written = self.text.get(start..self.end()).unwrap_or_default();
                let help = format!(
                    "put the value in quotes: {}{}{:?}",
                    clipped(label),
                    op.as_str(),
                    clipped(written)
                );
                self.note(ParseError { span: start..self.end(), ..error }.with_help(help));
                Ok("\0".to_owned())
            }
            Token::Sign(_) => {
                let error = self.unexpected("in label matching, expected string");
                Err(error
                    .with_help(format!("write a text in quotes: {}{}\"...\"", clipped(label), op.as_str()))
                    .into())
            }
        }
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
