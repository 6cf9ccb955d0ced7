//! Queries: what is wrong with one can be shown, what is right is written back as it was, and evaluating costs no more
//! than it may.

use std::cell::Cell;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::{
    EvalError, EvalOptions, Interrupt, Limits, RangeSpec, eval_instant, eval_range, format_query, parse,
    parse_query, render_errors, series_notation,
};

use crate::source::Memory;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads a query; whatever is wrong with it has a place and can be shown.
pub(crate) fn parses(bytes: &[u8]) {
    let text = text(bytes);
    let Err(errors) = parse(&text) else { return };
    assert!(!errors.is_empty(), "a refusal has a reason");
    for error in &errors {
        assert!(text.get(error.span.clone()).is_some(), "{error:?} stands in the text");
        assert!(error.related.iter().all(|(span, _)| text.get(span.clone()).is_some()), "{error:?}");
        assert!(!error.message.is_empty());
    }
    let shown = render_errors(&errors, &text, Default::default());
    assert!(shown.len() < 200_000, "an error is not longer than anybody reads");
}

/// Lays a query out, twice, and reads it again.
pub(crate) fn formats(bytes: &[u8]) {
    let text = text(bytes);
    let Ok(expr) = parse(&text) else { return };
    let canonical = expr.to_string();
    assert_eq!(parse(&canonical).expect("canonical text is read").to_string(), canonical);
    let laid_out = format_query(&text).expect("what is read can be laid out");
    let again = parse(&laid_out).expect("a layout is read");
    assert_eq!(again.to_string(), canonical, "a layout means the same");
    assert_eq!(format_query(&laid_out).expect("a layout can be laid out"), laid_out, "and stays as it is");
    parse_query(&text).expect("what is read has a tree");
}

/// Evaluates a query over a small source, at one moment and over many.
pub(crate) fn evaluates(bytes: &[u8]) {
    let (salt, rest) = bytes.split_first().map_or((0, bytes), |(salt, rest)| (*salt, rest));
    let whole = text(bytes);
    // The first byte may choose the data or belong to the query.
    let Ok(expr) = parse(&whole).or_else(|_| parse(&text(rest))) else { return };
    let source = Memory::small(salt);
    let limits = Limits { samples: 200_000, steps: 500, memory_bytes: 16 << 20 };
    let asked = Cell::new(0u32);
    let interrupt = || {
        asked.set(asked.get() + 1);
        (asked.get() > 2_000).then_some(Interrupt::TimedOut)
    };
    for delayed in [false, true] {
        let options = EvalOptions {
            limits,
            delayed_name_removal: delayed,
            type_and_unit_labels: salt & 1 == 1,
            interrupt: Some(&interrupt),
            ..EvalOptions::default()
        };
        let moment = Timestamp(i64::from(salt) * 61_000);
        said(eval_instant(&expr, moment, &source, &options).map(|_| ()));
        let range = RangeSpec { start: Timestamp(0), end: Timestamp(3_600_000), step: TimeDelta(137_000) };
        said(eval_range(&expr, range, &source, &options).map(|_| ()));
    }
}

fn said(result: Result<(), EvalError>) {
    if let Err(error) = result {
        assert!(!error.to_string().is_empty(), "a refusal has a reason");
    }
}

/// Reads series with their values as test scripts write them.
pub(crate) fn series(text: &str) {
    let _ = series_notation::series(text);
    let _ = series_notation::values(text);
    let _ = series_notation::labels(text);
}
