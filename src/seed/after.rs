//! What is taken away before the rows and made after them: keys, indexes, foreign keys, triggers;
//! and what a filled table needs: its sequences moved on, its statistics, its frozen rows.

use tokio_postgres::{Client, Config};

use super::Error;
use super::jobs::{self, Job};
use crate::postgres::catalogue;
use crate::postgres::relation::quote_literal;
use crate::talk::Talk;

/// What was taken away and has to come back.
pub(super) struct TakenAway {
    keys_and_indexes: Vec<Job>,
    /// After all keys: each needs one in the other table.
    foreign_keys_and_triggers: Vec<Job>,
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
        foreign_keys_and_triggers: Vec::new(),
    };
    for row in &found {
        let kind: &str = row.get("kind");
        let remove: String = row.get("remove");
        let job = Job {
            sql: row.get("make"),
            tables: row.get("tables"),
            alone: kind != "index",
        };
        if matches!(kind, "key" | "index") {
            then.push(remove);
            taken.keys_and_indexes.push(job);
        } else {
            // A foreign key holds on to the key that it refers to.
            first.push(remove);
            taken.foreign_keys_and_triggers.push(job);
        }
    }
    for remove in first.into_iter().chain(then) {
        client
            .batch_execute(&remove)
            .await
            .map_err(Error::doing(remove))?;
    }
    Ok(taken)
}

impl TakenAway {
    /// Makes all again. `tables` gives the order: what is large is begun first.
    pub(super) async fn bring_back(
        mut self,
        config: &Config,
        tables: &[String],
        workers: usize,
        talk: &Talk,
    ) -> Result<(), Error> {
        for jobs in [
            &mut self.keys_and_indexes,
            &mut self.foreign_keys_and_triggers,
        ] {
            jobs.sort_by_key(|job| {
                tables
                    .iter()
                    .position(|table| same_table(table, &job.tables[0]))
            });
        }
        jobs::run(config, self.keys_and_indexes, workers, "indexing", talk).await?;
        let rest = self.foreign_keys_and_triggers;
        jobs::run(config, rest, workers, "checking foreign keys", talk).await
    }
}

/// The catalogue quotes only names that need it.
fn same_table(quoted: &str, of_catalogue: &str) -> bool {
    quoted == of_catalogue || quoted.replace('"', "") == of_catalogue
}

/// The next value of every sequence that fills a column is beyond what the column holds: beyond all, where it fills
/// several.
pub(super) async fn move_sequences(client: &Client) -> Result<(), Error> {
    let owned = client
        .query(catalogue::OWNED_SEQUENCES, &[])
        .await
        .map_err(Error::doing("cannot read the schema's sequences"))?;
    for row in owned {
        let sequence: String = row.get("sequence");
        let (table, column): (String, String) = (row.get("on_table"), row.get("on_column"));
        let literal = quote_literal(&sequence);
        let sql = format!(
            "SELECT setval({literal}, greatest(max({column}) + 1, (SELECT last_value FROM {sequence})), false) \
             FROM {table} HAVING max({column}) IS NOT NULL"
        );
        client
            .batch_execute(&sql)
            .await
            .map_err(Error::doing(format!("cannot move sequence {sequence} on")))?;
    }
    Ok(())
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
    for vacuum in ["VACUUM (FREEZE)", "VACUUM (ANALYZE)"] {
        let jobs = tables
            .iter()
            .map(|table| Job {
                sql: format!("{vacuum} {table}"),
                tables: vec![table.clone()],
                alone: true,
            })
            .collect();
        jobs::run(config, jobs, workers, "freezing", talk).await?;
    }
    Ok(())
}
