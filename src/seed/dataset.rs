//! A dataset on disk: a schema or a snapshot, `dataset.toml` and, optionally, `workload.toml`.

pub mod source;
mod checks;
mod open;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dice;
use super::fan::Fan;
use super::generators::GeneratorSpec;
use super::schema::Schema;
use crate::input::{Document, Place};

pub use source::{Migrations, Snapshot, Source};

/// A schema and how to fill it, or a snapshot.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The name of its directory, or of its one file.
    pub name: String,
    pub dir: PathBuf,
    /// `dataset.toml` as it is written.
    description: Document,
    pub source: Source,
    /// The tables that the schema creates. Of a snapshot nothing is known.
    pub schema: Schema,
    /// One line for people.
    pub about: String,
    /// The table that `--rows` counts. Empty while inference has not chosen it, and with a snapshot.
    pub main: String,
    /// Tables and columns that are not described are inferred.
    pub infer: bool,
    /// The seed where none is asked for.
    pub seed: u64,
    /// How each table is filled; a table of the schema that is not here stays empty.
    pub tables: BTreeMap<String, TableSpec>,
}

/// `dataset.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The table that `--rows` counts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub main: String,
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Tables and columns that are not described are inferred from the schema.
    #[serde(default, skip_serializing_if = "is_default")]
    pub infer: bool,
    /// A dump of a database, relative to this file, in place of schema and tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableSpec>,
}

fn default_seed() -> u64 {
    42
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How many rows a table gets, and what its columns hold. The main table needs no number; every
/// other has one of `rows`, `rows_per_main` and `children_of`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableSpec {
    /// A fixed number of rows, whatever the size of the dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Rows for each row of the main table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_per_main: Option<f64>,
    /// Rows that belong to a row of another table, more to some than to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children_of: Option<ChildrenOf>,
    /// It stays empty, and this is why. No size and no columns then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<String>,
    /// Its rows come with the schema and stay as they are: `rows` of them are known, and `columns` say what others
    /// refer to.
    #[serde(skip_serializing_if = "is_default")]
    pub kept: bool,
    /// Sets of columns of which no two rows have the same values, by construction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<String>>,
    /// Kinds of rows: each row is one of these, and its generators take the place of those in `columns`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
    /// What years of use leave behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aged: Option<Aged>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, GeneratorSpec>,
}

/// A kind of row: `{ weight = 3, columns = { org_id = { null = {} } } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// How common it is beside the others.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
    pub columns: BTreeMap<String, GeneratorSpec>,
}

fn one() -> f64 {
    1.0
}

fn is_one(weight: &f64) -> bool {
    *weight == one()
}

/// The age of a table, in fractions of its rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aged {
    /// Dead rows that no VACUUM has taken away.
    pub dead: f64,
    /// Rows that were updated after they came, so that they lie elsewhere.
    pub updated: f64,
}

/// Between `min` and `max` rows for each row of `table`, `mean` on average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChildrenOf {
    pub table: String,
    #[serde(default)]
    pub min: u32,
    pub max: u32,
    pub mean: f64,
}

impl TableSpec {
    /// The columns that have a generator, in all rows or in those of some case.
    pub fn filled(&self) -> BTreeSet<&str> {
        let of_cases = self.cases.iter().flat_map(|case| case.columns.keys());
        let all = self.columns.keys().chain(of_cases);
        all.map(String::as_str).collect()
    }
}

impl ChildrenOf {
    pub(super) fn fan(&self, seed: u64, child: &str) -> Fan {
        Fan::new(self.min, self.max, self.mean, dice::key(seed, child))
    }
}

impl Dataset {
    /// What its file says, or what is said where there is none.
    pub fn description(&self) -> Description {
        Description {
            about: self.about.clone(),
            main: self.main.clone(),
            seed: self.seed,
            infer: self.infer,
            snapshot: None,
            tables: self.tables.clone(),
        }
    }

    /// A place in `dataset.toml`, for mistakes in what is written there.
    pub(super) fn at(&self, keys: &[&str]) -> Place<'_> {
        let root = self.description.root();
        keys.iter().fold(root, |place, key| place.at(*key))
    }

    /// Where the application's queries are, if the dataset has some.
    pub fn workload_path(&self) -> Option<PathBuf> {
        let path = self.dir.join("workload.toml");
        path.is_file().then_some(path)
    }

    /// The dump that it is, if it is one.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match &self.source {
            Source::Schema { .. } | Source::Migrations(_) => None,
            Source::Snapshot(snapshot) => Some(snapshot),
        }
    }
}

/// The JSON Schema of `dataset.toml`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Description).to_value()
}

#[cfg(test)]
pub(super) mod tests;
