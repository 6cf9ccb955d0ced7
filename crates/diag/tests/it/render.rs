//! What people see of a problem.
use bellwether_diag::{Diagnostic, Diagnostics, Sources, Span, Style};

/// Renders one error at the text between « and » of the source.
fn render(marked_source: &str) -> String {
    let start = marked_source.find('«').unwrap();
    let source = marked_source.replace('«', "");
    let end = source.find('»').unwrap();
    let source = source.replace('»', "");
    let mut sources = Sources::new();
    let file = sources.add("slo.yaml", source);
    let mut out = Diagnostics::new();
    out.push(Diagnostic::error("test", Span::new(file, start..end), "wrong").with_help("write 1"));
    out.render(&sources, Style { color: false })
}

#[test]
fn a_problem_is_one_line_and_the_place_underlined() {
    let want = "slo.yaml:2:6: error: wrong; write 1\n  2 |   a: bcd # e\n    |      ^^^\n";
    assert_eq!(render("x: 1\n  a: «bcd» # e\n"), want);
}

#[test]
fn neither_tabs_nor_wide_characters_misplace_the_underline() {
    let check = |source: &str, want: &str| assert_eq!(render(source), want, "{source:?}");
    check("\ta: «b»", "slo.yaml:1:5: error: wrong; write 1\n  1 |     a: b\n    |        ^\n");
    check("名: «値»", "slo.yaml:1:4: error: wrong; write 1\n  1 | 名: 値\n    |     ^^\n");
    check("e\u{301}: «b»", "slo.yaml:1:5: error: wrong; write 1\n  1 | e\u{301}: b\n    |    ^\n");
    check("a: «»", "slo.yaml:1:4: error: wrong; write 1\n  1 | a: \n    |    ^\n");
    check("a: «b\nc»", "slo.yaml:1:4: error: wrong; write 1\n  1 | a: b\n    |    ^\n");
    check("a: «b»\r\nc", "slo.yaml:1:4: error: wrong; write 1\n  1 | a: b\n    |    ^\n");
}

#[test]
fn what_a_file_holds_never_reaches_the_terminal_as_a_command() {
    let text = render("a: «\u{1b}[2J»\u{202e}b");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}

#[test]
fn a_long_line_is_shown_around_the_place() {
    let text = render(&format!("{}«bad»{}", "x".repeat(100_000), "y".repeat(100_000)));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].chars().count() < 200, "{}", lines[1].len());
    assert_eq!(lines[2].find('^').unwrap(), lines[1].find("bad").unwrap());
    assert_eq!(lines[2].matches('^').count(), 3);
}

#[test]
fn problems_are_sorted_by_file_and_place() {
    let mut sources = Sources::new();
    let (a, b) = (sources.add("a.yaml", "1\n2\n"), sources.add("b.yaml", "1\n"));
    let mut out = Diagnostics::new();
    out.push(Diagnostic::note("n", None, "about everything"));
    out.push(Diagnostic::warning("n", Span::new(b, 0..1), "third"));
    out.push(
        Diagnostic::error("n", Span::new(a, 2..3), "second").with_related(Span::new(a, 0..1), "see this"),
    );
    out.push(Diagnostic::error("n", Span::new(a, 0..1), "first"));
    let text = out.render(&sources, Style::default());
    let heads: Vec<&str> = text.lines().filter(|line| !line.contains('|')).collect();
    let want = [
        "a.yaml:1:1: error: first",
        "a.yaml:2:1: error: second",
        "  note: a.yaml:1:1: see this",
        "b.yaml:1:1: warning: third",
        "note: about everything",
    ];
    assert_eq!(heads, want);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let mut sources = Sources::new();
    let file = sources.add("a.yaml", "key: value\n");
    let mut out = Diagnostics::new();
    out.push(
        Diagnostic::error("n", Span::new(file, 5..10), "wrong").with_related(Span::new(file, 0..3), "here"),
    );
    let colored = out.render(&sources, Style { color: true });
    assert!(colored.contains("\u{1b}["));
    let mut plain = String::new();
    for (index, piece) in colored.split('\u{1b}').enumerate() {
        plain.push_str(if index == 0 { piece } else { piece.split_once('m').unwrap().1 });
    }
    assert_eq!(plain, out.render(&sources, Style { color: false }));
}

#[test]
fn spans_beyond_a_text_are_shown_somewhere() {
    let mut sources = Sources::new();
    let file = sources.add("a.yaml", "é");
    let mut out = Diagnostics::new();
    out.push(Diagnostic::error("n", Span::new(file, 1..900), "inside a character"));
    out.push(Diagnostic::error("n", Span::new(bellwether_diag::FileId(7), 5..9), "in no file"));
    assert_eq!(out.render(&sources, Style::default()).lines().count(), 6);
}

#[test]
fn a_million_problems_on_one_line_are_counted_not_printed() {
    let mut sources = Sources::new();
    let file = sources.add("f", "x".repeat(1_000_000));
    let all = (0..1_000_000).map(|at| Diagnostic::error("n", Span::new(file, at..at + 1), "wrong"));
    let text = all.collect::<Diagnostics>().render(&sources, Style::default());
    assert!(text.ends_with("and 999000 more problems\n"));
    assert_eq!(text.lines().count(), 3001);
}
