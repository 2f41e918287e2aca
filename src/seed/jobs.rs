//! Statements that run several at once, but none beside another that wants its table.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_postgres::{Client, Config};

use super::Error;
use super::session::Session;
use crate::talk::Talk;

/// Statements that one message takes along. Their locks are held together, and a server has room for some thousands.
const BATCH: usize = 40;

pub(super) struct Job {
    /// Statements of one transaction, or one that wants none.
    pub(super) statements: Vec<String>,
    /// The tables it locks.
    pub(super) tables: BTreeSet<String>,
    /// Its locks let nobody else work on these tables: two such jobs would only wait for each
    /// other, or, on two tables, for ever.
    pub(super) alone: bool,
}

impl Job {
    pub(super) fn new(sql: String, tables: impl IntoIterator<Item = String>, alone: bool) -> Job {
        Job {
            statements: vec![sql],
            tables: tables.into_iter().collect(),
            alone,
        }
    }

    fn disturbs(&self, other: &Job) -> bool {
        (self.alone || other.alone) && !self.tables.is_disjoint(&other.tables)
    }
}

/// One message for all; what fails then is found by running them one after another.
pub(super) async fn in_one_message(client: &Client, statements: &[String]) -> Result<(), Error> {
    if let [_, _, ..] = statements
        && client.batch_execute(&statements.join(";\n")).await.is_ok()
    {
        return Ok(());
    }
    for statement in statements {
        let ended = client.batch_execute(statement).await;
        ended.map_err(Error::doing(statement))?;
    }
    Ok(())
}

/// Puts small jobs together: a message and a commit for each would take longer than they do.
pub(super) fn batched(jobs: Vec<Job>, is_small: impl Fn(&Job) -> bool) -> Vec<Job> {
    let mut batches: Vec<Job> = Vec::new();
    let mut is_open = false;
    for mut job in jobs {
        let fits = is_small(&job);
        match batches.last_mut() {
            Some(last) if is_open && fits && last.statements.len() < BATCH => {
                last.statements.append(&mut job.statements);
                last.tables.append(&mut job.tables);
                last.alone |= job.alone;
            }
            _ => batches.push(job),
        }
        is_open = fits;
    }
    batches
}

/// Runs all, the first ones first, `workers` at once.
pub(super) async fn run(
    config: &Config,
    mut waiting: Vec<Job>,
    workers: usize,
    what: &str,
    talk: &Talk,
) -> Result<(), Error> {
    let count = |jobs: &mut dyn Iterator<Item = &Job>| {
        jobs.map(|job| job.statements.len() as u64).sum::<u64>()
    };
    let total = count(&mut waiting.iter());
    let mut idle = Vec::new();
    for _ in 0..workers.max(1).min(waiting.len()) {
        idle.push(Session::open(config).await?);
    }
    let mut running: Vec<(tokio::task::Id, Arc<Job>)> = Vec::new();
    let mut tasks = JoinSet::new();
    loop {
        let free = |job: &Job| !running.iter().any(|(_, other)| job.disturbs(other));
        if !idle.is_empty()
            && let Some(at) = waiting.iter().position(free)
            && let Some(session) = idle.pop()
        {
            let job = Arc::new(waiting.remove(at));
            let ours = job.clone();
            let task = tasks.spawn(async move {
                in_one_message(&session, &ours.statements)
                    .await
                    .map(|()| session)
            });
            running.push((task.id(), job));
            continue;
        }
        let Some(ended) = tasks.join_next_with_id().await else {
            break;
        };
        let (id, session) = ended.expect("a job neither panics nor is aborted while waited for");
        running.retain(|(running, _)| *running != id);
        idle.push(session?);
        let left = count(&mut waiting.iter()) + count(&mut running.iter().map(|(_, job)| &**job));
        talk.progress(what, total - left, total, "statements");
    }
    talk.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(table: usize) -> Job {
        Job::new(format!("{table}"), [format!("t{table}")], false)
    }

    #[test]
    fn small_jobs_go_together_and_large_ones_alone_in_the_same_order() {
        let jobs = (0..100).map(job).collect();
        let batches = batched(jobs, |job| job.tables.iter().all(|table| table.len() > 2));
        let sizes: Vec<_> = batches.iter().map(|job| job.statements.len()).collect();
        assert_eq!(sizes, [vec![1; 10], vec![40, 40, 10]].concat());
        let order: Vec<_> = batches.iter().flat_map(|job| &job.statements).collect();
        assert!(
            order
                .iter()
                .enumerate()
                .all(|(at, sql)| **sql == at.to_string())
        );
        assert_eq!(batches[12].tables.len(), 10);
    }
}
