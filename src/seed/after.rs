//! What is taken away before the rows and made after them: keys, indexes, foreign keys, triggers;
//! and what a filled table needs: its sequences moved on, its statistics, its frozen rows.

use std::collections::HashMap;

use tokio_postgres::{Client, Config};

use super::Error;
use super::jobs::{self, Job};
use super::layout::Layout;
use crate::postgres::catalogue;
use crate::postgres::relation::quote_literal;
use crate::talk::Talk;

/// What is done to a table of fewer rows goes together with what is done to others.
const SMALL_ROWS: u64 = 10_000;
/// Statements that one message takes along, and tables that one VACUUM does.
const AT_ONCE: usize = 40;
/// The largest tables are vacuumed each on its own, so that no worker is left with several.
const LARGEST: usize = 16;

/// The rows of every filled table, by its name without quotes: the catalogue quotes only names that need it.
pub(super) struct Sizes(HashMap<String, u64>);

impl Sizes {
    pub(super) fn of(layouts: &[Layout]) -> Sizes {
        let rows = |layout: &Layout| (unquoted(&layout.sql_name), layout.rows);
        Sizes(layouts.iter().map(rows).collect())
    }

    /// Of the largest of the tables that the job locks.
    fn rows(&self, job: &Job) -> u64 {
        let rows = job
            .tables
            .iter()
            .filter_map(|table| self.0.get(&unquoted(table)));
        rows.copied().max().unwrap_or(0)
    }
}

fn unquoted(table: &str) -> String {
    table.replace('"', "")
}

/// What was taken away and has to come back.
pub(super) struct TakenAway {
    keys_and_indexes: Vec<Job>,
    /// After all keys: each needs one in the other table.
    foreign_keys: Vec<Job>,
    /// Reading the rows of those foreign keys that came back without that.
    validations: Vec<Job>,
    triggers: Vec<Job>,
}

/// Checks stay: looking at each row as it comes costs less than reading all rows again.
pub(super) async fn take_away(client: &Client) -> Result<TakenAway, Error> {
    let found = client
        .query(catalogue::AFTER_THE_ROWS, &[])
        .await
        .map_err(Error::doing("cannot read the schema's indexes and keys"))?;
    let mut first = Vec::new();
    let mut then = Vec::new();
    let mut taken = TakenAway {
        keys_and_indexes: Vec::new(),
        foreign_keys: Vec::new(),
        validations: Vec::new(),
        triggers: Vec::new(),
    };
    for row in &found {
        let kind: &str = row.get("kind");
        let tables: Vec<String> = row.get("tables");
        let validate: Option<String> = row.get("validate");
        if let Some(validate) = validate {
            // Others may read the other table meanwhile.
            let own = tables.first().cloned();
            taken.validations.push(Job::new(validate, own, true));
        }
        let job = Job::new(row.get("make"), tables, kind != "index");
        // A foreign key holds on to the key that it refers to.
        let (remove, jobs) = match kind {
            "key" | "index" => (&mut then, &mut taken.keys_and_indexes),
            "trigger" => (&mut first, &mut taken.triggers),
            _ => (&mut first, &mut taken.foreign_keys),
        };
        remove.push(row.get::<_, String>("remove"));
        jobs.push(job);
    }
    in_batches(client, &[first, then].concat()).await?;
    Ok(taken)
}

/// Runs these statements in the order given.
async fn in_batches(client: &Client, statements: &[String]) -> Result<(), Error> {
    for statements in statements.chunks(AT_ONCE) {
        jobs::in_one_message(client, statements).await?;
    }
    Ok(())
}

impl TakenAway {
    /// Makes all again but the triggers, the largest tables first.
    pub(super) async fn bring_back(
        &mut self,
        config: &Config,
        sizes: &Sizes,
        workers: usize,
        talk: &Talk,
    ) -> Result<(), Error> {
        for (jobs, what) in [
            (&mut self.keys_and_indexes, "indexing"),
            (&mut self.foreign_keys, "checking foreign keys"),
            (&mut self.validations, "checking foreign keys"),
        ] {
            let jobs = by_size(std::mem::take(jobs), sizes);
            jobs::run(config, jobs, workers, what, talk).await?;
        }
        Ok(())
    }

    pub(super) async fn enable_triggers(
        self,
        config: &Config,
        workers: usize,
        talk: &Talk,
    ) -> Result<(), Error> {
        let jobs = jobs::batched(self.triggers, |_| true);
        jobs::run(config, jobs, workers, "enabling triggers", talk).await
    }
}

/// What is large is begun first, and what is small goes together.
fn by_size(mut jobs: Vec<Job>, sizes: &Sizes) -> Vec<Job> {
    jobs.sort_by_cached_key(|job| std::cmp::Reverse(sizes.rows(job)));
    jobs::batched(jobs, |job| sizes.rows(job) < SMALL_ROWS)
}

/// The next value of every sequence that fills a column is beyond what the column holds: beyond all, where it fills
/// several.
pub(super) async fn move_sequences(client: &Client) -> Result<(), Error> {
    let owned = client
        .query(catalogue::OWNED_SEQUENCES, &[])
        .await
        .map_err(Error::doing("cannot read the schema's sequences"))?;
    let moves: Vec<String> = owned
        .iter()
        .map(|row| {
            let sequence: String = row.get("sequence");
            let (table, column): (String, String) = (row.get("on_table"), row.get("on_column"));
            let literal = quote_literal(&sequence);
            format!(
                "SELECT setval({literal}, greatest(max({column}) + 1, (SELECT last_value FROM {sequence})), false) \
                 FROM {table} HAVING max({column}) IS NOT NULL"
            )
        })
        .collect();
    in_batches(client, &moves).await
}

/// Rows frozen, visible to all, and counted: what a table is like long after it was filled.
///
/// From 16 on several COPY at a time leave empty pages at its end. Only a second vacuum, which passes over all
/// that is visible, finds enough of them to give them back; else one that comes later would, under a lock.
pub(super) async fn vacuum(
    config: &Config,
    tables: &[String],
    workers: usize,
    talk: &Talk,
) -> Result<(), Error> {
    let (largest, rest) = tables.split_at(LARGEST.min(tables.len()));
    for vacuum in ["VACUUM (FREEZE)", "VACUUM (ANALYZE)"] {
        let jobs = largest
            .chunks(1)
            .chain(rest.chunks(AT_ONCE))
            .map(|tables| {
                let sql = format!("{vacuum} {}", tables.join(", "));
                Job::new(sql, tables.iter().cloned(), true)
            })
            .collect();
        jobs::run(config, jobs, workers, "freezing", talk).await?;
    }
    Ok(())
}
