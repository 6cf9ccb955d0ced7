//! What objectives say of their alerts, those that do not fire included.

use bellwether_alerts::{Measured, RuleFacts, RuleState};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_slo::{
    BudgetAlertStatus, BurnAlertState, BurnAlertStatus, Slo, SloEngine, SloStatus, StreamStatus,
    ThresholdAlertStatus, labels_of_alert,
};

/// An alert of an objective: its labels, and what the objective says of it.
pub(super) struct ObjectiveAlert {
    pub labels: Labels,
    pub facts: RuleFacts,
}

/// All alerts of all objectives, whether they fire or not.
pub(super) fn alerts(engine: &SloEngine, now: Timestamp) -> Vec<ObjectiveAlert> {
    let mut all = Vec::new();
    for status in engine.status(now) {
        if let Some(slo) = engine.slo(&status.id) {
            of_objective(slo, &status, &mut all);
        }
    }
    all
}

fn of_objective(slo: &Slo, status: &SloStatus, all: &mut Vec<ObjectiveAlert>) {
    let mut add = |stream: &Labels, name: &str, facts: RuleFacts| {
        if let Some(labels) = labels_of_alert(slo, stream, name) {
            all.push(ObjectiveAlert { labels, facts });
        }
    };
    for stream in &status.streams {
        for alert in &stream.alerts {
            add(&stream.labels, &alert.name, burn(status, stream, alert));
        }
        for alert in &stream.budget_alerts {
            add(&stream.labels, &alert.name, budget(status, stream, alert));
        }
    }
    for alert in status.threshold.iter().flat_map(|threshold| &threshold.alerts) {
        if let Some(facts) = threshold(status, alert) {
            add(&Labels::empty(), &alert.name, facts);
        }
    }
}

fn base(status: &SloStatus, name: &str, state: BurnAlertState, since: Option<Timestamp>) -> RuleFacts {
    RuleFacts {
        is_objective: true,
        place: format!("alert {name} of objective {}", status.id),
        state: match (state, since) {
            (BurnAlertState::Inactive, _) => RuleState::Inactive,
            (BurnAlertState::Firing, since) => {
                RuleState::Firing { since: since.unwrap_or_default(), fired_at: since, kept: false }
            }
        },
        ..RuleFacts::default()
    }
}

fn burn(status: &SloStatus, stream: &StreamStatus, alert: &BurnAlertStatus) -> RuleFacts {
    let rate = |window: TimeDelta, value| Measured {
        what: format!("the burn rate over {window}"),
        value,
        op: ">",
        bound: alert.factor,
        past: None,
    };
    let windows = match alert.short {
        Some(short) => format!("{} and {short}", alert.long),
        None => alert.long.to_string(),
    };
    let mut measured = vec![rate(alert.long, alert.burn_rate_long)];
    measured.extend(alert.short.map(|short| rate(short, alert.burn_rate_short)));
    RuleFacts {
        condition: format!("burn rate > {} over {windows}", alert.factor),
        evaluated_at: stream.watermark,
        measured,
        ..base(status, &alert.name, alert.state, alert.since)
    }
}

fn budget(status: &SloStatus, stream: &StreamStatus, alert: &BudgetAlertStatus) -> RuleFacts {
    let measured = Measured {
        what: "what is left of the error budget, in percent,".to_owned(),
        value: alert.left_ratio.map(|left| left * 100.0),
        op: "<",
        bound: alert.left_below_ratio * 100.0,
        past: None,
    };
    RuleFacts {
        condition: format!("less than {} of the error budget left", alert.left_below_text),
        evaluated_at: stream.watermark,
        measured: vec![measured],
        ..base(status, &alert.name, alert.state, alert.since)
    }
}

fn threshold(status: &SloStatus, alert: &ThresholdAlertStatus) -> Option<RuleFacts> {
    let seen = status.threshold.as_ref()?;
    // It fires when the objective's own comparison does not hold.
    let op = match seen.op {
        "<" => ">=",
        "<=" => ">",
        ">" => "<=",
        _ => "<",
    };
    let measured = Measured {
        what: status.indicator_text.clone(),
        value: seen.value,
        op,
        bound: seen.bound,
        past: None,
    };
    Some(RuleFacts {
        condition: format!("{} {op} {}", status.indicator_text, seen.bound),
        evaluated_at: seen.at,
        hold: alert.hold,
        measured: vec![measured],
        ..base(status, &alert.name, alert.state, alert.since)
    })
}
