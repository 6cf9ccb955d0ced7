//! Go's own functions. `and` and `or` stop early and therefore live in the evaluator.

use std::cmp::Ordering;

use crate::compare;
use crate::function_table::{Call, Functions};
use crate::printf;
use crate::value::{Element, Value};

type Outcome = Result<Value, String>;

pub(crate) fn add(functions: &mut Functions) {
    // Arguments of these two are evaluated one by one by the evaluator, which never calls this.
    functions.add("and", (1, None), |call| Ok(call.args.last().cloned().unwrap_or_default()));
    functions.add("or", (1, None), |call| Ok(call.args.last().cloned().unwrap_or_default()));
    functions.add("not", (1, Some(1)), |call| Ok(Value::Bool(!call.args[0].is_true())));
    functions.add("len", (1, Some(1)), len);
    functions.add("index", (1, None), index);
    functions.add("slice", (1, Some(4)), slice);
    functions.add("print", (0, None), |call| Ok(Value::text(printf::print(call.args))));
    functions.add("println", (0, None), |call| Ok(Value::text(printf::println(call.args))));
    functions
        .add("printf", (1, None), |call| Ok(Value::text(printf::printf(call.text(0)?, &call.args[1..]))));
    functions.add("html", (0, None), |call| Ok(Value::text(crate::html::escape_html(&joined(call)))));
    functions.add("js", (0, None), |call| Ok(Value::text(crate::html::escape_js(&joined(call)))));
    functions.add("urlquery", (0, None), |call| Ok(Value::text(crate::html::escape_query(&joined(call)))));
    functions.add("call", (1, None), |_| {
        Err("there are no function values here; name the function itself".to_owned())
    });
    functions.add("eq", (1, None), |call| compare::equal(call.args).map(Value::Bool));
    functions.add("ne", (2, Some(2)), |call| compare::equal(call.args).map(|same| Value::Bool(!same)));
    functions.add("lt", (2, Some(2)), |call| order(call, &[Ordering::Less]));
    functions.add("le", (2, Some(2)), |call| order(call, &[Ordering::Less, Ordering::Equal]));
    functions.add("gt", (2, Some(2)), |call| order(call, &[Ordering::Greater]));
    functions.add("ge", (2, Some(2)), |call| order(call, &[Ordering::Greater, Ordering::Equal]));
}

fn joined(call: &Call<'_>) -> String {
    let args: Vec<Value> =
        call.args
            .iter()
            .map(|arg| {
                if matches!(arg, Value::Missing | Value::Nil) {
                    Value::text("<no value>")
                } else {
                    arg.clone()
                }
            })
            .collect();
    printf::print(&args)
}

fn order(call: &Call<'_>, accepted: &[Ordering]) -> Outcome {
    let found = compare::order(&call.args[0], &call.args[1])?;
    Ok(Value::Bool(found.is_some_and(|found| accepted.contains(&found))))
}

fn len(call: &Call<'_>) -> Outcome {
    let len = match call.args[0].plain() {
        Value::Text(text) | Value::Safe(_, text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.entries.len(),
        Value::Missing | Value::Nil => return Err("len of nothing".to_owned()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(len as i64))
}

fn position(value: &Value, limit: usize) -> Result<usize, String> {
    let number = match value {
        Value::Int(n) => *n,
        Value::Missing | Value::Nil => return Err("cannot index with no value".to_owned()),
        other => return Err(format!("cannot index a list or text with type {}", other.type_name())),
    };
    usize::try_from(number)
        .ok()
        .filter(|at| *at < limit)
        .ok_or_else(|| format!("index out of range: {number} of {limit}"))
}

fn index(call: &Call<'_>) -> Outcome {
    let mut value = call.args[0].clone();
    if matches!(value, Value::Missing | Value::Nil) {
        return Err("index of nothing".to_owned());
    }
    for key in &call.args[1..] {
        value = match value.plain() {
            Value::List(items) => items[position(key, items.len())?].clone(),
            Value::Text(text) | Value::Safe(_, text) => {
                Value::Int(i64::from(text.as_bytes()[position(key, text.len())?]))
            }
            Value::Map(map) => {
                let Some(name) = key.as_text() else {
                    return Err(format!("the keys of this map are strings, not {}", key.type_name()));
                };
                map.entries.get(name).cloned().unwrap_or(match map.element {
                    Element::Any => Value::Nil,
                    Element::Text => Value::text(""),
                })
            }
            Value::Missing | Value::Nil => return Err("index of nothing".to_owned()),
            other => return Err(format!("cannot index type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn slice(call: &Call<'_>) -> Outcome {
    let plain = call.args[0].plain();
    let len = match &plain {
        Value::Text(text) | Value::Safe(_, text) => text.len(),
        Value::List(items) => items.len(),
        other => return Err(format!("cannot slice type {}", other.type_name())),
    };
    if call.args.len() > 3 && plain.as_text().is_some() {
        return Err("cannot slice a string with three positions".to_owned());
    }
    let mut bounds = [0, len, len];
    for (at, key) in call.args[1..].iter().enumerate() {
        bounds[at] = position(key, len + 1)?;
    }
    let (start, end) = (bounds[0], bounds[1]);
    if start > end || end > bounds[2] {
        return Err(format!("invalid slice: {start} is after {end}"));
    }
    match plain {
        Value::List(items) => Ok(Value::list(items[start..end].iter().cloned())),
        // A cut inside a character leaves what Go prints as one: the replacement character.
        other => {
            let bytes = &other.as_text().unwrap_or("").as_bytes()[start..end];
            Ok(Value::text(String::from_utf8_lossy(bytes).into_owned()))
        }
    }
}
