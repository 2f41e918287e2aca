//! An empty database becomes a filled one.

use std::collections::BTreeMap;

use tokio_postgres::Config;
use tokio_postgres::error::ErrorPosition;

use super::session::Session;
use super::{Error, Source, Spec, after, age, copy, layout};
use crate::postgres::failure;
use crate::talk::Talk;

/// A filled database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded {
    /// Rows per table, exactly.
    pub rows: BTreeMap<String, u64>,
    /// Size of the whole database.
    pub bytes: u64,
}

/// Creates the schema in the empty database that `config` leads to, and fills it. Everything
/// belongs to the user who connects. Dropping the future ends all its connections.
pub async fn fill(config: &Config, spec: &Spec, talk: &Talk) -> Result<Seeded, Error> {
    let session = Session::open(config).await?;
    create_schema(&session, spec).await?;
    let layouts = layout::read(&session, spec).await?;
    let tables: Vec<_> = layouts
        .iter()
        .map(|layout| layout.sql_name.clone())
        .collect();

    let sizes = layouts
        .iter()
        .map(|layout| (layout.sql_name.clone(), layout.rows))
        .collect();
    let aged = age::of(spec, &layouts);

    let workers = spec.workers;
    let mut taken_away = after::take_away(&session).await?;
    copy::all(config, layouts, workers, talk).await?;
    taken_away.bring_back(config, &sizes, workers, talk).await?;
    after::move_sequences(&session).await?;
    after::vacuum(config, &tables, workers, talk).await?;
    age::all(config, &session, aged, workers, talk).await?;
    taken_away.enable_triggers(config, workers, talk).await?;

    let bytes: i64 = session
        .query_one("SELECT pg_database_size(current_database())", &[])
        .await
        .map_err(Error::doing("cannot read the size of the database"))?
        .get(0);
    Ok(Seeded {
        rows: spec.table_rows(),
        bytes: bytes.unsigned_abs(),
    })
}

/// The rows alone, into tables that are there: no key, index or statistics is made after them.
pub async fn rows(config: &Config, spec: &Spec, talk: &Talk) -> Result<(), Error> {
    let layouts = layout::read(&*Session::open(config).await?, spec).await?;
    copy::all(config, layouts, spec.workers, talk).await
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
            message: failure::in_words(&e),
        }
    })
}

/// The server counts characters, from 1.
fn line_of_char(text: &str, at: u32) -> usize {
    let before = text.chars().take(at as usize - 1);
    1 + before.filter(|char| *char == '\n').count()
}
