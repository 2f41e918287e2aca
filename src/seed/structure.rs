//! What the tables of a database are like: columns, keys, references, checks and partitions.

mod read;
mod type_of;

use std::collections::BTreeMap;

/// All tables of a database but the system's, by name; in another schema than `public` with the schema's name before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    pub tables: BTreeMap<String, Table>,
}

/// A table, partitioned or not, or a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order of the catalogue, without dropped ones.
    pub columns: Vec<Column>,
    /// The primary key first.
    pub keys: Vec<Key>,
    /// Those that are no keys.
    pub indexes: Vec<Index>,
    pub foreign_keys: Vec<ForeignKey>,
    pub checks: Vec<Check>,
    pub exclusions: Vec<Exclusion>,
    /// How its rows are shared among partitions.
    pub partitioned_by: Option<PartitionedBy>,
    /// What it is a partition of.
    pub partition_of: Option<PartitionOf>,
    /// Tables of which it is a child by inheritance, without being a partition.
    pub inherits: Vec<String>,
    /// The user's own that fire; with those of its partitions.
    pub triggers: Vec<Trigger>,
    /// A rule may make another statement of one that writes.
    pub has_rules: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub ty: ColumnType,
    /// Its own, its domain's, or as part of the primary key.
    pub not_null: bool,
    /// The expression of its default, as the server writes it.
    pub default: Option<String>,
    pub filled_by: FilledBy,
}

/// Who gives a column its values where an INSERT does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilledBy {
    /// Its default, or NULL.
    Default,
    /// A sequence of its own: serial or identity.
    Sequence,
    /// An expression over other columns: it takes no value at all.
    Generated,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    /// As SQL writes it, with its modifier: `character varying(20)`, `numeric(10,2)[]`.
    pub sql: String,
    pub kind: TypeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// By the catalogue's name, with its modifier or -1: `int4`, `varchar`, `hstore`.
    Base {
        name: String,
        modifier: i32,
    },
    /// The labels in their order.
    Enum(Vec<String>),
    Domain {
        of: Box<ColumnType>,
        not_null: bool,
        /// Over `VALUE`.
        checks: Vec<Check>,
    },
    Array(Box<ColumnType>),
    Range(Box<ColumnType>),
    Multirange(Box<ColumnType>),
    Composite(Vec<(String, ColumnType)>),
}

/// Columns, or expressions, of which no two rows have the same values.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The constraint's or the index's name.
    pub name: String,
    pub primary: bool,
    pub parts: Vec<KeyPart>,
    /// Only rows for which this holds count.
    pub predicate: Option<String>,
    /// NULL equals NULL.
    pub nulls_equal: bool,
    /// It may be checked only at the end of a transaction.
    pub deferrable: bool,
}

/// An index that keeps nothing unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    pub name: String,
    /// The access method: `btree`, `gin`.
    pub method: String,
    pub parts: Vec<KeyPart>,
    /// Only rows for which this holds are in it.
    pub predicate: Option<String>,
    /// Queries may use it.
    pub valid: bool,
}

/// A trigger, and the statements on the table that fire it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub name: String,
    pub on_insert: bool,
    pub on_update: bool,
    pub on_delete: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum KeyPart {
    Column(String),
    /// An expression with the columns in it.
    Expression {
        sql: String,
        columns: Vec<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub parent: String,
    /// As many as `columns`, in their order.
    pub parent_columns: Vec<String>,
    /// MATCH FULL: all NULL or none.
    pub match_full: bool,
    pub on_delete: Action,
    pub on_update: Action,
}

/// What becomes of a row whose parent is deleted or gets another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub name: String,
    /// The expression as the server writes it, without CHECK.
    pub sql: String,
    /// The columns in it; of a domain's check none.
    pub columns: Vec<String>,
}

/// An exclusion constraint: no two rows for which all operators hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Exclusion {
    pub name: String,
    /// Columns or expressions with their operators.
    pub parts: Vec<(KeyPart, String)>,
    pub predicate: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionedBy {
    pub strategy: Strategy,
    pub parts: Vec<KeyPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Range,
    List,
    Hash,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionOf {
    pub parent: String,
    /// As the server writes it: `FOR VALUES FROM (…) TO (…)`, `DEFAULT`.
    pub bound: String,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that an expression names, each once.
    pub fn names_in(&self, sql: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = sql;
        while let Some(letter) = rest.chars().next() {
            let (name, after) = match letter {
                '\'' => (
                    "",
                    rest[1..].split_once('\'').map_or("", |(_, after)| after),
                ),
                '"' => rest[1..].split_once('"').unwrap_or((&rest[1..], "")),
                _ if letter.is_alphabetic() || letter == '_' => {
                    let is_part = |letter: char| letter.is_alphanumeric() || "_$".contains(letter);
                    let end = rest.find(|letter| !is_part(letter));
                    rest.split_at(end.unwrap_or(rest.len()))
                }
                _ => ("", &rest[letter.len_utf8()..]),
            };
            if self.column(name).is_some() && !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            rest = after;
        }
        found
    }
}

impl KeyPart {
    /// The columns in it.
    pub fn columns(&self) -> Vec<String> {
        match self {
            KeyPart::Column(column) => vec![column.clone()],
            KeyPart::Expression { columns, .. } => columns.clone(),
        }
    }
}

impl Structure {
    /// The parts of a list, which may have lists and texts in them: `a, f(b, ','), c`.
    pub(super) fn split_list(sql: &str) -> Vec<String> {
        let mut parts = Vec::new();
        let (mut depth, mut quoted, mut start) = (0, None, 0);
        for (at, letter) in sql.char_indices() {
            match (quoted, letter) {
                (Some(quote), _) if letter == quote => quoted = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quoted = Some(letter),
                (None, '(' | '[') => depth += 1,
                (None, ')' | ']') => depth -= 1,
                (None, ',') if depth == 0 => {
                    parts.push(sql[start..at].trim().to_owned());
                    start = at + 1;
                }
                (None, _) => {}
            }
        }
        let last = sql[start..].trim();
        if !last.is_empty() {
            parts.push(last.to_owned());
        }
        parts
    }
}
