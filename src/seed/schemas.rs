//! The tables of a dataset, as SQL or migrations make them.

use std::path::{Path, PathBuf};

use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Config};

use super::session::Session;
use super::structure::Structure;
use super::{Dataset, Error, Source};
use crate::migrations::{Part, Script, ScriptError, StatementKind, Transaction};
use crate::postgres::failure;
use crate::provision;

/// The tables before and after migrations.
#[derive(Clone, Debug)]
pub struct Schemas {
    pub before: Structure,
    /// `None` if one of the migrations fails without rows already.
    pub after: Option<Structure>,
}

/// What the tables of a dataset are like before and after these migrations. The database is left with them and is good for
/// nothing else; it is empty before, but where the dataset is a snapshot, which has been restored.
pub async fn schemas(
    config: &Config,
    dataset: &Dataset,
    migrations: &[Part],
) -> Result<Schemas, Error> {
    if dataset.snapshot().is_none() {
        create(config, dataset).await?;
        if let Source::Migrations(migrations) = &dataset.source {
            all(config, &migrations.after).await?;
        }
    }
    let session = Session::open(config).await?;
    let before = Structure::read(&session).await?;
    let after = match all(config, migrations).await {
        Ok(()) => Some(Structure::read(&session).await?),
        Err(_) => None,
    };
    Ok(Schemas { before, after })
}

/// Creates the schema in an empty database: a session for what comes next.
pub(super) async fn create(config: &Config, dataset: &Dataset) -> Result<Session, Error> {
    match &dataset.source {
        Source::Schema { path, sql } => {
            let session = Session::open(config).await?;
            let created = session.batch_execute(sql).await;
            created.map_err(|e| Error::Schema {
                path: path.clone(),
                line: line_of(&e, sql),
                message: format!("{}{}", failure::in_words(&e), help(&e)),
            })?;
        }
        Source::Migrations(migrations) => {
            let ran = all(config, &migrations.before).await;
            ran.map_err(|error| without_code(error, &migrations.in_code))?;
        }
        Source::Snapshot(_) => unreachable!("a snapshot is restored, not filled"),
    }
    // A dump of a schema leaves settings behind, such as an empty search path.
    Session::open(config).await
}

/// Runs the migrations that come after the rows.
pub(super) async fn go_on(config: &Config, dataset: &Dataset) -> Result<(), Error> {
    let Source::Migrations(migrations) = &dataset.source else {
        return Ok(());
    };
    if migrations.after.is_empty() {
        return Ok(());
    }
    all(config, &migrations.after).await?;
    let session = Session::open(config).await?;
    let vacuumed = session.batch_execute("VACUUM (FREEZE, ANALYZE)").await;
    vacuumed.map_err(Error::doing("while freezing what the migrations have left"))
}

/// Runs each migration in a session of its own: what one sets there is not for the next.
async fn all(config: &Config, migrations: &[Part]) -> Result<(), Error> {
    for part in migrations {
        let client = provision::connect(config).await.map_err(Error::Connect)?;
        Run {
            client: &client,
            path: &part.path,
        }
        .whole(part)
        .await?;
    }
    Ok(())
}

/// A migration may fail because those in a programming language were passed over.
fn without_code(mut error: Error, in_code: &[PathBuf]) -> Error {
    if let (Error::Migration { message, .. }, [first, ..]) = (&mut error, in_code) {
        message.push_str(&format!(
            "; {} migrations in code, such as {}, do not run here: if it needs them, give the schema that they make \
             with --base",
            in_code.len(),
            first.display()
        ));
    }
    error
}

/// A migration that is run without being watched.
struct Run<'a> {
    client: &'a Client,
    path: &'a Path,
}

impl Run<'_> {
    async fn whole(&self, part: &Part) -> Result<(), Error> {
        self.own(&part.around.before).await?;
        match part.script() {
            Ok(script) => self.script(&script, &part.around.inside).await?,
            Err(ScriptError::Empty) => self.own(&part.around.inside).await?,
            // The server may understand what our own reading of SQL does not.
            Err(_) => {
                self.sql(&part.text, Line::Within).await?;
                self.own(&part.around.inside).await?;
            }
        }
        self.own(&part.around.after).await
    }

    /// One statement after the other, so that each has its place, in a transaction if that means the same as what the
    /// tool does.
    async fn script(&self, script: &Script, inside: &[String]) -> Result<(), Error> {
        use StatementKind::{Begin, Commit, OutsideTransaction, Rollback};
        let has =
            |kinds: &[StatementKind]| script.statements.iter().any(|s| kinds.contains(&s.kind));
        let is_one = match script.transaction {
            Transaction::WholeFile | Transaction::AllPending => true,
            Transaction::OneQuery => {
                script.statements.len() > 1 && !has(&[Begin, Commit, Rollback, OutsideTransaction])
            }
            Transaction::PerStatement | Transaction::AsWritten => false,
        };
        if is_one {
            self.sql("BEGIN", Line::None).await?;
        }
        for statement in &script.statements {
            self.sql(&statement.sql, Line::From(statement.line)).await?;
        }
        self.own(inside).await?;
        if is_one {
            self.sql("COMMIT", Line::None).await?;
        }
        Ok(())
    }

    /// What the tool itself sends.
    async fn own(&self, commands: &[String]) -> Result<(), Error> {
        for sql in commands {
            self.sql(sql, Line::None).await?;
        }
        Ok(())
    }

    async fn sql(&self, sql: &str, line: Line) -> Result<(), Error> {
        self.client.batch_execute(sql).await.map_err(|e| {
            let within = line_of(&e, sql);
            let line = match line {
                Line::None => None,
                Line::Within => within,
                Line::From(first) => Some(first - 1 + within.unwrap_or(1)),
            };
            Error::Migration {
                path: self.path.to_owned(),
                line,
                message: format!("{}{}", failure::in_words(&e), help(&e)),
            }
        })
    }
}

/// Where a text stands in its file.
#[derive(Clone, Copy)]
enum Line {
    /// Nowhere: the tool itself sends it.
    None,
    /// It is the file.
    Within,
    /// It is a statement that begins in this line.
    From(usize),
}

/// The line of a text that an error is about, where the server says.
fn line_of(error: &tokio_postgres::Error, text: &str) -> Option<usize> {
    match error.as_db_error()?.position()? {
        // The server counts characters, from 1.
        ErrorPosition::Original(at) => {
            let before = text.chars().take(*at as usize - 1);
            Some(1 + before.filter(|char| *char == '\n').count())
        }
        ErrorPosition::Internal { .. } => None,
    }
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
