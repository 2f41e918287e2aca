//! An empty database becomes a filled one.

use std::collections::BTreeMap;

use tokio_postgres::Config;
use tokio_postgres::error::ErrorPosition;

use super::dataset::TableSpec;
use super::explain::toml;
use super::infer::Inferred;
use super::layout::Layout;
use super::session::Session;
use super::structure::Structure;
use super::{Error, Source, Spec, after, copy, infer, layout, trial};
use crate::input::{Problem, Problems};
use crate::postgres::failure;
use crate::talk::Talk;

/// A filled database.
#[derive(Clone, Debug, PartialEq)]
pub struct Seeded {
    /// Rows per table, exactly.
    pub rows: BTreeMap<String, u64>,
    /// Size of the whole database.
    pub bytes: u64,
    /// How each table was filled: as described, or inferred.
    pub tables: BTreeMap<String, TableSpec>,
    /// Tables that stay empty, and why.
    pub empty: BTreeMap<String, String>,
}

/// Creates the schema in the empty database that `config` leads to, and fills it. Everything
/// belongs to the user who connects. Dropping the future ends all its connections.
pub async fn fill(config: &Config, spec: &Spec, talk: &Talk) -> Result<Seeded, Error> {
    let session = Session::open(config).await?;
    create_schema(&session, spec).await?;
    // A dump of a schema leaves settings behind, such as an empty search path.
    let session = Session::open(config).await?;
    let (spec, empty) = &completed(&session, spec).await?;
    if is_there_already(spec) {
        refuse_rows(&session, spec).await?;
    }
    let layouts = layout::read(&session, spec).await?;
    let loaded = load(config, &session, spec, layouts, talk).await;
    loaded.map_err(|error| error.with_need(spec))?;

    let bytes: i64 = session
        .query_one("SELECT pg_database_size(current_database())", &[])
        .await
        .map_err(Error::doing("cannot read the size of the database"))?
        .get(0);
    Ok(Seeded {
        rows: spec.table_rows(),
        bytes: bytes.unsigned_abs(),
        tables: spec.dataset.tables.clone(),
        empty: empty.clone(),
    })
}

/// Rows, then keys and indexes, then foreign keys.
async fn load(
    config: &Config,
    session: &Session,
    spec: &Spec,
    layouts: Vec<Layout>,
    talk: &Talk,
) -> Result<(), Error> {
    let tables: Vec<_> = layouts
        .iter()
        .map(|layout| layout.sql_name.clone())
        .collect();
    let taken_away = after::take_away(session).await?;
    copy::all(config, layouts, spec.workers, talk).await?;
    taken_away
        .bring_back(config, &tables, spec.workers, talk)
        .await?;
    after::move_sequences(session).await?;
    after::vacuum(config, &tables, spec.workers, talk).await
}

/// The dataset file that says all that would be done, with the reasons. Creates the schema, if it has one, and no row.
pub async fn explain(config: &Config, spec: &Spec) -> Result<String, Error> {
    let session = Session::open(config).await?;
    create_schema(&session, spec).await?;
    let session = Session::open(config).await?;
    let (structure, inferred) = inferred(&session, spec).await?;
    Ok(toml(&inferred, &structure))
}

/// Whether the tables were there before us, and not only empty for certain.
fn is_there_already(spec: &Spec) -> bool {
    matches!(&spec.dataset.source, Source::Schema { sql, .. } if sql.is_empty())
}

async fn refuse_rows(session: &Session, spec: &Spec) -> Result<(), Error> {
    let mut problems = Vec::new();
    for name in spec.dataset.tables.keys() {
        let sql_name = layout::quoted(name);
        let sql = format!("SELECT EXISTS (SELECT FROM {sql_name})");
        let failed = Error::doing(format!("cannot look into {sql_name}"));
        if session.query_one(&sql, &[]).await.map_err(failed)?.get(0) {
            let problem = Problem::argument("--url", name, "this table has rows already");
            problems.push(problem.hint("empty it, or name a database without rows"));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Problems(problems).into()),
    }
}

/// The dataset with what it leaves open inferred, and the tables that stay empty.
async fn completed(
    session: &Session,
    spec: &Spec,
) -> Result<(Spec, BTreeMap<String, String>), Error> {
    let mut spec = spec.clone();
    if !spec.dataset.infer {
        let empty = |table: &TableSpec| table.empty.clone();
        let tables = spec.dataset.tables.iter();
        let empty = tables.filter_map(|(name, table)| Some((name.clone(), empty(table)?)));
        let empty: BTreeMap<_, _> = empty.collect();
        spec.dataset
            .tables
            .retain(|name, _| !empty.contains_key(name));
        trial::check(session, &spec).await?;
        return Ok((spec, empty));
    }
    let (_, inferred) = inferred(session, &spec).await?;
    spec.dataset.main = inferred.main;
    spec.dataset.tables = inferred.tables;
    Ok((spec, inferred.empty))
}

/// What a dataset leaves open, chosen and tried on the server.
async fn inferred(session: &Session, spec: &Spec) -> Result<(Structure, Inferred), Error> {
    let description = spec.dataset.description();
    let (structure, inferred) =
        infer::complete(session, &description, spec.rows, spec.seed).await?;
    let inferred = trial::settle(session, &structure, spec, inferred).await?;
    Ok((structure, inferred))
}

async fn create_schema(session: &Session, spec: &Spec) -> Result<(), Error> {
    let Source::Schema { path, sql } = &spec.dataset.source else {
        unreachable!("a snapshot is restored, not filled")
    };
    session.batch_execute(sql).await.map_err(|e| {
        let position = e.as_db_error().and_then(|db| db.position());
        let line = match position {
            Some(ErrorPosition::Original(at)) => Some(line_of_char(sql, *at)),
            _ => None,
        };
        Error::Schema {
            path: path.clone(),
            line,
            message: format!("{}{}", failure::in_words(&e), help(&e)),
        }
    })
}

/// What to do about an extension that the server does not have.
fn help(error: &tokio_postgres::Error) -> &'static str {
    let says = error.as_db_error().map_or("", |db| db.message());
    // 13 and 14 name the control file that they miss, later ones the extension.
    if says.starts_with("extension ") && says.ends_with("is not available")
        || says.contains("extension control file")
    {
        "; install it for this server, or take an image that has it: --provider docker --image <name>"
    } else {
        ""
    }
}

/// The server counts characters, from 1.
fn line_of_char(text: &str, at: u32) -> usize {
    let before = text.chars().take(at as usize - 1);
    1 + before.filter(|char| *char == '\n').count()
}
