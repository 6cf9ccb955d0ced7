//! Templates: parsed, checked and rendered within their bounds, with and without escaping for pages.

use bellwether_model::Timestamp;
use bellwether_template::{
    AlertTemplateData, Context, Escape, Limits, QuerySample, TemplateSet, Value, alertmanager_functions,
    check_alert_text, expand_with, prometheus_functions,
};

/// Answers every query with the same two samples.
struct World;

impl Context for World {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_123)
    }

    fn query(&self, _expression: &str) -> Result<Vec<QuerySample>, String> {
        let labels =
            [("job", "a"), ("instance", "世")].into_iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
        Ok(vec![
            QuerySample { labels: labels.collect(), value: 0.25 },
            QuerySample { labels: Default::default(), value: f64::NAN },
        ])
    }
}

pub(crate) fn renders(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let data = Value::map([
        ("a", Value::list([Value::Int(i64::MIN), Value::Float(f64::NAN), Value::Nil])),
        ("b", Value::map([("c", Value::from("é<"))])),
    ]);
    for functions in [prometheus_functions(), alertmanager_functions()] {
        let mut set = TemplateSet::new(functions);
        set.limits = Limits { output_bytes_max: 100_000, steps_max: 5_000, depth_max: 50 };
        let _ = set.parse("file", &text);
        let _ = set.check("inline", &text, &["$x"]);
        for escape in [Escape::None, Escape::Html] {
            if let Ok(rendered) = set.render_text(escape, &text, &data, &World) {
                assert!(rendered.len() <= 100_000, "output is bounded");
            }
        }
    }
    let mut set = TemplateSet::new(prometheus_functions());
    set.limits = Limits { output_bytes_max: 100_000, steps_max: 5_000, depth_max: 50 };
    let _ = check_alert_text(&set, &text);
    let alert = AlertTemplateData {
        labels: [("job", "login")].into_iter().collect(),
        external_labels: Default::default(),
        external_url: "http://b.example".to_owned(),
        value: 0.9951.into(),
    };
    let _ = expand_with(&set, &text, &alert, &World);
}
