//! A dataset with the shape of a live database: how many rows, how many of them NULL, how many different values, how
//! wide, how common the common ones. No value of it, unless they are asked for.

mod column;
mod fit;
mod observed;
mod statistics;
mod text;

use std::collections::BTreeMap;

use tokio_postgres::{Client, Config};

pub use self::observed::{Observed, observed};
use self::statistics::{ColumnShape, Size};
pub use self::text::{dataset_toml, schema_sql};
use super::Error;
use super::dataset::{Aged, Description, TableSpec};
use super::structure::{KeyPart, Structure, Table};
use crate::provision::connect;

/// A described database, and why it is described so.
#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    pub description: Description,
    /// By table and column; of the table itself under "".
    pub reasons: BTreeMap<(String, String), String>,
    /// What could not be read, in sentences.
    pub notes: Vec<String>,
}

/// The seed of the new dataset.
const SEED: u64 = 42;

/// Rows of a table that is no part of a dataset's growth.
const SMALL: f64 = 1_000.0;

/// Reads the shape of the database in one read-only transaction. It needs the right to SELECT; of tables without it
/// nothing is read, and they are named. With `keep_values` the common values themselves are taken over.
pub async fn read(config: &Config, keep_values: bool) -> Result<Like, Error> {
    let mut config = config.clone();
    config.application_name("pgrehearse seed --like");
    let client = connect(&config).await.map_err(Error::Connect)?;
    begin(&client)
        .await
        .map_err(Error::doing("cannot begin a read-only transaction"))?;
    let structure = Structure::read(&client).await?;
    let sizes = statistics::sizes(&client).await?;
    let columns = statistics::columns(&client, keep_values).await?;
    // Nothing was written, and nothing is left behind.
    let _ = client.batch_execute("ROLLBACK").await;
    Ok(describe(&structure, &sizes, &columns))
}

async fn begin(client: &Client) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute(
            "SET default_transaction_read_only = on; SET statement_timeout = '30s'; SET lock_timeout = '1s'; \
             SET idle_in_transaction_session_timeout = '60s'",
        )
        .await?;
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
}

type Columns = BTreeMap<(String, String), ColumnShape>;

fn describe(structure: &Structure, sizes: &BTreeMap<String, Size>, columns: &Columns) -> Like {
    let mut like = Like {
        description: Description {
            infer: true,
            seed: SEED,
            ..Description::default()
        },
        reasons: BTreeMap::new(),
        notes: Vec::new(),
    };
    let rows = |name: &str| sizes.get(name).and_then(|size| size.rows).unwrap_or(0.0);
    let is_filled = |table: &Table| table.partition_of.is_none();
    let filled = structure
        .tables
        .iter()
        .filter(|(_, table)| is_filled(table));
    let main = filled
        .clone()
        .map(|(name, _)| name)
        .max_by(|a, b| rows(a).total_cmp(&rows(b)))
        .cloned()
        .unwrap_or_default();
    let main_rows = rows(&main).max(1.0);
    for (name, table) in filled {
        let Some(size) = sizes.get(name) else {
            continue;
        };
        let mut spec = TableSpec::default();
        let reason = sized(
            &mut spec,
            name == &main,
            size,
            main_rows,
            &mut like.notes,
            name,
        );
        like.reasons.insert((name.clone(), String::new()), reason);
        if spec.empty.is_none() && size.may_select {
            fill(&mut like, &mut spec, name, table, size, columns);
        }
        like.description.tables.insert(name.clone(), spec);
    }
    like.description.about = format!("the shape of a database with {main_rows:.0} rows in {main}");
    like.description.main = main;
    like
}

/// How many rows a table gets, how old it is, and why.
fn sized(
    spec: &mut TableSpec,
    is_main: bool,
    size: &Size,
    main_rows: f64,
    notes: &mut Vec<String>,
    name: &str,
) -> String {
    if !size.may_select {
        notes.push(format!(
            "{name}: no right to SELECT, so nothing but its size is known"
        ));
    }
    let Some(rows) = size.rows.map(f64::round) else {
        notes.push(format!(
            "{name}: it was never analyzed; run ANALYZE there to have its size and shape"
        ));
        if !is_main {
            spec.rows = Some(SMALL as u64);
        }
        return "never analyzed: a guess".to_owned();
    };
    if rows < 1.0 && !is_main {
        spec.empty = Some("it has no rows there".to_owned());
        return String::new();
    }
    let dead = share(size.dead, size.dead + rows);
    let updated = share(size.updated, rows);
    if dead > 0.0 || updated > 0.0 {
        spec.aged = Some(Aged { dead, updated });
    }
    if is_main {
        return format!("{rows:.0} rows there: the largest table");
    }
    if rows <= SMALL {
        spec.rows = Some(rows as u64);
    } else {
        // Exact to a row in a thousand.
        spec.rows_per_main = Some(fit::rounded(rows / main_rows, 6));
    }
    format!("{rows:.0} rows there")
}

/// A part of a whole, to a hundredth.
fn share(part: f64, whole: f64) -> f64 {
    ((part / whole.max(1.0)).clamp(0.0, 1.0) * 100.0).round() / 100.0
}

fn fill(
    like: &mut Like,
    spec: &mut TableSpec,
    name: &str,
    table: &Table,
    size: &Size,
    columns: &Columns,
) {
    let rows = size.rows.unwrap_or(0.0).round().max(1.0);
    for column in &table.columns {
        let key = (name.to_owned(), column.name.clone());
        let shape = columns.get(&key);
        let (generator, reason) = match column::choose(table, column, shape, rows) {
            Ok(chosen) => chosen,
            Err(reason) => {
                like.reasons.insert(key, reason);
                continue;
            }
        };
        spec.columns.insert(column.name.clone(), generator);
        like.reasons.insert(key, reason);
    }
}

/// The key that consists of this column alone.
fn is_unique(table: &Table, column: &str) -> bool {
    table.keys.iter().any(|key| match &key.parts[..] {
        [KeyPart::Column(one)] => one == column && key.predicate.is_none(),
        [KeyPart::Expression { columns, .. }] => columns.len() == 1 && columns[0] == column,
        _ => false,
    })
}
