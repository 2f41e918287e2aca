//! What else runs on a real database when the migration comes.

mod backup;
mod vacuum;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Client;

use super::clock::Clock;
use super::observe::catalogue::Catalogue;
use super::recording::AdversaryRecord;
use super::workload::Adversary;
use crate::provision::{self, Role, Server, Tls, tls};

/// How often what is to end is asked to: a cancel that comes between two statements hits neither.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

/// Adversaries that are in place. Dropping them ends their transactions.
pub struct Adversaries {
    waiting: Vec<Waiting>,
    records: Vec<AdversaryRecord>,
    clock: Clock,
}

/// One that does what it does until it is told to stop.
struct Waiting {
    client: Arc<Client>,
    tls: Tls,
    /// What its session is busy with; `None` while it holds still.
    work: Option<Work>,
    hold: Duration,
}

/// Statements under way, in one task. They end by themselves, with the error of a cancel, or when this is dropped.
type Work = JoinSet<Result<(), tokio_postgres::Error>>;

/// The adversaries while the migration runs; they end by themselves, or when this is dropped.
pub struct Holding {
    tasks: Vec<JoinHandle<()>>,
    records: Arc<Mutex<Vec<AdversaryRecord>>>,
}

impl Adversaries {
    /// Lets all begin, and returns when each is shown to be in place. Those that migrate come with the steps.
    pub async fn take_position(
        server: &Server,
        adversaries: &[Adversary],
        before: &Catalogue,
        clock: Clock,
    ) -> Result<Adversaries> {
        let staying = adversaries.iter().filter_map(|adversary| {
            let hold = Duration::from_millis(adversary.hold_ms()?);
            Some(async move {
                let what = adversary.in_words();
                let (client, work) = begin(server, adversary, before)
                    .await
                    .with_context(|| format!("adversary: {what}"))?;
                let record = AdversaryRecord {
                    what,
                    sql: adversary.sql().map(str::to_owned),
                    began: clock.now(),
                    ended: None,
                };
                let tls = tls(&server.config(Role::Admin));
                let waiting = Waiting {
                    client,
                    tls,
                    work,
                    hold,
                };
                anyhow::Ok((waiting, record))
            })
        });
        let (waiting, records) = try_join_all(staying).await?.into_iter().unzip();
        Ok(Adversaries {
            waiting,
            records,
            clock,
        })
    }

    /// The first step begins: from now on each holds for its time, and then ends.
    pub fn hold(self) -> Holding {
        let records = Arc::new(Mutex::new(self.records));
        let tasks = self
            .waiting
            .into_iter()
            .enumerate()
            .map(|(index, waiting)| {
                let (records, clock) = (Arc::clone(&records), self.clock);
                tokio::spawn(async move {
                    waiting.finish().await;
                    let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
                    records[index].ended = Some(clock.now());
                })
            });
        Holding {
            tasks: tasks.collect(),
            records,
        }
    }
}

impl Holding {
    /// What each did so far.
    pub fn records(&self) -> Vec<AdversaryRecord> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.clone()
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Lets an adversary begin, and returns when it is in place.
async fn begin(
    server: &Server,
    adversary: &Adversary,
    before: &Catalogue,
) -> Result<(Arc<Client>, Option<Work>)> {
    match adversary {
        Adversary::Snapshot { .. } => {
            let client = connect(server, Role::Admin).await?;
            let work = backup::begin(Arc::clone(&client), before).await?;
            Ok((client, Some(work)))
        }
        Adversary::WraparoundVacuum { table, .. } => {
            let client = connect(server, Role::Admin).await?;
            let observer = server.connect(Role::Admin).await?;
            let work = vacuum::begin(Arc::clone(&client), &observer, table).await?;
            Ok((client, Some(work)))
        }
        _ => {
            let client = connect(server, Role::Load).await?;
            let sql = adversary.sql().unwrap_or_default();
            let is_long = matches!(adversary, Adversary::LongTransaction { .. });
            // CREATE INDEX CONCURRENTLY waits for older snapshots, and READ COMMITTED keeps none between
            // its statements.
            let begin = match is_long {
                true => "BEGIN ISOLATION LEVEL REPEATABLE READ",
                false => "BEGIN",
            };
            client.batch_execute(begin).await?;
            let ran = client.query(sql, &[]).await;
            ran.with_context(|| format!("{sql:?}"))?;
            if is_long {
                let assigned = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL";
                let has_written: bool = client.query_one(assigned, &[]).await?.get(0);
                ensure!(has_written, "{sql:?} has written nothing");
            }
            Ok((client, None))
        }
    }
}

/// Under a name of its own: what it waits for is no query of the workload.
async fn connect(server: &Server, role: Role) -> Result<Arc<Client>> {
    let mut config = server.config(role);
    config.application_name("pgrehearse adversary");
    let client = provision::connect(&config).await;
    client.context("it cannot connect").map(Arc::new)
}

impl Waiting {
    async fn finish(self) {
        match self.work {
            None => tokio::time::sleep(self.hold).await,
            Some(mut work) => {
                let mut over = tokio::time::timeout(self.hold, work.join_next()).await;
                while over.is_err() {
                    // A server that is gone has ended the work too.
                    let _ = self
                        .client
                        .cancel_token()
                        .cancel_query(self.tls.clone())
                        .await;
                    over = tokio::time::timeout(CANCEL_INTERVAL, work.join_next()).await;
                }
            }
        }
        // Outside of a transaction it does nothing, and a server that is gone has ended it.
        let _ = self.client.batch_execute("COMMIT").await;
    }
}
