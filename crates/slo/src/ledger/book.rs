//! Books what an answer says of a stretch of time, for indicators whose events no counter counts.
//!
//! It is the counterpart of a scrape: whoever answers vouches for exactly the time it was asked about, never ahead.
//! Answers are not in the sample log; after a restart a stream's watermark says from where to ask again.

use bellwether_model::{Labels, Timestamp};

use crate::goal::Counts;
use crate::ledger::coverage::Slots;
use crate::ledger::{Contribution, Ledger, StreamId, TargetKey};
use crate::period::Stretch;

/// What is booked: to which streams, for which time, and how much; nothing when the question went unanswered.
struct Booking<'a> {
    target: u32,
    streams: &'a [u32],
    stretch: Stretch,
    counts: Counts,
}

impl Ledger {
    /// Books the events of a stretch in one lump, at its end, and marks the stretch as measured. `None` says that the
    /// question was asked and not answered: the stretch stays unmeasured, and the watermark where it was.
    ///
    /// `labels` name the group, and are empty for an indicator that is not split. A group's events count in the stream
    /// of everything too; beyond `streams_max` groups only there. Of a group that is no longer among the answers to
    /// the others nothing need be said: after an hour it is no longer expected.
    ///
    /// Answers of a group come in order of time: one that ends no later than what is booked already changes nothing, so
    /// that asking twice counts once. Gives the streams that are now known further.
    pub fn book(
        &mut self,
        key: &str,
        labels: &Labels,
        stretch: Stretch,
        counts: Option<Counts>,
    ) -> Vec<StreamId> {
        // What is judged by slices follows from what is booked.
        let Some(key) = self.sli(key).map(|sli| sli.indicator.by_event().key()) else { return Vec::new() };
        let Some(index) = self.slis_by_key.get(&key).copied() else { return Vec::new() };
        let Some(group) = self.slis[index].as_ref().map(|sli| sli.group(labels)) else { return Vec::new() };
        let name = TargetKey::Asked { indicator: key, labels: group.clone() };
        let counts = counts.filter(|counts| is_count(*counts)).filter(|_| stretch.begin < stretch.end);
        let Some(counts) = counts else {
            self.miss(&name, stretch.end);
            return Vec::new();
        };
        if self.is_booked(&name, stretch.end) {
            return Vec::new();
        }
        let streams = self.streams_for(index, &group);
        let target = self.live_target(name);
        self.book_answer(&Booking { target, streams: &streams, stretch, counts });
        let judged = self.judge_slices(&streams);
        self.sweep(stretch.end);
        streams.into_iter().chain(judged).map(StreamId).collect()
    }

    /// Whether a moment lies in what was answered before.
    fn is_booked(&self, name: &TargetKey, end: Timestamp) -> bool {
        let target = self.target_by_key.get(name).map(|target| &self.targets[*target as usize]);
        target.and_then(|target| target.last_ok).is_some_and(|last| end <= last)
    }

    fn miss(&mut self, name: &TargetKey, at: Timestamp) {
        let Some(target) = self.target_by_key.get(name).copied() else { return };
        let target = &mut self.targets[target as usize];
        target.has_failed = true;
        target.last_attempt = target.last_attempt.max(Some(at));
    }

    fn book_answer(&mut self, booking: &Booking<'_>) {
        let Stretch { begin, end } = booking.stretch;
        let slots = Slots { from: self.grid.slot(begin) + 1, to: self.grid.slot(end) };
        for index in booking.streams {
            let Some(stream) = &mut self.streams[*index as usize] else { continue };
            let contributions = &mut self.targets[booking.target as usize].contributions;
            let marked = match contributions.iter_mut().find(|c| c.stream == *index) {
                Some(known) => std::mem::replace(&mut known.marked, slots.to),
                None => {
                    stream.coverage.join(slots.from);
                    stream.watch_from(slots.from);
                    contributions.push(Contribution { stream: *index, credits: 1, marked: slots.to });
                    slots.from - 1
                }
            };
            stream.reach(slots.from);
            stream.coverage.mark(Slots { from: slots.from.max(marked + 1), to: slots.to });
            if booking.counts != Counts::default() {
                stream.credit(slots.to, booking.counts);
            }
            stream.know_until(end, booking.stretch.length());
        }
        let target = &mut self.targets[booking.target as usize];
        target.first_ok = target.first_ok.or(Some(end));
        (target.last_ok, target.last_attempt) = (Some(end), Some(end));
        (target.has_failed, target.interval) = (false, booking.stretch.length());
    }
}

/// Whether events can be so many.
fn is_count(counts: Counts) -> bool {
    counts.bad >= 0.0 && counts.bad <= counts.total && counts.total.is_finite()
}
