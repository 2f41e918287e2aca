//! Runs a migration script as its tool would, and records statements, notices and locks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::{AsyncMessage, Client};

use super::clock::Clock;
use super::observe::activity::Reader;
use super::observe::watched::{Session, Watched};
use super::recording::{StatementFailure, StatementRecord};
use crate::migrations::script::{Script, Statement, StatementKind, Transaction};
use crate::postgres::failure::{message, sqlstate};
use crate::provision::{Tls, tls};

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

    /// Runs the rest of a script by its transaction rule; stops at the first failure, after a ROLLBACK.
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
        let statements = &script.statements[this.from..];
        match script.transaction {
            Transaction::WholeFile => run.whole_file(statements).await,
            Transaction::PerStatement => run.each(statements).await,
            Transaction::AsWritten => run.as_written(statements).await,
        }
    }

    /// Reads the migration's locks, and where the WAL ends: one query, because the migration's locks are held
    /// meanwhile. Without a reading the sampler's brackets remain.
    async fn observe(&self) -> Option<u64> {
        self.reader.read(&self.watched).await.ok()?.wal_position
    }
}

struct Run<'a> {
    migrator: &'a Migrator,
    this: Try,
    progress: &'a Progress,
    /// Where the WAL ended at the last statement boundary.
    wal_position: Mutex<Option<u64>>,
}

impl Run<'_> {
    async fn whole_file(&self, statements: &[Statement]) -> Result<(), StatementFailure> {
        self.command("BEGIN").await?;
        for statement in statements {
            self.inside(statement).await?;
        }
        self.commit("COMMIT").await
    }

    async fn each(&self, statements: &[Statement]) -> Result<(), StatementFailure> {
        for statement in statements {
            self.alone(statement).await?;
        }
        Ok(())
    }

    async fn as_written(&self, statements: &[Statement]) -> Result<(), StatementFailure> {
        let mut in_transaction = false;
        for statement in statements {
            match statement.kind {
                StatementKind::Begin => {
                    self.command(&statement.sql).await?;
                    in_transaction = true;
                }
                StatementKind::Commit | StatementKind::Rollback => {
                    self.commit(&statement.sql).await?;
                    in_transaction = false;
                }
                _ if in_transaction => self.inside(statement).await?,
                _ => self.alone(statement).await?,
            }
        }
        // A tool that disconnects in an open transaction loses it, and so does this one.
        if in_transaction {
            self.commit("ROLLBACK").await
        } else {
            Ok(())
        }
    }

    /// A statement that commits on its own. In a transaction of its own it means the same, and its locks can
    /// be read before they go.
    async fn alone(&self, statement: &Statement) -> Result<(), StatementFailure> {
        if statement.kind == StatementKind::Plain {
            self.command("BEGIN").await?;
            self.inside(statement).await?;
            return self.commit("COMMIT").await;
        }
        self.recorded(statement).await
    }

    /// A statement inside a transaction: its locks are read at its end.
    async fn inside(&self, statement: &Statement) -> Result<(), StatementFailure> {
        let result = self.recorded(statement).await;
        if result.is_err() {
            // The error is what counts; a connection that is gone has rolled back by itself.
            let _ = self.migrator.client.batch_execute("ROLLBACK").await;
            self.migrator.session.released(self.migrator.clock.now());
        }
        result
    }

    /// Runs the statement and reads its locks at its end, before anything can release them.
    async fn recorded(&self, statement: &Statement) -> Result<(), StatementFailure> {
        let Migrator {
            client,
            session,
            clock,
            notices,
            ..
        } = self.migrator;
        lock(notices).clear();
        let start = clock.now();
        let step = self.this.step;
        session.statement_starts(step, statement.index, start, statement.runs_code);
        lock(self.progress).push(StatementRecord {
            migrator: self.this.migrator,
            try_number: self.this.number,
            index: statement.index,
            line: statement.line,
            sql: statement.sql.clone(),
            start,
            end: start,
            notices: Vec::new(),
            wal_bytes: None,
        });
        let result = client.batch_execute(&statement.sql).await;
        let end = clock.now();
        session.statement_ends(end);
        if statement.kind == StatementKind::OutsideTransaction {
            // It has committed by itself.
            session.released(end);
        }
        let wal_after = self.migrator.observe().await;
        let wal_before = std::mem::replace(&mut *lock(&self.wal_position), wal_after);
        if let Some(record) = lock(self.progress).last_mut() {
            record.end = end;
            record.notices = std::mem::take(&mut *lock(notices));
            record.wal_bytes = wal_before
                .zip(wal_after)
                .map(|(before, after)| after.saturating_sub(before));
        }
        result.map_err(|error| failure(&error, Some(statement.index)))
    }

    async fn command(&self, sql: &str) -> Result<(), StatementFailure> {
        self.migrator
            .client
            .batch_execute(sql)
            .await
            .map_err(|error| failure(&error, None))
    }

    async fn commit(&self, sql: &str) -> Result<(), StatementFailure> {
        let sent = self.migrator.clock.now();
        let session = &self.migrator.session;
        session.transaction_ends(sent);
        let result = self.command(sql).await;
        session.released(self.migrator.clock.now());
        result
    }
}

fn failure(error: &tokio_postgres::Error, statement: Option<usize>) -> StatementFailure {
    StatementFailure {
        sqlstate: sqlstate(error),
        message: message(error),
        statement,
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
