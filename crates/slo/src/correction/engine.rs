//! Which corrections there are, whether one more is accepted, and what they make of a stretch of time.
//!
//! Overlapping corrections are united: a moment is taken out once, and forgiven by the largest share that anybody
//! gave. What is taken out cannot be forgiven as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_diag::suggest;
use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::correction::{
    Correction, CorrectionError, CorrectionEvent, CorrectionKind, CorrectionScope, CorrectionWish, Revocation,
};
use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::goal::Share;
use crate::period::Stretch;

/// Corrections that are remembered, revoked ones included.
const CORRECTIONS_MAX: usize = 10_000;
/// Corrections in force for one objective: each costs two looks into the ledger wherever its stretch is read.
const IN_FORCE_MAX: usize = 400;
/// Longest reason and name.
const TEXT_CHARS_MAX: usize = 2000;
/// A correction further away is a typing error.
const DISTANCE_MAX: TimeDelta = TimeDelta(4 * 366 * TimeDelta::DAY.0);

impl SloEngine {
    /// Adds or revokes a correction. Whoever asked is told after the answer is recorded, which is the correction as it
    /// is from now on.
    pub fn correct(&mut self, event: CorrectionEvent, now: Timestamp) -> Result<Correction, CorrectionError> {
        let corrected = match event {
            CorrectionEvent::Add(wish) => self.accept(wish, now)?,
            CorrectionEvent::Revoke { id, by, reason } => {
                self.taken_back(&id, Revocation { at: now, by, reason })?
            }
        };
        self.corrections.all.insert(corrected.id.clone(), Arc::new(corrected.clone()));
        self.sort_out_corrections();
        Ok(corrected)
    }

    /// The corrections that were recorded before a restart; to be called before the log is folded.
    pub fn restore_corrections(&mut self, corrections: Vec<Correction>) {
        self.corrections.all.extend(corrections.into_iter().map(|c| (c.id.clone(), Arc::new(c))));
        self.sort_out_corrections();
    }

    /// All corrections, the latest stretch first.
    pub fn corrections(&self) -> Vec<Arc<Correction>> {
        let mut all: Vec<_> = self.corrections.all.values().cloned().collect();
        all.sort_by(|a, b| (b.begin, b.end, &a.id).cmp(&(a.begin, a.end, &b.id)));
        all
    }

    /// Which corrections concern which objective has to be found anew when either has changed.
    pub(crate) fn sort_out_corrections(&mut self) {
        self.corrections.sort_out(&self.slos);
    }

    /// The end of the last stretch between two moments that was taken out of an objective as a whole, if there is any.
    pub(crate) fn taken_out_since(&self, slo: &Slo, from: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let is_whole = |c: &&Arc<Correction>| c.kind.excludes() && c.labels.is_empty();
        let touches = |c: &&Arc<Correction>| c.begin <= now && from < c.end;
        self.corrections.of(slo).iter().filter(is_whole).filter(touches).map(|c| c.end).max()
    }

    fn accept(&self, wish: CorrectionWish, now: Timestamp) -> Result<Correction, CorrectionError> {
        let mut problems = self.scope_problems(&wish);
        problems.extend(text_problems(&wish));
        problems.extend(stretch_problems(&wish, now));
        match (wish.kind, wish.share) {
            (CorrectionKind::Credit, Some(share)) if share == Share::default() => {
                problems.push("a credit of nothing changes nothing".to_owned());
            }
            (CorrectionKind::Credit, Some(_) | None) => {}
            (kind, Some(_)) => {
                problems.push(format!("only a credit has a share; {} takes the stretch out", kind.as_str()));
            }
            (_, None) => {}
        }
        if self.corrections.all.len() >= CORRECTIONS_MAX {
            problems.push(format!("there are {CORRECTIONS_MAX} corrections, more are not kept"));
        }
        if !problems.is_empty() {
            return Err(CorrectionError::Invalid(problems));
        }
        let Stretch { begin, end } = wish.whole_minutes();
        Ok(Correction {
            id: wish.id,
            scope: wish.scope,
            labels: wish.labels,
            begin,
            end,
            kind: wish.kind,
            share: wish.share.unwrap_or(Share::ALL),
            reason: wish.reason.trim().to_owned(),
            author: wish.author.trim().to_owned(),
            approver: wish.approver.trim().to_owned(),
            created_at: now,
            revoked: None,
        })
    }

    fn scope_problems(&self, wish: &CorrectionWish) -> Vec<String> {
        let covered: Vec<&Arc<Slo>> =
            self.slos.values().filter(|slo| wish.scope.covers(&slo.id(), &slo.service)).collect();
        if covered.is_empty() {
            return vec![self.nothing_covered(&wish.scope)];
        }
        let splits: BTreeSet<&str> =
            covered.iter().flat_map(|slo| slo.indicator.group_by.iter().map(String::as_str)).collect();
        let is_unknown = |name: &&str| !splits.contains(name);
        let unknown = wish.labels.iter().map(|(name, _)| name).filter(is_unknown);
        let mut problems: Vec<String> =
            unknown.map(|name| format!("{} is not split by {name}", wish.scope)).collect();
        let most = covered.iter().map(|slo| self.corrections.of(slo).len()).max().unwrap_or_default();
        if most >= IN_FORCE_MAX {
            problems.push(format!(
                "{IN_FORCE_MAX} corrections are in force for {}; revoke some, or make one of several",
                wish.scope
            ));
        }
        problems
    }

    fn nothing_covered(&self, scope: &CorrectionScope) -> String {
        let (sentence, nearest) = match scope {
            CorrectionScope::Slo(id) => {
                (format!("no objective is called {id:?}"), suggest(id, self.slos.keys().map(String::as_str)))
            }
            CorrectionScope::Service(name) => (
                format!("no objective has the service {name:?}"),
                suggest(name, self.slos.values().map(|slo| slo.service.as_str()).filter(|s| !s.is_empty())),
            ),
        };
        nearest.map_or(sentence.clone(), |nearest| format!("{sentence}; did you mean {nearest}?"))
    }

    fn taken_back(&self, id: &str, revocation: Revocation) -> Result<Correction, CorrectionError> {
        let Some(correction) = self.corrections.all.get(id) else {
            return Err(CorrectionError::NotFound { id: id.to_owned() });
        };
        let mut problems = Vec::new();
        if let Some(Revocation { at, by, .. }) = &correction.revoked {
            problems.push(format!("correction {id} was revoked at {at} by {by}"));
        }
        problems.extend(text_problem("the reason", "say why it is revoked", &revocation.reason));
        problems.extend(text_problem("the name", "say who revokes it", &revocation.by));
        match problems.is_empty() {
            true => Ok(Correction { revoked: Some(revocation), ..Correction::clone(correction) }),
            false => Err(CorrectionError::Invalid(problems)),
        }
    }
}

fn text_problem(what: &str, remedy: &str, text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some(format!("{remedy}: {what} is empty"));
    }
    (text.chars().count() > TEXT_CHARS_MAX).then(|| format!("{what} is longer than {TEXT_CHARS_MAX} letters"))
}

fn text_problems(wish: &CorrectionWish) -> impl Iterator<Item = String> {
    let texts = [
        ("the reason", "say why", &wish.reason),
        ("the author", "say who asks for it", &wish.author),
        ("the approver", "say who agreed", &wish.approver),
    ];
    texts.into_iter().filter_map(|(what, remedy, text)| text_problem(what, remedy, text))
}

fn stretch_problems(wish: &CorrectionWish, now: Timestamp) -> Option<String> {
    let Stretch { begin, end } = wish.stretch;
    if end <= begin {
        return Some(format!("a correction must end after it begins; {end} is not after {begin}"));
    }
    let (earliest, latest) = (now - DISTANCE_MAX, now + DISTANCE_MAX);
    (begin < earliest || end > latest).then(|| {
        format!("a correction lies between {earliest} and {latest}; this one is from {begin} to {end}")
    })
}

/// What becomes of a piece of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Treatment {
    /// It is neither good nor bad nor unmeasured: it does not exist.
    TakenOut,
    /// This share of its bad events counts as good.
    Forgiven(Share),
}

/// A piece of time to which corrections apply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) stretch: Stretch,
    pub(crate) treatment: Treatment,
}

/// How time is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cutting<'a> {
    /// Which corrections are looked at.
    pub(crate) narrowing: Narrowing<'a>,
    /// What is judged as a whole is corrected as a whole: a slice of time that is begun counts as a whole one.
    pub(crate) grain: TimeDelta,
}

impl Cutting<'_> {
    fn stretch(&self, correction: &Correction) -> Stretch {
        // What divides a minute is on its edges already.
        let grain = self.grain.max(TimeDelta::MINUTE);
        Stretch { begin: correction.begin.floor_to(grain), end: correction.end.ceil_to(grain) }
    }

    fn concerns(&self, correction: &Correction) -> bool {
        match self.narrowing {
            Narrowing::Whole => correction.labels.is_empty(),
            Narrowing::Stream(labels) => correction.covers_stream(labels),
        }
    }
}

/// Which corrections are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrowing<'a> {
    /// Those of all streams only.
    Whole,
    /// And those narrowed to streams with such labels.
    Stream(&'a Labels),
}

/// The pieces of a stretch to which corrections apply: in order of time, without overlap.
pub(crate) fn pieces(corrections: &[Arc<Correction>], stretch: Stretch, cutting: Cutting<'_>) -> Vec<Piece> {
    let mut edges: Vec<(Timestamp, Edge, Option<Share>)> = Vec::new();
    for c in corrections.iter().filter(|c| cutting.concerns(c)) {
        let Stretch { begin, end } = cutting.stretch(c);
        if begin < stretch.end && stretch.begin < end {
            let share = (!c.kind.excludes()).then_some(c.share);
            edges.extend([(begin, Edge::Begin, share), (end, Edge::End, share)]);
        }
    }
    edges.sort_by_key(|(at, ..)| *at);
    let mut open = Open::default();
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, (at, edge, share)) in edges.iter().enumerate() {
        open.cross(*edge, *share);
        let Some((next, ..)) = edges.get(index + 1) else { break };
        let Some(treatment) = open.treatment().filter(|_| at < next) else { continue };
        match pieces.last_mut() {
            Some(last) if last.stretch.end == *at && last.treatment == treatment => last.stretch.end = *next,
            _ => pieces.push(Piece { stretch: Stretch { begin: *at, end: *next }, treatment }),
        }
    }
    pieces
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Begin,
    End,
}

/// The corrections that a moment lies in.
#[derive(Debug, Default)]
struct Open {
    taken_out: usize,
    /// How many forgive by each share.
    forgiven: BTreeMap<Share, usize>,
}

impl Open {
    fn cross(&mut self, edge: Edge, share: Option<Share>) {
        match (edge, share) {
            (Edge::Begin, None) => self.taken_out += 1,
            (Edge::End, None) => self.taken_out -= 1,
            (Edge::Begin, Some(share)) => *self.forgiven.entry(share).or_default() += 1,
            (Edge::End, Some(share)) => {
                let count = self.forgiven.entry(share).or_default();
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.forgiven.remove(&share);
                }
            }
        }
    }

    fn treatment(&self) -> Option<Treatment> {
        match self.taken_out {
            0 => self.forgiven.last_key_value().map(|(share, _)| Treatment::Forgiven(*share)),
            _ => Some(Treatment::TakenOut),
        }
    }
}
