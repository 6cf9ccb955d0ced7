//! An alert arrives: what of it is news, whether it is the life we know or another one, and which groups it joins.
//!
//! Sources repeat what fires every minute, only to say that it still does. Such a repetition moves the end in memory
//! and is not written down: it would be most of all that is ever written. What that means for a restart is decided in
//! `restore.rs`.

use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, Timestamp};

use crate::core::{Known, Timer};
use crate::group::Group;
use crate::outbox::Outbox;
use crate::{AlertCore, AlertRow, AlertSource, GroupId, Handled, Held, Record, Route};

/// What a report makes of an alert that is known.
enum Heard {
    /// Nothing: it speaks of an earlier life, or of one that nobody saw.
    Nothing,
    /// It still fires; only its end moved.
    Goes(AlertRow),
    /// It changed, ended, or went on.
    Changed(AlertRow),
    /// That life is over, and this one begins.
    Anew(AlertRow),
    /// It still fires, but somebody ended it by hand.
    StillHeld(Held),
    /// Somebody ended it by hand, and now its condition has cleared.
    Cleared,
}

/// When an alert began, and what time it is.
#[derive(Clone, Copy)]
pub(crate) struct JoinTimes {
    pub(crate) starts_at: Timestamp,
    pub(crate) now: Timestamp,
}

impl JoinTimes {
    /// An alert that has fired for longer than `group_wait` elsewhere has waited enough.
    fn is_overdue(self, route: &Route) -> bool {
        self.starts_at.saturating_add(route.group_wait) < self.now
    }
}

impl AlertCore {
    pub(crate) fn hear(&mut self, source: AlertSource, alert: Alert, now: Timestamp, out: &mut Outbox) {
        let report = self.report(source, alert, now);
        let fingerprint = report.alert.fingerprint();
        let Some(known) = self.alerts.get_mut(&fingerprint) else {
            if !report.alert.is_resolved(now) {
                self.inhibitor.add(fingerprint, &report.alert.labels);
                self.alerts.insert(fingerprint, Box::new(Known::new(report)));
                self.live(fingerprint, now, out);
            }
            return;
        };
        let fired = !known.row.alert.is_resolved(now);
        match compare(&known.row, report, now) {
            Heard::Nothing => {}
            Heard::Goes(row) => {
                known.row.go_on(row);
                self.hurry(fingerprint, now, out);
            }
            Heard::Changed(row) => {
                known.row = row;
                match fired {
                    true => self.keep(fingerprint, out),
                    false => self.live(fingerprint, now, out),
                }
                self.hurry(fingerprint, now, out);
            }
            Heard::Anew(row) => {
                let over = std::mem::replace(&mut known.row, row);
                known.told_at_kept = true;
                out.record(self.episode(&over, now));
                self.live(fingerprint, now, out);
            }
            Heard::StillHeld(held) => {
                let is_news = known.row.held.as_ref().is_none_or(|old| !old.is_like(&held));
                let ends_at = held.ends_at;
                known.row.held = Some(held);
                if let Some(at) = ends_at {
                    self.set_timer(at, Timer::HoldEnd(fingerprint));
                }
                if is_news {
                    self.keep(fingerprint, out);
                }
            }
            Heard::Cleared => self.release(fingerprint, now, out),
        }
    }

    /// A report as a row; one without an end from somebody else is over unless heard of again.
    fn report(&self, source: AlertSource, mut alert: Alert, now: Timestamp) -> AlertRow {
        let ends_by_timeout = source == AlertSource::Api && alert.ends_at.is_none();
        if ends_by_timeout {
            alert.ends_at = Some(now.saturating_add(self.setup.config.global.resolve_timeout));
        }
        AlertRow {
            alert,
            updated_at: now,
            ends_by_timeout,
            ended: false,
            held: None,
            told_at: None,
            handled: Handled::default(),
        }
    }

    /// Writes an alert down as it now is.
    pub(crate) fn keep(&mut self, fingerprint: AlertFingerprint, out: &mut Outbox) {
        if let Some(known) = self.alerts.get_mut(&fingerprint) {
            known.told_at_kept = true;
            out.record(Record::Alert(Box::new(known.row.clone())));
        }
    }

    /// Writes an alert down and, while it fires, lets it join the groups of all routes that take it.
    fn live(&mut self, fingerprint: AlertFingerprint, now: Timestamp, out: &mut Outbox) {
        self.keep(fingerprint, out);
        if self.alerts.get(&fingerprint).is_some_and(|known| !known.row.alert.is_resolved(now)) {
            self.join_routes(fingerprint, now, out);
        }
    }

    pub(crate) fn join_routes(&mut self, fingerprint: AlertFingerprint, now: Timestamp, out: &mut Outbox) {
        let Some(known) = self.alerts.get_mut(&fingerprint) else { return };
        let (labels, starts_at) = (known.row.alert.labels.clone(), known.row.alert.starts_at);
        let times = JoinTimes { starts_at, now };
        for route in self.setup.config.route.matching(&labels) {
            let group_labels = route.group_labels(&labels);
            let id = route.group_id(&group_labels);
            let first_flush = match times.is_overdue(&route) {
                true => now,
                false => now.saturating_add(route.group_wait),
            };
            let is_new = !self.groups.contains_key(&id);
            let group = self
                .groups
                .entry(id.clone())
                .or_insert_with(|| Group::new(Arc::clone(&route), group_labels, first_flush));
            let joined = group.alerts.insert(fingerprint);
            let hurries = group.hurry(times);
            if is_new || joined || hurries {
                out.touch(&id);
            }
            if is_new || hurries {
                self.timers.insert((group.next_flush, Timer::Flush(id.clone())));
            }
            known.join(&group.id);
        }
    }

    /// A group that still waits for company does not wait for one that has waited enough.
    fn hurry(&mut self, fingerprint: AlertFingerprint, now: Timestamp, out: &mut Outbox) {
        let Some(known) = self.alerts.get(&fingerprint) else { return };
        if known.row.alert.is_resolved(now) {
            return;
        }
        let times = JoinTimes { starts_at: known.row.alert.starts_at, now };
        for id in &known.groups {
            if self.groups.get_mut(id).is_some_and(|group| group.hurry(times)) {
                out.touch(id);
                self.timers.insert((now, Timer::Flush(id.as_ref().clone())));
            }
        }
    }

    /// Its condition has cleared: what was ended by hand may fire again.
    pub(crate) fn release(&mut self, fingerprint: AlertFingerprint, now: Timestamp, out: &mut Outbox) {
        let Some(known) = self.alerts.get_mut(&fingerprint) else { return };
        known.row.held = None;
        known.row.updated_at = now;
        match known.groups.is_empty() {
            true => self.let_go(fingerprint, now, out),
            false => self.keep(fingerprint, out),
        }
    }

    /// Firing alerts without an end: they fire until their source says otherwise, also those that somebody ended by
    /// hand meanwhile. In order of identity.
    pub fn open_ended(&self) -> Vec<Alert> {
        let end = |row: &AlertRow| match &row.held {
            Some(held) => held.ends_at,
            None => row.alert.ends_at,
        };
        let rows = self.alerts.values().map(|known| &known.row);
        let alerts = rows.filter(|row| end(row).is_none()).map(|row| row.alert.clone());
        alerts.map(|alert| Alert { ends_at: None, ..alert }).collect()
    }
}

impl Group {
    fn hurry(&mut self, times: JoinTimes) -> bool {
        let hurries = !self.flushed && self.next_flush > times.now && times.is_overdue(&self.route);
        if hurries {
            self.next_flush = times.now;
        }
        hurries
    }
}

fn compare(old: &AlertRow, mut new: AlertRow, now: Timestamp) -> Heard {
    let fires = !new.alert.is_resolved(now);
    // Whoever says that it is over and names no beginning means the life we know, whatever their clock says.
    if !fires && new.alert.ends_at == Some(new.alert.starts_at) && new.alert.starts_at < old.alert.starts_at {
        (new.alert.starts_at, new.alert.ends_at) = (old.alert.starts_at, Some(now.max(old.alert.starts_at)));
    }
    if let Some(held) = old.held.as_ref().filter(|held| held.lasts(now)) {
        return match fires {
            true => Heard::StillHeld(held.extended(&new)),
            false => Heard::Cleared,
        };
    }
    if old.handled.resolved.is_some() {
        // Its condition cleared at the latest when we last heard of it, whatever its source says of its beginning.
        let cleared_at = old.held.as_ref().and_then(|held| held.ends_at).unwrap_or(old.updated_at);
        let alert = Alert { starts_at: new.alert.starts_at.max(cleared_at), ..new.alert };
        return if fires { Heard::Anew(AlertRow { alert, ..new }) } else { Heard::Nothing };
    }
    let (old_end, new_end) = (end_of(&old.alert), end_of(&new.alert));
    if new_end <= old.alert.starts_at {
        return Heard::Nothing;
    }
    if new.alert.starts_at >= old_end {
        return if fires { Heard::Anew(new) } else { Heard::Nothing };
    }
    let row = merge(old, new, now);
    match old.says_as_much_as(&row) && !old.alert.is_resolved(now) && !row.alert.is_resolved(now) {
        true => Heard::Goes(row),
        false => Heard::Changed(row),
    }
}

/// Two sources of one alert, or two reports of one source. Overlapping reports are one life: it began when the
/// earlier began, and an end that someone stated outlasts one that is only a timeout.
fn merge(old: &AlertRow, mut new: AlertRow, now: Timestamp) -> AlertRow {
    let (old_end, new_end) = (end_of(&old.alert), end_of(&new.alert));
    (new.told_at, new.handled) = (old.told_at, old.handled.clone());
    new.alert.starts_at = new.alert.starts_at.min(old.alert.starts_at);
    let keeps_old_end = match (old.alert.is_resolved(now), new.alert.is_resolved(now)) {
        (true, true) => old_end > new_end,
        (_, false) => old_end > new_end && !old.ends_by_timeout,
        (false, true) => false,
    };
    if keeps_old_end {
        new.alert.ends_at = old.alert.ends_at;
        new.ends_by_timeout = old.ends_by_timeout;
        new.ended = old.ended;
    }
    new
}

fn end_of(alert: &Alert) -> Timestamp {
    alert.ends_at.unwrap_or(Timestamp::MAX)
}

impl AlertRow {
    /// The other says as much as this, and takes its place; the texts stay those that are held already. Those of the
    /// report would lie where the many short-lived pieces of a request lay, and keep the space between from its use.
    fn go_on(&mut self, row: Self) {
        let Alert { labels, annotations, generator_url, .. } = std::mem::replace(self, row).alert;
        (self.alert.labels, self.alert.annotations) = (labels, annotations);
        self.alert.generator_url = generator_url;
    }

    /// Whether the other says nothing that a restart would have to know, except a later end.
    fn says_as_much_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.alert, &other.alert);
        a.starts_at == b.starts_at
            && a.ends_at.is_some() == b.ends_at.is_some()
            && self.ends_by_timeout == other.ends_by_timeout
            && a.generator_url == b.generator_url
            && a.annotations == b.annotations
    }
}

impl Held {
    /// Whether the source still says that it fires.
    pub(crate) fn lasts(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// Whether it ends in the same manner, whenever that is.
    fn is_like(&self, other: &Self) -> bool {
        self.ends_at.is_some() == other.ends_at.is_some() && self.ends_by_timeout == other.ends_by_timeout
    }

    /// The hold after another report that it fires.
    fn extended(&self, report: &AlertRow) -> Self {
        let (old, new) = (self.ends_at.unwrap_or(Timestamp::MAX), end_of(&report.alert));
        match old > new && !self.ends_by_timeout {
            true => self.clone(),
            false => Self { ends_at: report.alert.ends_at, ends_by_timeout: report.ends_by_timeout },
        }
    }
}

impl AlertCore {
    /// The groups of an alert.
    pub(crate) fn groups_of(&self, fingerprint: AlertFingerprint) -> impl Iterator<Item = &GroupId> {
        self.alerts.get(&fingerprint).into_iter().flat_map(|known| &known.groups).map(Arc::as_ref)
    }
}
