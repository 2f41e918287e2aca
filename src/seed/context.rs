//! What generators need to know of the rest of the dataset: its other tables and their sizes.

use std::collections::BTreeMap;

use super::Spec;
use super::dataset::TableSpec;
use super::dice;
use super::fan::Fan;
use super::generators::Generator;

/// The whole dataset, seen from its generators.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    pub tables: &'a BTreeMap<String, TableSpec>,
    pub rows: BTreeMap<String, u64>,
    pub seed: u64,
    /// The rows come from a dump: there is no generator to draw from.
    pub is_snapshot: bool,
}

/// References lead to columns that may be references themselves, but not for ever.
const DEEPEST: u8 = 8;

/// Where a generator stands: it decides what its values are drawn from.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub context: &'a Context<'a>,
    /// The table whose rows are numbered; `None` for a query's parameter.
    pub table: Option<&'a str>,
    /// `orders.total`, `events.payload.page`, `order_by_id.$1`.
    pub path: String,
    depth: u8,
}

impl<'a> Context<'a> {
    pub fn new(spec: &'a Spec) -> Context<'a> {
        Context {
            tables: &spec.dataset.tables,
            rows: spec.table_rows(),
            seed: spec.seed,
            is_snapshot: spec.dataset.snapshot().is_some(),
        }
    }

    /// The place of a value that belongs to no table, such as a query's parameter.
    pub fn free(&'a self, path: impl Into<String>) -> Place<'a> {
        Place {
            context: self,
            table: None,
            path: path.into(),
            depth: 0,
        }
    }

    /// The place of a table's column.
    pub fn column(&'a self, table: &'a str, column: &str) -> Place<'a> {
        Place {
            table: Some(table),
            ..self.free(format!("{table}.{column}"))
        }
    }

    /// The parents of a table whose rows are children of another's.
    pub fn fan(&self, table: &str) -> Option<(&'a str, Fan)> {
        let children = self.tables.get(table)?.children_of.as_ref()?;
        Some((&children.table, children.fan(self.seed, table)))
    }
}

impl<'a> Place<'a> {
    /// The place of a part of this value.
    pub fn part(&self, name: &str) -> Place<'a> {
        Place {
            path: format!("{}.{name}", self.path),
            ..self.clone()
        }
    }

    /// What the rolls of this place start from.
    pub fn key(&self) -> u64 {
        dice::key(self.context.seed, &self.path)
    }

    /// Rows of the table that the place is in; `None` for a parameter.
    pub fn rows(&self) -> Option<u64> {
        self.context.rows.get(self.table?).copied()
    }

    /// The generator of another column, to ask it what it gave a row there, and the rows there.
    pub fn other(&self, table: &str, column: &str) -> Result<(Generator, u64), String> {
        let (name, spec) = self
            .context
            .tables
            .get_key_value(table.strip_prefix("public.").unwrap_or(table))
            .or_else(|| self.context.tables.get_key_value(table))
            .ok_or_else(|| {
                if self.context.is_snapshot {
                    return format!(
                        "the rows of {table} come from a snapshot, which no generator can refer to; take the \
                         values from the database: {{ column = \"{table}.{column}\" }}"
                    );
                }
                let known = self.context.tables.keys().map(String::as_str);
                format!("the dataset has no table {table}{}", meant(table, known))
            })?;
        let generator = spec.columns.get(column).ok_or_else(|| {
            let known = spec.columns.keys().map(String::as_str);
            format!(
                "the dataset fills no column {table}.{column}{}",
                meant(column, known)
            )
        })?;
        if self.depth >= DEEPEST {
            return Err(format!(
                "references go round in a circle at {table}.{column}"
            ));
        }
        let place = Place {
            depth: self.depth + 1,
            ..self.context.column(name, column)
        };
        Ok((generator.build(&place)?, self.context.rows[name]))
    }
}

fn meant<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    crate::input::did_you_mean(typed, known)
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default()
}
