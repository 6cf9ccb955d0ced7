//! `eq ne lt le gt ge`: values of one kind compare, anything else is an error rather than false.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::value::Value;

/// Kinds that compare among themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Nothing,
    Bool,
    Int,
    Float,
    Text,
    Time,
    Other,
}

fn class(value: &Value) -> Class {
    match value {
        Value::Missing | Value::Nil => Class::Nothing,
        Value::Bool(_) => Class::Bool,
        Value::Int(_) | Value::Duration(_) => Class::Int,
        Value::Float(_) => Class::Float,
        Value::Text(_) | Value::Safe(..) => Class::Text,
        Value::Time(_) => Class::Time,
        Value::List(_) | Value::Map(_) | Value::Object(_) => Class::Other,
    }
}

fn incompatible(a: &Value, b: &Value) -> String {
    let (found, other) = (a.type_name(), b.type_name());
    let hint = match (class(a), class(b)) {
        (Class::Int, Class::Float) | (Class::Float, Class::Int) => {
            "; write the constant with a point, such as 1.0"
        }
        _ => "",
    };
    format!("incompatible types for comparison: {found} and {other}{hint}")
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Duration(n) => Some(*n),
        _ => None,
    }
}

/// A one-sample vector is its number when it meets a floating number.
fn unwrap_sample(value: &Value, other: &Value) -> Value {
    match (value, other) {
        (Value::List(_) | Value::Object(_), Value::Float(_) | Value::Int(_)) => {
            value.as_number().map_or_else(|| value.plain(), Value::Float)
        }
        _ => value.plain(),
    }
}

/// `eq a b c...`: whether `a` equals any of the others.
pub(crate) fn equal(args: &[Value]) -> Result<bool, String> {
    let [first, rest @ ..] = args else { return Err("missing argument for comparison".to_owned()) };
    if rest.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in rest {
        if equal_pair(&unwrap_sample(first, other), &unwrap_sample(other, first))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_pair(a: &Value, b: &Value) -> Result<bool, String> {
    let (class_a, class_b) = (class(a), class(b));
    if class_a == Class::Nothing || class_b == Class::Nothing {
        return Ok(class_a == class_b);
    }
    if class_a != class_b {
        return Err(incompatible(a, b));
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Time(a), Value::Time(b)) => Ok(a.at == b.at),
        (Value::Object(a), Value::Object(b)) => Ok(Arc::ptr_eq(a, b)),
        _ => match (whole(a), whole(b), a.as_text(), b.as_text()) {
            (Some(a), Some(b), _, _) => Ok(a == b),
            (_, _, Some(a), Some(b)) => Ok(a == b),
            _ => Err(format!("values of type {} cannot be compared", a.type_name())),
        },
    }
}

/// `lt` and its relatives; `None` when one of the numbers is NaN.
pub(crate) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    let (a, b) = (unwrap_sample(a, b), unwrap_sample(b, a));
    if class(&a) != class(&b) {
        return Err(incompatible(&a, &b));
    }
    match (&a, &b) {
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Time(a), Value::Time(b)) => Ok(Some(a.at.cmp(&b.at))),
        _ => match (whole(&a), whole(&b), a.as_text(), b.as_text()) {
            (Some(a), Some(b), _, _) => Ok(Some(a.cmp(&b))),
            (_, _, Some(a), Some(b)) => Ok(Some(a.cmp(b))),
            _ => Err(format!("values of type {} have no order", a.type_name())),
        },
    }
}
