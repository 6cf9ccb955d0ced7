//! An OTLP request from JSON: field names in camel case, fields that are not known passed over, ids in hexadecimal,
//! numbers of 64 bits as texts or numbers, enums as numbers. What is absent or null has its default.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::DecodeError;
use super::message::{AnyValue, KeyValue, Request, Temporality};

/// Reads a request.
pub fn decode_json(body: &[u8]) -> Result<Request<'static>, DecodeError> {
    // A list would pass as an object whose fields come in the order in which they are declared here.
    if body.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(DecodeError::Json("a list stands where the request, an object, is expected".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| DecodeError::Json(error.to_string()))
}

/// What is null counts as not there.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    d: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// A number, or a number in a text.
struct Number<T>(T);

macro_rules! number {
    ($type:ty, $of_number:expr, $of_text:expr, $what:literal) => {
        impl<'de> Deserialize<'de> for Number<$type> {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(d)?;
                let number: Option<$type> = match &value {
                    Value::Number(number) => $of_number(number),
                    Value::String(text) => $of_text(text.as_str()),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
                };
                number.map(Number).ok_or_else(|| D::Error::custom(format!("{value} is not {}", $what)))
            }
        }
    };
}

number!(
    u64,
    |number: &serde_json::Number| number.as_u64().or_else(|| whole(number.as_f64()?)),
    |text: &str| text.parse().ok(),
    "a whole number"
);
number!(i64, |number: &serde_json::Number| number.as_i64(), |text: &str| text.parse().ok(), "a whole number");
number!(
    f64,
    serde_json::Number::as_f64,
    |text: &str| match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    },
    "a number"
);

/// `1e3` is a whole number, too.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
}

pub(super) fn unsigned<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    Ok(Option::<Number<u64>>::deserialize(d)?.map_or(0, |number| number.0))
}

pub(super) fn signed<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<Number<i64>>::deserialize(d)?.map(|number| number.0))
}

pub(super) fn double<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Number<f64>>::deserialize(d)?.map(|number| number.0))
}

pub(super) fn unsigneds<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u64>, D::Error> {
    let numbers = Option::<Vec<Number<u64>>>::deserialize(d)?.unwrap_or_default();
    Ok(numbers.into_iter().map(|number| number.0).collect())
}

pub(super) fn doubles<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Option::<Vec<Number<f64>>>::deserialize(d)?.unwrap_or_default();
    Ok(numbers.into_iter().map(|number| number.0).collect())
}

/// The protocol wants the number; some writers send the name all the same.
pub(super) fn temporality<'de, D: Deserializer<'de>>(d: D) -> Result<Temporality, D::Error> {
    Ok(match Option::<Value>::deserialize(d)? {
        Some(Value::String(name)) if name == "AGGREGATION_TEMPORALITY_DELTA" => Temporality::Delta,
        Some(Value::String(name)) if name == "AGGREGATION_TEMPORALITY_CUMULATIVE" => Temporality::Cumulative,
        Some(Value::Number(number)) => Temporality::from_number(number.as_u64().unwrap_or(0)),
        Some(_) | None => Temporality::Unspecified,
    })
}

pub(super) fn bytes_hex<'de, 'a, D: Deserializer<'de>>(d: D) -> Result<Cow<'a, [u8]>, D::Error> {
    let text = Option::<String>::deserialize(d)?.unwrap_or_default();
    let bytes = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
        _ => None,
    });
    let id = pairs.collect::<Option<Vec<u8>>>();
    id.map(Cow::Owned).ok_or_else(|| D::Error::custom(format!("{text:?} is not an id in hexadecimal")))
}

/// A value as JSON has it: an object with one field, named for the kind.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValueFields<'a> {
    string_value: Option<Cow<'a, str>>,
    bool_value: Option<bool>,
    #[serde(deserialize_with = "signed")]
    int_value: Option<i64>,
    #[serde(deserialize_with = "double")]
    double_value: Option<f64>,
    array_value: Option<Array<'a>>,
    kvlist_value: Option<Map<'a>>,
    bytes_value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Array<'a> {
    #[serde(deserialize_with = "or_default")]
    values: Vec<AnyValue<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Map<'a> {
    #[serde(deserialize_with = "or_default")]
    values: Vec<KeyValue<'a>>,
}

impl<'de> Deserialize<'de> for AnyValue<'_> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let fields = ValueFields::deserialize(d)?;
        if let Some(text) = fields.bytes_value {
            let bytes = super::base64::decode(&text);
            return bytes
                .map(|bytes| AnyValue::Bytes(bytes.into()))
                .ok_or_else(|| D::Error::custom(format!("{text:?} is not base64")));
        }
        let scalar = fields.string_value.map(AnyValue::Text);
        let scalar = scalar.or(fields.bool_value.map(AnyValue::Bool)).or(fields.int_value.map(AnyValue::Int));
        let scalar = scalar.or(fields.double_value.map(AnyValue::Double));
        let list = scalar.or(fields.array_value.map(|array| AnyValue::List(array.values)));
        Ok(list.or(fields.kvlist_value.map(|map| AnyValue::Map(map.values))).unwrap_or_default())
    }
}
