//! Journeys made of other objectives, from YAML. Whether the members exist is known only once every file has been read;
//! see `composite_check`.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader};

use crate::indicator::{Combination, Composite, Finite, Member};

/// Most members of one journey.
const MEMBERS_MAX: usize = 100;

impl Decode for Composite {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let mut stated = Vec::new();
        for (field, combination) in [
            ("weighted", Combination::Weighted),
            ("serial", Combination::Serial),
            ("critical_member", Combination::CriticalMember),
        ] {
            stated.extend(map.node(field).map(|node| (combination, node)));
        }
        map.finish(cx);
        match stated.as_slice() {
            [(combination, members_node)] => {
                let members = members(members_node, *combination, cx)?;
                Some(Self { combination: *combination, members })
            }
            [] => {
                let help = "write weighted:, serial: or critical_member: with a list of objectives below it";
                cx.error_help(node.span, "the composite does not say how its members make one", help);
                None
            }
            [_, ..] => {
                cx.error_help(
                    node.span,
                    "the composite combines its members in two ways",
                    "keep one of them",
                );
                None
            }
        }
    }
}

fn members(node: &Node, combination: Combination, cx: &mut Cx<'_>) -> Option<Vec<Member>> {
    let Value::Sequence(items) = &node.value else {
        cx.error_help(
            node.span,
            "expected a list of objectives",
            "write their ids, such as ['shop/login', 'shop/pay']",
        );
        return None;
    };
    if items.is_empty() || items.len() > MEMBERS_MAX {
        cx.error(node.span, format!("a composite has 1 to {MEMBERS_MAX} members, not {}", items.len()));
        return None;
    }
    let read: Vec<Option<Member>> = items.iter().map(|item| member(item, combination, cx)).collect();
    let members: Vec<Member> = read.into_iter().collect::<Option<_>>()?;
    for (index, member) in members.iter().enumerate() {
        if members[..index].iter().any(|other| other.slo == member.slo) {
            let help = "name it once; a weight says how much it counts";
            cx.error_help(items[index].span, format!("objective {:?} is a member twice", member.slo), help);
            return None;
        }
    }
    Some(members)
}

/// `'shop/login'`, or `{slo: 'shop/login', weight: 2}`.
fn member(node: &Node, combination: Combination, cx: &mut Cx<'_>) -> Option<Member> {
    if let Value::Scalar(_) = &node.value {
        return Some(Member { slo: String::decode(node, cx)?, weight: Finite::new(1.0)? });
    }
    let mut map = MapReader::open(node, cx)?;
    let slo = map.required::<String>("slo", cx);
    let weight = map.node("weight").map(|node| weight(node, combination, cx));
    map.finish(cx);
    Some(Member { slo: slo?, weight: weight.unwrap_or_else(|| Finite::new(1.0))? })
}

fn weight(node: &Node, combination: Combination, cx: &mut Cx<'_>) -> Option<Finite> {
    match combination {
        Combination::Weighted => {}
        Combination::Serial | Combination::CriticalMember => {
            let message = format!("members of a {} composite have no weight", combination.as_str());
            cx.error_help(node.span, message, "leave it out, or write weighted:");
            return None;
        }
    }
    let value = f64::decode(node, cx)?;
    let weight = Finite::new(value).filter(|weight| weight.get() > 0.0);
    if weight.is_none() {
        cx.error_help(node.span, "the weight is not a positive number", "write a number such as 2");
    }
    weight
}
