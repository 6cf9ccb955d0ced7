//! Burn-rate alerts in whatever shape they are written: `ratio / budget > factor`, `ratio > factor * budget`,
//! `recorded:burn_rate1h > factor`, pairs of windows joined by `and`, several pairs by `or`.

use std::ops::Range;

use bellwether_model::TimeDelta;
use bellwether_promql::{Binary, BinaryOp, Expr, ExprKind, selectors};

use super::Setup;
use super::goal::Goal;
use super::rule::Rule;

/// A rule that alerts on how fast a budget is spent.
#[derive(Clone, Debug)]
pub struct Burn {
    /// Index into [`Setup::rules`].
    pub rule: usize,
    /// Each fires the alert by itself.
    pub tiers: Vec<BurnTier>,
}

/// Windows that must all burn.
#[derive(Clone, Debug)]
pub struct BurnTier {
    /// One comparison each, the shortest window first.
    pub terms: Vec<BurnTerm>,
}

/// One window held against one factor.
#[derive(Clone, Debug)]
pub struct BurnTerm {
    /// How many times faster than allowed.
    pub factor: f64,
    /// The share that may be bad, where the query states it: `0.001`, `1 - 0.999`.
    pub budget: Option<f64>,
    /// How far it looks back, where that can be told.
    pub window: Option<TimeDelta>,
    /// The comparison's place in the query.
    pub span: Range<usize>,
    /// The place of the compared number or product, from the operator on.
    pub bound_span: Range<usize>,
    /// The place of the budget.
    pub budget_span: Option<Range<usize>>,
}

impl BurnTier {
    /// The longest window.
    pub fn long(&self) -> Option<&BurnTerm> {
        self.terms.iter().filter(|term| term.window.is_some()).max_by_key(|term| term.window)
    }

    /// The shortest window.
    pub fn short(&self) -> Option<&BurnTerm> {
        self.terms.iter().filter(|term| term.window.is_some()).min_by_key(|term| term.window)
    }

    /// What the longest window is held against.
    pub fn factor(&self) -> f64 {
        self.long().or(self.terms.first()).map_or(0.0, |term| term.factor)
    }

    /// The budget as stated in any of its terms.
    pub fn budget(&self) -> Option<f64> {
        self.terms.iter().find_map(|term| term.budget)
    }
}

impl Setup {
    /// Recognises burn-rate alerts among the rules.
    pub(super) fn read_burns(&mut self) {
        let alerts = self.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert());
        self.burns =
            alerts.filter_map(|(index, rule)| Some(Burn { rule: index, tiers: tiers_of(rule)? })).collect();
    }

    /// The rule of a burn-rate alert.
    pub fn rule_of(&self, burn: &Burn) -> &Rule {
        &self.rules[burn.rule]
    }

    /// The goal a tier burns the budget of: the one whose budget it states, else the only one there is. Those of the
    /// same document come first.
    pub fn goal_of(&self, burn: &Burn, tier: &BurnTier) -> Option<&Goal> {
        let rule = self.rule_of(burn);
        let all: Vec<&Goal> = self.goals_near(rule).collect();
        let Some(budget) = tier.budget() else {
            let first = all.first().copied()?;
            return all.iter().all(|goal| same(goal.share, first.share)).then_some(first);
        };
        let fits = |goal: &&Goal| same(goal.budget(), budget);
        let named = |goal: &&Goal| goal.window.is_some() && fits(goal);
        all.iter().copied().find(named).or_else(|| all.iter().copied().find(fits))
    }
    /// Goals that a rule can be about: in files those its labels name, else those that stand where it stands.
    pub(crate) fn goals_near<'a>(&'a self, rule: &Rule) -> impl Iterator<Item = &'a Goal> {
        let labels = ["sloth_slo", "slo"].iter().filter_map(|label| rule.label(label));
        let named = labels.map(|field| self.goals_named(field.text())).find(|found| !found.is_empty());
        let here = || self.goals_of_file(self.sources.whole(rule.name.span).file);
        let near = named.filter(|_| rule.section.is_none()).unwrap_or_else(here);
        near.iter().map(|at| &self.goals[*at])
    }
}

/// Whether two shares are the same but for rounding.
pub(crate) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 + 1e-3 * a.abs().min(b.abs())
}

fn tiers_of(rule: &Rule) -> Option<Vec<BurnTier>> {
    let expr = rule.query.as_ref()?.parsed.as_ref()?;
    let mut tiers = Vec::new();
    alternatives(expr, &mut tiers);
    tiers.retain(|tier: &BurnTier| !tier.terms.is_empty());
    tiers.iter_mut().for_each(|tier| tier.terms.sort_by_key(|term| (term.window, term.span.start)));
    (!tiers.is_empty()).then_some(tiers)
}

fn alternatives(expr: &Expr, tiers: &mut Vec<BurnTier>) {
    let expr = within_aggregation(expr);
    match &expr.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Or => {
            alternatives(&binary.left, tiers);
            alternatives(&binary.right, tiers);
        }
        _ => {
            let mut terms = Vec::new();
            conjuncts(expr, &mut terms);
            tiers.push(BurnTier { terms });
        }
    }
}

fn conjuncts(expr: &Expr, terms: &mut Vec<BurnTerm>) {
    let expr = within_aggregation(expr);
    let ExprKind::Binary(binary) = &expr.kind else { return };
    match binary.op {
        BinaryOp::And => {
            conjuncts(&binary.left, terms);
            conjuncts(&binary.right, terms);
        }
        BinaryOp::Greater | BinaryOp::GreaterOrEqual => {
            terms.extend(term(binary, &binary.left, &binary.right, expr.span.clone()));
        }
        BinaryOp::Less | BinaryOp::LessOrEqual => {
            terms.extend(term(binary, &binary.right, &binary.left, expr.span.clone()));
        }
        _ => {}
    }
}

/// Generated rules take the comparison into `max(...) without (window)`.
fn within_aggregation(expr: &Expr) -> &Expr {
    let mut expr = expr.unwrapped();
    while let ExprKind::Aggregate(aggregation) = &expr.kind {
        let inner = aggregation.inner.unwrapped();
        let compares = matches!(&inner.kind, ExprKind::Binary(binary) if binary.op.is_comparison() || binary.op.is_set());
        if !compares {
            break;
        }
        expr = inner;
    }
    expr
}

fn term(binary: &Binary, value: &Expr, bound: &Expr, span: Range<usize>) -> Option<BurnTerm> {
    constant(bound)?;
    let (spent, divided) = divided_by_constant(value);
    let name = recorded_name(spent);
    let is_ratio = is_ratio(spent);
    let parts = product(bound);
    let small = |part: &(f64, Range<usize>)| part.0 > 0.0 && part.0 < 0.5;
    let (factor, budget) = match (divided, name.as_deref()) {
        (Some(budget), _) if small(&budget) && (is_ratio || name.is_some()) => {
            (constant(bound)?, Some(budget))
        }
        (None, _) if parts.len() > 1 && (is_ratio || name.is_some()) => {
            let budget = parts.iter().find(|part| small(part)).cloned()?;
            (constant(bound)? / budget.0, Some(budget))
        }
        (None, Some(name)) if name.contains("burn") => (constant(bound)?, None),
        _ => return None,
    };
    // Less than half of what is allowed is no burning.
    if !(0.5..=10_000.0).contains(&factor) {
        return None;
    }
    let is_after = bound.span.start > binary.op_span.start;
    let bound_span =
        if is_after { binary.op_span.start..bound.span.end } else { bound.span.start..binary.op_span.end };
    Some(BurnTerm {
        factor,
        budget: budget.as_ref().map(|part| part.0),
        window: window_of(spent, name.as_deref()),
        span,
        bound_span,
        budget_span: budget.map(|part| part.1),
    })
}

/// What is divided by a constant, and the constant with its place.
fn divided_by_constant(expr: &Expr) -> (&Expr, Option<(f64, Range<usize>)>) {
    let expr = expr.unwrapped();
    if let ExprKind::Binary(binary) = &expr.kind
        && let (BinaryOp::Divide, Some(value)) = (binary.op, constant(&binary.right))
    {
        return (binary.left.unwrapped(), Some((value, binary.right.span.clone())));
    }
    (expr, None)
}

/// The factors of a product of constants, each with its place.
fn product(expr: &Expr) -> Vec<(f64, Range<usize>)> {
    let expr = expr.unwrapped();
    if let ExprKind::Binary(binary) = &expr.kind
        && binary.op == BinaryOp::Multiply
    {
        let mut parts = product(&binary.left);
        parts.extend(product(&binary.right));
        return parts;
    }
    constant(expr).map(|value| (value, expr.span.clone())).into_iter().collect()
}

/// The value of an expression of numbers only.
pub(crate) fn constant(expr: &Expr) -> Option<f64> {
    match &expr.unwrapped().kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Unary { is_negative, operand } => {
            let value = constant(operand)?;
            Some(if *is_negative { -value } else { value })
        }
        ExprKind::Binary(binary) => {
            let (a, b) = (constant(&binary.left)?, constant(&binary.right)?);
            match binary.op {
                BinaryOp::Add => Some(a + b),
                BinaryOp::Subtract => Some(a - b),
                BinaryOp::Multiply => Some(a * b),
                BinaryOp::Divide => Some(a / b),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A share of bad events: one sum of events divided by another, or one less a share of good ones.
pub(crate) fn is_ratio(expr: &Expr) -> bool {
    let ExprKind::Binary(binary) = &expr.unwrapped().kind else { return false };
    match binary.op {
        BinaryOp::Divide => {
            let counts = |side: &Expr| selectors(side).iter().any(|selector| selector.name.is_some());
            constant(&binary.right).is_none() && counts(&binary.left) && counts(&binary.right)
        }
        BinaryOp::Subtract => constant(&binary.left) == Some(1.0) && is_ratio(&binary.right),
        _ => false,
    }
}

/// The recorded series an expression is made of, if it is made of one that speaks of errors or burning.
fn recorded_name(expr: &Expr) -> Option<String> {
    let all = selectors(expr);
    let name = all.first()?.name.clone()?;
    let lower = name.to_ascii_lowercase();
    let speaks = ["burn", "error", "sli", "fail", "ratio"].iter().any(|word| lower.contains(word));
    let counts_itself = matches!(expr.unwrapped().kind, ExprKind::Selector(_) | ExprKind::Aggregate(_));
    (all.len() == 1 && speaks && counts_itself && (lower.contains("burn") || name.contains(':')))
        .then_some(lower)
}

/// How far back: the range it is calculated over, or the one in a recorded name.
fn window_of(expr: &Expr, recorded: Option<&str>) -> Option<TimeDelta> {
    if let Some(name) = recorded {
        return window_in_name(name);
    }
    let mut windows = Vec::new();
    expr.walk(&mut |node| {
        if let ExprKind::Range(range) = &node.kind {
            windows.extend(range.range.constant());
        }
    });
    let first = *windows.first()?;
    windows.iter().all(|window| *window == first).then_some(first)
}

/// `1h` of `job:errors:burn_rate1h`, `slo:burn_rate:1h`, `errors_rate_5m`.
pub(crate) fn window_in_name(name: &str) -> Option<TimeDelta> {
    super::amounts::numbers_anywhere(name).into_iter().rev().find_map(|number| {
        let unit = name[number.range.end..].chars().next().filter(|c| "smhdw".contains(*c))?;
        let after = name[number.range.end + 1..].chars().next();
        if after.is_some_and(char::is_alphanumeric) {
            return None;
        }
        format!("{}{unit}", &name[number.range]).parse().ok()
    })
}
