//! Shares that add up to one in all bodies of a kind but one.

use std::collections::BTreeMap;

use bellwether_diag::Severity;
use serde_json::Value;

use super::bodies;
use crate::setup::shell::{Script, Word};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "share-sum",
    area: Area::Doc,
    severity: Severity::Note,
    title: "shares that do not add up to one, as they do in the other bodies",
    why: "When a document sends the same fields several times, and some of them are shares of a whole everywhere but in one \
          place, a number was changed there and the others were not. What is left over goes wherever the receiver puts it, \
          and results differ from what the text expects.",
    wrong: &[(
        "README.md",
        "```sh\ncurl -d '{\"ok\": 0.5, \"late\": 0.3, \"lost\": 0.2}' http://localhost/phase\ncurl -d '{\"ok\": 0.7, \"late\": \
         0.2, \"lost\": 0.1}' http://localhost/phase\ncurl -d '{\"ok\": 0.4, \"late\": 0.2, \"lost\": 0.1}' \
         http://localhost/phase\n```\n",
    )],
    right: &[(
        "README.md",
        "```sh\ncurl -d '{\"ok\": 0.5, \"late\": 0.3, \"lost\": 0.2}' http://localhost/phase\ncurl -d '{\"ok\": 0.7, \"late\": \
         0.2, \"lost\": 0.1}' http://localhost/phase\ncurl -d '{\"ok\": 0.4, \"late\": 0.4, \"lost\": 0.2}' \
         http://localhost/phase\n```\n",
    )],
    run,
};

/// Names of fields and their values.
type Shares = Vec<(String, f64)>;

/// A body with the fields whose values are shares, in the order they are written.
struct Body<'a> {
    script: &'a Script,
    word: &'a Word,
    shares: Shares,
}

fn run(setup: &Setup, report: &mut Report) {
    let mut kinds: BTreeMap<Vec<String>, Vec<Body<'_>>> = BTreeMap::new();
    for (script, word) in bodies(setup) {
        let Some((fields, shares)) = shares_of(&word.text) else { continue };
        kinds.entry(fields).or_default().push(Body { script, word, shares });
    }
    // The commands of one block or of several: what counts is that they send the same fields.
    for (fields, bodies) in kinds.iter().filter(|(_, bodies)| bodies.len() >= 3) {
        for (from, to) in groups(fields.len(), bodies) {
            for body in bodies.iter().filter(|body| !is_whole(&body.shares[from..to])) {
                let Some(place) = place_of(body, from) else { continue };
                let sum: f64 = body.shares[from..to].iter().map(|(_, share)| share).sum();
                let (first, last) = (&body.shares[from].0, &body.shares[to - 1].0);
                let message =
                    format!("{first} to {last} add up to {sum:.2} here, and to 1 in the other bodies");
                report.find(body.script.span(place), message).help("let them add up to 1");
            }
        }
    }
}

/// Fields of an object whose values are all between 0 and 1, in the order they are written; their names are the kind.
fn shares_of(text: &str) -> Option<(Vec<String>, Shares)> {
    let Value::Object(fields) = serde_json::from_str(text).ok()? else { return None };
    let mut shares: Vec<(usize, String, f64)> = fields
        .iter()
        .filter_map(|(name, value)| {
            let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share))?;
            Some((text.find(&format!("\"{name}\""))?, name.clone(), share))
        })
        .collect();
    shares.sort_by_key(|(at, ..)| *at);
    let names = shares.iter().map(|(_, name, _)| name.clone()).collect();
    Some((names, shares.into_iter().map(|(_, name, share)| (name, share)).collect()))
}

fn is_whole(shares: &[(String, f64)]) -> bool {
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    (sum - 1.0).abs() < 1e-6
}

/// Neighbours that add up to one in most bodies, and in at least two that differ: only then is it no accident.
fn groups(fields: usize, bodies: &[Body<'_>]) -> Vec<(usize, usize)> {
    // More than this many shares side by side are no list that somebody keeps in mind.
    const MOST: usize = 12;
    let mut found = Vec::new();
    for from in 0..fields {
        for to in from + 3..=fields.min(from + MOST) {
            let mut wholes: Vec<Vec<u64>> = Vec::new();
            for body in bodies.iter().filter(|body| is_whole(&body.shares[from..to])) {
                wholes.push(body.shares[from..to].iter().map(|(_, share)| share.to_bits()).collect());
            }
            let count = wholes.len();
            wholes.sort();
            wholes.dedup();
            if wholes.len() >= 2 && count < bodies.len() && count * 3 >= bodies.len() * 2 {
                found.push((from, to));
            }
        }
    }
    found
}

/// Where the first field of a group stands.
fn place_of(body: &Body<'_>, from: usize) -> Option<std::ops::Range<usize>> {
    let written = format!("\"{}\"", body.shares[from].0);
    let start = body.word.place.start + body.word.raw.find(&written)?;
    Some(start..start + written.len())
}
