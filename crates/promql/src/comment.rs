//! Comments: where they stand, and which part of a query each of them speaks of.

use crate::syntax::{Expr, ExprKind, Span};

/// A comment of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// With its `#`, without the blanks behind it.
    pub(crate) text: String,
    /// Where it begins, in bytes.
    pub(crate) at: usize,
    /// Whether nothing else is on its line.
    pub(crate) is_own_line: bool,
}

/// Moves comments out of what is always written in one piece (a selector's braces, a range, a sign and its operand)
/// to before that piece.
pub(crate) fn moved_out(expr: &Expr, mut comments: Vec<Comment>) -> Vec<Comment> {
    if comments.is_empty() {
        return comments;
    }
    let mut pieces = Vec::new();
    expr.walk(&mut |node| pieces.extend(piece(node)));
    // They do not overlap; their starts tell which one a comment may stand in.
    pieces.sort_by_key(|piece| piece.span.start);
    for comment in &mut comments {
        // A selector behind a sign: first before the selector, then before the sign.
        while let Some(piece) = pieces[..pieces.partition_point(|piece| piece.span.start < comment.at)].last()
            && comment.at < piece.span.end
        {
            comment.at = piece.start;
            comment.is_own_line = true;
        }
    }
    comments.sort_by_key(|comment| comment.at);
    comments
}

/// A part of a node that is written in one piece.
struct Piece {
    span: Span,
    /// Where a comment within it goes instead.
    start: usize,
}

fn piece(node: &Expr) -> Option<Piece> {
    let start = node.span.start;
    match &node.kind {
        ExprKind::Selector(_) | ExprKind::Range(_) | ExprKind::Number { .. } | ExprKind::Text(_) => {
            Some(Piece { span: node.span.clone(), start })
        }
        ExprKind::Subquery(subquery) => Some(Piece { span: subquery.inner.span.end..node.span.end, start }),
        // With the place right before the operand, to which comments within the operand are moved.
        ExprKind::Unary { operand, .. } => Some(Piece { span: start..operand.span.start + 1, start }),
        ExprKind::Paren(_) | ExprKind::Binary(_) | ExprKind::Aggregate(_) | ExprKind::Call(_) => None,
    }
}

/// Whether a comment stands within a span.
pub(crate) fn any_within(comments: &[Comment], span: &Span) -> bool {
    let first = comments.partition_point(|comment| comment.at <= span.start);
    comments.get(first).is_some_and(|comment| comment.at < span.end)
}

/// Where a comment stands, seen from the node it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Inside,
    After,
}

/// The node a comment speaks of: on a line of its own, of what follows; behind something, of that.
pub(crate) fn subject<'a>(root: &'a Expr, comment: &Comment) -> (&'a Expr, Place) {
    if comment.at < root.span.start {
        return (root, Place::Before);
    }
    if comment.at >= root.span.end {
        return (root, Place::After);
    }
    let mut around = root;
    loop {
        let (mut before, mut within, mut after) = (None, None, None);
        around.for_each_child(|child| {
            if child.span.end <= comment.at {
                before = Some(child);
            } else if child.span.start <= comment.at {
                within = Some(child);
            } else if after.is_none() {
                after = Some(child);
            }
        });
        match (within, before, after) {
            (Some(child), _, _) => around = child,
            (None, _, Some(next)) if comment.is_own_line => return (next, Place::Before),
            (None, Some(last), _) => return (last, Place::After),
            (None, None, _) => return (around, Place::Inside),
        }
    }
}
