//! What stands inside an action: pipelines, commands and their words, and whether the names in them are known.

use bellwether_diag::suggest;

use super::{Parse, Parser};
use crate::ast::{Command, Pipe, Span, Word, WordKind};
use crate::error::Problem;
use crate::lex::{Kind, Lit};
use crate::value::Value;

/// What functions are called in other template languages, and what they are called here.
const ELSEWHERE: [(&str, &str); 10] = [
    ("capitalize", "title"),
    ("count", "len"),
    ("length", "len"),
    ("lower", "toLower"),
    ("lowercase", "toLower"),
    ("replace", "reReplaceAll"),
    ("size", "len"),
    ("strip", "trimSpace"),
    ("upper", "toUpper"),
    ("uppercase", "toUpper"),
];

impl Parser<'_> {
    /// A pipeline up to and including its closing token.
    pub(super) fn pipe(&mut self, close: &Kind, what: &str, is_range: bool) -> Parse<Pipe> {
        self.skip_space();
        let start = self.span().start;
        let (variables, assigns) = self.declaration(is_range)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            self.skip_space();
            let span = self.span();
            if self.peek() == Some(close) {
                self.at += 1;
                return self
                    .finish_pipe(Pipe { span: start..span.start, assigns, variables, commands }, what);
            }
            if self.peek().is_none_or(|kind| matches!(kind, Kind::Text(_) | Kind::Open)) {
                return Err(Problem::new(span, format!("{what} is never closed")));
            }
            let command = self.command(close)?;
            if let (Some(word), false) = (command.words.first(), commands.is_empty()) {
                let constant = matches!(word.kind, WordKind::Literal(_) | WordKind::Dot | WordKind::Nil);
                if constant {
                    let message = "a constant cannot take the value that is piped into it";
                    return Err(Problem::new(word.span.clone(), message).with_help("put a function here"));
                }
            }
            self.count_arguments(&command, !commands.is_empty());
            commands.push(command);
        }
    }

    /// Reports functions called with too few or too many arguments; Go says so only when it comes to the call.
    fn count_arguments(&mut self, command: &Command, is_piped: bool) {
        let Some((first, args)) = command.words.split_first() else { return };
        self.check_count(first, args.len() + usize::from(is_piped));
        args.iter().for_each(|word| self.check_count(word, 0));
    }

    fn check_count(&mut self, word: &Word, count: usize) {
        match &word.kind {
            WordKind::Function(name) => {
                let wrong = self.known.get(name).and_then(|function| function.wrong_count(name, count));
                if let Some(message) = wrong {
                    self.report(Problem::new(word.span.clone(), message));
                }
            }
            // What follows belongs to the method, not to the function.
            WordKind::Chain(inner, _) => self.check_count(inner, 0),
            WordKind::Dot | WordKind::Nil | WordKind::Literal(_) | WordKind::Field(_) => {}
            WordKind::Variable(..) | WordKind::Parens(_) => {}
        }
    }

    fn finish_pipe(&mut self, pipe: Pipe, what: &str) -> Parse<Pipe> {
        if pipe.commands.is_empty() {
            return Err(Problem::new(pipe.span, format!("missing value for {what}")));
        }
        if !pipe.assigns {
            self.variables.extend(pipe.variables.iter().cloned());
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`. Anything else is left untouched.
    fn declaration(&mut self, is_range: bool) -> Parse<(Vec<String>, bool)> {
        let begin = self.at;
        let mut names = Vec::new();
        loop {
            let span = self.span();
            let Some(Kind::Variable(name)) = self.peek() else {
                self.at = begin;
                return Ok((Vec::new(), false));
            };
            names.push((name.clone(), span.clone()));
            self.at += 1;
            self.skip_space();
            match self.peek() {
                Some(Kind::Comma) if names.len() < 2 && is_range => {
                    self.at += 1;
                    self.skip_space();
                }
                Some(Kind::Comma) => {
                    return Err(Problem::new(
                        span,
                        "too many variables; only range takes two: {{ range $i, $x := . }}",
                    ));
                }
                Some(Kind::Declare) => {
                    self.at += 1;
                    return Ok((names.into_iter().map(|(name, _)| name).collect(), false));
                }
                Some(Kind::Assign) => {
                    self.at += 1;
                    for (name, span) in &names {
                        self.use_variable(name, span);
                    }
                    return Ok((names.into_iter().map(|(name, _)| name).collect(), true));
                }
                _ => {
                    if names.len() > 1 {
                        return Err(Problem::new(span, "expected := or = after the variables of range"));
                    }
                    self.at = begin;
                    return Ok((Vec::new(), false));
                }
            }
        }
    }

    fn use_variable(&mut self, name: &str, span: &Span) {
        if self.is_enough() || self.variables.iter().any(|known| known == name) {
            return;
        }
        let near = suggest(name, self.variables.iter().map(String::as_str)).filter(|near| near.len() > 1);
        let help = match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declare it first: {{{{ {name} := ... }}}}"),
        };
        self.report(Problem::new(span.clone(), format!("undefined variable {name}")).with_help(help));
    }

    fn use_function(&mut self, name: &str, span: &Span) {
        self.out.functions.push((name.to_owned(), span.clone()));
        if self.known.get(name).is_some() || self.is_enough() {
            return;
        }
        let problem = Problem::new(span.clone(), format!("function {name:?} is not defined"));
        let elsewhere = ELSEWHERE.iter().filter(|(_, ours)| self.known.get(ours).is_some());
        let near = suggest(name, self.known.names()).or_else(|| {
            let theirs = suggest(name, elsewhere.clone().map(|(theirs, _)| *theirs))?;
            elsewhere.clone().find(|(known, _)| *known == theirs).map(|(_, ours)| *ours)
        });
        let problem = match near {
            Some(near) => problem.with_help(format!("did you mean {near}?")),
            None => problem,
        };
        self.report(problem);
    }

    fn command(&mut self, close: &Kind) -> Parse<Command> {
        let start = self.span().start;
        let mut words = Vec::new();
        loop {
            self.skip_space();
            if let Some(word) = self.operand()? {
                words.push(word);
            }
            let span = self.span();
            let done = |words: Vec<Word>| Command { span: start..span.start, words };
            match self.peek() {
                Some(Kind::Space) => {}
                Some(kind) if kind == close => return non_empty(done(words)),
                Some(Kind::Pipe) => {
                    self.at += 1;
                    return non_empty(done(words));
                }
                Some(Kind::Bad) => {
                    // Reported by the lexer; go on with the words after it.
                    self.at += 1;
                    words.push(Word { span, kind: WordKind::Nil });
                }
                Some(kind) => return Err(Problem::new(span, unexpected(kind))),
                None => return Err(Problem::new(span, "this action is never closed; write }}")),
            }
        }
    }

    fn operand(&mut self) -> Parse<Option<Word>> {
        let Some(mut word) = self.term()? else { return Ok(None) };
        let mut names = Vec::new();
        let first = self.span();
        while let Some(Kind::Field(name)) = self.peek() {
            names.push(name.clone());
            word.span.end = self.span().end;
            self.at += 1;
        }
        if names.is_empty() {
            return Ok(Some(word));
        }
        word.kind = match word.kind {
            WordKind::Field(mut path) => {
                path.append(&mut names);
                WordKind::Field(path)
            }
            WordKind::Variable(name, mut path) => {
                path.append(&mut names);
                WordKind::Variable(name, path)
            }
            kind @ (WordKind::Parens(_) | WordKind::Function(_) | WordKind::Chain(..)) => {
                let inner = Word { span: word.span.start..first.start, kind };
                WordKind::Chain(Box::new(inner), names)
            }
            WordKind::Dot | WordKind::Nil | WordKind::Literal(_) => {
                let problem = Problem::new(first, format!("a constant has no field .{}", names[0]));
                return Err(problem.with_help("put a space between two arguments"));
            }
        };
        Ok(Some(word))
    }

    fn term(&mut self) -> Parse<Option<Word>> {
        let span = self.span();
        let Some(kind) = self.peek().cloned() else { return Ok(None) };
        let kind = match kind {
            Kind::Dot => WordKind::Dot,
            Kind::Field(name) => WordKind::Field(vec![name]),
            Kind::Variable(name) => {
                self.use_variable(&name, &span);
                WordKind::Variable(name, Vec::new())
            }
            Kind::Literal(Lit(value)) => WordKind::Literal(value),
            Kind::Name(name) => match name.as_str() {
                "true" => WordKind::Literal(Value::Bool(true)),
                "false" => WordKind::Literal(Value::Bool(false)),
                "nil" => WordKind::Nil,
                "if" | "else" | "end" | "range" | "with" | "define" | "block" | "template" => {
                    let help = "it must be the first word of its own action";
                    return Err(Problem::new(span, format!("unexpected keyword {name}")).with_help(help));
                }
                _ => {
                    self.use_function(&name, &span);
                    WordKind::Function(name)
                }
            },
            Kind::LeftParen => {
                self.at += 1;
                let pipe = self.nested(&span, |p| p.pipe(&Kind::RightParen, "parentheses", false))?;
                let span = span.start..pipe.span.end + 1;
                return Ok(Some(Word { span, kind: WordKind::Parens(Box::new(pipe)) }));
            }
            Kind::Text(_) | Kind::Open | Kind::Close | Kind::Space | Kind::Pipe => return Ok(None),
            Kind::Comma | Kind::Assign | Kind::Declare | Kind::RightParen | Kind::Bad => return Ok(None),
        };
        self.at += 1;
        Ok(Some(Word { span, kind }))
    }
}

fn non_empty(command: Command) -> Parse<Command> {
    match command.words.is_empty() {
        true => Err(Problem::new(command.span, "empty command")),
        false => Ok(command),
    }
}

fn unexpected(kind: &Kind) -> String {
    match kind {
        Kind::Text(_) | Kind::Open => "this action is never closed; write }}".to_owned(),
        Kind::Close => "unclosed parenthesis; write )".to_owned(),
        Kind::RightParen => "this ) closes nothing".to_owned(),
        Kind::Comma => "unexpected comma; arguments are separated by spaces".to_owned(),
        Kind::Assign => "unexpected =; compare with eq, assign with {{ $x = ... }}".to_owned(),
        Kind::Declare => {
            "unexpected :=; only a variable can be declared, at the start of an action".to_owned()
        }
        Kind::Space | Kind::Pipe | Kind::LeftParen | Kind::Dot | Kind::Field(_) | Kind::Variable(_) => {
            "put a space between two arguments".to_owned()
        }
        Kind::Name(_) | Kind::Literal(_) | Kind::Bad => "put a space between two arguments".to_owned(),
    }
}
