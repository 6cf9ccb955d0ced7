//! Methods of values: Go's `time.Time` and `time.Duration`, and those objects bring themselves.

use bellwether_model::Timestamp;

use crate::moment::{Moment, duration_text};
use crate::value::Value;

const TIME: [&str; 17] = [
    "Add",
    "After",
    "Before",
    "Day",
    "Equal",
    "Format",
    "Hour",
    "IsZero",
    "Minute",
    "Second",
    "String",
    "Sub",
    "UTC",
    "Unix",
    "UnixMilli",
    "Weekday",
    "Year",
];
const DURATION: [&str; 6] = ["Hours", "Milliseconds", "Minutes", "Round", "Seconds", "String"];

/// The methods a value has.
pub(crate) fn names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Time(_) => &TIME,
        Value::Duration(_) => &DURATION,
        Value::Object(object) => object.methods(),
        Value::Missing | Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) => &[],
        Value::Text(_) | Value::Safe(..) | Value::List(_) | Value::Map(_) => &[],
    }
}

pub(crate) fn has(value: &Value, name: &str) -> bool {
    names(value).contains(&name)
}

pub(crate) fn call(value: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    match value {
        Value::Time(moment) => time(moment, name, args),
        Value::Duration(ns) => duration(*ns, name, args),
        Value::Object(object) => object.call(name, args),
        other => Err(format!("type {} has no methods", other.type_name())),
    }
}

fn time(moment: &Moment, name: &str, args: &[Value]) -> Result<Value, String> {
    let zoned = moment.zoned();
    let other = |reason: &str| match args {
        [Value::Time(other)] => Ok(other.clone()),
        _ => Err(reason.to_owned()),
    };
    Ok(match name {
        "Format" => match args {
            [layout] if layout.as_text().is_some() => {
                Value::text(moment.format(layout.as_text().unwrap_or("")))
            }
            _ => return Err("takes one argument, a layout such as \"15:04 MST\"".to_owned()),
        },
        "Add" => match args {
            [Value::Duration(ns) | Value::Int(ns)] => {
                let mut sum = moment.clone();
                sum.at = Timestamp(moment.at.0.saturating_add(ns / 1_000_000));
                Value::Time(sum)
            }
            _ => return Err("takes one argument, a duration".to_owned()),
        },
        "Sub" => {
            let ms = moment.at.0.saturating_sub(other("takes one argument, a time")?.at.0);
            Value::Duration(ms.saturating_mul(1_000_000))
        }
        "After" => Value::Bool(moment.at > other("takes one argument, a time")?.at),
        "Before" => Value::Bool(moment.at < other("takes one argument, a time")?.at),
        "Equal" => Value::Bool(moment.at == other("takes one argument, a time")?.at),
        _ if !args.is_empty() => return Err("takes no arguments".to_owned()),
        "IsZero" => Value::Bool(moment.is_zero()),
        "String" => Value::text(moment.text()),
        "UTC" => Value::Time(Moment::utc(moment.at)),
        "Unix" => Value::Int(moment.at.0.div_euclid(1000)),
        "UnixMilli" => Value::Int(moment.at.0),
        "Year" => Value::Int(i64::from(zoned.year())),
        "Day" => Value::Int(i64::from(zoned.day())),
        "Hour" => Value::Int(i64::from(zoned.hour())),
        "Minute" => Value::Int(i64::from(zoned.minute())),
        "Second" => Value::Int(i64::from(zoned.second())),
        "Weekday" => Value::text(moment.format("Monday")),
        _ => return Err(format!("a time has no method {name}")),
    })
}

fn duration(ns: i64, name: &str, args: &[Value]) -> Result<Value, String> {
    Ok(match (name, args) {
        ("Round", [Value::Duration(unit) | Value::Int(unit)]) if *unit > 0 => {
            let rest = ns.rem_euclid(*unit);
            let down = ns.saturating_sub(rest);
            Value::Duration(if rest.saturating_mul(2) >= *unit { down.saturating_add(*unit) } else { down })
        }
        ("Round", _) => return Err("takes one argument, a positive duration".to_owned()),
        (_, [_, ..]) => return Err("takes no arguments".to_owned()),
        ("Hours", _) => Value::Float(ns as f64 / 3.6e12),
        ("Minutes", _) => Value::Float(ns as f64 / 6e10),
        ("Seconds", _) => Value::Float(ns as f64 / 1e9),
        ("Milliseconds", _) => Value::Int(ns / 1_000_000),
        ("String", _) => Value::text(duration_text(ns)),
        _ => return Err(format!("a duration has no method {name}")),
    })
}
