//! What is written, before it takes the form a database wants: tables, their columns, and rows of many at once. One
//! statement for many rows costs little more than one for one.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// Columns of a table that are written together.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: &'static [Column],
    pub(super) rest: &'static [Column],
}

impl Table {
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().chain(self.rest)
    }

    pub(super) fn width(&self) -> usize {
        self.key.len() + self.rest.len()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Null,
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// One statement of a transaction.
#[derive(Debug)]
pub(super) enum Write {
    /// Rows by their keys: new, or in place of what is there.
    Put(Rows),
    /// The same for rows that are there: only these columns change.
    Update(Rows),
    /// Rows with these keys, or these beginnings of keys, go.
    Delete(Rows),
    /// All rows go.
    Clear(&'static Table),
}

/// Rows one behind the other, each with a value for every column.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) table: &'static Table,
    pub(super) values: Vec<Value>,
}

impl Rows {
    pub(super) fn new(table: &'static Table) -> Self {
        Self { table, values: Vec::new() }
    }

    pub(super) fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.table.width(), "a row of {}", self.table.name);
        self.values.extend(row);
    }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

pub(super) static ALERTS: Table = Table {
    name: "alerts",
    key: &[text("fingerprint")],
    rest: &[int("epoch"), int("updated_at"), text("body")],
};
pub(super) static ALERTS_GONE: Table = Table { name: "alerts", key: &[text("fingerprint")], rest: &[] };
pub(super) static SILENCES: Table =
    Table { name: "silences", key: &[text("id")], rest: &[int("epoch"), int("ends_at"), text("body")] };
pub(super) static SILENCES_GONE: Table = Table { name: "silences", key: &[text("id")], rest: &[] };
pub(super) static GROUPS: Table = Table {
    name: "alert_groups",
    key: &[text("id")],
    rest: &[int("epoch"), int("next_flush"), text("body")],
};
pub(super) static GROUPS_GONE: Table = Table { name: "alert_groups", key: &[text("id")], rest: &[] };
pub(super) static TOLD: Table = Table {
    name: "told",
    key: &[text("group_id"), text("integration")],
    rest: &[int("epoch"), int("at"), text("body")],
};
pub(super) static TOLD_GONE: Table = Table { name: "told", key: &[text("group_id")], rest: &[] };
pub(super) static DELIVERIES: Table = Table {
    name: "deliveries",
    key: &[text("delivery_key")],
    rest: &[
        int("epoch"),
        text("group_id"),
        text("receiver"),
        text("integration"),
        text("status"),
        int("is_open"),
        int("decided_at"),
        int("updated_at"),
        text("body"),
        text("progress"),
    ],
};
pub(super) static DELIVERIES_PROGRESS: Table = Table {
    name: "deliveries",
    key: &[text("delivery_key")],
    rest: &[int("epoch"), text("status"), int("is_open"), int("updated_at"), text("progress")],
};
pub(super) static DELIVERIES_GONE: Table =
    Table { name: "deliveries", key: &[text("delivery_key")], rest: &[] };
pub(super) static DELIVERY_ALERTS: Table = Table {
    name: "delivery_alerts",
    key: &[text("fingerprint"), int("decided_at"), text("delivery_key")],
    rest: &[],
};
pub(super) static ATTEMPTS: Table = Table {
    name: "attempts",
    key: &[text("delivery_key"), int("attempt"), int("at")],
    rest: &[int("epoch"), text("body")],
};
pub(super) static ATTEMPTS_GONE: Table = Table { name: "attempts", key: &[text("delivery_key")], rest: &[] };
pub(super) static EPISODES: Table = Table {
    name: "episodes",
    key: &[text("fingerprint"), int("starts_at")],
    rest: &[int("ends_at"), int("epoch"), text("body")],
};
pub(super) static EPISODES_GONE: Table =
    Table { name: "episodes", key: &[text("fingerprint"), int("starts_at")], rest: &[] };
pub(super) static AUDIT: Table = Table {
    name: "audit",
    key: &[int("at"), text("action"), text("subject")],
    rest: &[text("who"), text("detail"), int("epoch")],
};
pub(super) static AUDIT_GONE: Table =
    Table { name: "audit", key: &[int("at"), text("action"), text("subject")], rest: &[] };
pub(super) static RULE_CHANGES: Table = Table {
    name: "rule_changes",
    key: &[text("rule_file"), text("rule_group"), int("place")],
    rest: &[int("epoch"), text("body")],
};
pub(super) static CORRECTIONS: Table = Table {
    name: "corrections",
    key: &[text("id")],
    rest: &[int("epoch"), int("begins_at"), int("ends_at"), int("created_at"), text("body")],
};
pub(super) static SNAPSHOTS: Table =
    Table { name: "snapshots", key: &[text("name")], rest: &[int("epoch"), text("body")] };
pub(super) static GOOGLE_RESOURCES: Table = Table {
    name: "google_resources",
    key: &[text("name")],
    rest: &[int("epoch"), int("changed_at"), text("body")],
};
pub(super) static GOOGLE_RESOURCES_GONE: Table =
    Table { name: "google_resources", key: &[text("name")], rest: &[] };
