//! What the readers of objectives find, in every dialect.

use bellwether_diag::Severity;

use crate::check::found_by_the_reader as run;
use crate::{Area, Check};

/// A page without an example: what it is about takes a whole file of some dialect to show, and the finding says it all.
const fn page(id: &'static str, severity: Severity, title: &'static str, why: &'static str) -> Check {
    Check { id, area: Area::Slo, severity, title, why, wrong: &[], right: &[], run }
}

pub(crate) static DUPLICATE_SLO: Check = page(
    "duplicate-slo",
    Severity::Error,
    "two objectives of one name",
    "An objective is known by its service and its name: budgets, alerts and links of two that share them would mix.",
);

pub(crate) static DUPLICATE_WINDOWS: Check = page(
    "duplicate-windows",
    Severity::Error,
    "two catalogues of alert windows for one period",
    "Sloth takes the windows of alerts from a catalogue for the objective's period; of two for one period only one can hold.",
);

pub(crate) static FIELD_NOT_CARRIED: Check = page(
    "field-not-carried",
    Severity::Warning,
    "a field of another dialect that has no counterpart",
    "The objective is read without it. What the field asks for has to be said in another place, which the help names, or is \
     not done.",
);

pub(crate) static CONFIGURED_ELSEWHERE: Check = page(
    "configured-elsewhere",
    Severity::Warning,
    "something that another part of the configuration says here",
    "OpenSLO describes data sources and whom to notify beside the objective. Here the source of metrics and the routes say \
     that; what stands in the objective has no effect.",
);

pub(crate) static PLACEHOLDER_QUERY: Check = page(
    "placeholder-query",
    Severity::Warning,
    "a query that is only an example",
    "The specification's examples hold queries for made-up systems. Until a real one stands there, the objective measures \
     nothing.",
);

pub(crate) static UNKNOWN_REFERENCE: Check = page(
    "unknown-reference",
    Severity::Error,
    "a reference to an object that is in none of the files",
    "OpenSLO lets an objective name an indicator, a service or an alert policy that stands in another file. Give that file \
     together with this one.",
);

pub(crate) static UNKNOWN_DIALECT: Check = page(
    "unknown-dialect",
    Severity::Error,
    "a document of a kind that is not known",
    "Objectives of OpenSLO, Sloth, Pyrra, Google Cloud Monitoring and Bellwether itself are told apart by `apiVersion` and \
     `kind`.",
);

pub(crate) static OPENSLO_MINUTES: Check = page(
    "openslo-minutes",
    Severity::Warning,
    "`1m` as a period of the calendar",
    "In OpenSLO `m` are minutes and `M` months; a calendar-aligned window of a minute does not exist, so a month is taken.",
);

pub(crate) static OPENSLO_OPERATOR: Check = page(
    "openslo-operator",
    Severity::Warning,
    "an alert condition that compares the wrong way round",
    "A burn rate is bad when it is above its threshold. A condition with `lt` is read with its sides swapped.",
);

pub(crate) static OPENSLO_SLICES: Check = page(
    "openslo-slices",
    Severity::Warning,
    "slices of time where events are counted one by one",
    "`timeSliceWindow` and `timeSliceTarget` mean something only with `budgetingMethod: Timeslices` or \
     `RatioTimeslices`.",
);

pub(crate) static MONITORING_FILTER: Check = page(
    "monitoring-filter",
    Severity::Error,
    "a filter of Google Cloud Monitoring that cannot be translated",
    "Filters become selectors of PromQL. The place where this one stops being readable is underlined.",
);

pub(crate) static SLO_COMPOSITE_MEMBER: Check = page(
    "slo-composite-member",
    Severity::Error,
    "a member of a composite that is not there, or has nothing to give",
    "A composite is made of other objectives, which it names by service and name; each needs a goal, so that it has good \
     and bad events.",
);

pub(crate) static SLO_COMPOSITE_FORM: Check = page(
    "slo-composite-form",
    Severity::Error,
    "a setting that a composite cannot have",
    "A composite has no events of its own to group or to judge by slices of time; its members have.",
);

pub(crate) static SLO_COMPOSITE_CYCLE: Check = page(
    "slo-composite-cycle",
    Severity::Error,
    "a composite that contains itself",
    "Its state would depend on itself. Take one of the members on the way out.",
);
