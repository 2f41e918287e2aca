//! Which generator fills which column, in the encoding that the server's column wants.

use tokio_postgres::Client;
use tokio_postgres::types::{Kind, Type};

use super::context::Context;
use super::encode::Encoding;
use super::generators::Generator;
use super::value::Shape;
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

/// All tables, the largest first. Whatever does not fit is found before a row is sent.
pub(super) async fn read(client: &Client, spec: &Spec) -> Result<Vec<Layout>, Error> {
    let context = Context::new(spec);
    let mut layouts = Vec::new();
    let mut problems = Vec::new();
    for name in spec.dataset.tables.keys() {
        let sql_name = quoted(name);
        let columns = columns(client, &sql_name)
            .await
            .map_err(Error::doing(format!(
                "cannot read the columns of {sql_name}"
            )))?;
        let (filled, mistakes) = pair(&context, spec, name, &columns);
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
    context: &Context<'_>,
    spec: &Spec,
    table: &str,
    columns: &[InCatalogue],
) -> (Vec<Column>, Vec<Problem>) {
    let described = &spec.dataset.tables[table].columns;
    let mut filled = Vec::new();
    let mut problems = Vec::new();
    if columns.is_empty() {
        let message = "the schema creates no such table";
        problems.push(spec.dataset.at(&["tables", table]).problem(message));
        return (filled, problems);
    }
    for column in columns {
        let key = ["tables", table, "columns", column.name.as_str()];
        let Some(generator) = described.get(&column.name) else {
            if column.not_null && !column.has_default && !column.is_generated {
                let message = "the column is NOT NULL and has no default: it needs a generator";
                problems.push(spec.dataset.at(&key).problem(message));
            }
            continue;
        };
        let built = generator
            .build(&context.column(table, &column.name))
            .and_then(|generator| Ok((encoding(column, &generator)?, generator)));
        match built {
            Ok((encoding, generator)) => filled.push(Column {
                name: column.name.clone(),
                encoding,
                generator,
            }),
            Err(message) => problems.push(spec.dataset.at(&key).problem(message)),
        }
    }
    for name in described.keys() {
        if !columns.iter().any(|column| column.name == *name) {
            let key = ["tables", table, "columns", name.as_str()];
            let message = "the schema gives the table no such column";
            problems.push(spec.dataset.at(&key).problem(message));
        }
    }
    (filled, problems)
}

/// How the generator's values travel to the column, if all of them fit.
fn encoding(column: &InCatalogue, generator: &Generator) -> Result<Encoding, String> {
    let ty = &column.ty;
    if column.is_generated {
        return Err("the server computes the column: leave it out".to_owned());
    }
    if column.not_null && generator.gives_null() {
        return Err("the column is NOT NULL, but the generator gives NULL".to_owned());
    }
    let shape = generator.shape();
    let encoding =
        Encoding::of(ty).ok_or_else(|| format!("no generator has values of the type {ty}"))?;
    if !encoding.takes(&shape) {
        return Err(format!("values of {shape:?} do not fit the type {ty}"));
    }
    limits(ty, column.modifier, &shape)?;
    Ok(encoding)
}

/// The limits of the column itself: labels of an enum, the length of a varchar, digits.
fn limits(ty: &Type, modifier: i32, shape: &Shape) -> Result<(), String> {
    if let Kind::Enum(labels) = ty.kind() {
        let Shape::Label(given) = shape else {
            return Err(format!(
                "the type {ty} takes a choice of its labels: {labels:?}"
            ));
        };
        return match given.iter().find(|label| !labels.contains(label)) {
            Some(label) => Err(format!("{label:?} is no label of {ty}: {labels:?}")),
            None => Ok(()),
        };
    }
    // A modifier is 4 more than what was written; -1 is none.
    let Ok(modifier) = usize::try_from(modifier - 4) else {
        return Ok(());
    };
    match shape {
        Shape::Text { chars } if [Type::VARCHAR, Type::BPCHAR].contains(ty) => {
            at_most(*chars, modifier, "characters")
        }
        Shape::Label(labels) if [Type::VARCHAR, Type::BPCHAR].contains(ty) => {
            let chars = labels.iter().map(|label| label.chars().count()).max();
            at_most(chars.unwrap_or(0), modifier, "characters")
        }
        Shape::Decimal { min, max, scale } if *ty == Type::NUMERIC => {
            let largest = min.unsigned_abs().max(max.unsigned_abs());
            let whole = largest / 10u64.pow((*scale).into());
            let digits = whole.checked_ilog10().map_or(0, |log| log as usize + 1);
            let (precision, scale) = (modifier >> 16, modifier & 0x7ff);
            at_most(
                digits,
                precision.saturating_sub(scale),
                "digits before the point",
            )
        }
        _ => Ok(()),
    }
}

fn at_most(found: usize, limit: usize, what: &str) -> Result<(), String> {
    if found <= limit {
        Ok(())
    } else {
        Err(format!(
            "has up to {found} {what}, but the column takes {limit}"
        ))
    }
}
