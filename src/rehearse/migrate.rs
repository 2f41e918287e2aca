//! Runs a migration script as its tool would, and records statements, notices and locks.

mod run;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::{AsyncMessage, Client};

use super::clock::Clock;
use super::observe::activity::Reader;
use super::observe::watched::{Session, Watched};
use super::recording::{StatementFailure, StatementRecord};
use crate::migrations::Script;
use crate::provision::{Tls, tls};
use run::Run;

/// How long a server may take to take in a cancel request.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// The migration's connection, and the one that reads its locks at every statement boundary.
pub struct Migrator {
    client: Client,
    reader: Reader,
    watched: Watched,
    session: Session,
    clock: Clock,
    tls: Tls,
    notices: Arc<Mutex<Vec<String>>>,
    pub pid: u32,
}

/// How far a script got. Written to while it runs, so that nothing is lost when it is cut short.
pub type Progress = Arc<Mutex<Vec<StatementRecord>>>;

/// Which try of a script it is.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    pub step: usize,
    /// Which of the sessions that run the script, from 1.
    pub migrator: u32,
    /// From 1.
    pub number: u32,
    /// The statement to begin with: those before it are committed.
    pub from: usize,
}

impl Migrator {
    pub async fn connect(
        config: &tokio_postgres::Config,
        reader: Reader,
        watched: Watched,
        clock: Clock,
    ) -> Result<Migrator> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let (client, connection) = config
            .connect(tls(config))
            .await
            .context("the migration cannot connect")?;
        tokio::spawn(collect_notices(connection, Arc::clone(&notices)));
        // The server tells of rewrites and validating scans at DEBUG1.
        client
            .batch_execute("SET client_min_messages = debug1")
            .await?;
        let pid: i32 = client
            .query_one("SELECT pg_backend_pid()", &[])
            .await?
            .get(0);
        let pid = u32::try_from(pid)?;
        let session = watched.watch(pid);
        Ok(Migrator {
            client,
            reader,
            watched,
            session,
            clock,
            tls: tls(config),
            notices,
            pid,
        })
    }

    /// Gives up a lock that does not come in this time, from now on.
    pub async fn set_lock_timeout(&self, limit: Duration) -> Result<()> {
        let sql = format!("SET lock_timeout = {}", limit.as_millis());
        self.client.batch_execute(&sql).await.context(sql)
    }

    /// Cancels the statement under way, and notes in `progress` that it ended now.
    ///
    /// For a script whose run was given up: no further statement of it comes.
    pub async fn cut_short(&self, progress: &Progress) {
        let cancel = async {
            self.observe().await;
            // The backend may have gone already.
            let _ = self
                .client
                .cancel_token()
                .cancel_query(self.tls.clone())
                .await;
        };
        // A server that does not answer any more is nobody's reason to wait.
        let _ = tokio::time::timeout(CANCEL_LIMIT, cancel).await;
        let now = self.clock.now();
        self.session.released(now);
        let mut progress = lock(progress);
        let open = progress
            .last_mut()
            .filter(|record| record.end == record.start);
        if let Some(record) = open {
            record.end = now;
            record.notices = std::mem::take(&mut *lock(&self.notices));
        }
    }

    /// Runs the rest of a script by its transaction rule, with what its tool sends around it; stops at the first
    /// failure, after a ROLLBACK.
    pub async fn run(
        &self,
        this: Try,
        script: &Script,
        progress: &Progress,
    ) -> Result<(), StatementFailure> {
        let wal_position = Mutex::new(self.observe().await);
        let run = Run {
            migrator: self,
            this,
            progress,
            wal_position,
        };
        let result = run.script(script).await;
        if result.is_err() {
            run.give_up(script).await;
        }
        result
    }

    /// Reads the migration's locks, and where the WAL ends: one query, because the migration's locks are held
    /// meanwhile. Without a reading the sampler's brackets remain.
    async fn observe(&self) -> Option<u64> {
        self.reader.read(&self.watched).await.ok()?.wal_position
    }
}

async fn collect_notices<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    notices: Arc<Mutex<Vec<String>>>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                lock(&notices).push(notice.message().to_owned())
            }
            Some(Ok(_)) => {}
            // The error reaches the statement under way.
            Some(Err(_)) | None => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
