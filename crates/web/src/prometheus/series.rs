//! Which series, label names and label values there are.

use std::collections::BTreeSet;

use axum::extract::{Path, Request, State};
use bellwether_model::{Labels, Matcher};
use serde::Serialize;

use super::{Answer, TRUNCATED, look_up_noting, success_with};
use crate::Shared;
use crate::api_error::ApiError;
use crate::api_params::Params;

pub(super) async fn labels(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let (range, limit, selectors) = (params.range()?, params.limit()?, any_of(&params)?);
    let names = look_up_noting(&app, move |source| {
        let mut names = BTreeSet::new();
        for matchers in &selectors {
            names.extend(source.label_names(matchers, range)?);
        }
        Ok(names)
    });
    limited(names.await?, limit)
}

pub(super) async fn label_values(
    State(app): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let name = unescaped(&name);
    if name.is_empty() {
        return Err(ApiError::bad_data("invalid label name: it is empty"));
    }
    let params = Params::of(request).await?;
    let (range, limit, selectors) = (params.range()?, params.limit()?, any_of(&params)?);
    let values = look_up_noting(&app, move |source| {
        let mut values = BTreeSet::new();
        for matchers in &selectors {
            values.extend(source.label_values(&name, matchers, range)?);
        }
        Ok(values)
    });
    limited(values.await?, limit)
}

pub(super) async fn series(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let (range, limit, selectors) = (params.range()?, params.limit()?, params.selectors("match[]")?);
    if selectors.is_empty() {
        return Err(ApiError::bad_data(
            "no match[] parameter provided; write match[]=up or match[]={job=\"api\"}",
        ));
    }
    let found = look_up_noting(&app, move |source| {
        let mut found: BTreeSet<Labels> = BTreeSet::new();
        for matchers in &selectors {
            found.extend(source.series(matchers, range)?);
        }
        Ok(found)
    });
    limited(found.await?, limit)
}

/// The selectors asked for, or one that selects everything.
fn any_of(params: &Params) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let selectors = params.selectors("match[]")?;
    Ok(if selectors.is_empty() { vec![Vec::new()] } else { selectors })
}

/// Names or series up to the limit, with the warning Prometheus gives beyond it, and what is missing.
fn limited<T: Serialize>((items, missing): (BTreeSet<T>, Vec<String>), limit: usize) -> Answer {
    let mut warnings: Vec<String> = Vec::new();
    if items.len() > limit {
        warnings.push(TRUNCATED.to_owned());
    }
    warnings.extend(missing);
    let data: Vec<T> = items.into_iter().take(limit).collect();
    success_with(&data, &warnings)
}

/// `U__http_2e_status` stands for `http.status`: how names of any characters are written where only letters, digits
/// and `_` may be. `__` is one `_`, and a code point stands in hexadecimal digits between two. What is not such a name
/// is taken as it stands.
fn unescaped(name: &str) -> String {
    name.strip_prefix("U__").and_then(read_escaped).unwrap_or_else(|| name.to_owned())
}

fn read_escaped(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((plain, after)) = rest.split_once('_') {
        out.push_str(plain);
        if let Some(after) = after.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let (digits, after) = after.split_once('_')?;
        let is_hex = digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        out.push(char::from_u32(code)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn escaped_names_stand_for_names_of_any_characters() {
        let check = |escaped: &str, meant: &str| assert_eq!(unescaped(escaped), meant);
        check("job", "job");
        check("U__label_2e_dot", "label.dot");
        check("U__a__b", "a_b");
        check("U___3f_", "?");
        check("U__caf_e9_", "café");
        check("U__no_2g_hex", "U__no_2g_hex");
        check("U__open_2e", "U__open_2e");
        check("U__surrogate_d800_", "U__surrogate_d800_");
        check("U__", "");
    }
}
