//! The address of a target, put together of its labels and escaped as Prometheus escapes it: exporters see the same
//! request, and the API names the same address.

use std::collections::BTreeMap;

use bellwether_model::Labels;

use crate::config::prometheus::ADDRESS;

/// What is not escaped in a path, besides letters and digits: Go's rule for whole paths.
const PATH_PLAIN: &[u8] = b"-_.~$&+,/:;=@";
/// The same in a question.
const QUERY_PLAIN: &[u8] = b"-_.~";

/// The whole address. The first value of a parameter is that of its label, which rules may have changed.
pub(super) fn target_url(labels: &Labels, params: &BTreeMap<String, Vec<String>>) -> Result<String, String> {
    let mut params = params.clone();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix("__param_") else { continue };
        let values = params.entry(name.to_owned()).or_default();
        match values.first_mut() {
            Some(first) => *first = value.to_owned(),
            None => values.push(value.to_owned()),
        }
    }
    let path = labels.value_or_empty("__metrics_path__");
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    let pairs = params.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("{}={}", in_query(name), in_query(value))).collect();
    let question = if pairs.is_empty() { "" } else { "?" };
    let url = format!(
        "{}://{}{slash}{}{question}{}",
        labels.value_or_empty("__scheme__"),
        labels.value_or_empty(ADDRESS),
        escaped(path, PATH_PLAIN),
        pairs.join("&")
    );
    match reqwest::Url::parse(&url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(url),
        Ok(parsed) => Err(format!("unsupported protocol scheme {:?}", parsed.scheme())),
        Err(error) => Err(format!("{url:?} is no address: {error}")),
    }
}

fn in_query(text: &str) -> String {
    escaped(text, QUERY_PLAIN).replace("%20", "+")
}

fn escaped(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_put_together_as_prometheus_puts_them() {
        let check = |labels: &[(&str, &str)], params: &[(&str, &[&str])], expected: Result<&str, &str>| {
            let usual = [("__scheme__", "http"), ("__address__", "a:1"), ("__metrics_path__", "/metrics")];
            let labels = Labels::from_pairs(usual.iter().chain(labels).map(|(n, v)| (*n, *v)));
            let params = params
                .iter()
                .map(|(name, values)| ((*name).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
                .collect();
            let found = target_url(&labels, &params);
            match expected {
                Ok(url) => assert_eq!(found.as_deref(), Ok(url)),
                Err(part) => assert!(found.as_ref().unwrap_err().contains(part), "{found:?}"),
            }
        };
        check(&[], &[], Ok("http://a:1/metrics"));
        check(&[("__metrics_path__", "probe")], &[], Ok("http://a:1/probe"));
        check(&[("__metrics_path__", "")], &[], Ok("http://a:1"));
        check(&[("__metrics_path__", "/a b?c#d%é")], &[], Ok("http://a:1/a%20b%3Fc%23d%25%C3%A9"));
        check(&[("__scheme__", "https")], &[("m", &["x y", "z/1"])], Ok("https://a:1/metrics?m=x+y&m=z%2F1"));
        check(
            &[("__param_m", "1&2"), ("__param_t", "é")],
            &[("m", &["x", "y"])],
            Ok("http://a:1/metrics?m=1%262&m=y&t=%C3%A9"),
        );
        check(&[("__address__", "[::1]:9")], &[], Ok("http://[::1]:9/metrics"));
        check(&[("__scheme__", "ftp")], &[], Err("unsupported protocol scheme"));
        check(&[("__address__", "a b")], &[], Err("is no address"));
    }
}
