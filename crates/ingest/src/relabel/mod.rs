//! Relabelling as Prometheus does it: rules that rewrite the labels of a target, a series or an alert one after the
//! other, or drop it. One implementation for all three, so that a rule means the same wherever it stands.

mod action;
mod decode;
mod rule;
mod template;

use std::sync::Arc;

use bellwether_model::{Labels, LabelsBuilder};

pub use action::Action;
pub use rule::{Pattern, Rule, Source};
pub use template::Template;

/// Which names labels and metrics may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameScheme {
    /// Any text but the empty one.
    #[default]
    Utf8,
    /// Letters, digits and underscores, as before Prometheus 3; colons besides in names of metrics.
    Legacy,
}

impl NameScheme {
    /// Whether a label may have this name.
    pub fn is_label_name(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => bellwether_model::is_valid_legacy_name(name, false),
        }
    }

    /// Whether a metric may have this name.
    pub fn is_metric_name(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => bellwether_model::is_valid_legacy_name(name, true),
        }
    }
}

/// Whether something is left after relabelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, under the labels it has now.
    Kept,
    /// A rule dropped it.
    Dropped,
}

/// Rules in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Relabelling {
    rules: Arc<[Rule]>,
    names: NameScheme,
}

impl Default for Relabelling {
    fn default() -> Self {
        Self::new(Vec::new(), NameScheme::default())
    }
}

impl Relabelling {
    /// Rules in their order; names that they make are held against the scheme.
    pub fn new(rules: Vec<Rule>, names: NameScheme) -> Self {
        Self { rules: rules.into(), names }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Rewrites labels. After a drop they are as the rules before it left them.
    pub fn apply(&self, labels: &mut LabelsBuilder) -> Verdict {
        for rule in self.rules.iter() {
            match rule.apply(labels, self.names) {
                Verdict::Kept => {}
                Verdict::Dropped => return Verdict::Dropped,
            }
        }
        Verdict::Kept
    }

    /// The labels afterwards; `None` if a rule dropped them or left none.
    pub fn of(&self, labels: Labels) -> Option<Labels> {
        if self.is_empty() {
            return Some(labels);
        }
        let mut builder = LabelsBuilder::from(&labels);
        match self.apply(&mut builder) {
            Verdict::Kept => Some(builder.build()).filter(|labels| !labels.is_empty()),
            Verdict::Dropped => None,
        }
    }
}
