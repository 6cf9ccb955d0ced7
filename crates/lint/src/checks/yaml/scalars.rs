//! Scalars of a tree with the mapping they stand in, for the checks of how a file is written.

use bellwether_diag::yaml::{Node, Scalar, Value};

/// A scalar that is a mapping's value.
pub(crate) struct Entry<'a> {
    /// The field.
    pub(crate) key: &'a Node,
    /// Its value.
    pub(crate) node: &'a Node,
    /// That value.
    pub(crate) scalar: &'a Scalar,
}

/// Every scalar of a tree that is a mapping's value.
pub(crate) fn entries(root: &Node) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    match &value.value {
                        Value::Scalar(scalar) => found.push(Entry { key, node: value, scalar }),
                        Value::Mapping(_) | Value::Sequence(_) => open.push(value),
                        Value::Null => {}
                    }
                }
            }
            Value::Sequence(items) => open.extend(items),
            Value::Scalar(_) | Value::Null => {}
        }
    }
    found
}
