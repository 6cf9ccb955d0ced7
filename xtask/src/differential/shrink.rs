//! Makes a question that two sides answer differently as short as it gets while they still do.

use bellwether_promql::Expr;

use super::ask::{Ask, When};

/// Questions tried for one disagreement at most.
const TRIES_MAX: usize = 150;

/// The smallest question found for which `differs` still holds.
pub fn shrink(ask: &Ask, mut differs: impl FnMut(&Ask) -> bool) -> Ask {
    let (mut smallest, mut tries) = (ask.clone(), 0);
    'again: loop {
        for candidate in smaller(&smallest) {
            tries += 1;
            if tries > TRIES_MAX {
                return smallest;
            }
            if differs(&candidate) {
                smallest = candidate;
                continue 'again;
            }
        }
        return smallest;
    }
}

fn smaller(ask: &Ask) -> Vec<Ask> {
    let mut candidates = Vec::new();
    if let Ok(expr) = bellwether_promql::parse(&ask.query) {
        let mut texts = Vec::new();
        texts.extend(
            children(&expr).iter().map(|child| ask.query[child.span.start..child.span.end].to_owned()),
        );
        // The same with one part, anywhere in it, replaced by a part of that part.
        replacements(&ask.query, &expr, &mut texts);
        texts.retain(|text| text.len() < ask.query.len());
        texts.dedup();
        candidates.extend(texts.into_iter().map(|query| Ask { query, when: ask.when }));
    }
    if let When::Over { start, end, step } = ask.when {
        let steps = (end - start) / step;
        let same = |when| Ask { query: ask.query.clone(), when };
        candidates.push(same(When::At(end)));
        candidates.push(same(When::At(start)));
        if steps > 0 {
            let middle = steps / 2;
            candidates.push(same(When::Over { start, end: start + middle * step, step }));
            candidates.push(same(When::Over { start: start + (middle + 1) * step, end, step }));
        }
    }
    candidates
}

fn replacements(query: &str, expr: &Expr, texts: &mut Vec<String>) {
    for child in children(expr) {
        for grandchild in children(child) {
            let part = &query[grandchild.span.start..grandchild.span.end];
            texts.push(format!("{}{part}{}", &query[..child.span.start], &query[child.span.end..]));
        }
        replacements(query, child, texts);
    }
}

fn children(expr: &Expr) -> Vec<&Expr> {
    let mut children = Vec::new();
    expr.for_each_child(|child| children.push(child));
    children
}
