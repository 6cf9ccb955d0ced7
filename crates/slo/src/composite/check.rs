//! Whether the members of journeys can make one: asked once every file has been read.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{Diagnostic, suggest};

use crate::composite::{DEPTH_MAX, composite_of};
use crate::definition::Slo;
use crate::indicator::Budgeting;

/// What is wrong with the composites among all objectives: members that are not there or have nothing to give, and
/// composites that contain themselves.
pub fn check_composites(slos: &[Slo]) -> Vec<Diagnostic> {
    let by_id: BTreeMap<String, &Slo> = slos.iter().map(|slo| (slo.id(), slo)).collect();
    let mut found = Vec::new();
    for (slo, composite) in slos.iter().filter_map(|slo| Some((slo, composite_of(slo)?))) {
        for member in &composite.members {
            found.extend(check_member(slo, &member.slo, &by_id));
        }
        found.extend(check_form(slo));
        found.extend(check_nesting(slo, &by_id));
    }
    found
}

fn problem(id: &'static str, slo: &Slo, message: String) -> Diagnostic {
    Diagnostic::error(id, slo.span, message)
}

fn check_member(slo: &Slo, member: &str, by_id: &BTreeMap<String, &Slo>) -> Option<Diagnostic> {
    match by_id.get(member) {
        None => {
            let message = format!("{:?} has a member {member:?}, and no objective is called that", slo.id());
            let help = match suggest(member, by_id.keys().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => "write service/name of an objective, or its name if it has no service".to_owned(),
            };
            Some(problem("slo-composite-member", slo, message).with_help(help))
        }
        Some(known) if known.goal.is_none() => {
            let message = format!(
                "member {member:?} of {:?} has no goal: it is met or not, and has no good and bad events",
                slo.id()
            );
            let help = format!("write goal: for {member}, so that its slices of time are judged");
            Some(problem("slo-composite-member", slo, message).with_help(help))
        }
        Some(_) => None,
    }
}

/// A composite has no streams of its own that could be split or cut into slices.
fn check_form(slo: &Slo) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !slo.indicator.group_by.is_empty() {
        let message = format!("composite {:?} cannot be split by labels", slo.id());
        let help = "leave out group_by; the members may be split";
        found.push(problem("slo-composite-form", slo, message).with_help(help));
    }
    if slo.indicator.budgeting != Budgeting::Occurrences {
        let message = format!("composite {:?} has no events of its own to judge by slices", slo.id());
        let help = "leave out budgeting; the members may be judged by slices";
        found.push(problem("slo-composite-form", slo, message).with_help(help));
    }
    found
}

/// Composites that contain themselves are told of once, by the first of their names.
fn check_nesting(slo: &Slo, by_id: &BTreeMap<String, &Slo>) -> Option<Diagnostic> {
    let mut way = Way { path: vec![slo.id()], seen: BTreeSet::new() };
    let nesting = find_cycle(slo, by_id, &mut way);
    let mut path = way.path;
    match nesting {
        Nesting::Sound => None,
        Nesting::Cycle if path.iter().min() != path.first() => None,
        Nesting::Cycle => {
            path.push(slo.id());
            let message = format!("composite {:?} contains itself: {}", slo.id(), path.join(" -> "));
            let help = "take one of these out of the other's members";
            Some(problem("slo-composite-cycle", slo, message).with_help(help))
        }
        Nesting::TooDeep => {
            let message = format!("composite {:?} is nested more than {DEPTH_MAX} levels deep", slo.id());
            Some(problem("slo-composite-cycle", slo, message))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Sound,
    /// The path leads back to its beginning.
    Cycle,
    TooDeep,
}

/// The members passed on the way down, and all that were ever passed: none is looked at twice.
struct Way {
    path: Vec<String>,
    seen: BTreeSet<String>,
}

/// Looks for a way from the last of a path back to its first; the path then is that way. A cycle that does not lead
/// back to the first is found from where it begins.
fn find_cycle(slo: &Slo, by_id: &BTreeMap<String, &Slo>, way: &mut Way) -> Nesting {
    let mut deepest = Nesting::Sound;
    for member in composite_of(slo).into_iter().flat_map(|composite| &composite.members) {
        if way.path.first() == Some(&member.slo) {
            return Nesting::Cycle;
        }
        let Some(next) = by_id.get(&member.slo).filter(|_| way.seen.insert(member.slo.clone())) else {
            continue;
        };
        if way.path.len() > DEPTH_MAX {
            return Nesting::TooDeep;
        }
        way.path.push(member.slo.clone());
        match find_cycle(next, by_id, way) {
            Nesting::Cycle => return Nesting::Cycle,
            Nesting::TooDeep => deepest = Nesting::TooDeep,
            Nesting::Sound => {}
        }
        way.path.pop();
    }
    deepest
}
