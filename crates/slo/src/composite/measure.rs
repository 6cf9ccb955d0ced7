//! Composites at work: their windows are computed from those of their members when somebody asks, so that corrections,
//! late samples and back-filling of a member are in the journey at once. Of their own they have a watermark only: the
//! moment up to which all of their members are known.

use bellwether_model::Timestamp;

use crate::composite::{DEPTH_MAX, Part, combine, composite_of, critical};
use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::event::Effect;
use crate::indicator::{Combination, Composite};
use crate::ledger::StreamId;
use crate::ledger::stream::Window;
use crate::measure::{Known, Measure, Outer};
use crate::period::Stretch;

impl<'a> Measure<'a> {
    /// What its parts are, if it has some.
    pub(crate) fn composite(&self) -> Option<&'a Composite> {
        composite_of(self.slo)
    }

    /// What a composite's members come to.
    pub(crate) fn over_members(
        &self,
        composite: &'a Composite,
        stretch: Stretch,
        known: Known,
        outer: &Outer<'_>,
    ) -> Option<Window> {
        let parts = self.parts(composite, stretch, known, outer)?;
        Some(combine(composite.combination, self.slo.goal?, &parts))
    }

    fn parts(
        &self,
        composite: &'a Composite,
        stretch: Stretch,
        known: Known,
        outer: &Outer<'_>,
    ) -> Option<Vec<Part>> {
        // Composites that contain themselves are refused when they are read; whoever made one otherwise gets nothing.
        if outer.depth > DEPTH_MAX {
            return None;
        }
        let part = |(index, member): (usize, Measure<'a>)| {
            let window = member.over_within(stretch, known, outer)?;
            let weight = composite.members[index].weight.get();
            Some(Part { window, weight, goal: member.slo.goal? })
        };
        self.members(composite)?.into_iter().enumerate().map(part).collect()
    }

    fn members(&self, composite: &Composite) -> Option<Vec<Self>> {
        let engine = self.engine;
        let member = |id: &str| {
            let slo = engine.slos.get(id)?;
            let stream = engine.ledger.everything(&slo.indicator.key())?;
            Some(Self { engine, slo, stream })
        };
        composite.members.iter().map(|m| member(&m.slo)).collect()
    }

    /// From when on anything is kept of all members.
    pub(crate) fn members_known_from(&self, composite: &Composite) -> Option<Timestamp> {
        let known: Option<Vec<Timestamp>> =
            self.members(composite)?.iter().map(Measure::known_from).collect();
        known?.into_iter().max()
    }

    /// The member whose status is the journey's, over the present period.
    pub(crate) fn critical_member(&self) -> Option<&'a str> {
        let composite = self.composite().filter(|c| c.combination == Combination::CriticalMember)?;
        let end = self.watermark()?;
        let period = Stretch { begin: self.slo.period.range_at(end).begin, end };
        let corrections = self.corrections(Known::Now);
        let parts =
            self.parts(composite, period, Known::Now, &Outer { corrections: &corrections, depth: 1 })?;
        critical(&parts).map(|index| composite.members[index].slo.as_str())
    }
}

impl SloEngine {
    /// A member has become known further: so are the composites it is part of, once all of their members are.
    pub(crate) fn evaluate_composites(&mut self, member: &Slo, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.composites_of.is_empty() {
            return;
        }
        let composites = self.composites_of.get(&member.id()).cloned().unwrap_or_default();
        for slo in composites {
            if let Some(stream) = self.advance(&slo) {
                self.evaluate(stream, now, effects);
            }
        }
    }

    /// Moves the watermark of a composite to that of its slowest member; `None` when it was there already.
    fn advance(&mut self, slo: &Slo) -> Option<StreamId> {
        let members = composite_of(slo)?.members.iter();
        let streams: Option<Vec<StreamId>> = members
            .map(|member| self.ledger.everything(&self.slos.get(&member.slo)?.indicator.key()))
            .collect();
        let streams = streams?;
        let known: Option<Vec<Timestamp>> = streams.iter().map(|id| self.ledger.watermark(*id)).collect();
        let (until, interval) =
            (known?.into_iter().min()?, streams.iter().map(|id| self.ledger.interval(*id)).max()?);
        let own = self.ledger.everything(&slo.indicator.key())?;
        let stream = self.ledger.streams.get_mut(own.0 as usize)?.as_mut()?;
        if stream.watermark.is_some_and(|watermark| until <= watermark) {
            return None;
        }
        (stream.watermark, stream.interval) = (Some(until), interval);
        Some(own)
    }
}
