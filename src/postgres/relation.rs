//! Relations: what `pg_class` holds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a relation.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    Table,
    PartitionedTable,
    Index,
    PartitionedIndex,
    Sequence,
    Toast,
    View,
    MaterializedView,
    CompositeType,
    ForeignTable,
}

impl RelationKind {
    /// The kind that a `pg_class.relkind` letter stands for; `None` for a letter Postgres 18 does not have.
    pub fn from_relkind(letter: char) -> Option<RelationKind> {
        Some(match letter {
            'r' => RelationKind::Table,
            'p' => RelationKind::PartitionedTable,
            'i' => RelationKind::Index,
            'I' => RelationKind::PartitionedIndex,
            'S' => RelationKind::Sequence,
            't' => RelationKind::Toast,
            'v' => RelationKind::View,
            'm' => RelationKind::MaterializedView,
            'c' => RelationKind::CompositeType,
            'f' => RelationKind::ForeignTable,
            _ => return None,
        })
    }
}

impl fmt::Display for RelationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RelationKind::Table => "table",
            RelationKind::PartitionedTable => "partitioned table",
            RelationKind::Index => "index",
            RelationKind::PartitionedIndex => "partitioned index",
            RelationKind::Sequence => "sequence",
            RelationKind::Toast => "toast table",
            RelationKind::View => "view",
            RelationKind::MaterializedView => "materialized view",
            RelationKind::CompositeType => "composite type",
            RelationKind::ForeignTable => "foreign table",
        })
    }
}

/// A relation's name with its schema, written `public.orders`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(into = "String", from = "String")]
#[schemars(with = "String")]
pub struct RelationName {
    pub schema: String,
    pub name: String,
}

impl RelationName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> RelationName {
        RelationName {
            schema: schema.into(),
            name: name.into(),
        }
    }

    /// As SQL needs it.
    pub fn quoted(&self) -> String {
        let RelationName { schema, name } = self;
        format!("{}.{}", quote_identifier(schema), quote_identifier(name))
    }
}

impl From<String> for RelationName {
    /// Reads `schema.name`; a name without a schema is in `public`.
    fn from(text: String) -> RelationName {
        match text.split_once('.') {
            Some((schema, name)) => RelationName::new(schema, name),
            None => RelationName::new("public", text),
        }
    }
}

impl From<RelationName> for String {
    fn from(name: RelationName) -> String {
        name.to_string()
    }
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// An identifier as SQL needs it: quoted, with quotes inside doubled.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL string literal, safe whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}
