//! Reads a dataset: a directory, or nothing but a schema or a dump.

use std::path::{Path, PathBuf};

use super::source::Format;
use super::{Dataset, Description, Migrations, Snapshot, Source, checks, default_seed};
use crate::input::sql::SqlMistake;
use crate::input::{Document, Problem, Problems};
use crate::seed::schema::Schema;
use crate::seed::snapshot::script;

/// What `pg_dump -Fc` or `-Fd` may have left in a dataset's directory.
const SNAPSHOT: &str = "snapshot.dump";

const HINT: &str =
    "a dataset is a directory with schema.sql and dataset.toml, or with snapshot.dump";

impl Dataset {
    /// Reads a dataset: its directory, or the one file that it is. All that can be wrong without a server is found
    /// here.
    pub fn read(path: &Path) -> Result<Dataset, Problems> {
        match path.is_file() || path.join("toc.dat").is_file() {
            true if is_schema(path) => Ok(Dataset::of_schema(path)?),
            true => Ok(Dataset::of_snapshot(path)?),
            false => Dataset::read_directory(path),
        }
    }

    fn read_directory(dir: &Path) -> Result<Dataset, Problems> {
        let mut problems = Vec::new();
        let path = dir.join("dataset.toml");
        let is_there = |name: &str| dir.join(name).exists();
        let is_described =
            is_there("dataset.toml") || !(is_there("schema.sql") || is_there(SNAPSHOT));
        let (document, written) = match is_described {
            true => described(&path, &mut problems),
            false => (Some(Document::new(path, "")), Some(inferred())),
        };
        // Generators draw from each other: one that is left out would make others look wrong.
        let is_whole = problems.is_empty();
        let snapshot = written
            .as_ref()
            .and_then(|written| written.snapshot.clone());
        let source = match (snapshot, is_there(SNAPSHOT)) {
            (Some(named), _) => {
                let place = document
                    .as_ref()
                    .map(|document| document.root().at("snapshot"));
                let found = snapshot_at(&dir.join(named));
                // The path has been written, so that is where the mistake is.
                found.map_err(|problem| {
                    place.map_or(problem.clone(), |p| p.problem(problem.message))
                })
            }
            (None, true) => snapshot_at(&dir.join(SNAPSHOT)),
            (None, false) => {
                let is_inferred = written.as_ref().is_some_and(|written| written.infer);
                schema_at(&dir.join("schema.sql"), is_inferred)
            }
        };
        let source = source.map_err(|problem| problems.push(problem)).ok();
        let name = dir.file_name().unwrap_or_default().display().to_string();
        let (Some(document), Some(written), Some((source, schema))) = (document, written, source)
        else {
            return Err(Problems(problems));
        };
        let dataset = Dataset::new(name, dir.to_owned(), document, source, schema, written);
        problems.extend(match dataset.snapshot() {
            Some(_) => beside_a_snapshot(&dataset),
            None => checks::all(&dataset, is_whole),
        });
        match problems.is_empty() {
            true => Ok(dataset),
            false => Err(Problems(problems)),
        }
    }

    /// Nothing but a schema: all else is inferred.
    pub fn of_schema(path: &Path) -> Result<Dataset, Problem> {
        Ok(Dataset::of_file(path, schema_at(path, true)?))
    }

    /// Nothing but a dump.
    pub fn of_snapshot(path: &Path) -> Result<Dataset, Problem> {
        Ok(Dataset::of_file(path, snapshot_at(path)?))
    }

    /// The tables that migrations make: all else is inferred.
    pub fn of_migrations(name: String, migrations: Migrations) -> Dataset {
        let dir = migrations.dir.clone();
        let document = Document::new(dir.join("dataset.toml"), "");
        let source = Source::Migrations(migrations);
        Dataset::new(name, dir, document, source, Schema::unknown(), inferred())
    }

    /// The tables that a database has: all else is inferred.
    pub fn of_database() -> Dataset {
        let source = Source::Schema {
            path: PathBuf::new(),
            sql: String::new(),
        };
        let document = Document::new("dataset.toml", "");
        let name = "the database".to_owned();
        Dataset::new(
            name,
            PathBuf::new(),
            document,
            source,
            Schema::unknown(),
            inferred(),
        )
    }

    fn of_file(path: &Path, (source, schema): (Source, Schema)) -> Dataset {
        let name = path.file_name().unwrap_or_default().display().to_string();
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        let document = Document::new(dir.join("dataset.toml"), "");
        Dataset::new(name, dir, document, source, schema, inferred())
    }

    fn new(
        name: String,
        dir: PathBuf,
        description: Document,
        source: Source,
        schema: Schema,
        written: Description,
    ) -> Dataset {
        let is_snapshot = matches!(source, Source::Snapshot(_));
        Dataset {
            name,
            dir,
            description,
            source,
            schema,
            about: written.about,
            main: written.main,
            infer: written.infer && !is_snapshot,
            seed: written.seed,
            tables: written.tables,
        }
    }
}

/// Whether a file is SQL without rows.
fn is_schema(path: &Path) -> bool {
    let is_sql = Snapshot::open(path).is_ok_and(|snapshot| snapshot.format == Format::Sql);
    let Ok(text) = std::fs::read(path) else {
        return false;
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    is_sql && !lines.any(|line| line.starts_with(b"COPY ") && line.ends_with(b"FROM stdin;"))
}

fn described(path: &Path, problems: &mut Vec<Problem>) -> (Option<Document>, Option<Description>) {
    match Document::read(path) {
        Ok(document) => {
            let written = document.parse(problems);
            (Some(document), written)
        }
        Err(problem) => {
            problems.push(problem.hint(HINT));
            (None, None)
        }
    }
}

/// What is said where nothing is.
fn inferred() -> Description {
    Description {
        about: String::new(),
        main: String::new(),
        seed: default_seed(),
        infer: true,
        snapshot: None,
        tables: Default::default(),
    }
}

/// The schema in a file. What our own reading of SQL does not understand is for the server to judge where all that it
/// is needed for `is_inferred`.
fn schema_at(path: &Path, is_inferred: bool) -> Result<(Source, Schema), Problem> {
    let document = Document::read(path).map_err(|problem| problem.hint(HINT))?;
    let sql = match script::dumped_schema(document.text()) {
        Some(sql) => sql.map_err(|message| Problem::file(path, message))?,
        None => document.text().to_owned(),
    };
    let schema = match Schema::parse(&sql) {
        Ok(schema) => schema,
        Err(_) if is_inferred => Schema::unknown(),
        Err(SqlMistake { line, message }) => {
            return Err(Problem::file(path, message).at_line(line));
        }
    };
    let path = path.to_owned();
    Ok((Source::Schema { path, sql }, schema))
}

fn snapshot_at(path: &Path) -> Result<(Source, Schema), Problem> {
    let snapshot = Snapshot::open(path).map_err(|message| Problem::file(path, message))?;
    Ok((Source::Snapshot(snapshot), Schema::unknown()))
}

/// What a snapshot leaves no room for.
fn beside_a_snapshot(dataset: &Dataset) -> Vec<Problem> {
    ["main", "infer", "tables"]
        .into_iter()
        .map(|key| dataset.at(&[key]))
        .filter(|place| place.is_written())
        .map(|place| place.problem("a snapshot has its own rows: leave this out"))
        .collect()
}
