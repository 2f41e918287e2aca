//! `workload`: the traffic of a live database as a workload file.

use std::io::Write as _;

use super::stop::{listen, unless_stopped};
use super::{Exit, Failure, output, progress};
use crate::cli;
use crate::input::Problem;
use crate::plan::derive::observed::{self, Traffic};
use crate::plan::scenario::{AppFile, WorkloadFile};
use crate::plan::{self, written};
use crate::provision::Named;
use crate::seed::like;
use crate::talk::Talk;

/// So many of the statements that are left out are told one by one.
const LEFT_OUT_SHOWN: usize = 20;

/// A statement is cut after so many characters.
const SQL_CHARS: usize = 100;

pub(super) async fn workload(args: &cli::Workload) -> Result<Exit, Failure> {
    let talk = progress::on_stderr();
    let mut stop = listen(&talk).map_err(|error| Failure::new(Exit::Environment, error))?;
    let done = unless_stopped(&mut stop, write(args, &talk)).await;
    match done {
        Some(done) => done.map(|()| Exit::Kept),
        None => Err(Failure::new(
            Exit::Unfinished,
            "stopped before all was read",
        )),
    }
}

async fn write(args: &cli::Workload, talk: &Talk) -> Result<(), Failure> {
    let named = Named::to_read(&args.from, "--from").await?;
    let database = like::observed(&named.config).await?;
    let Some(statements) = &database.statements else {
        let problem = Problem::new("--from: pg_stat_statements is not installed in this database");
        let problem = problem.hint(
            "add it to shared_preload_libraries, restart, and CREATE EXTENSION pg_stat_statements",
        );
        return Err(Failure::new(Exit::Environment, problem));
    };
    let counted: Vec<_> = statements
        .iter()
        .map(|(sql, calls)| observed::Observed {
            sql: sql.clone(),
            calls: *calls,
        })
        .collect();
    let like::Observed {
        structure,
        tables,
        rows,
        ..
    } = &database;
    let traffic = observed::queries(&counted, structure, tables, rows);
    tell(&traffic, talk);
    if traffic.queries.is_empty() {
        let message =
            "--from: pg_stat_statements has counted no statement that could be sent again";
        return Err(Failure::new(Exit::Environment, message));
    }
    let app = AppFile {
        owner: None,
        extends: None,
        queries: traffic.queries,
    };
    let file = WorkloadFile {
        apps: [(plan::FIRST_APP.to_owned(), app)].into(),
    };
    let text = written::to_toml(&file);
    let Some(path) = &args.out else {
        output::print(&text);
        return Ok(());
    };
    let created =
        std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    created.map_err(|error| {
        let message = format!("--out: cannot write {}: {error}", path.display());
        Failure::new(Exit::BadInput, message)
    })
}

/// What is left out, and how much of the traffic that is.
fn tell(traffic: &Traffic, talk: &Talk) {
    let share: f64 = traffic.left_out.iter().map(|one| one.share).sum();
    talk.note(format!(
        "{} queries with {:.1} % of all calls; {} statements with {:.1} % left out",
        traffic.queries.len(),
        100.0 * (1.0 - share),
        traffic.left_out.len(),
        100.0 * share
    ));
    for one in traffic.left_out.iter().take(LEFT_OUT_SHOWN) {
        let words: Vec<&str> = one.sql.split_whitespace().collect();
        let sql: String = words.join(" ").chars().take(SQL_CHARS).collect();
        talk.note(format!(
            "left out, {:.1} %: {}: {sql}",
            100.0 * one.share,
            one.why
        ));
    }
}
