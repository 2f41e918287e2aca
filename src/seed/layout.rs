//! Which generator fills which column, in the encoding that the server's column wants.

mod limits;
mod literals;

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::context::Context;
use super::encode::{Conversions, Encoding};
use super::generators::Generator;
use super::{Error, Spec};
use crate::input::{Problem, Problems};
use crate::postgres::{RelationName, catalogue, relation::quote_identifier};

/// A table that is to be filled.
pub(super) struct Layout {
    /// As the dataset writes it.
    pub(super) name: String,
    /// As SQL needs it.
    pub(super) sql_name: String,
    pub(super) rows: u64,
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) encoding: Encoding,
    pub(super) generator: Generator,
}

/// What the catalogue says of a column.
struct InCatalogue {
    name: String,
    modifier: i32,
    not_null: bool,
    has_default: bool,
    is_generated: bool,
    ty: Type,
}

/// The generators of a table's columns, or what is wrong with them.
type Built = BTreeMap<String, Result<Generator, String>>;

/// All tables, the largest first. Whatever does not fit is found before a row is sent.
pub(super) async fn read(client: &Client, spec: &Spec) -> Result<Vec<Layout>, Error> {
    let all = spec.dataset.tables.keys().cloned().collect();
    of(client, spec, &all).await
}

/// Some of the tables, the largest first.
pub(super) async fn of(
    client: &Client,
    spec: &Spec,
    tables: &BTreeSet<String>,
) -> Result<Vec<Layout>, Error> {
    let context = Context::new(spec);
    let mut layouts = Vec::new();
    let mut problems = Vec::new();
    for (name, table) in &spec.dataset.tables {
        if table.empty.is_some() || table.kept || !tables.contains(name) {
            continue;
        }
        let sql_name = quoted(name);
        let columns = columns(client, &sql_name)
            .await
            .map_err(Error::doing(format!(
                "cannot read the columns of {sql_name}"
            )))?;
        let generators: Built = columns
            .iter()
            .filter(|column| table.filled().contains(column.name.as_str()))
            .map(|column| (column.name.clone(), context.build(name, &column.name)))
            .collect();
        let (conversions, refused) = literals::read(client, &columns, &generators).await?;
        let (filled, mistakes) = pair(spec, name, &columns, generators, &conversions);
        for (column, message) in refused {
            let key = ["tables", name, "columns", &column];
            problems.push(spec.dataset.at(&key).problem(message));
        }
        problems.extend(mistakes);
        layouts.push(Layout {
            rows: context.rows[name],
            name: name.clone(),
            sql_name,
            columns: filled,
        });
    }
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    layouts.sort_by_key(|layout| std::cmp::Reverse(layout.rows));
    Ok(layouts)
}

/// A table's name as SQL needs it, with its schema.
pub(super) fn quoted(name: &str) -> String {
    let RelationName { schema, name } = RelationName::from(name.to_owned());
    format!("{}.{}", quote_identifier(&schema), quote_identifier(&name))
}

async fn columns(
    client: &Client,
    sql_name: &str,
) -> Result<Vec<InCatalogue>, tokio_postgres::Error> {
    let rows = client.query(catalogue::COLUMNS, &[&sql_name]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare(&format!("SELECT * FROM {sql_name}")).await?;
    let types = statement
        .columns()
        .iter()
        .map(|column| column.type_().clone());
    Ok(rows
        .iter()
        .zip(types)
        .map(|(row, ty)| InCatalogue {
            name: row.get("name"),
            modifier: row.get("modifier"),
            not_null: row.get("not_null"),
            has_default: row.get("has_default"),
            is_generated: row.get("is_generated"),
            ty,
        })
        .collect())
}

/// The columns that have a generator, and what is wrong with them or with those that have none.
fn pair(
    spec: &Spec,
    table: &str,
    columns: &[InCatalogue],
    mut generators: Built,
    conversions: &Conversions,
) -> (Vec<Column>, Vec<Problem>) {
    let mut filled = Vec::new();
    let mut problems = Vec::new();
    if columns.is_empty() {
        let message = "the schema creates no such table";
        problems.push(spec.dataset.at(&["tables", table]).problem(message));
        return (filled, problems);
    }
    for column in columns {
        let key = ["tables", table, "columns", column.name.as_str()];
        let Some(built) = generators.remove(&column.name) else {
            if column.not_null && !column.has_default && !column.is_generated {
                let message = "the column is NOT NULL and has no default: it needs a generator";
                problems.push(spec.dataset.at(&key).problem(message));
            }
            continue;
        };
        let fitting = built.and_then(|generator| {
            let encoding = limits::encoding(column, &generator, conversions)?;
            Ok((encoding, generator))
        });
        match fitting {
            Ok((encoding, generator)) => filled.push(Column {
                name: column.name.clone(),
                encoding,
                generator,
            }),
            Err(message) => problems.push(spec.dataset.at(&key).problem(message)),
        }
    }
    for name in spec.dataset.tables[table].filled() {
        if !columns.iter().any(|column| column.name == name) {
            let key = ["tables", table, "columns", name];
            let message = "the schema gives the table no such column";
            problems.push(spec.dataset.at(&key).problem(message));
        }
    }
    for column in spec.dataset.tables[table].unique.iter().flatten() {
        if !columns.iter().any(|known| known.name == *column) {
            let message = format!("the schema gives the table no column {column}");
            let place = spec.dataset.at(&["tables", table, "unique"]);
            problems.push(place.problem(message));
        }
    }
    (filled, problems)
}
