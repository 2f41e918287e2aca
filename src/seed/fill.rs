//! An empty database becomes a filled one.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Config};

use super::choice::{Choice, Open};
use super::dataset::TableSpec;
use super::explain::toml;
use super::layout::Layout;
use super::session::Session;
use super::structure::Structure;
use super::{Error, Source, Spec, after, age, copy, infer, layout, schemas};
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
    let session = schemas::create(config, &spec.dataset).await?;
    let mut choice = Choice::open(&session, spec).await?;
    let mut chosen = choice.make().await?;
    let mut layouts = layout::read(&session, &chosen.spec).await?;
    let taken_away = after::take_away(&session).await?;
    let loaded = loop {
        let loaded = Loaded::of(&chosen.spec, &layouts);
        let copied = copy::all(config, layouts, spec.workers, choice.is_open(), talk).await;
        let refusals = copied.map_err(|error| error.with_need(&chosen.spec))?;
        if refusals.is_empty() {
            break loaded;
        }
        choice.learn(refusals);
        loaded.empty(&session).await?;
        chosen = choice.make().await?;
        layouts = layout::read(&session, &chosen.spec).await?;
    };
    let finished = loaded.finish(config, &session, taken_away, spec.workers, talk);
    finished
        .await
        .map_err(|error| error.with_need(&chosen.spec))?;
    schemas::go_on(config, &spec.dataset).await?;

    Ok(Seeded {
        rows: chosen.spec.table_rows(),
        bytes: database_bytes(&session).await?,
        tables: chosen.spec.dataset.tables,
        empty: chosen.empty,
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
    let copied = copy::all(config, layouts, spec.workers, false, talk).await;
    copied.map(drop)
}

/// The tables that rows are sent to.
struct Loaded {
    tables: Vec<String>,
    sizes: after::Sizes,
    aged: Vec<age::Young>,
}

impl Loaded {
    fn of(spec: &Spec, layouts: &[Layout]) -> Loaded {
        Loaded {
            tables: layouts
                .iter()
                .map(|layout| layout.sql_name.clone())
                .collect(),
            sizes: after::Sizes::of(layouts),
            aged: age::of(spec, layouts),
        }
    }

    /// Takes the rows away again.
    async fn empty(&self, session: &Client) -> Result<(), Error> {
        let truncate = format!("TRUNCATE {}", self.tables.join(", "));
        let truncated = session.batch_execute(&truncate).await;
        truncated.map_err(Error::doing("while emptying tables to fill them anew"))
    }

    /// Keys and indexes, then foreign keys, and all else that comes after the rows.
    async fn finish(
        self,
        config: &Config,
        session: &Session,
        mut taken_away: after::TakenAway,
        workers: usize,
        talk: &Talk,
    ) -> Result<(), Error> {
        taken_away
            .bring_back(config, &self.sizes, workers, talk)
            .await?;
        after::move_sequences(session).await?;
        after::vacuum(config, &self.tables, workers, talk).await?;
        age::all(config, session, self.aged, workers, talk).await?;
        taken_away.enable_triggers(config, workers, talk).await
    }
}

/// The dataset file that says all that would be done, with the reasons. Creates the schema, if it has one, and no row.
pub async fn explain(config: &Config, spec: &Spec) -> Result<String, Error> {
    let session = schemas::create(config, &spec.dataset).await?;
    if matches!(&spec.dataset.source, Source::Schema { sql, .. } if sql.is_empty()) {
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
    let open = Open::read(&session, spec).await?;
    let inferred = open.infer(&session, spec).await?;
    Ok(toml(&inferred, &open.structure))
}
