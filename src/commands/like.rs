//! `seed --like`: a dataset with the shape of a live database, which is only read.

use std::fs;
use std::path::Path;

use super::stop::{listen, unless_stopped};
use super::{Exit, Failure, progress};
use crate::cli;
use crate::input::Problem;
use crate::provision::Named;
use crate::seed::like;
use crate::talk::Talk;

pub(super) async fn like(url: &str, args: &cli::Seed) -> Result<Exit, Failure> {
    let talk = progress::on_stderr();
    let mut stop = listen(&talk).map_err(|error| Failure::new(Exit::Environment, error))?;
    let done = unless_stopped(&mut stop, write(url, args, &talk)).await;
    match done {
        Some(done) => done.map(|()| Exit::Kept),
        None => Err(Failure::new(
            Exit::Unfinished,
            "stopped before all was read",
        )),
    }
}

async fn write(url: &str, args: &cli::Seed, talk: &Talk) -> Result<(), Failure> {
    let named = Named::to_read(url, "--like").await?;
    let database = named.config.get_dbname().unwrap_or("database").to_owned();
    let dir = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("seeds").join(&database));
    for name in FILES {
        refuse_existing(&dir.join(name))?;
    }
    // First what may be missing.
    let programs = named.programs();
    let name = format!("--dbname={}", programs.database());
    let schema_only = [
        "--schema-only",
        "--no-owner",
        "--no-acl",
        "--no-tablespaces",
        "--no-subscriptions",
        &name,
    ];
    let dump = programs.run("pg_dump", &schema_only).await?;
    let schema =
        like::schema_sql(&dump).map_err(|reason| Failure::new(Exit::Environment, reason))?;
    let found = like::read(&named.config, args.keep_common_values).await?;
    for note in &found.notes {
        talk.note(note);
    }
    let written = fs::create_dir_all(&dir)
        .and_then(|()| fs::write(dir.join(FILES[0]), schema))
        .and_then(|()| fs::write(dir.join(FILES[1]), like::dataset_toml(&found)));
    written.map_err(|error| {
        Failure::new(
            Exit::Environment,
            format!("cannot write {}: {error}", dir.display()),
        )
    })?;
    let kept = match args.keep_common_values {
        true => "with its most common texts and labels",
        false => "without any value of it",
    };
    talk.note(format!(
        "wrote {}: the shape of {} tables of {database}, {kept}",
        dir.display(),
        found.description.tables.len()
    ));
    Ok(())
}

const FILES: [&str; 2] = ["schema.sql", "dataset.toml"];

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if !path.exists() {
        return Ok(());
    }
    let problem = Problem::argument("--out", path.display(), "is there already");
    let problem = problem.hint("choose another directory, or remove it");
    Err(Failure::new(Exit::BadInput, problem))
}
