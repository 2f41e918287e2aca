//! An empty database becomes a filled one.

use std::collections::BTreeMap;

use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Config};

use super::dataset::TableSpec;
use super::explain::toml;
use super::infer::Inferred;
use super::layout::Layout;
use super::session::Session;
use super::structure::Structure;
use super::{Error, Source, Spec, after, age, copy, infer, kept, layout, trial};
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
    let session = with_schema(config, spec).await?;
    let (spec, empty) = &completed(&session, spec).await?;
    let layouts = layout::read(&session, spec).await?;
    let loaded = load(config, &session, spec, layouts, talk).await;
    loaded.map_err(|error| error.with_need(spec))?;

    Ok(Seeded {
        rows: spec.table_rows(),
        bytes: database_bytes(&session).await?,
        tables: spec.dataset.tables.clone(),
        empty: empty.clone(),
    })
}

/// The size of the whole database.
pub(super) async fn database_bytes(client: &Client) -> Result<u64, Error> {
    let bytes: i64 = client
        .query_one("SELECT pg_database_size(current_database())", &[])
        .await
        .map_err(Error::doing("cannot read the size of the database"))?
        .get(0);
    Ok(bytes.unsigned_abs())
}

/// The rows alone, into tables that are there: no key, index or statistics is made after them.
pub async fn rows(config: &Config, spec: &Spec, talk: &Talk) -> Result<(), Error> {
    let session = Session::open(config).await?;
    let layouts = layout::read(&session, spec).await?;
    copy::all(config, layouts, spec.workers, talk).await
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
    let sizes = after::Sizes::of(&layouts);
    let aged = age::of(spec, &layouts);

    let workers = spec.workers;
    let mut taken_away = after::take_away(session).await?;
    copy::all(config, layouts, workers, talk).await?;
    taken_away.bring_back(config, &sizes, workers, talk).await?;
    after::move_sequences(session).await?;
    after::vacuum(config, &tables, workers, talk).await?;
    age::all(config, session, aged, workers, talk).await?;
    taken_away.enable_triggers(config, workers, talk).await
}

/// The dataset file that says all that would be done, with the reasons. Creates the schema, if it has one, and no row.
pub async fn explain(config: &Config, spec: &Spec) -> Result<String, Error> {
    let session = with_schema(config, spec).await?;
    let Source::Schema { sql, .. } = &spec.dataset.source else {
        unreachable!("a snapshot is restored, not filled")
    };
    if sql.is_empty() {
        // A database in use is only read, and explained as if it were empty: no rows are tried in it, and nothing of what
        // is in it is printed.
        let read_only = session.batch_execute("SET default_transaction_read_only = on");
        read_only
            .await
            .map_err(Error::doing("cannot keep from writing"))?;
        let structure = Structure::read(&session).await?;
        let description = spec.dataset.description();
        let inferred = infer::infer(&structure, &description, spec.rows, spec.seed);
        return Ok(toml(&inferred, &structure));
    }
    let (structure, inferred) = inferred(&session, spec).await?;
    Ok(toml(&inferred, &structure))
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

/// What a dataset leaves open, chosen and tried on the server. Tables with rows keep them.
async fn inferred(session: &Session, spec: &Spec) -> Result<(Structure, Inferred), Error> {
    let mut description = spec.dataset.description();
    let structure = Structure::read(session).await?;
    kept::describe(session, &structure, &mut description).await?;
    let inferred = infer::infer(&structure, &description, spec.rows, spec.seed);
    let inferred = trial::settle(session, &structure, spec, &description, inferred).await?;
    Ok((structure, inferred))
}

/// A session on the database once its schema is there.
async fn with_schema(config: &Config, spec: &Spec) -> Result<Session, Error> {
    create_schema(&*Session::open(config).await?, spec).await?;
    // A dump of a schema leaves settings behind, such as an empty search path.
    Session::open(config).await
}

async fn create_schema(session: &Client, spec: &Spec) -> Result<(), Error> {
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
