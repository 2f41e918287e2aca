//! A database as it was dumped: restored by PostgreSQL's own programs, then vacuumed and counted.

mod count;
pub(super) mod script;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tokio::sync::mpsc;
use tokio_postgres::Config;

use self::script::Script;
use super::dataset::source::{Format, Snapshot};
use super::fill::database_bytes;
use super::session::Session;
use super::{Error, Seeded, after};
use crate::postgres::Version;
use crate::provision::{Programs, Role, Server};
use crate::talk::Talk;
use crate::units;

/// What of a dump goes to psql at a time, and how many such pieces wait for it.
const PIECE_BYTES: usize = 1 << 18;
const PIECES: usize = 8;

/// An empty database, and the programs that reach it.
pub struct Target {
    pub config: Config,
    pub programs: Programs,
    pub version: Version,
    /// Roles may be created: nobody else has databases there.
    pub is_own_server: bool,
}

impl Target {
    pub(super) fn of(server: &Server) -> Target {
        Target {
            config: server.config(Role::Migration),
            programs: server.programs(),
            version: server.version(),
            is_own_server: server.has_own_server(),
        }
    }
}

/// Restores a dump into an empty database. Owners and rights stay behind: everything belongs to the
/// user who connects.
pub async fn restore(
    target: &Target,
    snapshot: &Snapshot,
    workers: usize,
    talk: &Talk,
) -> Result<Seeded, Error> {
    let config = &target.config;
    talk.note(format!(
        "restoring {}, {}",
        snapshot.path.display(),
        units::bytes(snapshot.bytes())
    ));
    match snapshot.format.is_sql() {
        true => run_script(target, snapshot).await?,
        false => {
            let session = Session::open(config).await?;
            restore_archive(target, &session, snapshot, workers).await?;
        }
    }
    let session = Session::open(config).await?;
    let tables = count::tables(&session).await?;
    let names: Vec<String> = tables.iter().map(|table| table.sql_name.clone()).collect();
    after::vacuum(config, &names, workers, talk).await?;
    let rows = count::rows(config, tables, workers, talk).await?;
    Ok(Seeded {
        rows,
        bytes: database_bytes(&session).await?,
        tables: BTreeMap::new(),
        empty: BTreeMap::new(),
    })
}

/// By pg_restore, with as many sessions as there are workers where the format lets it.
async fn restore_archive(
    target: &Target,
    session: &Session,
    snapshot: &Snapshot,
    workers: usize,
) -> Result<(), Error> {
    let refused = |message| Error::Snapshot {
        path: snapshot.path.clone(),
        message,
    };
    let failed = |source| Error::Restore {
        path: snapshot.path.clone(),
        source,
    };
    let programs = &target.programs;
    let dump = programs.bring(&snapshot.path).await.map_err(failed)?;
    let listing = programs.run("pg_restore", &["--list", &dump]).await;
    let listing = listing.map_err(|source| match source.to_string().contains("unsupported version") {
        true => refused(format!(
            "it was written by a newer pg_dump than PostgreSQL {} can read; ask for a newer --postgres",
            target.version.major()
        )),
        false => failed(source),
    })?;
    let listing = String::from_utf8_lossy(&listing);
    let dumped = listing
        .lines()
        .find_map(|line| line.split_once("Dumped from database version: "));
    if let Some((_, version)) = dumped {
        script::check_version(version, target.version).map_err(refused)?;
    }
    let without = [
        "--no-owner",
        "--no-acl",
        "--no-tablespaces",
        "--no-security-labels",
    ];
    let in_words = [&["--schema-only", "--file=-"], &without[..], &[&dump]].concat();
    let schema = programs
        .run("pg_restore", &in_words)
        .await
        .map_err(failed)?;
    prepare(target, session, &schema)
        .await
        .map_err(Error::doing("cannot prepare the database"))?;
    let database = format!("--dbname={}", programs.database());
    let jobs = format!("--jobs={workers}");
    let mut arguments = vec!["--exit-on-error", "--no-subscriptions", &database];
    arguments.extend(without);
    if snapshot.format.is_parallel() && workers > 1 {
        arguments.push(&jobs);
    }
    arguments.push(&dump);
    programs
        .run("pg_restore", &arguments)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Makes room for the schema: the roles that it names, and none of a schema `public` that it makes itself.
async fn prepare(
    target: &Target,
    session: &Session,
    schema: &[u8],
) -> Result<(), tokio_postgres::Error> {
    let mut script = Script::new(target.version, false);
    for line in schema.split_inclusive(|byte| *byte == b'\n') {
        // What is wrong with it pg_restore will say.
        let _ = script.line(line, &mut Vec::new());
    }
    if target.is_own_server {
        for role in &script.roles {
            session.batch_execute(&script::create_role(role)).await?;
        }
    }
    if script.creates_public {
        session.batch_execute("DROP SCHEMA public").await?;
    }
    Ok(())
}

/// By psql, which reads the script as it is unpacked and freed of what does not belong here.
async fn run_script(target: &Target, snapshot: &Snapshot) -> Result<(), Error> {
    let (pieces, input) = mpsc::channel(PIECES);
    let (path, version) = (snapshot.path.clone(), target.version);
    let is_packed = snapshot.format == Format::SqlGz;
    let creates_roles = target.is_own_server;
    let read = tokio::task::spawn_blocking(move || {
        read_script(
            &path,
            is_packed,
            Script::new(version, creates_roles),
            &pieces,
        )
    });
    let database = format!("--dbname={}", target.programs.database());
    let arguments = [
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        &database,
        "--file=-",
    ];
    let ran = target.programs.feed("psql", &arguments, input).await;
    // A script that was cut short is no success, whatever psql says.
    let read = read.await.expect("reading a file does not panic");
    let path = snapshot.path.clone();
    read.map_err(|message| Error::Snapshot {
        path: path.clone(),
        message,
    })?;
    ran.map_err(|source| Error::Restore { path, source })
}

fn read_script(
    path: &Path,
    is_packed: bool,
    mut script: Script,
    pieces: &mpsc::Sender<Vec<u8>>,
) -> Result<(), String> {
    let unreadable = |e: std::io::Error| format!("cannot read it: {e}");
    let file = File::open(path).map_err(unreadable)?;
    let file: Box<dyn Read> = match is_packed {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut file = BufReader::with_capacity(PIECE_BYTES, file);
    let mut line = Vec::new();
    let mut piece = Vec::with_capacity(2 * PIECE_BYTES);
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        script.line(&line, &mut piece)?;
        if piece.len() >= PIECE_BYTES {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(2 * PIECE_BYTES));
            if pieces.blocking_send(full).is_err() {
                // psql has ended, and will be asked why.
                return Ok(());
            }
        }
    }
    let _ = pieces.blocking_send(piece);
    script.end()
}
