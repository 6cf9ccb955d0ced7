//! From tokens to a tree: recursive descent with operator precedence.
//!
//! What is wrong with types, names or patterns does not stop the parser, so one run reports all of it; only text
//! that has no structure ends it early. The tree's height is bounded here, so nothing after needs to fear recursion.

use bellwether_model::{MatchOp, Matcher, TimeDelta, Timestamp};

use crate::check;
use crate::function::Function;
use crate::lex::{LexError, Placed, Token, tokens};
use crate::syntax::{
    AggregateOp, Aggregation, At, Binary, BinaryOp, Call, DurationExpr, Edges, Expr, ExprKind, Grouping,
    MatchGroup, MatchLabels, Matching, RangeSelector, Shift, Span, Subquery, VectorSelector,
};

/// Longest text that is read at all.
pub const QUERY_BYTES_MAX: usize = 4 << 20;

/// Levels of nesting; evaluating this many fits a thread with a stack of 2 MiB, unoptimised.
pub const NESTING_MAX: u32 = 100;

/// Something wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Where, in bytes.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl ParseError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<LexError> for ParseError {
    fn from(error: LexError) -> Self {
        Self { span: error.span, message: error.message, help: error.help }
    }
}

/// Parses and type-checks a query. All errors that can be told apart are reported, sorted by place.
pub fn parse(text: &str) -> Result<Expr, Vec<ParseError>> {
    if text.len() > QUERY_BYTES_MAX {
        let message =
            format!("query of {} bytes is too long; at most {QUERY_BYTES_MAX} are read", text.len());
        return Err(vec![ParseError::new(0..0, message)]);
    }
    let tokens = tokens(text).map_err(|error| vec![error.into()])?;
    let mut parser = Parser { tokens, next: 0, depth: 0, problems: Vec::new(), stand_ins: Vec::new() };
    let parsed = parser.query();
    let mut problems = parser.problems;
    match parsed {
        Ok(expr) => {
            let mut found = Vec::new();
            check::types(&expr, &mut found);
            found.retain(|problem| !parser.stand_ins.contains(&problem.span));
            problems.extend(found);
            if problems.is_empty() {
                return Ok(expr);
            }
        }
        Err(error) => problems.push(error),
    }
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    Err(problems)
}

pub(crate) type Parsed<T> = Result<T, ParseError>;

pub(crate) struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    pub(crate) depth: u32,
    /// What is wrong without being in the way of reading on.
    pub(crate) problems: Vec<ParseError>,
    /// Where a number stands in for something that could not be built; its kind says nothing.
    stand_ins: Vec<Span>,
}

impl Parser {
    pub(crate) fn peek(&self) -> &Token {
        &self.tokens[self.next].token
    }

    fn peek_second(&self) -> &Token {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].token
    }

    pub(crate) fn span(&self) -> Span {
        self.tokens[self.next].span.clone()
    }

    /// Where the last token taken ends.
    pub(crate) fn end(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |last| self.tokens[last].span.end)
    }

    pub(crate) fn take(&mut self) -> Placed {
        let placed = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        placed
    }

    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(s) if *s == sign)
    }

    pub(crate) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.take();
        }
        found
    }

    pub(crate) fn expect_sign(&mut self, sign: &str, context: &str) -> Parsed<()> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(self.unexpected(context).with_help(format!("write {sign:?} here")))
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.take();
        }
        found
    }

    pub(crate) fn unexpected(&self, context: &str) -> ParseError {
        let what = match self.peek() {
            Token::Word(word) => format!("{word:?}"),
            Token::Number(_) => "a number".to_owned(),
            Token::Duration(_) => "a duration".to_owned(),
            Token::Text(_) => "a string".to_owned(),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::End => "end of input".to_owned(),
        };
        ParseError::new(self.span(), format!("unexpected {what} {context}"))
    }

    fn query(&mut self) -> Parsed<Expr> {
        if *self.peek() == Token::End {
            return Err(
                ParseError::new(0..0, "no expression found in input").with_help("write a query, such as up")
            );
        }
        let expr = self.expression()?;
        if *self.peek() == Token::End {
            return Ok(expr);
        }
        let mut error = self.unexpected("after the expression");
        if let Token::Word(word) = self.peek() {
            let known = ["and", "or", "unless", "atan2", "offset", "by", "without", "bool", "on", "ignoring"];
            if let Some(close) = bellwether_diag::suggest(word, known) {
                error = error.with_help(format!("did you mean {close:?}?"));
            }
        } else if self.is_sign(")") {
            error = error.with_help("there is no open parenthesis to close");
        } else if self.is_sign("=") {
            error = error.with_help("equality is written ==");
        }
        Err(error)
    }

    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        self.binary(1)
    }

    pub(crate) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth <= NESTING_MAX {
            return Ok(());
        }
        Err(too_deep(self.span()))
    }

    fn node(&self, kind: ExprKind, span: Span) -> Parsed<Expr> {
        let expr = Expr::new(kind, span);
        if expr.height() > NESTING_MAX { Err(too_deep(expr.span.clone())) } else { Ok(expr) }
    }

    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        self.enter()?;
        let mut left = self.unary()?;
        while let Some(op) = self.peek_operator() {
            let precedence = op.precedence();
            if precedence < least {
                break;
            }
            let op_span = self.take().span;
            let (is_bool, matching) = self.matching(op)?;
            // Only powers group to the right: 2 ^ 3 ^ 2 is 2 ^ 9.
            let right = self.binary(if op == BinaryOp::Power { precedence } else { precedence + 1 })?;
            let span = left.span.start..right.span.end;
            let binary = Binary { op, op_span, left, right, is_bool, matching };
            left = self.node(ExprKind::Binary(Box::new(binary)), span)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    pub(crate) fn peek_operator(&self) -> Option<BinaryOp> {
        match self.peek() {
            Token::Sign(sign) => operator_of_sign(sign),
            Token::Word(word) => [BinaryOp::And, BinaryOp::Or, BinaryOp::Unless, BinaryOp::Atan2]
                .into_iter()
                .find(|op| op.as_str().eq_ignore_ascii_case(word)),
            Token::Number(_) | Token::Duration(_) | Token::Text(_) | Token::End => None,
        }
    }

    fn matching(&mut self, op: BinaryOp) -> Parsed<(bool, Matching)> {
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

    pub(crate) fn signed_number(&mut self, context: &str) -> Parsed<f64> {
        let is_negative = self.take_sign("-");
        if !is_negative {
            self.take_sign("+");
        }
        let value = match self.peek() {
            Token::Number(value) => *value,
            Token::Duration(ms) => TimeDelta(*ms).as_secs_f64(),
            Token::Word(word) => named_number(word).ok_or_else(|| self.unexpected(context))?,
            Token::Text(_) | Token::Sign(_) | Token::End => {
                return Err(self.unexpected(context).with_help("write a number"));
            }
        };
        self.take();
        Ok(if is_negative { -value } else { value })
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

    fn unary(&mut self) -> Parsed<Expr> {
        let is_negative = self.is_sign("-");
        if !is_negative && !self.is_sign("+") {
            return self.postfix();
        }
        let start = self.take().span.start;
        // A sign binds weaker than a power: -2 ^ 2 is -4.
        let operand = self.binary(BinaryOp::Power.precedence())?;
        let span = start..operand.span.end;
        self.node(ExprKind::Unary { is_negative, operand: Box::new(operand) }, span)
    }

    fn postfix(&mut self) -> Parsed<Expr> {
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

    fn range_or_subquery(&mut self, inner: Expr) -> Parsed<Expr> {
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

    fn shift(&mut self, expr: &mut Expr) -> Parsed<()> {
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

    fn at_moment(&mut self) -> Parsed<At> {
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

    fn edges(&mut self, expr: &mut Expr) -> Parsed<()> {
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

    fn primary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        match self.peek().clone() {
            Token::Number(value) => {
                self.take();
                Ok(Expr::new(ExprKind::Number { value, is_duration: false }, span))
            }
            Token::Duration(ms) => {
                self.take();
                let value = TimeDelta(ms).as_secs_f64();
                Ok(Expr::new(ExprKind::Number { value, is_duration: true }, span))
            }
            Token::Text(text) => {
                self.take();
                Ok(Expr::new(ExprKind::Text(text), span))
            }
            Token::Sign("(") => {
                self.take();
                let inner = self.expression()?;
                if !self.take_sign(")") {
                    let error = self.unexpected("inside parentheses");
                    return Err(error.with_help("close the parenthesis with \")\""));
                }
                self.node(ExprKind::Paren(Box::new(inner)), span.start..self.end())
            }
            Token::Sign("{") => self.selector(None),
            Token::Word(word) => self.word(word),
            Token::Sign(_) | Token::End => Err(self.unexpected("where an expression should stand")),
        }
    }

    fn word(&mut self, word: String) -> Parsed<Expr> {
        let span = self.span();
        if let Some(op) = AggregateOp::of_name(&word) {
            let second_is_grouping = matches!(self.peek_second(), Token::Word(w)
                if w.eq_ignore_ascii_case("by") || w.eq_ignore_ascii_case("without"));
            if second_is_grouping || matches!(self.peek_second(), Token::Sign("(")) {
                return self.aggregation(op);
            }
        }
        if matches!(self.peek_second(), Token::Sign("(")) {
            return self.call(word);
        }
        if let Some(value) = named_number(&word) {
            self.take();
            return Ok(Expr::new(ExprKind::Number { value, is_duration: false }, span));
        }
        let reserved = ["bool", "on", "ignoring", "group_left", "group_right"];
        if reserved.iter().any(|r| word.eq_ignore_ascii_case(r)) {
            return Err(self.unexpected("where an expression should stand"));
        }
        self.take();
        self.selector(Some((word, span)))
    }

    fn call(&mut self, name: String) -> Parsed<Expr> {
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
    fn stand_in(&mut self, span: Span) -> Expr {
        self.stand_ins.push(span.clone());
        Expr::new(ExprKind::Number { value: 0.0, is_duration: false }, span)
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
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

    fn aggregation(&mut self, op: AggregateOp) -> Parsed<Expr> {
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

    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let is_without = self.is_word("without");
        if !is_without && !self.is_word("by") {
            return Ok(None);
        }
        self.take();
        Ok(Some(Grouping { is_without, names: self.label_list()? }))
    }

    fn selector(&mut self, name: Option<(String, Span)>) -> Parsed<Expr> {
        let start = name.as_ref().map_or(self.span().start, |(_, span)| span.start);
        let mut found = VectorSelector {
            name: None,
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

    fn matcher(&mut self, found: &mut VectorSelector) -> Parsed<()> {
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
                if found.name.is_some() {
                    let message = format!("metric name must not be set twice: {label:?}");
                    self.problems.push(ParseError::new(span.clone(), message));
                }
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

    fn offset_duration(&mut self) -> Parsed<DurationExpr> {
        self.duration_primary(true)
    }
}

impl VectorSelector {
    fn name(&mut self, name: String, span: Span) {
        self.matchers.push(Matcher::equal(bellwether_model::METRIC_NAME, name.clone()));
        self.matcher_spans.push(span);
        self.name = Some(name);
    }
}

fn too_deep(span: Span) -> ParseError {
    let message = format!("expression is nested too deeply; at most {NESTING_MAX} levels are read");
    ParseError::new(span, message)
        .with_help("record parts of it with rules, or match several names with a regex")
}

fn operator_of_sign(sign: &str) -> Option<BinaryOp> {
    Some(match sign {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Modulo,
        "^" => BinaryOp::Power,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessOrEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterOrEqual,
        "</" => BinaryOp::TrimUpper,
        ">/" => BinaryOp::TrimLower,
        _ => return None,
    })
}

/// `Inf` and `NaN` in any case.
fn named_number(word: &str) -> Option<f64> {
    if word.eq_ignore_ascii_case("inf") {
        return Some(f64::INFINITY);
    }
    word.eq_ignore_ascii_case("nan").then_some(f64::NAN)
}
