//! A backup as pg_dump makes it.

use std::sync::Arc;

use anyhow::Result;
use futures_util::TryStreamExt;
use tokio_postgres::Client;

use super::Work;
use crate::postgres::{RelationKind, RelationName};
use crate::rehearse::observe::catalogue::Catalogue;

/// Takes the snapshot and a lock on every table, as pg_dump does before it reads a row, and then copies.
pub(super) async fn begin(client: Arc<Client>, before: &Catalogue) -> Result<Work> {
    let tables = before.tables();
    client
        .batch_execute(
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT pg_current_snapshot()",
        )
        .await?;
    let names: Vec<String> = tables.iter().map(|table| table.name.quoted()).collect();
    if !names.is_empty() {
        let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
        client.batch_execute(&lock).await?;
    }
    // The rows of a partitioned table are in its partitions.
    let with_rows = tables
        .iter()
        .filter(|table| table.kind == RelationKind::Table);
    let names = with_rows.map(|table| table.name.clone()).collect();
    Ok(Work::from_iter([copy(client, names)]))
}

/// Copies one table after the other out, again and again.
async fn copy(client: Arc<Client>, tables: Vec<RelationName>) -> Result<(), tokio_postgres::Error> {
    for table in tables.iter().cycle() {
        let copy = format!("COPY {} TO STDOUT", table.quoted());
        let rows = client.copy_out(copy.as_str()).await?;
        rows.try_for_each(|_| std::future::ready(Ok(()))).await?;
    }
    Ok(())
}
