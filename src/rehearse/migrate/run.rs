//! One run of a script: which transactions its statements stand in, and what is recorded of each.

use std::sync::Mutex;

use super::{Migrator, Progress, Try, lock};
use crate::migrations::script::{Around, Script, Statement, StatementKind, Transaction};
use crate::postgres::failure::{message, sqlstate};
use crate::rehearse::recording::{StatementFailure, StatementRecord};

pub(super) struct Run<'a> {
    pub(super) migrator: &'a Migrator,
    pub(super) this: Try,
    pub(super) progress: &'a Progress,
    /// Where the WAL ended at the last statement boundary.
    pub(super) wal_position: Mutex<Option<u64>>,
}

/// Which transaction is open between two statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    No,
    /// The tool's own, or the one that the server opens for several statements in one query.
    ByTool,
    ByScript,
}

impl Run<'_> {
    /// The script from where this try begins, with what its tool sends around it.
    pub(super) async fn script(&self, script: &Script) -> Result<(), StatementFailure> {
        let around = &script.around;
        self.apart(&around.before).await?;
        let statements = &script.statements[self.this.from..];
        let is_one_query =
            script.transaction == Transaction::OneQuery && script.statements.len() > 1;
        let open = match script.transaction {
            // A try that goes on after a COMMIT of the script's own has left the tool's transaction.
            Transaction::WholeFile | Transaction::AllPending if self.this.from == 0 => {
                self.command("BEGIN").await?;
                Open::ByTool
            }
            _ => Open::No,
        };
        match self.statements(statements, open, is_one_query).await? {
            Open::ByTool if is_one_query => {
                self.commit("COMMIT").await?;
                self.apart(&around.inside).await?;
            }
            Open::ByTool => {
                self.last_inside(&around.inside).await?;
                self.commit("COMMIT").await?;
            }
            Open::ByScript => {
                // A tool that disconnects in an open transaction loses it, and so does this one.
                self.commit("ROLLBACK").await?;
                self.apart(&around.inside).await?;
            }
            Open::No => self.apart(&around.inside).await?,
        }
        self.apart(&around.after).await
    }

    /// After a failure: nothing of the script stays open, and no advisory lock of its tool, which would have
    /// disconnected.
    pub(super) async fn give_up(&self, script: &Script) {
        let Migrator {
            client,
            session,
            clock,
            ..
        } = self.migrator;
        // The error is what counts; a connection that is gone has rolled back by itself.
        let _ = client.batch_execute("ROLLBACK").await;
        session.released(clock.now());
        if script.around != Around::default() {
            let unlock = "SELECT pg_advisory_unlock_all()";
            let _ = client.batch_execute(unlock).await;
        }
    }

    /// The statements one after the other, as the server takes them where `open` is open. Returns what is open
    /// at the end.
    async fn statements(
        &self,
        statements: &[Statement],
        mut open: Open,
        is_one_query: bool,
    ) -> Result<Open, StatementFailure> {
        for statement in statements {
            match statement.kind {
                StatementKind::Begin => {
                    // In a transaction the server warns of it, and takes over its options.
                    self.command(&statement.sql).await?;
                    if open == Open::No || is_one_query {
                        open = Open::ByScript;
                    }
                }
                StatementKind::Commit | StatementKind::Rollback => {
                    self.commit(&statement.sql).await?;
                    open = Open::No;
                }
                _ => {
                    if is_one_query && open == Open::No {
                        self.command("BEGIN").await?;
                        open = Open::ByTool;
                    }
                    match open {
                        Open::No => self.alone(statement).await?,
                        Open::ByTool | Open::ByScript => self.recorded(statement).await?,
                    }
                }
            }
        }
        Ok(open)
    }

    /// A statement that commits on its own. In a transaction of its own it means the same, and its locks can
    /// be read before they go.
    async fn alone(&self, statement: &Statement) -> Result<(), StatementFailure> {
        if statement.kind == StatementKind::Plain {
            self.command("BEGIN").await?;
            self.recorded(statement).await?;
            return self.commit("COMMIT").await;
        }
        self.recorded(statement).await
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
            file: statement.file.clone(),
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

    /// What the tool sends on its own: each commits by itself.
    async fn apart(&self, commands: &[String]) -> Result<(), StatementFailure> {
        for sql in commands {
            self.commit(sql)
                .await
                .map_err(|error| by_tool(error, sql))?;
        }
        Ok(())
    }

    /// What the tool adds to its transaction. Locks that come now are no statement's of the script.
    async fn last_inside(&self, commands: &[String]) -> Result<(), StatementFailure> {
        let Migrator { session, clock, .. } = self.migrator;
        session.transaction_ends(clock.now());
        for sql in commands {
            let sent = self.command(sql).await;
            sent.map_err(|error| by_tool(error, sql))?;
        }
        Ok(())
    }

    async fn command(&self, sql: &str) -> Result<(), StatementFailure> {
        self.migrator
            .client
            .batch_execute(sql)
            .await
            .map_err(|error| failure(&error, None))
    }

    /// Sends what ends a transaction.
    async fn commit(&self, sql: &str) -> Result<(), StatementFailure> {
        let sent = self.migrator.clock.now();
        let session = &self.migrator.session;
        session.transaction_ends(sent);
        let result = self.command(sql).await;
        session.released(self.migrator.clock.now());
        result
    }
}

/// The failure of a command that stands in no script.
fn by_tool(mut failure: StatementFailure, sql: &str) -> StatementFailure {
    failure.message = format!(
        "{}, in what the tool sends around the script: {sql}",
        failure.message
    );
    failure
}

fn failure(error: &tokio_postgres::Error, statement: Option<usize>) -> StatementFailure {
    StatementFailure {
        sqlstate: sqlstate(error),
        message: message(error),
        statement,
    }
}
