//! A dataset while it is inferred: what is known of each table so far.

use std::collections::{BTreeMap, BTreeSet};

use super::sizes;
use super::types::Choice;
use super::words::Words;
use crate::seed::context::Context;
use crate::seed::dataset::{Description, TableSpec};
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::{FilledBy, ForeignKey, Structure, Table};

/// All tables that take rows: partitions get theirs through the table that they are parts of.
pub(super) struct Drafts<'a> {
    pub(super) structure: &'a Structure,
    pub(super) tables: BTreeMap<String, Draft<'a>>,
    /// What stays empty, and why.
    pub(super) empty: BTreeMap<String, String>,
    /// Rows of a large table.
    pub(super) rows: u64,
    pub(super) seed: u64,
}

/// One table.
pub(super) struct Draft<'a> {
    pub(super) table: &'a Table,
    pub(super) words: Words,
    pub(super) spec: TableSpec,
    /// Columns that the user described: they are not changed.
    pub(super) described: BTreeSet<String>,
    /// The foreign key whose parents its rows are counted by.
    pub(super) family: Option<String>,
    /// Columns that the bounds of partitions decide over.
    pub(super) bounded: BTreeSet<String>,
    /// The user gave it a size.
    pub(super) has_size: bool,
    pub(super) why_rows: String,
    pub(super) why: BTreeMap<String, String>,
}

impl<'a> Drafts<'a> {
    pub(super) fn new(
        structure: &'a Structure,
        description: &Description,
        rows: u64,
        seed: u64,
    ) -> Drafts<'a> {
        let described = |name: &str| {
            let tables = &description.tables;
            let qualified = || tables.get(&format!("public.{name}"));
            tables.get(name).or_else(qualified).cloned()
        };
        let mut drafts = Drafts {
            structure,
            tables: BTreeMap::new(),
            empty: BTreeMap::new(),
            rows,
            seed,
        };
        for (name, table) in &structure.tables {
            if table.partition_of.is_some() {
                continue;
            }
            let spec = described(name);
            if let Some(why) = spec.as_ref().and_then(|spec| spec.empty.clone()) {
                drafts.empty.insert(name.clone(), why);
                continue;
            }
            let draft = Draft::new(name, table, spec, *name == description.main);
            drafts.tables.insert(name.clone(), draft);
        }
        drafts
    }

    /// The tables as generators will see them.
    pub(super) fn seen<T>(&self, look: impl FnOnce(&Context<'_>) -> T) -> T {
        let specs = self.tables.iter();
        let tables = specs
            .map(|(name, draft)| (name.clone(), draft.spec.clone()))
            .collect();
        let names = self.tables.keys();
        let context = Context {
            tables: &tables,
            rows: names
                .map(|name| (name.clone(), sizes::rows(self, name)))
                .collect(),
            seed: self.seed,
            is_snapshot: false,
        };
        look(&context)
    }

    /// A table stays empty.
    pub(super) fn give_up(&mut self, table: &str, why: impl Into<String>) {
        self.tables.remove(table);
        self.empty.insert(table.to_owned(), why.into());
    }
}

impl<'a> Draft<'a> {
    fn new(name: &str, table: &'a Table, spec: Option<TableSpec>, is_main: bool) -> Draft<'a> {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let is_described = spec.is_some();
        let spec = spec.unwrap_or_default();
        let described = match spec.kept {
            true => table
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            false => spec.columns.keys().cloned().collect(),
        };
        let has_size =
            spec.rows.is_some() || spec.rows_per_main.is_some() || spec.children_of.is_some();
        Draft {
            table,
            words: Words::of(bare),
            described,
            family: None,
            bounded: BTreeSet::new(),
            has_size: has_size || (is_described && is_main),
            spec,
            why_rows: String::new(),
            why: BTreeMap::new(),
        }
    }

    /// Whether inference may say what a column holds.
    pub(super) fn is_open(&self, column: &str) -> bool {
        let found = self.table.column(column);
        !self.described.contains(column)
            && found.is_some_and(|found| found.filled_by != FilledBy::Generated)
    }

    pub(super) fn set(&mut self, column: &str, spec: GeneratorSpec, why: impl Into<String>) {
        if self.is_open(column) {
            self.spec.columns.insert(column.to_owned(), spec);
            self.why.insert(column.to_owned(), why.into());
        }
    }

    pub(super) fn choose(&mut self, column: &str, choice: Choice) {
        self.set(column, choice.spec, choice.reason);
    }

    pub(super) fn is_nullable(&self, column: &str) -> bool {
        self.table
            .column(column)
            .is_some_and(|column| !column.not_null)
    }

    /// Foreign keys that lead to other tables.
    pub(super) fn outgoing<'b>(
        &'b self,
        own: &'b str,
    ) -> impl Iterator<Item = &'a ForeignKey> + 'b {
        let keys: &'a [ForeignKey] = &self.table.foreign_keys;
        keys.iter().filter(move |key| key.parent != own)
    }

    /// Its unique sets, as columns: each once, no set that holds another.
    pub(super) fn unique_sets(&self) -> Vec<Unique> {
        let mut sets: Vec<Unique> = Vec::new();
        for key in &self.table.keys {
            let mut columns = Vec::new();
            for column in key.parts.iter().flat_map(|part| part.columns()) {
                for source in self.sources(&column) {
                    if !columns.contains(&source) {
                        columns.push(source);
                    }
                }
            }
            if columns.is_empty() {
                continue;
            }
            sets.push(Unique {
                name: key.name.clone(),
                columns,
                primary: key.primary,
            });
        }
        for exclusion in &self.table.exclusions {
            let equal = exclusion
                .parts
                .iter()
                .filter(|(_, operator)| operator == "=");
            let columns: Vec<_> = equal.flat_map(|(part, _)| part.columns()).collect();
            if columns.len() == exclusion.parts.len() {
                let name = exclusion.name.clone();
                sets.push(Unique {
                    name,
                    columns,
                    primary: false,
                });
            }
        }
        let all = sets.clone();
        let holds = |one: &Unique, other: &Unique| {
            other
                .columns
                .iter()
                .all(|column| one.columns.contains(column))
        };
        let mut at = 0;
        sets.retain(|set| {
            at += 1;
            !all.iter().enumerate().any(|(other_at, other)| {
                let smaller = other.columns.len() < set.columns.len();
                let earlier = other.columns.len() == set.columns.len() && other_at + 1 < at;
                (smaller || earlier) && holds(set, other)
            })
        });
        sets
    }

    /// The columns that decide what a column holds: itself, or those of its expression.
    fn sources(&self, column: &str) -> Vec<String> {
        let found = self.table.column(column);
        match found.filter(|found| found.filled_by == FilledBy::Generated) {
            Some(found) => self
                .table
                .names_in(found.default.as_deref().unwrap_or_default()),
            None => vec![column.to_owned()],
        }
    }
}

/// Columns of which no two rows may share values, and the key that says so.
#[derive(Clone, Debug)]
pub(super) struct Unique {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) primary: bool,
}
