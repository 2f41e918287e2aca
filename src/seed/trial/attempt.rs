//! Rows in temporary tables that have the columns of the real ones, but none of their constraints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::Client;

use super::{Refused, Violation};
use crate::postgres::failure::{in_words, is_about_values};
use crate::postgres::relation::{quote_identifier, quote_literal};
use crate::seed::cells::Cells;
use crate::seed::copy::Maker;
use crate::seed::copy::stream::put_header;
use crate::seed::dataset::TableSpec;
use crate::seed::layout::Layout;
use crate::seed::structure::{Check, Column, ColumnType, FilledBy, Structure, Table, TypeKind};
use crate::seed::{Error, copy};

/// Rows of a table that are tried: the first, the last, and some in between.
const ROWS: u64 = 200;
/// Tables that are made, or dropped, in one go: each takes a few locks.
const AT_ONCE: usize = 100;

/// The tables that have something to try.
pub(super) fn tables(
    structure: &Structure,
    specs: &BTreeMap<String, TableSpec>,
) -> BTreeSet<String> {
    let may_refuse = |name: &str| {
        table(structure, name).is_some_and(|table| {
            // What is computed may be too large for its type.
            let may_refuse = |column: &Column| {
                !checks_of(&column.ty).is_empty() || column.filled_by == FilledBy::Generated
            };
            !table.checks.is_empty() || table.columns.iter().any(may_refuse)
        })
    };
    let filled = specs
        .iter()
        .filter(|(_, spec)| spec.empty.is_none() && !spec.kept);
    filled
        .map(|(name, _)| name.clone())
        .filter(|name| may_refuse(name))
        .collect()
}

/// A table by its name in a dataset.
fn table<'a>(structure: &'a Structure, name: &str) -> Option<&'a Table> {
    let tables = &structure.tables;
    tables
        .get(name)
        .or_else(|| tables.get(name.strip_prefix("public.")?))
}

/// The checks of a domain and of those under it; an array's elements are looked at when they are sent.
pub(super) fn checks_of(ty: &ColumnType) -> Vec<&Check> {
    match &ty.kind {
        TypeKind::Domain { of, checks, .. } => checks.iter().chain(checks_of(of)).collect(),
        _ => Vec::new(),
    }
}

/// Fills a temporary table for each layout, `trial_0` and so on, and asks the server which checks its rows violate.
pub(super) async fn all(
    client: &Client,
    structure: &Structure,
    layouts: &[Layout],
    refused: &Refused,
) -> Result<Vec<Violation>, Error> {
    make(client, structure, layouts).await?;
    let mut violations = Vec::new();
    for (at, layout) in layouts.iter().enumerate() {
        let Some(table) = table(structure, &layout.name) else {
            continue;
        };
        if let Err(message) = send(client, layout, &name(at), refused).await? {
            violations.push(Violation {
                table: layout.name.clone(),
                check: Check {
                    name: "of a type".to_owned(),
                    sql: String::new(),
                    columns: Vec::new(),
                },
                tried_in: name(at),
                row: message,
            });
            continue;
        }
        for check in violated(client, table, &name(at)).await? {
            let row = row(client, &check, &name(at)).await;
            violations.push(Violation {
                table: layout.name.clone(),
                check,
                tried_in: name(at),
                row,
            });
        }
    }
    Ok(violations)
}

fn name(at: usize) -> String {
    format!("pg_temp.trial_{at}")
}

async fn make(client: &Client, structure: &Structure, layouts: &[Layout]) -> Result<(), Error> {
    let layouts: Vec<_> = layouts.iter().enumerate().collect();
    for some in layouts.chunks(AT_ONCE) {
        let mut sql = String::new();
        for (at, layout) in some {
            let Some(table) = table(structure, &layout.name) else {
                continue;
            };
            let _ = write!(
                sql,
                "DROP TABLE IF EXISTS {0}; CREATE TABLE {0} ({1});",
                name(*at),
                columns(table, layout)
            );
        }
        let made = client.batch_execute(&sql).await;
        made.map_err(Error::doing("cannot make tables to try rows in"))?;
    }
    Ok(())
}

/// Drops the temporary tables.
pub(super) async fn forget(client: &Client, tables: usize) -> Result<(), Error> {
    let tables: Vec<_> = (0..tables).collect();
    for some in tables.chunks(AT_ONCE) {
        let names: Vec<_> = some.iter().map(|at| name(*at)).collect();
        let sql = format!("DROP TABLE IF EXISTS {}", names.join(", "));
        let dropped = client.batch_execute(&sql).await;
        dropped.map_err(Error::doing(
            "cannot drop the tables that rows were tried in",
        ))?;
    }
    Ok(())
}

/// The columns of a table without what would refuse a row: a domain's checks, NOT NULL.
fn columns(table: &Table, layout: &Layout) -> String {
    let column = |column: &Column| {
        let mut sql = format!(
            "{} {}",
            quote_identifier(&column.name),
            column.ty.base().sql
        );
        let is_sent = layout.columns.iter().any(|sent| sent.name == column.name);
        match (&column.default, column.filled_by) {
            (Some(default), FilledBy::Generated) => {
                let _ = write!(sql, " GENERATED ALWAYS AS ({default}) STORED");
            }
            (Some(default), FilledBy::Default) if !is_sent => {
                let _ = write!(sql, " DEFAULT {default}");
            }
            _ => {}
        }
        sql
    };
    table
        .columns
        .iter()
        .map(column)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Sends rows; what the server has against one of them is the inner error.
async fn send(
    client: &Client,
    layout: &Layout,
    name: &str,
    refused: &Refused,
) -> Result<Result<(), String>, Error> {
    let failed = || Error::doing(format!("while trying rows of {}", layout.sql_name));
    let mut buffer = Cells::default();
    put_header(&mut buffer);
    let mut maker = Maker::default();
    let known = refused.get(&layout.name).into_iter().flatten().copied();
    let known = known.filter(|row| *row < layout.rows);
    for row in tried(layout.rows).into_iter().chain(known) {
        maker
            .put(layout, row..row + 1, &mut buffer)
            .map_err(|failed| failed.at(layout))?;
    }
    buffer.put_i16(-1);
    let sink = client
        .copy_in::<_, Bytes>(&copy::statement(layout, name))
        .await;
    let mut sink = pin!(sink.map_err(failed())?);
    let sent = sink.send(Bytes::from_owner(buffer)).await;
    let ended = match sent {
        Ok(()) => sink.as_mut().finish().await.map(drop),
        Err(e) => Err(e),
    };
    match ended {
        Ok(()) => Ok(Ok(())),
        Err(e) if is_about_values(&e) => Ok(Err(in_words(&e))),
        Err(e) => Err(failed()(e)),
    }
}

/// The rows that are tried.
fn tried(rows: u64) -> Vec<u64> {
    if rows <= ROWS {
        return (0..rows).collect();
    }
    let ends = ROWS / 4;
    let between = (0..ROWS / 2).map(|n| ends + n * (rows - 2 * ends) / (ROWS / 2));
    (0..ends).chain(between).chain(rows - ends..rows).collect()
}

/// A check that is true for every row of a table, or NULL, as an expression over its columns.
pub(super) fn holds(check: &Check, of_domain: Option<&str>) -> String {
    match of_domain {
        // In a domain's check VALUE stands for the value: the name of a column, too.
        Some(column) => format!(
            "(SELECT ({}) IS NOT FALSE FROM (SELECT {} AS value) domain_value)",
            check.sql,
            quote_identifier(column)
        ),
        None => format!("(({}) IS NOT FALSE)", check.sql),
    }
}

/// All checks of a table, each with the column if it is a domain's.
pub(super) fn checks(table: &Table) -> Vec<(Check, Option<String>)> {
    let own = table.checks.iter().map(|check| (check.clone(), None));
    let of_domains = table.columns.iter().flat_map(|column| {
        checks_of(&column.ty).into_iter().map(|check| {
            let check = Check {
                columns: vec![column.name.clone()],
                ..check.clone()
            };
            (check, Some(column.name.clone()))
        })
    });
    own.chain(of_domains).collect()
}

async fn violated(client: &Client, table: &Table, name: &str) -> Result<Vec<Check>, Error> {
    let checks = checks(table);
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let conditions = checks
        .iter()
        .map(|(check, column)| format!("bool_and({})", holds(check, column.as_deref())));
    let conditions: Vec<_> = conditions.collect();
    let together = format!("SELECT {} FROM {name}", conditions.join(", "));
    let mut violated = Vec::new();
    if let Ok(row) = client.query_one(&together, &[]).await {
        for (at, (check, _)) in checks.into_iter().enumerate() {
            if row.get::<_, Option<bool>>(at) == Some(false) {
                violated.push(check);
            }
        }
        return Ok(violated);
    }
    // One of them fails, such as by a division by zero: which?
    for ((check, _), condition) in checks.into_iter().zip(conditions) {
        match client
            .query_one(&format!("SELECT {condition} FROM {name}"), &[])
            .await
        {
            Ok(row) if row.get::<_, Option<bool>>(0) != Some(false) => {}
            Err(e) if !is_about_values(&e) => {
                return Err(Error::doing("while trying rows")(e));
            }
            _ => violated.push(check),
        }
    }
    Ok(violated)
}

/// The values of a row that violates the check.
async fn row(client: &Client, check: &Check, name: &str) -> String {
    let of_domain = check
        .sql
        .contains("VALUE")
        .then(|| check.columns.first())
        .flatten();
    let values = check.columns.iter().map(|column| {
        let name = quote_literal(&format!("{column} = "));
        let text = format!("{}::text", quote_identifier(column));
        let text =
            format!("CASE WHEN length({text}) > 60 THEN left({text}, 60) || '…' ELSE {text} END");
        format!("{name} || coalesce({text}, 'NULL')")
    });
    let values: Vec<_> = values.collect();
    let values = if values.is_empty() {
        "'nothing to do with it'".to_owned()
    } else {
        values.join(" || ', ' || ")
    };
    let condition = holds(check, of_domain.map(String::as_str));
    let sql = format!("SELECT {values} FROM {name} WHERE NOT {condition} LIMIT 1");
    match client.query_opt(&sql, &[]).await {
        Ok(Some(row)) => row.get(0),
        Ok(None) => "other values now".to_owned(),
        Err(e) => format!("an error: {}", in_words(&e)),
    }
}
