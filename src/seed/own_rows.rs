//! Rows that a schema brings along, such as the versions of its migrations: they would be in the way of those that are made.

use tokio_postgres::Client;

use super::Error;
use crate::postgres::catalogue;
use crate::postgres::relation::{quote_identifier, quote_literal};
use crate::talk::Talk;

/// Removes them all: keys that are made would meet theirs, and theirs refer to rows that are not made. Foreign keys and
/// triggers must have been taken away.
pub(super) async fn forget(client: &Client, talk: &Talk) -> Result<(), Error> {
    let failed = || Error::doing("cannot look for rows that the schema brings along");
    let tables = client
        .query(catalogue::TABLES, &[])
        .await
        .map_err(failed())?;
    let sought = tables.iter().map(|row| {
        let (schema, name): (&str, &str) = (row.get("schema"), row.get("name"));
        let table = format!("{}.{}", quote_identifier(schema), quote_identifier(name));
        format!(
            "SELECT {} WHERE EXISTS (SELECT FROM {table})",
            quote_literal(&table)
        )
    });
    let sought: Vec<String> = sought.collect();
    if sought.is_empty() {
        return Ok(());
    }
    let found = client.query(&sought.join(" UNION ALL "), &[]).await;
    let found: Vec<String> = found
        .map_err(failed())?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let sql = format!("TRUNCATE {}", found.join(", "));
    client.batch_execute(&sql).await.map_err(Error::doing(
        "cannot remove the rows that the schema brings along",
    ))?;
    let names: Vec<&str> = found
        .iter()
        .map(|name| name.strip_prefix("\"public\".").unwrap_or(name))
        .collect();
    talk.note(format!(
        "the schema itself puts rows into {}: they are replaced by made ones",
        names.join(", ")
    ));
    Ok(())
}
