//! What a side answered, in one form, wherever it came from.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// An answer, or why there is none.
#[derive(Clone, Debug)]
pub enum Answer {
    Result(Found),
    Refused {
        /// The API's word for the kind of error: `bad_data`, `execution`, …
        kind: String,
        message: String,
    },
}

/// A result and what was said about it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The API's word: `scalar`, `string`, `vector`, `matrix`.
    pub kind: String,
    pub rows: Vec<Row>,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
}

/// One series of a result; scalars and strings have no labels.
#[derive(Clone, Debug)]
pub struct Row {
    pub labels: BTreeMap<String, String>,
    pub points: Vec<(i64, Point)>,
}

#[derive(Clone, Debug)]
pub enum Point {
    Number(f64),
    Text(String),
    /// As the API writes it.
    Histogram(Json),
}

/// Reads the body of an API's answer.
pub fn of_body(body: &[u8]) -> Result<Answer, String> {
    let unreadable = || format!("unreadable answer: {}", String::from_utf8_lossy(body));
    let json: Json = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    if json["status"] == "error" {
        return Ok(Answer::Refused { kind: text(&json["errorType"]), message: text(&json["error"]) });
    }
    let kind = text(&json["data"]["resultType"]);
    let result = &json["data"]["result"];
    let rows = match kind.as_str() {
        "scalar" => vec![bare(number_at(result).ok_or_else(unreadable)?)],
        "string" => vec![bare((0, Point::Text(text(&result[1]))))],
        "vector" | "matrix" => {
            let rows = result.as_array().ok_or_else(unreadable)?;
            rows.iter().map(row).collect::<Option<Vec<Row>>>().ok_or_else(unreadable)?
        }
        _ => return Err(unreadable()),
    };
    let texts = |name: &str| json[name].as_array().into_iter().flatten().map(text).collect();
    Ok(Answer::Result(Found { kind, rows, warnings: texts("warnings"), infos: texts("infos") }))
}

fn bare(point: (i64, Point)) -> Row {
    Row { labels: BTreeMap::new(), points: vec![point] }
}

fn row(json: &Json) -> Option<Row> {
    let labels = json["metric"].as_object()?.iter();
    let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let mut points = Vec::new();
    points.extend(json.get("value").map(number_at));
    points.extend(json["values"].as_array().into_iter().flatten().map(number_at));
    points.extend(json.get("histogram").map(histogram_at));
    points.extend(json["histograms"].as_array().into_iter().flatten().map(histogram_at));
    let mut points = points.into_iter().collect::<Option<Vec<_>>>()?;
    points.sort_by_key(|(at, _)| *at);
    Some(Row { labels: labels.collect::<Option<_>>()?, points })
}

fn number_at(pair: &Json) -> Option<(i64, Point)> {
    // Prometheus writes `+Inf`, which Rust reads as well.
    Some((millis(&pair[0]), Point::Number(pair[1].as_str()?.parse().ok()?)))
}

fn histogram_at(pair: &Json) -> Option<(i64, Point)> {
    Some((millis(&pair[0]), Point::Histogram(pair[1].clone())))
}

fn millis(seconds: &Json) -> i64 {
    (seconds.as_f64().unwrap_or(f64::NAN) * 1000.0).round() as i64
}
