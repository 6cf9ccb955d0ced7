//! Answers of Prometheus' HTTP API as they are written: read strictly, so that half an answer is never taken for a
//! whole one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bellwether_model::{Labels, Sample, Timestamp};
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::ask_error::AskError;

/// What every answer looks like.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<'a, T> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    data: Option<T>,
    #[serde(default, rename = "errorType", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    error: Cow<'a, str>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    /// VictoriaMetrics' word for the same.
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
}

/// What an answer without success says.
#[derive(Debug, Default, PartialEq)]
pub struct Complaint {
    /// Such as `bad_data`.
    pub kind: String,
    /// In words.
    pub said: String,
}

/// The complaint in a body, if there is one.
pub fn complaint(body: &[u8]) -> Option<Complaint> {
    let envelope: Envelope<'_, IgnoredAny> = serde_json::from_slice(body).ok()?;
    let (kind, said) = (envelope.kind.into_owned(), envelope.error.into_owned());
    (envelope.status == "error").then_some(Complaint { kind, said })
}

/// The data of an answer, and its warnings.
fn data<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Vec<String>), AskError> {
    let envelope: Envelope<'_, T> = serde_json::from_slice(body).map_err(|error| {
        let place = if error.is_eof() { "it is cut off".to_owned() } else { error.to_string() };
        AskError::Unreadable(place)
    })?;
    let data = envelope.data.filter(|_| envelope.status == "success");
    let data =
        data.ok_or_else(|| AskError::Unreadable("it says neither success nor what is wrong".into()))?;
    let mut warnings = envelope.warnings.unwrap_or_default();
    if envelope.is_partial {
        warnings.push("some of its storage nodes did not answer".to_owned());
    }
    Ok((data, warnings))
}

/// The data of an answer in which nothing may be missing.
pub fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, AskError> {
    let (data, warnings) = data(body)?;
    if warnings.is_empty() { Ok(data) } else { Err(AskError::Partial(warnings.join("; "))) }
}

/// The data of an answer to a query, and what its reader should know.
pub fn with_warnings<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Vec<String>), AskError> {
    data(body)
}

/// The answer to a query.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum QueryData {
    /// Samples over time per series.
    Matrix(Vec<WireSeries>),
    /// One value per series.
    Vector(Vec<WireValue>),
    /// A number.
    Scalar(Point),
    /// A text with its moment.
    String(#[serde(deserialize_with = "text_point")] String),
}

/// A series over time.
#[derive(Debug, Deserialize)]
pub struct WireSeries {
    /// Name and labels.
    #[serde(deserialize_with = "labels")]
    pub metric: Labels,
    /// Numbers.
    #[serde(default)]
    pub values: Vec<Point>,
    /// Native histograms: only whether there are any.
    #[serde(default)]
    pub histograms: Vec<IgnoredAny>,
}

/// A series at one moment.
#[derive(Debug, Deserialize)]
pub struct WireValue {
    /// Name and labels.
    #[serde(deserialize_with = "labels")]
    pub metric: Labels,
    /// Its number; a native histogram has none.
    pub value: Option<Point>,
}

/// `[1700000000.123, "1.5"]`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point(pub Sample);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PointVisitor;
        impl<'de> Visitor<'de> for PointVisitor {
            type Value = Point;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a moment and a number in quotes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Point, A::Error> {
                let missing = || de::Error::custom("a sample needs a moment and a value");
                let seconds: f64 = seq.next_element()?.ok_or_else(missing)?;
                let Number(value) = seq.next_element()?.ok_or_else(missing)?;
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("a sample has two parts"));
                }
                Ok(Point(Sample::new(moment(seconds), value)))
            }
        }
        deserializer.deserialize_seq(PointVisitor)
    }
}

/// Seconds have as many digits as a float keeps: they are milliseconds in truth.
fn moment(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0).round() as i64)
}

struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom(format!("{text:?} is not a number")))
            }
        }
        deserializer.deserialize_str(NumberVisitor)
    }
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    let pairs = BTreeMap::<String, String>::deserialize(deserializer)?;
    Ok(Labels::from_pairs(pairs))
}

fn text_point<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    <(f64, String)>::deserialize(deserializer).map(|(_, text)| text)
}

/// What a metric is said to be.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct WireMetadata {
    /// `counter`, `gauge`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    #[serde(default)]
    pub help: String,
    /// Such as `seconds`.
    #[serde(default)]
    pub unit: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<String, String> {
        let data: QueryData = whole(body.as_bytes()).map_err(|error| error.to_string())?;
        Ok(match data {
            QueryData::Matrix(series) => {
                let points = |s: &WireSeries| {
                    let all = s.values.iter().map(|Point(p)| format!("{}@{}", p.value, p.at.0));
                    format!("{} {}", s.metric, all.collect::<Vec<_>>().join(" "))
                };
                series.iter().map(points).collect::<Vec<_>>().join("; ")
            }
            QueryData::Vector(series) => format!("{} values", series.len()),
            QueryData::Scalar(Point(point)) => point.value.to_string(),
            QueryData::String(text) => text,
        })
    }

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let good = |body: &str, meant: &str| assert_eq!(read(body).as_deref(), Ok(meant), "{body}");
        let bad = |body: &str, part: &str| {
            let why = read(body).unwrap_err();
            assert!(why.contains(part), "{body}: {why}");
        };
        good(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a","b":"c"},"values":[[1.001,"1"],[1700000000.123,"+Inf"],[3,"NaN"]]}]}}"#,
            "a{b=\"c\"} 1@1001 inf@1700000000123 NaN@3000",
        );
        good(
            r#"{"status":"success","data":{"result":[],"resultType":"matrix"},"warnings":[],"infos":["x"]}"#,
            "",
        );
        good(
            r#"{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]},"stats":{"seriesFetched":"1"}}"#,
            "1 values",
        );
        good(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2.5"]}}"#, "2.5");
        good(r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#, "x");
        bad(r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"#, "cut off");
        bad(r#"<html>"#, "cannot be read");
        bad(
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]},"warnings":["store a is away"]}"#,
            "not complete: store a is away",
        );
        bad(
            r#"{"status":"success","isPartial":true,"data":{"resultType":"scalar","result":[1,"2"]}}"#,
            "storage nodes",
        );
        bad(r#"{"status":"success"}"#, "neither success");
        bad(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"x"]}}"#, "not a number");
    }

    #[test]
    fn complaints_are_told_from_anything_else() {
        let body = br#"{"status":"error","errorType":"bad_data","error":"1:2: parse error"}"#;
        let complaint_of_it = Complaint { kind: "bad_data".into(), said: "1:2: parse error".into() };
        assert_eq!(complaint(body), Some(complaint_of_it));
        assert_eq!(complaint(b"<html>"), None);
        assert_eq!(complaint(br#"{"status":"success","data":[]}"#), None);
    }
}
