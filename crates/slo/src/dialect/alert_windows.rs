//! Sloth's catalogues of alert windows: for a period, which share of the budget may be spent in which window before
//! somebody is paged or gets a ticket.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Span};
use bellwether_model::TimeDelta;

use crate::decode::parts::window;
use crate::goal::Factor;

/// The period of every specification of Sloth, unless a catalogue speaks of another one only.
const PERIOD_USUAL: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);
/// The periods whose windows Sloth knows by itself.
const PERIODS_BUILT_IN: [TimeDelta; 2] = [PERIOD_USUAL, TimeDelta(28 * TimeDelta::DAY.0)];

/// The alert windows of a period.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlertWindows {
    /// The period of the budget.
    pub(crate) period: TimeDelta,
    /// Windows that page when the budget burns fast.
    pub(crate) page_quick: BurnPair,
    /// Windows that page when it burns slowly.
    pub(crate) page_slow: BurnPair,
    /// Windows that open a ticket early.
    pub(crate) ticket_quick: BurnPair,
    /// Windows that open a ticket late.
    pub(crate) ticket_slow: BurnPair,
    /// Where they were written; `None` for those that Sloth knows by itself.
    pub(crate) span: Option<Span>,
}

/// A long and a short window, and the burn rate that both must exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BurnPair {
    /// The window that makes it stop soon.
    pub(crate) short: TimeDelta,
    /// The window that must burn long enough to matter.
    pub(crate) long: TimeDelta,
    /// The burn rate that spends the stated share of the budget in the long window.
    pub(crate) factor: Factor,
}

impl AlertWindows {
    /// The windows that Sloth knows by itself for a period: those of the Site Reliability Workbook.
    pub(crate) fn built_in(period: TimeDelta) -> Option<Self> {
        let is_known = PERIODS_BUILT_IN.contains(&period);
        let pair = |percent: u64, short_minutes: i64, long_hours: i64| {
            let short = TimeDelta(short_minutes * TimeDelta::MINUTE.0);
            pair(percent, 100, short, TimeDelta(long_hours * TimeDelta::HOUR.0), period)
        };
        Some(Self {
            period,
            page_quick: pair(2, 5, 1)?,
            page_slow: pair(5, 30, 6)?,
            ticket_quick: pair(10, 120, 24)?,
            ticket_slow: pair(10, 360, 72)?,
            span: None,
        })
        .filter(|_| is_known)
    }

    /// All pairs by name, pages first.
    pub(crate) fn pairs(&self) -> [(&'static str, BurnPair); 4] {
        [
            ("page-quick", self.page_quick),
            ("page-slow", self.page_slow),
            ("ticket-quick", self.ticket_quick),
            ("ticket-slow", self.ticket_slow),
        ]
    }
}

/// The pair that fires when a share of the budget (`part / whole`) is spent within the long window.
fn pair(part: u64, whole: u64, short: TimeDelta, long: TimeDelta, period: TimeDelta) -> Option<BurnPair> {
    let seconds = |delta: TimeDelta| u64::try_from(delta.0 / 1000).ok();
    let factor = Factor::fraction(part.checked_mul(seconds(period)?)?, whole.checked_mul(seconds(long)?)?)?;
    Some(BurnPair { short, long, factor })
}

impl Decode for AlertWindows {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        map.ignore(&["apiVersion", "kind", "metadata"]);
        let spec = required_node(&mut map, "spec", cx);
        map.finish(cx);
        let mut map = MapReader::open(spec?, cx)?;
        let period = required_node(&mut map, "sloPeriod", cx);
        let period = period.and_then(|node| window(node, "period", cx));
        let (page, ticket) = (required_node(&mut map, "page", cx), required_node(&mut map, "ticket", cx));
        map.finish(cx);
        let (page, ticket) = (Severity::decode(page?, cx), Severity::decode(ticket?, cx));
        let (period, page, ticket) = (period?, page?, ticket?);
        Some(Self {
            period,
            page_quick: page.quick.of_period(period, cx)?,
            page_slow: page.slow.of_period(period, cx)?,
            ticket_quick: ticket.quick.of_period(period, cx)?,
            ticket_slow: ticket.slow.of_period(period, cx)?,
            span: Some(node.span),
        })
    }
}

fn required_node<'n>(map: &mut MapReader<'n>, name: &'static str, cx: &mut Cx<'_>) -> Option<&'n Node> {
    let node = map.node(name).filter(|node| !node.is_null());
    if node.is_none() {
        let span = map.span_first_line(cx);
        cx.push(Diagnostic::error("missing-field", span, format!("{name} is missing")));
    }
    node
}

/// The two pairs of a severity.
struct Severity {
    quick: StatedPair,
    slow: StatedPair,
}

impl Decode for Severity {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let (quick, slow) = (map.required::<StatedPair>("quick", cx), map.required::<StatedPair>("slow", cx));
        map.finish(cx);
        Some(Self { quick: quick?, slow: slow? })
    }
}

/// A pair before it is known of which period its share is.
struct StatedPair {
    /// Percent of the budget.
    percent: Factor,
    short: TimeDelta,
    long: TimeDelta,
    span: Span,
}

impl Decode for StatedPair {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let percent = required_node(&mut map, "errorBudgetPercent", cx).and_then(|node| percent(node, cx));
        let mut length = |name: &'static str, cx: &mut Cx<'_>| {
            required_node(&mut map, name, cx).and_then(|node| window(node, "window", cx))
        };
        let (short, long) = (length("shortWindow", cx), length("longWindow", cx));
        map.finish(cx);
        let (short, long) = (short?, long?);
        if short >= long {
            cx.error(node.span, format!("short window {short} is not shorter than the long one, {long}"));
            return None;
        }
        Some(Self { percent: percent?, short, long, span: node.span })
    }
}

fn percent(node: &Node, cx: &mut Cx<'_>) -> Option<Factor> {
    let percent = node.as_text().and_then(Factor::parse);
    if percent.is_none() {
        cx.error_help(node.span, "not a share of the budget", "write percent such as 2 or 12.5");
    }
    percent
}

impl StatedPair {
    fn of_period(&self, period: TimeDelta, cx: &mut Cx<'_>) -> Option<BurnPair> {
        let whole = self.percent.denominator().checked_mul(100);
        let found =
            whole.and_then(|whole| pair(self.percent.numerator(), whole, self.short, self.long, period));
        if found.is_none() {
            cx.error(self.span, "the burn rate of these windows has too many digits");
        }
        found
    }
}

/// All catalogues that are read together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    all: Vec<AlertWindows>,
}

impl Catalogue {
    /// Reads every catalogue; two of one period contradict each other.
    pub(crate) fn read<'n>(nodes: impl Iterator<Item = &'n Node>, cx: &mut Cx<'_>) -> Self {
        let mut catalogue = Self::default();
        for node in nodes {
            let Some(windows) = AlertWindows::decode(node, cx) else { continue };
            let Some(known) = catalogue.all.iter().find(|known| known.period == windows.period) else {
                catalogue.all.push(windows);
                continue;
            };
            if (Self::unplaced(known) != Self::unplaced(&windows))
                && let Some(first) = known.span
            {
                let message = format!("windows of a period of {} are defined twice", windows.period);
                let problem = Diagnostic::error("duplicate-windows", node.span, message);
                cx.push(problem.with_related(first, "the first are here"));
            }
        }
        catalogue
    }

    fn unplaced(windows: &AlertWindows) -> AlertWindows {
        AlertWindows { span: None, ..windows.clone() }
    }

    /// The windows of a period, or of the usual one. A catalogue of one period only is meant to be used; what no
    /// catalogue knows is said in words.
    pub(crate) fn windows(&self, period: Option<TimeDelta>) -> Result<AlertWindows, String> {
        let wanted = match (period, &self.all[..]) {
            (Some(period), _) => period,
            (None, [only]) => only.period,
            (None, _) => PERIOD_USUAL,
        };
        let stated = self.all.iter().find(|windows| windows.period == wanted).cloned();
        stated.or_else(|| AlertWindows::built_in(wanted)).ok_or_else(|| {
            format!(
                "there are no alert windows for a period of {wanted}; add a document of kind AlertWindows"
            )
        })
    }
}
