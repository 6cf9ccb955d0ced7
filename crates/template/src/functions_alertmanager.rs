//! The functions of Alertmanager's notification templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::function_table::{Call, Functions};
use crate::functions_prometheus::add_shared;
use crate::html::unescape_query;
use crate::json::{base64_decode, base64_encode, to_json};
use crate::moment::Moment;
use crate::printf;
use crate::value::{Element, Map, SafeKind, Value};

type Outcome = Result<Value, String>;

pub(crate) fn add(functions: &mut Functions) {
    add_shared(functions);
    let one = (1, Some(1));
    functions.add("title", one, |call| Ok(Value::text(title(call.text(0)?))));
    functions.add("trimSpace", one, |call| Ok(Value::text(call.text(0)?.trim())));
    functions.add("join", (2, Some(2)), |call| Ok(Value::text(printf::join(call.text(0)?, &call.list(1)?))));
    functions.add("safeUrl", one, |call| Ok(Value::Safe(SafeKind::Url, Arc::from(call.text(0)?))));
    functions.add("urlUnescape", one, |call| unescape_query(call.text(0)?).map(Value::text));
    functions.add("stringSlice", (0, None), |call| {
        let texts: Result<Vec<_>, _> =
            (0..call.args.len()).map(|at| call.text(at).map(Value::text)).collect();
        texts.map(Value::from)
    });
    functions.add("routeLabels", one, |call| {
        Ok(Value::text(call.context.route_labels().value_or_empty(call.text(0)?)))
    });
    functions.add("date", (2, Some(2)), |call| Ok(Value::text(time(call, 1)?.format(call.text(0)?))));
    functions.add("tz", (2, Some(2)), |call| time(call, 1)?.in_zone(call.text(0)?).map(Value::Time));
    functions.add("now", (0, Some(0)), |call| Ok(Value::Time(Moment::utc(call.context.now()))));
    functions.add("since", one, |call| {
        let ms = call.context.now().0.saturating_sub(time(call, 0)?.at.0);
        Ok(Value::Duration(ms.saturating_mul(1_000_000)))
    });
    // A text that is no date is no moment; whoever must have one says so.
    functions.add("toDate", (2, Some(2)), |call| {
        Ok(Value::Time(Moment::parse(call.text(0)?, call.text(1)?).unwrap_or_else(|_| Moment::zero())))
    });
    functions.add("mustToDate", (2, Some(2)), to_date);
    functions.add("toJson", one, |call| to_json(&call.args[0]).map(Value::text));
    functions.add("base64encode", one, |call| Ok(Value::text(base64_encode(call.text(0)?.as_bytes()))));
    functions.add("base64decode", one, |call| base64_decode(call.text(0)?).map(Value::text));
    functions.add("list", (0, None), |call| Ok(Value::list(call.args.iter().cloned())));
    functions.add("append", (1, None), |call| {
        let items = call.list(0)?;
        Ok(Value::list(items.iter().chain(&call.args[1..]).cloned()))
    });
    functions.add("dict", (0, None), dict);
}

fn time(call: &Call<'_>, index: usize) -> Result<Moment, String> {
    match call.args.get(index) {
        Some(Value::Time(moment)) => Ok(moment.clone()),
        Some(other) => Err(format!("argument {} must be a time, not {}", index + 1, other.type_name())),
        None => Err(format!("argument {} must be a time", index + 1)),
    }
}

fn dict(call: &Call<'_>) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err("takes keys and values in turn; the last key has no value".to_owned());
    }
    let mut entries = BTreeMap::new();
    for at in (0..call.args.len()).step_by(2) {
        entries.insert(call.text(at)?.to_owned(), call.args[at + 1].clone());
    }
    Ok(Value::Map(Arc::new(Map { entries, element: Element::Any })))
}

/// Words with a first letter in upper case and the rest in lower case.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match inside {
            false => out.extend(c.to_uppercase()),
            true => out.extend(c.to_lowercase()),
        }
        inside = c.is_alphanumeric() || c == '\'' || c == '_';
    }
    out
}

/// Reads a date by the layouts people write most; the layout is Go's.
fn to_date(call: &Call<'_>) -> Outcome {
    let (layout, text) = (call.text(0)?, call.text(1)?);
    Moment::parse(layout, text).map(Value::Time)
}
