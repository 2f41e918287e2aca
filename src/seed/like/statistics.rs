//! What `pg_stats` and `pg_class` say.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};

use crate::postgres::statistics;
use crate::seed::Error;

/// How large a table is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Size {
    /// `None` where nobody has counted yet.
    pub(super) rows: Option<f64>,
    pub(super) dead: f64,
    pub(super) updated: f64,
    pub(super) may_select: bool,
}

/// What a column's values are like.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ColumnShape {
    pub(super) nulls: f64,
    /// As `pg_stats` has it: negative is a fraction of the rows, 0 unknown.
    pub(super) distinct: f64,
    pub(super) width: i32,
    pub(super) correlation: Option<f64>,
    pub(super) frequencies: Vec<f64>,
    /// The values of these frequencies, where they are taken over.
    pub(super) common: Option<Vec<String>>,
}

pub(super) async fn sizes(client: &Client) -> Result<BTreeMap<String, Size>, Error> {
    let rows = client
        .query(statistics::SIZES, &[])
        .await
        .map_err(Error::doing("cannot read the sizes of the tables"))?;
    let size = |row: &Row| Size {
        rows: row.get("rows"),
        dead: row.get("dead"),
        updated: row.get("updated"),
        may_select: row.get("may_select"),
    };
    Ok(rows.iter().map(|row| (name(row), size(row))).collect())
}

pub(super) async fn columns(
    client: &Client,
    keep_values: bool,
) -> Result<BTreeMap<(String, String), ColumnShape>, Error> {
    let rows = client
        .query(statistics::COLUMNS, &[&keep_values])
        .await
        .map_err(Error::doing("cannot read pg_stats"))?;
    let shape = |row: &Row| ColumnShape {
        nulls: row.get("nulls"),
        distinct: row.get("distinct_values"),
        width: row.get("width"),
        correlation: row.get("correlation"),
        frequencies: row.get::<_, Option<_>>("frequencies").unwrap_or_default(),
        common: row.get("common"),
    };
    let key = |row: &Row| (name(row), row.get("attribute"));
    Ok(rows.iter().map(|row| (key(row), shape(row))).collect())
}

/// As a dataset would write it.
fn name(row: &Row) -> String {
    let (schema, name): (String, String) = (row.get("schema"), row.get("name"));
    if schema == "public" && !name.contains('.') {
        name
    } else {
        format!("{schema}.{name}")
    }
}

impl ColumnShape {
    /// Different values among `rows` rows; `None` where they cannot be told apart.
    pub(super) fn distinct_of(&self, rows: f64) -> Option<f64> {
        match self.distinct {
            0.0 => None,
            fraction if fraction < 0.0 => Some((-fraction * rows).max(1.0)),
            number => Some(number),
        }
    }
}
