//! Statements that run several at once, but none beside another that wants its table.

use tokio::task::JoinSet;
use tokio_postgres::Config;

use super::Error;
use super::session::Session;
use crate::talk::Talk;

pub(super) struct Job {
    pub(super) sql: String,
    /// The tables it locks.
    pub(super) tables: Vec<String>,
    /// Its locks let nobody else work on these tables: two such jobs would only wait for each
    /// other, or, on two tables, for ever.
    pub(super) alone: bool,
}

impl Job {
    fn disturbs(&self, other: &Job) -> bool {
        (self.alone || other.alone) && self.tables.iter().any(|table| other.tables.contains(table))
    }
}

/// Runs all, the first ones first, `workers` at once.
pub(super) async fn run(
    config: &Config,
    mut waiting: Vec<Job>,
    workers: usize,
    what: &str,
    talk: &Talk,
) -> Result<(), Error> {
    let total = waiting.len() as u64;
    let mut idle = Vec::new();
    for _ in 0..workers.clamp(1, waiting.len().max(1)) {
        idle.push(Session::open(config).await?);
    }
    let mut running: Vec<(tokio::task::Id, Job)> = Vec::new();
    let mut tasks = JoinSet::new();
    loop {
        let free = |job: &Job| !running.iter().any(|(_, other)| job.disturbs(other));
        if let Some(at) = waiting.iter().position(free)
            && let Some(session) = idle.pop()
        {
            let job = waiting.remove(at);
            let sql = job.sql.clone();
            let task = tasks.spawn(async move {
                let ended = session.batch_execute(&sql).await;
                ended.map(|()| session).map_err(Error::doing(sql))
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
        let done = total - waiting.len() as u64 - running.len() as u64;
        talk.progress(what, done, total, "statements");
    }
    talk.done();
    Ok(())
}
