//! What generators need to know of the rest of the dataset: its other tables and their sizes.

use std::collections::BTreeMap;

use super::Spec;
use super::dataset::TableSpec;
use super::dice;
use super::fan::Fan;
use super::generators::{Generator, GeneratorSpec, Picker, cases};
use super::unique::{self, Drive};

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
const DEEPEST: usize = 32;

/// Where a generator stands: it decides what its values are drawn from.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub context: &'a Context<'a>,
    /// The table whose rows are numbered; `None` for a query's parameter.
    pub table: Option<&'a str>,
    /// `orders.total`, `events.payload.page`, `order_by_id.$1`.
    pub path: String,
    /// The columns that led here.
    trail: Vec<String>,
    drive: Drive,
    /// In place of the table's rows: what is numbered is something else.
    numbered: Option<u64>,
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
            trail: Vec::new(),
            drive: Drive::Free,
            numbered: None,
        }
    }

    /// The place of a table's column.
    pub fn column(&'a self, table: &'a str, column: &str) -> Place<'a> {
        let path = format!("{table}.{column}");
        Place {
            table: Some(table),
            trail: vec![path.clone()],
            ..self.free(path)
        }
    }

    /// The generator of a table's column as it is described, with the table's unique sets and cases.
    /// All who want a column's values ask here.
    pub fn build(&'a self, table: &'a str, column: &str) -> Result<Generator, String> {
        self.column(table, column).effective(table, column)
    }

    /// The parents of a table whose rows are children of another's.
    pub fn fan(&self, table: &str) -> Option<(&'a str, Fan)> {
        let children = self.tables.get(table)?.children_of.as_ref()?;
        Some((&children.table, children.fan(self.seed, table)))
    }

    /// A table by its name, with or without `public.` before it.
    pub(super) fn table(&self, name: &str) -> Option<(&'a str, &'a TableSpec)> {
        let plain = name.strip_prefix("public.").unwrap_or(name);
        let found = self.tables.get_key_value(plain);
        let (name, spec) = found.or_else(|| self.tables.get_key_value(name))?;
        Some((name, spec))
    }

    /// All generators that may fill a column: its own, and those of cases.
    pub(super) fn specs(&self, table: &str, column: &str) -> Vec<&'a GeneratorSpec> {
        let Some((_, spec)) = self.table(table) else {
            return Vec::new();
        };
        let cases = spec
            .cases
            .iter()
            .filter_map(|case| case.columns.get(column));
        let of_cases: Vec<_> = cases.collect();
        // Where every case has its own, the table's is never asked.
        let own = spec.columns.get(column);
        let own = own.filter(|_| of_cases.is_empty() || of_cases.len() < spec.cases.len());
        own.into_iter().chain(of_cases).collect()
    }

    /// The most rows that a table's unique sets leave room for; `None` where there is no limit.
    pub fn most_rows(&self, table: &str) -> Option<u64> {
        unique::most_rows(self, table)
    }

    /// What is wrong with a table's unique sets: columns that are not described, or too few values.
    pub fn check_unique(&self, table: &str) -> Result<(), String> {
        unique::check(self, table)
    }
}

impl<'a> Place<'a> {
    /// The place of a part of this value, which is unlike the value itself.
    pub fn part(&self, name: &str) -> Place<'a> {
        Place {
            path: format!("{}.{name}", self.path),
            drive: Drive::Free,
            ..self.clone()
        }
    }

    /// The place of what the value is, unless it is something else: it must be as unique.
    pub(super) fn inside(&self, name: &str) -> Place<'a> {
        Place {
            drive: self.drive.clone(),
            ..self.part(name)
        }
    }

    /// The place of one of `n` values, which are numbered as rows are.
    pub fn among(self, n: u64) -> Place<'a> {
        Place {
            numbered: Some(n),
            ..self
        }
    }

    /// What the rolls of this place start from.
    pub fn key(&self) -> u64 {
        dice::key(self.context.seed, &self.path)
    }

    /// What the rolls start from that several columns of a row share; a parameter shares nothing.
    pub(super) fn shared_key(&self, name: &str) -> u64 {
        match self.table {
            Some(table) => dice::key(self.context.seed, &format!("{table}/{name}")),
            None => self.key(),
        }
    }

    /// Rows of the table that the place is in; `None` for a parameter.
    pub fn rows(&self) -> Option<u64> {
        self.numbered
            .or_else(|| self.context.rows.get(self.table?).copied())
    }

    /// One of `n` things for each row: by chance, or each set of values once where they must be unique.
    pub(super) fn picker(&self, n: u64, skew: f64) -> Picker {
        match &self.drive {
            Drive::Index(index) => Picker::Index(index.clone()),
            _ => Picker::chance(n, skew),
        }
    }

    /// The key of the number that must be worked into a text to make it unique.
    pub(super) fn number(&self) -> Option<u64> {
        match self.drive {
            Drive::Number(key) => Some(key),
            _ => None,
        }
    }

    /// The generator of another column, to ask it what it gave a row there, and the rows there.
    pub fn other(&self, table: &str, column: &str) -> Result<(Generator, u64), String> {
        let context = self.context;
        let (name, spec) = context.table(table).ok_or_else(|| {
            if context.is_snapshot {
                return format!(
                    "the rows of {table} come from a snapshot, which no generator can refer to; take the \
                     values from the database: {{ column = \"{table}.{column}\" }}"
                );
            }
            let known = context.tables.keys().map(String::as_str);
            format!("the dataset has no table {table}{}", meant(table, known))
        })?;
        if context.specs(name, column).is_empty() {
            let known = spec.columns.keys().map(String::as_str);
            return Err(format!(
                "the dataset fills no column {table}.{column}{}",
                meant(column, known)
            ));
        }
        let path = format!("{name}.{column}");
        if self.trail.contains(&path) || self.trail.len() >= DEEPEST {
            return Err(format!(
                "references go round in a circle at {table}.{column}"
            ));
        }
        let mut trail = self.trail.clone();
        trail.push(path);
        let place = Place {
            trail,
            ..context.column(name, column)
        };
        Ok((place.effective(name, column)?, context.rows[name]))
    }

    /// The column that the place is in.
    pub(super) fn column(&self) -> Option<&str> {
        let within = self.path.strip_prefix(self.table?)?.strip_prefix('.')?;
        within.split('.').next()
    }

    /// Another column of the same row.
    pub(super) fn sibling(&self, column: &str) -> Result<Generator, String> {
        let table = self.table;
        let table = table.ok_or_else(|| "a parameter has no row with other columns".to_owned())?;
        let (generator, _) = self.other(table, column)?;
        Ok(generator)
    }

    fn effective(self, table: &str, column: &str) -> Result<Generator, String> {
        let context = self.context;
        let spec = &context.tables[table];
        let drive = unique::drive(context, table, column)?;
        let place = Place { drive, ..self };
        if spec
            .cases
            .iter()
            .any(|case| case.columns.contains_key(column))
        {
            return cases::build(&place, spec, column);
        }
        let generator = spec.columns.get(column);
        let generator = generator.ok_or_else(|| format!("{table}.{column} has no generator"))?;
        generator.build(&place)
    }
}

fn meant<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    crate::input::did_you_mean(typed, known)
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default()
}
