//! A disagreement with Prometheus, what can be asked of it, and what makes one meant.

use bellwether_promql::Function;

use super::ask::Ask;
use super::compare::{Aspect, Difference};
use super::question::{Question, numbers};
use super::remark::Remarks;

/// A difference that is meant.
pub struct Intended {
    pub name: &'static str,
    pub reason: &'static str,
    pub applies: fn(&Case<'_>) -> bool,
}

/// A disagreement.
pub struct Case<'a> {
    pub ask: &'a Ask,
    pub difference: &'a Difference,
}

impl Case<'_> {
    pub fn asks(&self, predicate: impl FnOnce(&Question) -> bool) -> bool {
        Question::of(self.ask).is_some_and(|question| predicate(&question))
    }

    /// Whether the results differ, rather than whether there is one or what is said about it.
    pub fn is_about_results(&self) -> bool {
        match self.difference.aspect {
            Aspect::Series | Aspect::Moments | Aspect::Values | Aspect::ZeroBucket | Aspect::Order => true,
            Aspect::Refusal | Aspect::RefusalKind | Aspect::Kind | Aspect::Warnings | Aspect::Infos => false,
        }
    }

    /// Whether a function gives no number on one side only, or what is made of it differs.
    pub fn is_nan_of(&self, functions: &[Function], nan_is_ours: bool) -> bool {
        let is_called = |question: &Question| question.calls(functions);
        let is_root = |question: &Question| question.is_call(functions);
        self.is_about_results()
            && self.asks(is_called)
            && match numbers(self.difference) {
                Some((ours, theirs)) => {
                    if nan_is_ours {
                        ours.is_nan()
                    } else {
                        theirs.is_nan()
                    }
                }
                None => !self.asks(is_root),
            }
    }

    pub fn remarks(&self) -> Option<Remarks> {
        matches!(self.difference.aspect, Aspect::Warnings | Aspect::Infos)
            .then(|| Remarks::of(&self.difference.detail))
    }
}
