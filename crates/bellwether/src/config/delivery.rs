//! How messages are delivered beyond what `alertmanager.yml` can say: who hears what somebody else could not be told.

use bellwether_alerts::{Config as Routing, Fallback};
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Span, Spanned, suggest, yaml::Node};
use bellwether_model::TimeDelta;

use super::loader::Loader;

/// For how long a message may fail before somebody else is told, unless stated otherwise.
const AFTER_DEFAULT: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);

/// The section `delivery` before its receiver has been looked up.
pub(super) struct Delivery {
    fallback_receiver: Spanned<String>,
    fallback_after: TimeDelta,
}

impl Decode for Delivery {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let fallback_receiver: Option<Spanned<String>> = map.optional("fallback_receiver", cx);
        let after: Option<Spanned<TimeDelta>> = map.optional("fallback_after", cx);
        map.finish(cx);
        if let Some(after) = &after {
            if after.value <= TimeDelta::ZERO {
                cx.error_help(after.span, "fallback_after must be longer than nothing", "write it like 10m");
            }
            if fallback_receiver.is_none() {
                let help = "name one with fallback_receiver";
                cx.error_help(after.span, "fallback_after without a receiver has no effect", help);
            }
        }
        let fallback_after = after.map_or(AFTER_DEFAULT, |after| after.value);
        fallback_receiver.map(|fallback_receiver| Self { fallback_receiver, fallback_after })
    }
}

impl Loader {
    /// Looks up the receiver among those of the routing; without a routing its mistakes have been reported.
    pub(super) fn fallback(
        &mut self,
        delivery: Option<Delivery>,
        routing: Option<&Routing>,
    ) -> Option<Fallback> {
        let Delivery { fallback_receiver: name, fallback_after: after } = delivery?;
        let receivers = &routing?.receivers;
        let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
        match receivers.get(&name.value) {
            Some(receiver) if receiver.integrations.is_empty() => {
                let message = format!("receiver {:?} tells nobody", name.value);
                cx.error_help(name.span, message, "name one that has an integration");
                None
            }
            Some(_) => {
                self.is_used(&name.value);
                Some(Fallback { receiver: name.value, after })
            }
            None => {
                let help = match suggest(&name.value, receivers.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => "name one of the receivers in alertmanager".to_owned(),
                };
                cx.error_help(name.span, format!("undefined receiver {:?}", name.value), help);
                None
            }
        }
    }

    /// The fallback needs no route.
    fn is_used(&mut self, receiver: &str) {
        let is_it = |span: Span| self.sources.slice(span).trim_matches(['\'', '"']) == receiver;
        let is_about_it =
            |problem: &Diagnostic| problem.id == "unused-receiver" && problem.span.is_some_and(is_it);
        let others = self.diagnostics.iter().filter(|problem| !is_about_it(problem)).cloned();
        self.diagnostics = others.collect();
    }
}
