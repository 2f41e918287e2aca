//! A dataset on disk: `schema.sql`, `dataset.toml` and, optionally, `workload.toml`.

mod checks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dice;
use super::fan::Fan;
use super::generators::GeneratorSpec;
use super::schema::Schema;
use crate::input::sql::SqlMistake;
use crate::input::{Document, Place, Problem, Problems};

/// A schema and how to fill it.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The name of its directory.
    pub name: String,
    pub dir: PathBuf,
    /// `dataset.toml` as it is written.
    description: Document,
    /// What `schema.sql` says, and the tables in it.
    pub schema_sql: String,
    pub schema: Schema,
    /// One line for people.
    pub about: String,
    /// The table that `--rows` counts.
    pub main: String,
    /// The seed where none is asked for.
    pub seed: u64,
    /// How each table is filled; a table of the schema that is not here stays empty.
    pub tables: BTreeMap<String, TableSpec>,
}

/// `dataset.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The table that `--rows` counts.
    pub main: String,
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Tables and columns that are not described are filled, too, as their types and names suggest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub infer: bool,
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
    /// Reads a dataset's directory. All that can be wrong without a server is found here.
    pub fn read(dir: &Path) -> Result<Dataset, Problems> {
        let mut problems = Vec::new();
        let description = document(&dir.join("dataset.toml"), &mut problems);
        let written: Option<Description> =
            description.as_ref().and_then(|d| d.parse(&mut problems));
        // Generators draw from each other: one that is left out would make others look wrong.
        let is_whole = problems.is_empty();
        let schema_sql = document(&dir.join("schema.sql"), &mut problems);
        let schema = schema_sql.as_ref().and_then(|sql| {
            let parsed = Schema::parse(sql.text());
            let problem = |e: SqlMistake| Problem::file(sql.path(), e.message).at_line(e.line);
            parsed.map_err(|e| problems.push(problem(e))).ok()
        });
        let (Some(description), Some(written), Some(schema_sql), Some(schema)) =
            (description, written, schema_sql, schema)
        else {
            return Err(Problems(problems));
        };
        let dataset = Dataset {
            name: dir.file_name().unwrap_or_default().display().to_string(),
            dir: dir.to_owned(),
            description,
            schema_sql: schema_sql.text().to_owned(),
            schema,
            about: written.about,
            main: written.main,
            seed: written.seed,
            tables: written.tables,
        };
        problems.extend(checks::all(&dataset, is_whole));
        if problems.is_empty() {
            Ok(dataset)
        } else {
            Err(Problems(problems))
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
}

fn document(path: &Path, problems: &mut Vec<Problem>) -> Option<Document> {
    let hint = "a dataset is a directory with schema.sql and dataset.toml";
    let read = Document::read(path);
    read.map_err(|problem| problems.push(problem.hint(hint)))
        .ok()
}

/// The JSON Schema of `dataset.toml`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Description).to_value()
}

#[cfg(test)]
pub(super) mod tests;
