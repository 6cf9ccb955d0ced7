//! Queries inside YAML: reading one, and pointing at what is wrong with it inside the file it was written in.

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostic, MapReader, Related};
use bellwether_promql::{Kind, ParseError};

use crate::RuleExpr;

/// The field `expr`. What is wrong with it has been reported.
pub(crate) fn read(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<RuleExpr> {
    let text: String = map.required("expr", cx)?;
    let node = map.node("expr")?;
    if text.trim().is_empty() {
        cx.error_help(node.span, "expr is empty", "write the query of this rule");
        return None;
    }
    match bellwether_promql::parse(&text) {
        Ok(parsed) => {
            if let kind @ (Kind::Range | Kind::Text) = parsed.result() {
                let message = format!("the query gives a {}, which no rule can use", kind.as_str());
                let help =
                    "wrap it so that it gives an instant vector, such as rate(...) or last_over_time(...)";
                cx.push(Diagnostic::warning("rule-expr-type", node.span, message).with_help(help));
            }
            Some(RuleExpr { text, parsed, node: node.clone() })
        }
        Err(errors) => {
            report(errors, node, cx);
            None
        }
    }
}

/// Reports what is wrong with a text of PromQL that stands in a YAML scalar.
pub(crate) fn report(errors: Vec<ParseError>, node: &Node, cx: &mut Cx<'_>) {
    for error in errors {
        let span = yaml::span_within(cx.sources, node, error.span);
        let mut diagnostic = Diagnostic::error("promql", span, error.message);
        diagnostic.help = error.help;
        let sources = cx.sources;
        diagnostic.related = error
            .related
            .into_iter()
            .map(|(part, message)| Related { span: yaml::span_within(sources, node, part), message })
            .collect();
        cx.push(diagnostic);
    }
}
