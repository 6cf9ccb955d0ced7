//! How well alerts and receivers serve, read from the state database page by page: 400 days of them are never in memory
//! at once.

use bellwether_alerts::{
    AlertService, EndOfMessage, IntegrationService, Life, MessageEnd, Statistics, share,
};
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_web::view::{AlertStatistics, ReceiverStatistics, StatisticsView};

use crate::clock;
use crate::pages::Pages;
use crate::state::{MessageOutcome, StateError};

/// Since then, until now.
pub async fn statistics(pages: &Pages, since: Timestamp) -> Result<StatisticsView, String> {
    let until = clock::now();
    let deadlines = pages.reloader.current().ack_deadlines.clone();
    let mut statistics = Statistics::new(since, until, deadlines);
    add_lives(pages, since, &mut statistics).await.map_err(|error| error.to_string())?;
    add_messages(pages, since, &mut statistics).await.map_err(|error| error.to_string())?;
    Ok(view(&statistics, since, until))
}

/// Lives that are over, and those that go on.
async fn add_lives(pages: &Pages, since: Timestamp, statistics: &mut Statistics) -> Result<(), StateError> {
    let mut after = None;
    loop {
        let lives = pages.state.lives(since, after.as_ref()).await?;
        for life in &lives {
            statistics.life(Life::over(life));
        }
        let Some(last) = lives.last() else { break };
        after = Some((last.alert.ends_at.unwrap_or(last.alert.starts_at), last.alert.fingerprint()));
    }
    let now = clock::now();
    pages.read(|pipeline| {
        for alert in pipeline.alerts.lives(now) {
            statistics.life(Life::known(alert, now));
        }
    });
    Ok(())
}

async fn add_messages(
    pages: &Pages,
    since: Timestamp,
    statistics: &mut Statistics,
) -> Result<(), StateError> {
    let mut after = None;
    loop {
        let outcomes = pages.state.message_outcomes(since, after.as_ref()).await?;
        for outcome in &outcomes {
            statistics.message(&outcome.integration, end_of(outcome));
        }
        let Some(last) = outcomes.last() else { return Ok(()) };
        after = Some((last.decided_at, last.key.clone()));
    }
}

fn end_of(outcome: &MessageOutcome) -> MessageEnd {
    let is_delivered = outcome.status == "delivered";
    let end = match (is_delivered, outcome.attempted_at) {
        (true, at) => {
            let at = at.unwrap_or(outcome.decided_at);
            EndOfMessage::Delivered { after: TimeDelta(at.0.saturating_sub(outcome.decided_at.0)) }
        }
        (false, _) if outcome.status == "failed" => EndOfMessage::Failed,
        (false, _) => EndOfMessage::Neither,
    };
    // The last attempt at what was delivered is the one that was taken.
    MessageEnd { end, attempts_failed: outcome.attempts.saturating_sub(u64::from(is_delivered)) }
}

fn view(statistics: &Statistics, since: Timestamp, until: Timestamp) -> StatisticsView {
    let alerts = statistics.alerts().into_iter();
    StatisticsView {
        since,
        until,
        alerts: alerts
            .map(|(name, severity, service)| of_alert(statistics, name, severity, service))
            .collect(),
        receivers: statistics.integrations().map(|(name, service)| of_integration(name, service)).collect(),
    }
}

fn of_alert(statistics: &Statistics, name: &str, severity: &str, service: &AlertService) -> AlertStatistics {
    let days = statistics.days();
    AlertStatistics {
        alertname: name.to_owned(),
        severity: severity.to_owned(),
        fired: service.fired,
        fired_per_day: if days > 0.0 { service.fired as f64 / days } else { 0.0 },
        false_positives: service.false_positives,
        false_positive_ratio: share(service.false_positives, service.false_positives + service.real),
        ack_p50: service.ack.quantile(0.5),
        ack_deadline: statistics.deadline(severity),
        ack_in_time_ratio: share(service.in_time, service.due),
        resolve_p50: service.resolve.quantile(0.5),
        never_acted_on: service.never_acted_on,
    }
}

fn of_integration(name: &str, service: &IntegrationService) -> ReceiverStatistics {
    ReceiverStatistics {
        integration: name.to_owned(),
        delivered: service.delivered,
        failed: service.failed,
        attempts_failed: service.attempts_failed,
        latency_p50: service.latency.quantile(0.5),
        latency_p99: service.latency.quantile(0.99),
    }
}
