//! The page for three in the morning: what burns, how fast, when the budget ends, who has it, and what to do next.
//! Everything else is one line.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bellwether_model::Timestamp;
use bellwether_slo::{BurnAlertState, BurnAlertStatus, Measurement, SloStatus, StreamStatus};
use maud::{Markup, html};

use crate::holder::{self, Holder};
use crate::now_alerts::Others;
use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{AlertState, AlertView, DemoView};
use crate::{App, Shared, alerts, digits, forms, slos};

pub(crate) async fn now(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let slos = app.slos();
    let alerts = app.alerts();
    let sight = Sight::of(&slos, &alerts, app.now());
    let viewer = forms::viewer(&headers);
    let title = match sight.burning.len() {
        0 => "Now".to_owned(),
        n => format!("({n}) Now"),
    };
    page::respond(app.as_ref(), Nav::Now, &title, &main(app.as_ref(), &sight, &viewer))
}

/// What there is to see: pages before tickets, and then by the time until the budget ends.
struct Sight<'a> {
    burning: Vec<Burning<'a>>,
    unmeasured: Vec<&'a SloStatus>,
    /// Thresholds without a goal that do not keep their bound.
    missed: Vec<&'a SloStatus>,
    others: Others<'a>,
    calm: usize,
    objectives: usize,
    now: Timestamp,
}

/// An objective with an alert firing: the stream whose budget ends first stands for it.
struct Burning<'a> {
    slo: &'a SloStatus,
    stream: &'a StreamStatus,
    streams: usize,
    alert: &'a BurnAlertStatus,
    notices: Vec<&'a AlertView>,
}

impl<'a> Sight<'a> {
    fn of(slos: &'a [SloStatus], alerts: &'a [AlertView], now: Timestamp) -> Self {
        let mut burning: Vec<_> = slos.iter().filter_map(|slo| Burning::of(slo, alerts)).collect();
        // A ticket, however little is left of its budget, does not push a page off a phone's first screen.
        burning.sort_by_key(|b| (b.tone(), budget_end(b.stream, now), b.slo.id.clone()));
        let is_shown = |id: &str| burning.iter().any(|b| b.slo.id == id);
        let unmeasured: Vec<_> = slos.iter().filter(|s| is_unmeasured(s) && !is_shown(&s.id)).collect();
        let others = Others::of(alerts, |a| a.slo_id.as_deref().is_some_and(is_shown), now);
        let missed: Vec<_> = slos.iter().filter(|slo| is_missed(slo)).collect();
        let calm = slos.len() - burning.len() - unmeasured.len() - missed.len();
        Self { burning, unmeasured, missed, others, calm, objectives: slos.len(), now }
    }

    /// How many on cards nobody has, with the longest wait among them.
    fn unacked(&self) -> (usize, Option<Timestamp>) {
        let burning = self.burning.iter().filter_map(|b| b.unacked_since(self.now));
        let waiting = burning.chain(self.others.waiting(self.now));
        (waiting.clone().count(), waiting.min())
    }
}

impl<'a> Burning<'a> {
    fn of(slo: &'a SloStatus, alerts: &'a [AlertView]) -> Option<Self> {
        let streams: Vec<_> = slo.streams.iter().filter(|s| parts::is_burning(s)).collect();
        let stream = *streams.iter().min_by_key(|s| budget_end(s, Timestamp::MAX))?;
        let firing = stream.alerts.iter().filter(|a| a.state == BurnAlertState::Firing);
        let alert = firing.min_by_key(|a| (Tone::of_severity(&a.severity), a.long))?;
        let is_ours = |a: &&AlertView| a.state == AlertState::Firing && a.slo_id.as_deref() == Some(&slo.id);
        let notices = alerts.iter().filter(is_ours).collect();
        Some(Self { slo, stream, streams: streams.len(), alert, notices })
    }

    fn tone(&self) -> Tone {
        Tone::of_severity(&self.alert.severity)
    }

    fn unacked_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.notices.iter().filter_map(|a| holder::wanted_since(a, now)).min()
    }
}

/// When the budget ends: at once if it is gone, never if it is not being spent.
fn budget_end(stream: &StreamStatus, now: Timestamp) -> Timestamp {
    if is_gone(stream) {
        return Timestamp::MIN;
    }
    stream
        .exhaustion
        .map_or(Timestamp::MAX, |e| if now == Timestamp::MAX { e.earliest } else { e.earliest.max(now) })
}

fn is_gone(stream: &StreamStatus) -> bool {
    stream.budget.is_some_and(|b| b.left_of_period_ratio() <= 0.0)
}

fn is_unmeasured(slo: &SloStatus) -> bool {
    if let Some(threshold) = &slo.threshold {
        return threshold.passes.is_none();
    }
    slo.streams.first().is_none_or(|s| match s.measurement {
        Measurement::Unmeasured | Measurement::Unknown => true,
        Measurement::Complete | Measurement::Partial => false,
    })
}

fn is_missed(slo: &SloStatus) -> bool {
    slo.threshold.as_ref().is_some_and(|threshold| threshold.passes == Some(false))
}

fn main(app: &dyn App, sight: &Sight<'_>, viewer: &str) -> Markup {
    html! {
        @if !sight.burning.is_empty() {
            h1 { (sentence(sight)) }
            div.cards { @for burning in &sight.burning { (card(burning, sight.now, viewer)) } }
        } @else {
            (calm(app, sight))
        }
        (sight.others.section(viewer, sight.now))
        @if !sight.missed.is_empty() {
            h2 { "Thresholds missed" }
            div.cards { @for slo in &sight.missed { (missed_card(slo, sight.now)) } }
        }
        @if !sight.unmeasured.is_empty() {
            h2 { "Not measured" }
            div.cards { @for slo in &sight.unmeasured { (unmeasured_card(slo, sight.now)) } }
        }
        @if sight.calm > 0 && !sight.burning.is_empty() {
            p.dim { span aria-hidden="true" { "✓ " } (parts::plural(sight.calm, "other objective")) " not burning. " a href="/slos" { "All objectives" } }
        }
        @if let Some(demo) = app.demo() { (demo_panel(&demo.view(), sight.now)) }
    }
}

/// The whole situation in one sentence.
fn sentence(sight: &Sight<'_>) -> Markup {
    let now = sight.now;
    let next = sight.burning.iter().filter(|b| !is_gone(b.stream)).find_map(|b| b.stream.exhaustion);
    let gone = sight.burning.iter().filter(|b| is_gone(b.stream)).count();
    html! {
        (sight.burning.len()) " burning" (others_and_unacked(sight))
        @if gone > 0 { ", " (plural_budgets(gone)) " gone" }
        @if let Some(end) = next {
            ", next budget ends " (parts::moment(end.earliest, now)) ", " (parts::relative(end.earliest, now))
        }
    }
}

/// How many other alerts reach people, and for how long nobody has had the oldest of all.
fn others_and_unacked(sight: &Sight<'_>) -> Markup {
    let (loud, (unacked, since)) = (sight.others.loud(), sight.unacked());
    html! {
        @if loud > 0 { ", " (parts::plural(loud, if sight.burning.is_empty() { "alert" } else { "other alert" })) " firing" }
        @if let Some(since) = since { ", " (unacked) " unacked for " (digits::length_coarse(sight.now - since)) }
    }
}

fn plural_budgets(n: usize) -> String {
    parts::plural(n, "budget")
}

fn card(burning: &Burning<'_>, now: Timestamp, viewer: &str) -> Markup {
    let Burning { slo, stream, alert, .. } = burning;
    // Of several the one that nobody has.
    let wanted = burning.notices.iter().find(|a| Holder::of(a, now).is_wanted());
    let notice = wanted.or(burning.notices.first());
    html! {
        article id={ "s-" (slo.id) } class={ "card " (burning.tone().class()) } aria-label={ (slo.id) " is burning" } data-item {
            div.row {
                (parts::tag(burning.tone(), &alert.severity.to_uppercase()))
                @if !slo.service.is_empty() { span.dim.small { (slo.service) } }
                @if !stream.labels.is_empty() { (parts::labels(&stream.labels)) }
                @if burning.streams > 1 { span.dim.small { "and " (burning.streams - 1) " more streams" } }
            }
            h2.name { a href=(parts::slo_href(&slo.id)) { (slo.name) } }
            @if !slo.description.is_empty() { p.dim.small { (slo.description) } }
            dl.facts {
                div { dt { "Burning" } dd { (burn_rates(alert)) } }
                div { dt { "Budget left" } dd { (budget(stream)) } }
                div { dt { "Budget ends" } dd { (ends(stream, now)) } }
                div { dt { "Who has it" } dd { (who(burning, now)) } }
            }
            (next_step(slo, notice.copied()))
            (actions(burning, notice.copied(), viewer, now))
        }
    }
}

fn burn_rates(alert: &BurnAlertStatus) -> Markup {
    let rate = |r: Option<f64>| r.map_or("unknown".to_owned(), |r| digits::burn(r, &[alert.factor]));
    html! {
        b { (rate(alert.burn_rate_short.or(alert.burn_rate_long))) }
        @if let Some(short) = alert.short { "in " (short) ", " (rate(alert.burn_rate_long)) " in " (alert.long) }
        @else { "in " (alert.long) }
    }
}

fn budget(stream: &StreamStatus) -> Markup {
    let Some(budget) = &stream.budget else { return html! { b { "unknown" } "nothing counted yet" } };
    // Whatever is left, nothing on a card of something that burns looks healthy.
    let tone = parts::budget_tone(budget.left_of_period_ratio()).min(Tone::Warn);
    html! {
        b class=(if tone == Tone::Bad { "bad" } else { "" }) { (parts::budget_text(budget)) }
        (parts::bar(budget.left_of_period_ratio(), None, tone))
    }
}

fn ends(stream: &StreamStatus, now: Timestamp) -> Markup {
    if is_gone(stream) {
        return html! { b.bad { "gone" } "every error now is beyond the goal" };
    }
    let Some(end) = stream.exhaustion else { return html! { b { "not in sight" } "at the present rate" } };
    html! {
        b { (parts::relative(end.earliest, now)) }
        (parts::moment(end.earliest, now))
        @match end.latest {
            Some(latest) if parts::utc(latest, now) != parts::utc(end.earliest, now) => { " to " (parts::moment(latest, now)) }
            Some(_) => {}
            None => { " or never" }
        }
    }
}

fn who(burning: &Burning<'_>, now: Timestamp) -> Markup {
    let owner = if burning.slo.owner.is_empty() { "no owner set" } else { &burning.slo.owner };
    let since = burning.notices.iter().map(|a| a.starts_at).min().or(burning.alert.since);
    let taken = burning.notices.iter().find_map(|a| match Holder::of(a, now) {
        Holder::Taken(ack) => Some(ack),
        Holder::Lapsed(..) | Holder::Nobody | Holder::NotAsked => None,
    });
    let silenced = burning.notices.iter().any(|a| !a.silenced_by.is_empty());
    html! {
        @if let (Some(ack), None) = (taken, burning.unacked_since(now)) {
            b.ok { (ack.by) } "since " (parts::moment(ack.at, now))
        } @else if silenced {
            b { "silenced" } (owner) ", " a href="/silences" { "see silences" }
        } @else if let Some(since) = burning.unacked_since(now) {
            b.bad { "UNACKED " (digits::length_coarse(now - since)) } (owner)
        } @else {
            b { (owner) }
            @if let Some(since) = since { "firing for " (digits::length(now - since)) }
        }
    }
}

fn runbook_of<'a>(slo: &'a SloStatus, notice: Option<&'a AlertView>) -> &'a str {
    let own = notice.map(|a| a.runbook_url.as_str()).filter(|url| !url.is_empty());
    own.unwrap_or(&slo.runbook)
}

fn next_step(slo: &SloStatus, notice: Option<&AlertView>) -> Markup {
    let step = notice.map(|a| a.next_step.as_str()).filter(|step| !step.is_empty());
    let runbook = runbook_of(slo, notice);
    html! {
        p.next {
            b { "Next: " }
            @if let Some(step) = step { (step) }
            @else if parts::safe_href(runbook).is_some() { "open the runbook and follow its first step" }
            @else if !runbook.is_empty() { (runbook) }
            @else { "see when it began and what else changed; this objective names no " code { "runbook" } }
        }
    }
}

/// Acknowledging takes all alerts of the objective that nobody has.
fn actions(burning: &Burning<'_>, notice: Option<&AlertView>, viewer: &str, now: Timestamp) -> Markup {
    let slo = burning.slo;
    let wanted = burning.notices.iter().filter(|a| Holder::of(a, now).is_wanted());
    let wanted: Vec<&AlertView> = wanted.copied().collect();
    html! {
        div.acts {
            (alerts::ack_form(&wanted, viewer, "/"))
            @if let Some(href) = parts::safe_href(runbook_of(slo, notice)) { a.btn href=(href) data-key="r" { "Runbook" } }
            @if let Some(alert) = notice {
                a.btn href={ "/silences?alert=" (alert.fingerprint) "#new" } data-key="s" { "Silence" }
                a.btn href=(alerts::href(&alert.fingerprint)) { "Explain" }
            }
            @if notice.is_none() { a.btn href=(parts::slo_href(&slo.id)) { "Details" } }
        }
    }
}

fn missed_card(slo: &SloStatus, now: Timestamp) -> Markup {
    let Some(threshold) = &slo.threshold else { return html! {} };
    html! {
        article.card.bad id={ "t-" (slo.id) } aria-label={ (slo.id) " misses its threshold" } {
            div.row { (parts::tag(Tone::Bad, "MISSED")) @if !slo.owner.is_empty() { span.dim.small { (slo.owner) } } }
            h3 { a href=(parts::slo_href(&slo.id)) { (slo.id) } }
            p.small {
                b { (slos::threshold_value(threshold)) } ", asked for " (slos::threshold_bound(threshold)) " over " (slo.period_text)
                @if let Some(since) = threshold.failing_since { ", missed since " (parts::moment(since, now)) }
            }
        }
    }
}

fn unmeasured_card(slo: &SloStatus, now: Timestamp) -> Markup {
    let watermark = slo.streams.first().and_then(|s| s.watermark);
    html! {
        article.card.warn id={ "u-" (slo.id) } aria-label={ (slo.id) " is not measured" } {
            div.row { (parts::tag(Tone::Warn, "NOT MEASURED")) @if !slo.owner.is_empty() { span.dim.small { (slo.owner) } } }
            h3 { a href=(parts::slo_href(&slo.id)) { (slo.id) } }
            @if let Some(at) = watermark {
                p.small { "Known up to " (parts::moment(at, now)) ", " (parts::relative(at, now)) ". Its alerts keep their state. "
                    a href="/targets" { "Look at the targets" } }
            } @else {
                p.small { "Nothing of it has ever been measured: " (slo.indicator_text) ". "
                    a href="/targets" { "Look at the targets" } }
            }
        }
    }
}

/// Nothing burns. That is only good news while the data is fresh, so its age stands beside it.
fn calm(app: &dyn App, sight: &Sight<'_>) -> Markup {
    let overview = app.overview();
    if sight.objectives == 0 {
        let path = if overview.config_path.is_empty() { "bellwether.yml" } else { &overview.config_path };
        return html! {
            h1 { @if sight.others.loud() > 0 { "No objectives" (others_and_unacked(sight)) } @else { "Nothing is watched yet" } }
            (parts::empty("There are no objectives", html! {
                "Write one under " code { "slos:" } " in the configuration, check it with "
                (parts::command(&format!("bellwether check {path}"))) ", then reload."
            }))
        };
    }
    let stale = overview.data_at.is_none_or(|at| (sight.now - at).0 >= overview.scrape_interval.0 * 5);
    if stale {
        return html! {
            h1 { "Nobody can say whether anything burns" (others_and_unacked(sight)) }
            p.note.bad role="alert" {
                "▲ "
                @match overview.data_at {
                    Some(at) => { "The newest data is " (digits::length(sight.now - at)) " old, from " (parts::moment(at, sight.now)) ". " }
                    None => { "No data has arrived yet. " }
                }
                (overview.targets_up) " of " (parts::plural(overview.targets, "target")) " up. "
                a href="/targets" { "Look at the targets" }
            }
        };
    }
    // Where something else fires, what is well makes room for it.
    let class = if sight.others.loud() > 0 { "" } else { "calm" };
    html! {
        div class=(class) {
            h1 { "Nothing is burning" (others_and_unacked(sight)) @if !sight.missed.is_empty() { ", " (parts::plural(sight.missed.len(), "threshold")) " missed" } }
            p.ok { b { span aria-hidden="true" { "✓ " } (parts::plural(sight.calm, "objective")) " within budget pace" } }
            @if let Some(at) = overview.data_at {
                p.dim { "as of data " (digits::length(sight.now - at)) " old, from " (parts::moment(at, sight.now)) }
            }
            @if sight.others.loud() == 0 { a.btn href="/slos" { "All objectives" } }
        }
    }
}

fn demo_panel(demo: &DemoView, now: Timestamp) -> Markup {
    let expect = demo.phases.iter().find(|p| p.name == demo.phase).map(|p| p.expect.as_str());
    html! {
        section aria-labelledby="demo" {
            h2 #demo { "Demonstration" }
            p.small { (demo.title) }
            form.acts method="post" action="/demo/phase" {
                @for phase in &demo.phases {
                    @let pressed = phase.name == demo.phase;
                    button name="phase" value=(phase.name) aria-pressed=(pressed) title=(phase.expect) { (phase.title) }
                }
            }
            @if let Some(expect) = expect {
                p.dim.small { "Since " (parts::moment(demo.since, now)) ": " (expect) }
            }
        }
    }
}
