//! Tables that have rows once the schema is there: lookup values, a migration tool's bookkeeping. They keep them.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::Error;
use super::dataset::{Description, TableSpec};
use super::generators::GeneratorSpec;
use super::generators::literal::Literal;
use super::layout::quoted;
use super::structure::Structure;
use crate::postgres::relation::quote_identifier;

/// As many rows of such a table can be referred to.
const KNOWN_ROWS_MAX: usize = 1_000;

/// Describes each table that has rows and is not described: they stay, and others refer to them.
pub(super) async fn describe(
    client: &Client,
    structure: &Structure,
    description: &mut Description,
) -> Result<(), Error> {
    for (name, table) in &structure.tables {
        if table.partition_of.is_some() || description.tables.contains_key(name) {
            continue;
        }
        let sql_name = quoted(name);
        let failed = || Error::doing(format!("cannot look into {sql_name}"));
        let has_rows = format!("SELECT EXISTS (SELECT FROM {sql_name})");
        if !client
            .query_one(&has_rows, &[])
            .await
            .map_err(failed())?
            .get::<_, bool>(0)
        {
            continue;
        }
        let spec = kept(client, &sql_name, &referred_to(structure, name)).await;
        let spec = spec.map_err(failed())?;
        description.tables.insert(name.clone(), spec);
    }
    Ok(())
}

async fn kept(
    client: &Client,
    sql_name: &str,
    columns: &BTreeSet<&str>,
) -> Result<TableSpec, tokio_postgres::Error> {
    let mut spec = TableSpec {
        kept: true,
        ..TableSpec::default()
    };
    if columns.is_empty() {
        let count = format!("SELECT count(*) FROM {sql_name}");
        let count: i64 = client.query_one(&count, &[]).await?.get(0);
        spec.rows = Some(count.unsigned_abs());
        return Ok(spec);
    }
    let each = |form: &str| -> Vec<String> {
        let quoted = columns.iter().map(|column| quote_identifier(column));
        quoted.map(|column| format!("{column}{form}")).collect()
    };
    let sql = format!(
        "SELECT {} FROM {sql_name} WHERE {} ORDER BY {} LIMIT {KNOWN_ROWS_MAX}",
        each("::text").join(", "),
        each(" IS NOT NULL").join(" AND "),
        each("").join(", ")
    );
    let rows = client.query(&sql, &[]).await?;
    spec.rows = Some(rows.len().max(1) as u64);
    for (at, column) in columns.iter().enumerate().filter(|_| !rows.is_empty()) {
        let literal = Literal {
            any: rows.iter().map(|row| row.get(at)).collect(),
            in_order: true,
        };
        let literal = GeneratorSpec::Literal(literal);
        spec.columns.insert((*column).to_owned(), literal);
    }
    Ok(spec)
}

/// The columns that foreign keys lead to.
fn referred_to<'a>(structure: &'a Structure, name: &str) -> BTreeSet<&'a str> {
    let keys = structure
        .tables
        .values()
        .flat_map(|table| &table.foreign_keys);
    let keys = keys.filter(|key| key.parent == name);
    keys.flat_map(|key| key.parent_columns.iter().map(String::as_str))
        .collect()
}
