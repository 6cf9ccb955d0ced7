//! What the parser says about broken structure, and how it goes on after it: at the next comma or closing bracket of
//! the same level, with a stand-in that no later check complains about.

use crate::lex::{PROBLEMS_MAX, Token, clipped};
use crate::parse::Parser;
use crate::parse_error::ParseError;
use crate::parse_halt::{Halt, Parsed};
use crate::syntax::{BinaryOp, Expr, ExprKind, Span};

impl Parser<'_> {
    pub(crate) fn unexpected(&self, context: &str) -> ParseError {
        let written = clipped(self.text.get(self.span()).unwrap_or_default());
        let what = match self.peek() {
            Token::Word(_) => format!("identifier {written:?}"),
            Token::Number(_) => format!("number {written:?}"),
            Token::Duration(_) => format!("duration {written:?}"),
            Token::Text(_) => format!("string {written}"),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::Unknown => "character".to_owned(),
            Token::End => "end of input".to_owned(),
        };
        let context = context.trim();
        let space = if context.is_empty() || context.starts_with(',') { "" } else { " " };
        ParseError::new(self.span(), format!("unexpected {what}{space}{context}"))
    }

    /// Notes a problem, unless there are more already than anybody reads.
    pub(crate) fn note(&mut self, error: ParseError) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(error);
        }
    }

    /// Stands for something that could not be read; its kind says nothing.
    pub(crate) fn stand_in(span: Span) -> Expr {
        Expr::new(ExprKind::Number { value: f64::NAN, is_duration: true }, span)
    }

    /// Notes what was wrong and goes on at one of the signs, or before a bracket that closes something further out.
    pub(crate) fn recover(&mut self, halt: Halt, depth: u32, until: &[&str]) -> Parsed<Expr> {
        let start = self.span().start;
        match halt {
            Halt::Problem(error) => self.note(*error),
            Halt::Reported | Halt::TooDeep(_) => return Err(halt),
        }
        if self.problems.len() >= PROBLEMS_MAX {
            return Err(Halt::Reported);
        }
        self.depth = depth;
        self.skip_until(until);
        Ok(Self::stand_in(start..self.end().max(start)))
    }

    pub(crate) fn skip_until(&mut self, until: &[&str]) {
        let mut open = 0u32;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Sign(sign) if open == 0 && until.contains(sign) => return,
                Token::Sign("(" | "[" | "{") => open += 1,
                Token::Sign(")" | "]" | "}") if open == 0 => return,
                Token::Sign(")" | "]" | "}") => open -= 1,
                Token::Sign(_)
                | Token::Word(_)
                | Token::Number(_)
                | Token::Duration(_)
                | Token::Text(_)
                | Token::Unknown => {}
            }
            self.take();
        }
    }

    /// Takes a closing bracket; where the text ends instead, says once which brackets were left open.
    pub(crate) fn close(&mut self, sign: &str, open: &Span) -> Parsed<()> {
        if self.take_sign(sign) {
            return Ok(());
        }
        let (name, context) = match sign {
            ")" => ("parenthesis", "inside parentheses"),
            "]" => ("bracket", "inside brackets"),
            _ => ("brace", "inside braces"),
        };
        let opened = (open.clone(), format!("this {name} was opened here"));
        if *self.peek() != Token::End {
            // A closing bracket of another kind.
            let message = format!("{context}, expected {sign:?}");
            let error = self.unexpected(&message).with_help(format!("write {sign:?} before it"));
            return Err(error.with_related(opened.0, opened.1).into());
        }
        match self.ended_inside {
            Some(index) => {
                if let Some(problem) = self.problems.get_mut(index) {
                    problem.related.push(opened);
                }
            }
            None => {
                let message = format!("unexpected end of input {context}: unclosed left {name}");
                let error =
                    ParseError::new(self.span(), message).with_help(format!("close it with {sign:?}"));
                self.ended_inside = Some(self.problems.len());
                self.note(error.with_related(opened.0, opened.1));
            }
        }
        Ok(())
    }

    /// What to say where an operand is missing.
    pub(crate) fn no_expression(&self) -> Halt {
        if self.ended_inside.is_some() {
            return Halt::Reported;
        }
        let error = self.unexpected("");
        let error = match self.peek() {
            Token::End => error.with_help("an expression is missing here"),
            Token::Sign("[") => error.with_help("a range follows a selector: up[5m]"),
            Token::Sign("*") if self.is_after("*") => error.with_help("a power is written ^"),
            Token::Sign(">") if self.is_after("<") => error.with_help("not equal is written !="),
            Token::Sign("=" | "==") if self.is_after(">") => {
                error.with_help("greater or equal is written >=")
            }
            Token::Sign("=" | "==") if self.is_after("<") => error.with_help("less or equal is written <="),
            Token::Sign(",") => error.with_help("an argument is missing before the comma"),
            Token::Sign(")") => error.with_help("an expression is missing before the parenthesis"),
            Token::Sign("@") => error.with_help("@ follows a selector: up @ 1609746000"),
            Token::Sign(_)
            | Token::Word(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Text(_)
            | Token::Unknown => error.with_help("an expression is missing before it"),
        };
        error.into()
    }

    fn is_after(&self, sign: &str) -> bool {
        self.next > 0 && matches!(&self.tokens[self.next - 1].token, Token::Sign(s) if *s == sign)
    }

    /// What to say about something that follows a whole expression.
    pub(crate) fn misplaced_after(&self, expr: &Expr) -> Halt {
        if self.problems.iter().any(|p| p.span.start >= expr.span.end) || *self.peek() == Token::Unknown {
            return Halt::Reported;
        }
        let error = self.unexpected("");
        let written = clipped(self.text.get(expr.span.clone()).unwrap_or_default());
        let error = match self.peek().clone() {
            Token::Word(word)
                if matches!(expr.kind, ExprKind::Selector(_)) && word.eq_ignore_ascii_case("by") =>
            {
                error.with_help("by follows an aggregation: sum by (job) (up)")
            }
            Token::Word(word) if written.eq_ignore_ascii_case("not") => error.with_help(format!(
                "there is no {written:?}; series are excluded with unless, here: ... unless {word}"
            )),
            Token::Word(word) => {
                let known =
                    ["and", "or", "unless", "atan2", "offset", "by", "without", "bool", "on", "ignoring"];
                match bellwether_diag::suggest(&word, known) {
                    Some(close) => error.with_help(format!("did you mean {close:?}?")),
                    None => error.with_help("an operator is missing before it, such as and, or, + or /"),
                }
            }
            Token::Sign(")") => {
                let span = self.span();
                ParseError::new(span, "unexpected right parenthesis ')'")
                    .with_help("there is no open parenthesis to close")
            }
            Token::Sign(sign @ ("]" | "}")) => {
                error.with_help(format!("there is nothing open to close with {sign:?}"))
            }
            Token::Sign("{") => {
                error.with_help("conditions stand in one pair of braces: up{a=\"1\", b=\"2\"}")
            }
            Token::Sign(",") => error.with_help("a query is one expression; join two with or"),
            Token::Sign("=~" | "!~") => {
                error.with_help("regular expressions stand in braces: up{job=~\"a.*\"}")
            }
            Token::Sign("(") => error.with_help("an operator or a function's name is missing before it"),
            Token::Number(_) | Token::Duration(_) | Token::Text(_) => {
                error.with_help("an operator is missing before it, such as == or >")
            }
            Token::Sign(_) | Token::Unknown | Token::End => error,
        };
        error.into()
    }

    /// An operator, or what is taken for one, and of how many tokens it is made.
    pub(crate) fn peek_any_operator(&self) -> Option<(BinaryOp, usize)> {
        let second = match self.peek_second() {
            Token::Sign(sign) => *sign,
            Token::Word(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Text(_)
            | Token::Unknown
            | Token::End => "",
        };
        match (self.peek(), second) {
            (Token::Sign("<"), ">") => Some((BinaryOp::NotEqual, 2)),
            (Token::Sign("*"), "*") => Some((BinaryOp::Power, 2)),
            (Token::Sign("="), ">") | (Token::Sign(">"), "=" | "==") => Some((BinaryOp::GreaterOrEqual, 2)),
            (Token::Sign("="), "<") | (Token::Sign("<"), "=" | "==") => Some((BinaryOp::LessOrEqual, 2)),
            (Token::Sign("==" | "!="), "=") => self.peek_operator().map(|op| (op, 2)),
            (Token::Sign("="), _) => Some((BinaryOp::Equal, 1)),
            _ => self.peek_operator().map(|op| (op, 1)),
        }
    }

    /// Takes an operator; notes one that is written wrong.
    pub(crate) fn operator(&mut self, op: BinaryOp, width: usize) -> Span {
        let span = self.span();
        if width == 2 {
            self.take();
        }
        if width == 2 || self.is_sign("=") {
            let error = self.unexpected("").with_help(format!("write {}", op.as_str()));
            self.note(ParseError { span: span.start..self.span().end, ..error });
        }
        self.take();
        span
    }

    /// `5 m` was meant to be `5m`.
    pub(crate) fn no_unit_apart(&mut self, number: &Span) {
        let Token::Word(word) = self.peek() else { return };
        if ["ms", "s", "m", "h", "d", "w", "y"].contains(&word.as_str()) {
            let written = clipped(self.text.get(number.clone()).unwrap_or_default());
            let help = format!("write {written}{word} without a blank");
            let error = self.unexpected("").with_help(help);
            self.note(ParseError { span: number.start..self.span().end, ..error });
            self.take();
        }
    }
}
