//! What a live database is asked for, how often: read, with what it takes to ask the same of a copy.

use std::collections::BTreeMap;

use tokio_postgres::Config;

use super::{begin, statistics};
use crate::postgres::relation::quote_identifier;
use crate::postgres::statistics::{STATEMENTS_SCHEMA, statements};
use crate::provision::connect;
use crate::seed::Error;
use crate::seed::dataset::{Description, TableSpec};
use crate::seed::infer;
use crate::seed::structure::Structure;

/// A database and the statements that it has counted.
#[derive(Clone, Debug)]
pub struct Observed {
    pub structure: Structure,
    /// How tables like these would be filled.
    pub tables: BTreeMap<String, TableSpec>,
    /// As the planner reckons; a table that it has never counted is left out.
    pub rows: BTreeMap<String, u64>,
    /// Normalised texts and how often each was called, the most common first. `None` where nothing counts them.
    pub statements: Option<Vec<(String, u64)>>,
}

/// Only for inference, which wants to know how large the largest table is.
const ROWS: u64 = 1_000_000;

/// Reads it in one read-only transaction.
pub async fn observed(config: &Config) -> Result<Observed, Error> {
    let mut config = config.clone();
    config.application_name("pgrehearse workload --from");
    let client = connect(&config).await.map_err(Error::Connect)?;
    let doing = || Error::doing("cannot read pg_stat_statements");
    begin(&client).await.map_err(doing())?;
    let structure = Structure::read(&client).await?;
    let sizes = statistics::sizes(&client).await?;
    let schema = client.query_opt(STATEMENTS_SCHEMA, &[]).await;
    let statements = match schema.map_err(doing())? {
        None => None,
        Some(row) => {
            let schema: String = row.get("schema");
            let view = format!("{}.pg_stat_statements", quote_identifier(&schema));
            let rows = client.query(&statements(&view), &[]).await;
            let rows = rows.map_err(doing())?;
            let of_row = |row: &tokio_postgres::Row| {
                let calls: i64 = row.get("calls");
                (row.get("query"), calls.unsigned_abs())
            };
            Some(rows.iter().map(of_row).collect())
        }
    };
    // Nothing was written, and nothing is left behind.
    let _ = client.batch_execute("ROLLBACK").await;
    let description = Description {
        infer: true,
        ..Description::default()
    };
    let tables = infer::infer(&structure, &description, ROWS, super::SEED).tables;
    let rows = sizes
        .into_iter()
        .filter_map(|(name, size)| Some((name, size.rows? as u64)));
    Ok(Observed {
        tables,
        rows: rows.collect(),
        structure,
        statements,
    })
}
