//! A message as the core makes it, for tests of what carries it.

use std::sync::Arc;

use bellwether_alerts::{AlertCore, AlertSource, Config, Delivery, Effect, Event, Restored, Setup};
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, Labels, Timestamp};

/// Routing with one receiver, `a`, which has this one integration.
pub(crate) fn setup(integration: &str) -> Setup {
    setup_of(&format!(
        "route: {{receiver: a, group_by: [alertname], group_wait: 0s}}\nreceivers:\n  - name: a\n    {integration}\n"
    ))
}

/// A server with this routing.
pub(crate) fn setup_of(yaml: &str) -> Setup {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("alertmanager.yml", yaml);
    let config = Config::read(&sources, file, &mut out);
    let config = config.unwrap_or_else(|| panic!("{}", out.render(&sources, Style { color: false })));
    Setup {
        config: Arc::new(config),
        templates: Arc::default(),
        external_url: "http://b.example".into(),
        precedence: Arc::default(),
        fallback: None,
    }
}

/// An alert that fires since the beginning of 2027.
pub(crate) fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Alert {
    let own = [("alertname", "HighLatency")].into_iter();
    Alert {
        labels: Labels::from_pairs(own.chain(labels.iter().copied())),
        annotations: Labels::from_pairs(annotations.iter().copied()),
        starts_at: Timestamp::from_secs(NOW_S),
        ends_at: None,
        generator_url: String::new(),
    }
}

const NOW_S: i64 = 1_798_761_600;

/// The message that one alert leads to.
pub(crate) fn delivery(setup: &Setup, alert: Alert) -> Delivery {
    let now = alert.starts_at;
    let mut core = AlertCore::restore(setup.clone(), Restored::default(), now);
    let effects = core.step(Event::Alerts { source: AlertSource::Rules, alerts: vec![alert] }, now);
    let deliver = effects.into_iter().find_map(|effect| match effect {
        Effect::Deliver(delivery) => Some(*delivery),
        Effect::Record(_) | Effect::Answer(_) => None,
    });
    deliver.expect("a delivery")
}
