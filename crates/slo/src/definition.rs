//! What an objective is. An [`Slo`] that exists is valid: names are there, the goal lies between 0 and 1, every
//! selector was read, every window is positive. Text becomes an `Slo` in `decode` and in the dialects, nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::Span;
use bellwether_model::Labels;

use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::goal::Goal;
use crate::indicator::Indicator;
use crate::period::Period;
use crate::threshold_alert::ThresholdAlert;

/// A service level objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Name as written; with the service it is unique.
    pub name: String,
    /// What people call it; empty when the name says enough.
    pub display_name: String,
    /// The service it speaks of; may be empty.
    pub service: String,
    /// One sentence for people; may be empty.
    pub description: String,
    /// Whom it concerns.
    pub about: About,
    /// Labels that every alert of it carries.
    pub labels: Labels,
    /// Annotations that every alert of it carries.
    pub annotations: Labels,
    /// Labels that every alert of a severity carries; they win over those of the objective, and an alert's own win
    /// over them. Without entries that are empty.
    pub severity_labels: BTreeMap<String, Labels>,
    /// Annotations that every alert of a severity carries, in the same order of precedence.
    pub severity_annotations: BTreeMap<String, Labels>,
    /// The share of events that must be good; `None` for a threshold that is met or not over the whole period, and
    /// has no budget and no burn-rate alerts.
    pub goal: Option<Goal>,
    /// What one would like to reach next; shown beside the goal, never alerted on.
    pub aspirational: Option<Goal>,
    /// The period over which the goal is judged.
    pub period: Period,
    /// What is counted, and by what it is split.
    pub indicator: Indicator,
    /// Name of all its burn-rate alerts; empty for one made of its own name.
    pub alert_name: String,
    /// The burn-rate alerts, as stated or the default ones.
    pub alerts: Vec<BurnAlert>,
    /// Alerts on what is left of the budget.
    pub budget_alerts: Vec<BudgetAlert>,
    /// Alerts on a threshold without a goal that is not met; empty for every other objective.
    pub threshold_alerts: Vec<ThresholdAlert>,
    /// Whether nobody is told of a slower burn-rate alert while a faster one of the same stream fires; so unless
    /// stated otherwise.
    pub inhibit_slower: bool,
    /// What has to be said about the definition wherever it is shown.
    pub notes: Vec<String>,
    /// The dialect it was written in.
    pub dialect: Dialect,
    /// Where it was written, as people read it, e.g. `slos/checkout.yml:3`; may be empty.
    pub origin: String,
    /// Where it was written.
    pub span: Option<Span>,
}

/// Whom an objective concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Who answers for it; may be empty.
    pub owner: String,
    /// What missing it means to the business.
    pub criticality: Option<Criticality>,
    /// Whom to reach, and how: `slack` to `#shop`, `mail` to `shop@example.com`.
    pub contacts: BTreeMap<String, String>,
    /// Where to look further, by what it is called: `dashboard` to its address.
    pub links: BTreeMap<String, String>,
    /// Where the runbook is; may be empty.
    pub runbook: String,
}

/// What missing an objective means to the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criticality {
    /// Hardly anybody notices.
    Low,
    /// Some people are kept from what they want to do.
    Medium,
    /// Many are, or money is lost.
    High,
    /// The service as a whole fails its purpose.
    Critical,
}

impl Criticality {
    /// All of them, from low to critical.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Whose way of writing objectives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Our own.
    #[default]
    Bellwether,
    /// OpenSLO v1, v1alpha or v2alpha.
    OpenSlo,
    /// Sloth's specification or its custom resource.
    Sloth,
    /// Pyrra's custom resource.
    Pyrra,
    /// Google Cloud Monitoring's JSON.
    GoogleCloud,
}

impl Dialect {
    /// All of them, our own first.
    pub const ALL: [Self; 5] = [Self::Bellwether, Self::OpenSlo, Self::Sloth, Self::Pyrra, Self::GoogleCloud];

    /// As people and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bellwether => "bellwether",
            Self::OpenSlo => "openslo",
            Self::Sloth => "sloth",
            Self::Pyrra => "pyrra",
            Self::GoogleCloud => "google",
        }
    }
}

impl Slo {
    /// Unique identity: `service/name`, or just the name without a service.
    pub fn id(&self) -> String {
        match self.service.is_empty() {
            true => self.name.clone(),
            false => format!("{}/{}", self.service, self.name),
        }
    }

    /// The severities that its alerts have.
    pub fn alert_severities(&self) -> BTreeSet<&str> {
        let burns = self.alerts.iter().map(|alert| alert.severity.as_str());
        let budgets = self.budget_alerts.iter().map(|alert| alert.severity.as_str());
        let thresholds = self.threshold_alerts.iter().map(|alert| alert.severity.as_str());
        burns.chain(budgets).chain(thresholds).collect()
    }

    /// The same objective, whoever wrote it and wherever: equal canonical objectives mean the same.
    pub fn canonical(&self) -> Self {
        let mut canonical = Self {
            dialect: Dialect::default(),
            origin: String::new(),
            span: None,
            notes: Vec::new(),
            ..self.clone()
        };
        canonical.alerts.iter_mut().for_each(|alert| alert.span = None);
        canonical.budget_alerts.iter_mut().for_each(|alert| alert.span = None);
        canonical.threshold_alerts.iter_mut().for_each(|alert| alert.span = None);
        canonical
    }
}
