//! Which queries are counters in disguise: from PromQL with a window to the counters it adds up.
//!
//! What is recognised is credited exactly from raw samples; what is not is asked once per slice and marked as
//! sampled. So a shape is recognised only when it means the same events whatever the series hold; if in doubt, it is
//! not.

pub(crate) mod sum;

use bellwether_model::{MatchOp, Matcher, TimeDelta};
use bellwether_promql::parse;

use crate::indicator::{Ask, Events, Latency, QueryEvents, Ratio, Threshold, WINDOW_PLACEHOLDER};
use crate::recognise::sum::{Form, Share, Sum, form, go_together};
use crate::selector::Selector;

/// What stands for the window while a query is read: a length nobody writes.
const WINDOW_STAND_IN: (&str, TimeDelta) = ("86399997s", TimeDelta(86_399_997_000));
/// The bucket of everything.
const INFINITE: &str = "+Inf";

/// Counters found in queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// What is counted: a ratio or a latency.
    pub events: Events,
    /// Labels the queries are grouped by, sorted.
    pub group_by: Vec<String>,
}

/// The counters that queries without groups add up; `None` when they have to be asked.
pub fn events(query: &QueryEvents) -> Option<Events> {
    recognise(query).filter(|found| found.group_by.is_empty()).map(|found| found.events)
}

/// The counters that queries add up, and by what they are grouped; `None` when they have to be asked.
pub fn recognise(query: &QueryEvents) -> Option<Recognised> {
    let (is_bad, share) = match &query.ask {
        Ask::BadTotal { bad, total } => (true, share_of(bad, total)?),
        Ask::GoodTotal { good, total } => (false, share_of(good, total)?),
        Ask::BadRatio(ratio) => (true, share(ratio)?),
        Ask::GoodRatio(ratio) => (false, share(ratio)?),
    };
    // Without traffic nothing is bad; what says otherwise counts something that did not happen.
    let fallback = if is_bad { 0.0 } else { 1.0 };
    if share.fallback.is_some_and(|value| value != fallback) {
        return None;
    }
    let group_by = share.whole.group_by.clone();
    // Less than nothing is no event.
    if !share.part.terms.iter().any(|(_, factor)| *factor > 0.0) || group_by.iter().any(|name| name == "le") {
        return None;
    }
    let events = classify(is_bad, &share)?;
    Some(Recognised { events, group_by })
}

/// Reads a query with the window put in.
fn read(query: &str) -> Option<Form> {
    let (text, length) = WINDOW_STAND_IN;
    if query.contains(text) {
        return None;
    }
    form(&parse(&query.replace(WINDOW_PLACEHOLDER, text)).ok()?, length)
}

fn share(query: &str) -> Option<Share> {
    match read(query)? {
        Form::Share(share) => Some(share),
        Form::Number { .. } | Form::Sum(_) => None,
    }
}

fn share_of(part: &str, whole: &str) -> Option<Share> {
    match (read(part)?, read(whole)?) {
        (Form::Sum(part), Form::Sum(whole))
            if part.group_by == whole.group_by && go_together(part.per, whole.per) =>
        {
            Some(Share { part, whole, fallback: None })
        }
        (Form::Number { .. } | Form::Sum(_) | Form::Share(_), _) => None,
    }
}

fn classify(is_bad: bool, share: &Share) -> Option<Events> {
    let whole = counted_once(&share.whole)?;
    let part = divided(&share.part, whole.factor)?;
    let rest = share.whole.plus(&share.part, -1.0).and_then(|rest| divided(&rest, whole.factor))?;
    let (bad, good) = if is_bad { (&part, &rest) } else { (&rest, &part) };
    if let Some(latency) = latency(good, &whole.selectors) {
        return Some(Events::Latency(latency));
    }
    let total = || whole.selectors.clone();
    let ratio = match (added_up(bad), added_up(good)) {
        (Some(bad), Some(good)) if !bad.is_empty() && !good.is_empty() => Ratio::GoodBad { good, bad },
        (Some(bad), _) if !bad.is_empty() => Ratio::BadTotal { bad, total: total() },
        (_, Some(good)) if !good.is_empty() => Ratio::GoodTotal { good, total: total() },
        (None | Some(_), None | Some(_)) => match is_bad {
            true => Ratio::BadTotal { bad: complements(bad)?, total: total() },
            false => Ratio::GoodTotal { good: complements(good)?, total: total() },
        },
    };
    Some(Events::Ratio(ratio))
}

/// All events: counters that each count once.
struct Counted {
    selectors: Vec<Selector>,
    factor: f64,
}

fn counted_once(whole: &Sum) -> Option<Counted> {
    let factor = whole.terms.first().map(|(_, factor)| *factor).filter(|factor| *factor > 0.0)?;
    let selectors = added_up(&divided(whole, factor)?)?;
    Some(Counted { selectors, factor })
}

/// Counters that are added (`true`) or taken away.
type Signed = Vec<(Selector, bool)>;

fn divided(sum: &Sum, factor: f64) -> Option<Signed> {
    let sign = |own: f64| match own / factor {
        1.0 => Some(true),
        -1.0 => Some(false),
        _ => None,
    };
    sum.terms.iter().map(|(selector, own)| Some((selector.clone(), sign(*own)?))).collect()
}

/// Counters that are only added, sorted, of which no two ever match the same series.
fn added_up(terms: &Signed) -> Option<Vec<Selector>> {
    let mut selectors: Vec<Selector> =
        terms.iter().map(|(selector, is_added)| is_added.then(|| selector.clone())).collect::<Option<_>>()?;
    selectors.sort();
    let pairs =
        selectors.iter().enumerate().flat_map(|(i, a)| selectors[i + 1..].iter().map(move |b| (a, b)));
    pairs.into_iter().all(|(a, b)| are_disjoint(a, b)).then(|| selectors.clone())
}

/// Whether no series can match both.
fn are_disjoint(a: &Selector, b: &Selector) -> bool {
    if let (Some(a), Some(b)) = (&a.name, &b.name)
        && a != b
    {
        return true;
    }
    let excludes = |one: &Matcher, other: &Matcher| {
        one.name == other.name
            && match one.op {
                MatchOp::Equal => !other.matches_value(&one.value),
                MatchOp::Regex => other.op == MatchOp::NotRegex && one.value == other.value,
                MatchOp::NotEqual | MatchOp::NotRegex => false,
            }
    };
    a.matchers.iter().any(|one| b.matchers.iter().any(|other| excludes(one, other) || excludes(other, one)))
}

/// All less those with one more condition are those that fail it.
fn complements(terms: &Signed) -> Option<Vec<Selector>> {
    let (added, mut taken): (Vec<_>, Vec<_>) = terms.iter().cloned().partition(|(_, is_added)| *is_added);
    let mut left = Vec::new();
    for (all, _) in added {
        let found = taken.iter().enumerate().find_map(|(i, (part, _))| Some((i, complement(&all, part)?)));
        left.push(match found {
            Some((index, others)) => {
                taken.remove(index);
                (others, true)
            }
            None => (all, true),
        });
    }
    (taken.is_empty() && !left.is_empty()).then(|| added_up(&left))?
}

fn complement(all: &Selector, part: &Selector) -> Option<Selector> {
    let is_within = all.name == part.name && all.matchers.iter().all(|m| part.matchers.contains(m));
    let mut more = part.matchers.iter().filter(|m| !all.matchers.contains(m));
    let (Some(one), None, true) = (more.next(), more.next(), is_within) else { return None };
    let op = match one.op {
        MatchOp::Equal => MatchOp::NotEqual,
        MatchOp::NotEqual => MatchOp::Equal,
        MatchOp::Regex => MatchOp::NotRegex,
        MatchOp::NotRegex => MatchOp::Regex,
    };
    // Buckets hold one another: those of another bound are no remainder.
    if one.name == "le" {
        return None;
    }
    let mut matchers = all.matchers.clone();
    matchers.push(Matcher::new(op, one.name.clone(), one.value.clone()).ok()?);
    matchers.sort();
    Some(Selector { name: all.name.clone(), matchers })
}

/// The latency that a bucket among all events of its histogram measures; `None` when it is no such bucket.
pub(crate) fn latency_of(good: &Selector, total: &Selector) -> Option<Latency> {
    latency(&[(good.clone(), true)], std::slice::from_ref(total))
}

/// One bucket of a histogram among all of its events.
fn latency(good: &[(Selector, bool)], total: &[Selector]) -> Option<Latency> {
    let [total] = total else { return None };
    let all = everything(total)?;
    // Where all events are counted once as `_count` and once as the last bucket, they are the same and cancel.
    let mut bucket = None;
    let mut others = 0;
    for (selector, is_added) in good {
        match (everything(selector) == Some(all.clone()), is_added) {
            (true, true) => others += 1,
            (true, false) => others -= 1,
            (false, true) if bucket.is_none() => bucket = Some(selector),
            (false, true | false) => return None,
        }
    }
    let (Some(bucket), 0) = (bucket, others) else { return None };
    let (histogram, bound) = bucket_of(bucket)?;
    let threshold = bound.parse().ok().and_then(Threshold::new)?;
    (histogram == all).then_some(Latency { histogram, threshold })
}

/// The histogram whose every event a counter counts.
fn everything(counter: &Selector) -> Option<Selector> {
    if let Some(base) = counter.name.as_deref()?.strip_suffix("_count") {
        let is_split = counter.matchers.iter().any(|m| m.name == "le");
        return (!is_split).then(|| counter.with_name(base.to_owned()));
    }
    bucket_of(counter).filter(|(_, bound)| *bound == INFINITE).map(|(histogram, _)| histogram)
}

/// A histogram and the bound of one of its buckets, as written.
fn bucket_of(counter: &Selector) -> Option<(Selector, &str)> {
    let base = counter.name.as_deref()?.strip_suffix("_bucket")?;
    let (bounds, matchers): (Vec<&Matcher>, Vec<&Matcher>) =
        counter.matchers.iter().partition(|m| m.name == "le");
    let [bound] = bounds[..] else { return None };
    let histogram =
        Selector { name: Some(base.to_owned()), matchers: matchers.into_iter().cloned().collect() };
    (bound.op == MatchOp::Equal).then_some((histogram, bound.value.as_str()))
}
