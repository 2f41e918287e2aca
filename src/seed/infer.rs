//! What a dataset file leaves open, chosen from the structure of the tables: by type, by name, by key and by size.

mod words;
mod forms;
mod numbers;
mod addresses;
mod texts;
mod types;
mod times;
mod draft;
mod documents;
mod sizes;
mod families;
mod references;
mod partitions;
mod keys;
mod ranges;
mod nulls;
mod checks;
mod likeness;
mod verify;

use std::collections::BTreeMap;

use super::context::Context;
use super::dataset::{Description, TableSpec};
use super::generators::GeneratorSpec;
use super::structure::Structure;
use super::value::Shape;
use draft::Drafts;

/// A whole dataset: what was described, and what was chosen for the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inferred {
    /// The table that `--rows` counts.
    pub main: String,
    pub seed: u64,
    /// All tables that get rows.
    pub tables: BTreeMap<String, TableSpec>,
    pub reasons: BTreeMap<String, Reasons>,
    /// Tables that stay empty, and why.
    pub empty: BTreeMap<String, String>,
}

/// Why a table is filled as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasons {
    /// Why it has the rows that it has.
    pub rows: String,
    /// Of each column that was chosen.
    pub columns: BTreeMap<String, String>,
}

/// Completes a description: every table gets rows, every column that takes values a generator. What is described is
/// kept. `rows` are those of each large table. A table for which there is no way stays empty, with the reason.
pub fn infer(structure: &Structure, description: &Description, rows: u64, seed: u64) -> Inferred {
    let mut drafts = Drafts::new(structure, description, rows, seed);
    columns(&mut drafts);
    documents::choose(&mut drafts);
    sizes::choose(&mut drafts);
    families::choose(&mut drafts);
    partitions::choose(&mut drafts);
    references::choose(&mut drafts);
    likeness::choose(&mut drafts);
    keys::choose(&mut drafts);
    ranges::choose(&mut drafts);
    nulls::choose(&mut drafts);
    checks::choose(&mut drafts);
    keys::note(&mut drafts);
    keys::limit(&mut drafts);
    verify::all(&mut drafts);
    let main = sizes::main(&mut drafts, &description.main);
    finished(drafts, main)
}

/// Each column on its own, by type and name, and the moments of a row in their order.
fn columns(drafts: &mut Drafts<'_>) {
    let mut hopeless = Vec::new();
    for (name, draft) in &mut drafts.tables {
        for column in &draft.table.columns {
            if !draft.is_open(&column.name) {
                continue;
            }
            match types::choose(&draft.words, column) {
                Some(choice) => draft.choose(&column.name, choice),
                None if !column.not_null => {
                    draft.set(
                        &column.name,
                        forms::null(),
                        format!("no value is known for type {}", column.ty.sql),
                    );
                }
                // Its default takes the place of a value.
                None if column.default.is_some() => {}
                None => hopeless.push((name.clone(), column.name.clone(), column.ty.sql.clone())),
            }
        }
        for (column, choice) in times::choose(draft.table) {
            draft.choose(&column, choice);
        }
        let sequences: Vec<String> = draft.sequences().map(str::to_owned).collect();
        for column in sequences {
            draft.set(&column, forms::sequence(), "a sequence of its own");
        }
    }
    for (table, column, sql) in hopeless {
        let why = format!(
            "no value is known for {table}.{column}, of type {sql}: describe it in the dataset file, such as \
             {column} = {{ literal = {{ any = [\"…\"] }} }}"
        );
        drafts.give_up(&table, why);
    }
}

/// Whether all texts of a generator fit a column of `limit` characters.
fn fits(spec: &GeneratorSpec, limit: usize) -> bool {
    let tables = BTreeMap::new();
    let context = Context {
        tables: &tables,
        rows: BTreeMap::new(),
        seed: 0,
        is_snapshot: false,
    };
    match spec
        .build(&context.free(""))
        .map(|generator| generator.shape())
    {
        Ok(Shape::Text { chars }) => chars <= limit,
        Ok(Shape::Label(labels)) => labels.iter().all(|label| label.chars().count() <= limit),
        Ok(Shape::Uuid) => limit >= 36,
        Ok(_) => true,
        Err(_) => false,
    }
}

fn finished(drafts: Drafts<'_>, main: String) -> Inferred {
    let mut inferred = Inferred {
        main,
        seed: drafts.seed,
        empty: drafts.empty,
        ..Inferred::default()
    };
    for (name, draft) in drafts.tables {
        let reasons = Reasons {
            rows: draft.why_rows,
            columns: draft.why,
        };
        inferred.reasons.insert(name.clone(), reasons);
        inferred.tables.insert(name, draft.spec);
    }
    inferred
}
