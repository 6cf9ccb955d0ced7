//! A burn-rate alert without a second window that makes it end, or with one that does not.

use bellwether_diag::{Severity, Span};
use bellwether_model::TimeDelta;

use crate::setup::amounts::{durations, factors, short_number, spoken};
use crate::{Area, Burn, BurnTier, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "window-pair",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "a burn-rate alert whose short window is missing or no twelfth of the long one",
    why: "The long window says that the burning matters, a short one of about a twelfth that it still goes on. Without \
          it the alert fires for almost another hour after all is well; a short window nearly as long as the other does \
          not help either; and of two long windows the longer one decides alone, so that the alert comes late.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: FastBurn\n    expr: sum(rate(e_total[1h])) / sum(rate(r_total[1h])) > \
         14.4 * 0.001\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: FastBurn\n    expr: sum(rate(e_total[1h])) / sum(rate(r_total[1h])) > \
         14.4 * 0.001 and sum(rate(e_total[5m])) / sum(rate(r_total[5m])) > 14.4 * 0.001\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for burn in &setup.burns {
        for tier in &burn.tiers {
            of_tier(setup, burn, tier, report);
        }
    }
    in_sentences(setup, report);
}

fn of_tier(setup: &Setup, burn: &Burn, tier: &BurnTier, report: &mut Report) {
    let Some(query) = &setup.rule_of(burn).query else { return };
    let (Some(long), Some(short)) = (tier.long(), tier.short()) else { return };
    let (Some(length), Some(shortest)) = (long.window, short.window) else { return };
    // Terms whose windows cannot be told may be the missing ones.
    if tier.terms.iter().any(|term| term.window.is_none()) {
        return;
    }
    let twelfth = spoken(round(TimeDelta(length.0 / 12)));
    if tier.terms.len() == 1 {
        if length >= TimeDelta::MINUTE * 30 {
            let place = query.span(&setup.sources, long.bound_span.clone());
            report
                .find(
                    place,
                    format!(
                        "one window of {0} alone: this fires for up to {0} after the burning has ended",
                        spoken(length)
                    ),
                )
                .help(format!("add `and` the same over {twelfth}"));
        }
        return;
    }
    if let Some(other) = tier.terms.iter().find(|term| !crate::setup::burn::same(term.factor, long.factor)) {
        let (a, b) = (short_number(other.factor), short_number(long.factor));
        report
            .find(
                query.span(&setup.sources, other.bound_span.clone()),
                format!("the windows of one pair are held against {a} and {b}: the higher one decides alone"),
            )
            .related(query.span(&setup.sources, long.bound_span.clone()), "the long window")
            .help(format!("hold both against {b}"));
    }
    let ratio = length.0 as f64 / shortest.0 as f64;
    if !(8.0..=30.0).contains(&ratio) {
        let place = query.span(&setup.sources, short.span.clone());
        let (a, b) = (spoken(shortest), spoken(length));
        let message = match ratio < 8.0 {
            true => format!(
                "{a} is too long beside {b}: the pair goes on firing long after the burning has ended"
            ),
            false => format!("{a} is too short beside {b}: a single burst makes the pair flap"),
        };
        report
            .find(place, message)
            .related(query.span(&setup.sources, long.span.clone()), "the long window")
            .help(format!("beside {b} take {twelfth}, a twelfth of it"));
    }
}

/// To something people write.
fn round(delta: TimeDelta) -> TimeDelta {
    let minute = TimeDelta::MINUTE;
    match delta {
        d if d >= TimeDelta::HOUR => d.floor(TimeDelta::HOUR),
        d if d >= minute => d.floor(minute),
        d => d,
    }
}

trait Floor {
    fn floor(self, step: TimeDelta) -> TimeDelta;
}

impl Floor for TimeDelta {
    fn floor(self, step: TimeDelta) -> TimeDelta {
        TimeDelta(self.0 - self.0 % step.0)
    }
}

/// Documents that tell people to make burn-rate alerts with one window.
fn in_sentences(setup: &Setup, report: &mut Report) {
    for document in &setup.documents {
        for line in &document.prose {
            let lower = line.text.to_ascii_lowercase();
            let tells = ["set ", "use ", "create ", "configure "].iter().any(|verb| lower.contains(verb));
            let is_about =
                lower.contains("alert") && (lower.contains("lookback") || lower.contains("look-back"));
            let windows = durations(&line.text);
            let [window] = &windows[..] else { continue };
            let burns = document.prose.iter().any(|other| {
                other.section == line.section
                    && other.text.to_ascii_lowercase().contains("burn")
                    && !factors(&other.text).is_empty()
            });
            if tells && is_about && burns {
                let start = line.span.start as usize;
                let span = Span::new(line.span.file, start + window.range.start..start + window.range.end);
                report
                    .find(span, format!("one window of {} for every burn rate: the slow alert sees no more than the fast one", spoken(window.value)))
                    .help("give each burn rate a long window of its own, and a short one of a twelfth of it");
            }
        }
    }
}
