//! Parts of files: what is wrong in one is said of the file it stands in.

use bellwether_diag::{Diagnostic, Diagnostics, Sources, Span, Style, yaml};

#[test]
fn a_place_in_a_part_is_a_place_in_the_whole_file() {
    let text = "# Alerts\n\n```yaml\n- alert: Ü\n  expr: up ==\n```\n";
    let mut sources = Sources::new();
    let whole = sources.add("alerts.md", text);
    let begins = text.find("- alert").unwrap();
    let part = sources.add_part(whole, begins..text.rfind("```").unwrap());
    let mut out = Diagnostics::new();
    let documents = yaml::parse(&sources, part, &mut out);
    assert!(out.is_empty());
    let expr = documents[0].as_sequence().unwrap()[0].get("expr").unwrap();
    assert_eq!(sources.slice(expr.span), "up ==");
    let position = sources.position(expr.span);
    assert_eq!((position.line, position.column), (5, 9));

    out.push(Diagnostic::error("promql", expr.span, "the comparison has no right side"));
    let text = out.render(&sources, Style::default());
    assert!(text.starts_with("alerts.md:5:9: error: the comparison"), "{text}");
    assert!(text.contains("5 |   expr: up =="), "{text}");

    let piece = sources.add_part(part, 2..7);
    assert_eq!(sources.text(piece), "alert");
    let place = Span::new(whole, begins + 2..begins + 7);
    assert_eq!(sources.whole(Span::new(piece, 0..5)), place);
}
