//! The rows of a restored database, counted: after VACUUM that reads an index or the visibility map's pages.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Config};

use crate::postgres::catalogue;
use crate::postgres::relation::quote_identifier;
use crate::seed::Error;
use crate::seed::session::Session;
use crate::talk::Talk;

/// A table, by inheritance without its children, partitioned with its partitions.
pub(super) struct Table {
    /// As a dataset would write it.
    pub(super) name: String,
    /// As SQL needs it.
    pub(super) sql_name: String,
    only: bool,
}

/// All tables with rows of their own, the largest first.
pub(super) async fn tables(client: &Client) -> Result<Vec<Table>, Error> {
    let found = client
        .query(catalogue::TABLES, &[])
        .await
        .map_err(Error::doing("cannot read the restored tables"))?;
    let table = |row: &tokio_postgres::Row| {
        let (schema, name): (String, String) = (row.get("schema"), row.get("name"));
        let sql_name = format!("{}.{}", quote_identifier(&schema), quote_identifier(&name));
        let name = match schema.as_str() {
            "public" => name,
            _ => format!("{schema}.{name}"),
        };
        let only = row.get("only");
        Table {
            name,
            sql_name,
            only,
        }
    };
    Ok(found.iter().map(table).collect())
}

/// Counts them exactly, as many at once as there are workers.
pub(super) async fn rows(
    config: &Config,
    tables: Vec<Table>,
    workers: usize,
    talk: &Talk,
) -> Result<BTreeMap<String, u64>, Error> {
    let total = tables.len() as u64;
    let left = Mutex::new(tables.into_iter());
    let counted = Mutex::new(BTreeMap::new());
    let worker = async || {
        let session = Session::open(config).await?;
        loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(table) = next else {
                return Ok::<(), Error>(());
            };
            let only = if table.only { "ONLY " } else { "" };
            let sql = format!("SELECT count(*) FROM {only}{}", table.sql_name);
            let doing = format!("cannot count the rows of {}", table.sql_name);
            let row = session
                .query_one(&sql, &[])
                .await
                .map_err(Error::doing(doing))?;
            let rows: i64 = row.get(0);
            let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.insert(table.name, rows.unsigned_abs());
            talk.progress("counting rows", counted.len() as u64, total, "tables");
        }
    };
    let done = try_join_all((0..workers.max(1)).map(|_| worker())).await;
    talk.done();
    done?;
    Ok(counted.into_inner().unwrap_or_else(PoisonError::into_inner))
}
