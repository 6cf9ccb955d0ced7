//! What other dialects have no field for, kept in annotations of our own where they have annotations, so that an
//! objective written in their way and read again is the same.

use bellwether_model::{Labels, TimeDelta};

use crate::burn_alert::BurnAlert;
use crate::decode::STREAMS_MAX_DEFAULT;
use crate::definition::{Criticality, Slo};
use crate::goal::Goal;

/// What the keys begin with.
const PREFIX: &str = "bellwether/";

/// Annotations that are not ours.
pub(crate) fn others(annotations: &Labels) -> Labels {
    Labels::from_pairs(annotations.iter().filter(|(key, _)| !key.starts_with(PREFIX)))
}

/// Our annotations of an objective.
pub(crate) fn of_slo(slo: &Slo) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            out.push((format!("{PREFIX}{key}"), value.to_owned()));
        }
    };
    add("alert-name", &slo.alert_name);
    add("aspirational", &slo.aspirational.map(Goal::ratio_text).unwrap_or_default());
    slo.about.contacts.iter().for_each(|(how, whom)| add(&format!("contact.{how}"), whom));
    add("criticality", slo.about.criticality.map_or("", Criticality::as_str));
    if !slo.inhibit_slower {
        add("inhibit-slower", "false");
    }
    slo.about.links.iter().for_each(|(name, to)| add(&format!("link.{name}"), to));
    add("owner", &slo.about.owner);
    add("runbook", &slo.about.runbook);
    if slo.indicator.streams_max != STREAMS_MAX_DEFAULT {
        add("streams-max", &slo.indicator.streams_max.to_string());
    }
    out
}

/// Reads our annotations of an objective.
pub(crate) fn apply(annotations: &Labels, slo: &mut Slo) -> Result<(), String> {
    for (key, value) in ours(annotations) {
        let bad = || format!("annotation {PREFIX}{key} cannot be {value:?}");
        match key.split_once('.') {
            Some(("contact", how)) => drop(slo.about.contacts.insert(how.to_owned(), value.to_owned())),
            Some(("link", name)) => drop(slo.about.links.insert(name.to_owned(), value.to_owned())),
            Some((_, _)) => return Err(unknown(key)),
            None => match key {
                "alert-name" => value.clone_into(&mut slo.alert_name),
                "aspirational" => slo.aspirational = Some(Goal::parse(value).map_err(|_| bad())?),
                "criticality" => {
                    let found = Criticality::ALL.into_iter().find(|c| c.as_str() == value);
                    slo.about.criticality = Some(found.ok_or_else(bad)?);
                }
                "inhibit-slower" => slo.inhibit_slower = value.parse().map_err(|_| bad())?,
                "owner" => value.clone_into(&mut slo.about.owner),
                "runbook" => value.clone_into(&mut slo.about.runbook),
                "streams-max" => {
                    let most = value.parse().ok().filter(|most| (1..=10_000).contains(most));
                    slo.indicator.streams_max = most.ok_or_else(bad)?;
                }
                _ => return Err(unknown(key)),
            },
        }
    }
    Ok(())
}

/// Our annotations of an alert.
pub(crate) fn of_alert(alert: &BurnAlert) -> Vec<(String, String)> {
    let short = alert.short.map(|short| ("short-window", short.to_string()));
    let least = (alert.min_bad_events > 0).then(|| ("min-bad-events", alert.min_bad_events.to_string()));
    short.into_iter().chain(least).map(|(key, value)| (format!("{PREFIX}{key}"), value)).collect()
}

/// Reads our annotations of an alert.
pub(crate) fn apply_to_alert(annotations: &Labels, alert: BurnAlert) -> Result<BurnAlert, String> {
    let mut alert = alert;
    for (key, value) in ours(annotations) {
        let bad = || format!("annotation {PREFIX}{key} cannot be {value:?}");
        match key {
            "short-window" => {
                let short = value.parse::<TimeDelta>().ok();
                let fits = short.filter(|short| (TimeDelta::MINUTE..alert.long).contains(short));
                alert.short = Some(fits.ok_or_else(bad)?);
            }
            "min-bad-events" => alert.min_bad_events = value.parse().map_err(|_| bad())?,
            _ => return Err(unknown(key)),
        }
    }
    Ok(alert)
}

fn ours(annotations: &Labels) -> impl Iterator<Item = (&str, &str)> {
    annotations.iter().filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
}

fn unknown(key: &str) -> String {
    format!("annotation {PREFIX}{key} is not one of ours")
}
