//! Small notations: durations, matchers, labels, series of test scripts, YAML itself.

use bellwether_alerts::{parse_matcher, parse_matchers};
use bellwether_diag::{Diagnostics, Sources, yaml};
use bellwether_model::TimeDelta;

use crate::promql;

pub(crate) fn reads(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(duration) = text.parse::<TimeDelta>() {
        let written = duration.to_string();
        assert_eq!(written.parse(), Ok(duration), "{written} reads back");
    }
    if let Ok(matcher) = parse_matcher(&text) {
        let written = matcher.to_string();
        assert_eq!(parse_matcher(&written).as_ref(), Ok(&matcher), "{written} reads back");
    }
    if let Ok(matchers) = parse_matchers(&text) {
        assert!(matchers.len() <= text.len(), "nothing comes from nothing");
    }
    promql::series(&text);
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("any.yaml", text.into_owned());
    yaml::parse(&sources, file, &mut out);
}
