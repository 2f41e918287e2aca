//! One session that runs a script: try after try, until it has landed or no retry is left.

use std::sync::PoisonError;

use anyhow::Result;

use super::Stage;
use crate::postgres::SqlState;
use crate::provision::Role;
use crate::rehearse::clock::Clock;
use crate::rehearse::migrate::{Migrator, Progress, Try};
use crate::rehearse::observe::activity::Reader;
use crate::rehearse::recording::{
    AdversaryRecord, Recording, StatementFailure, StatementRecord, TryRecord,
};
use crate::rehearse::workload::{Adversary, Migrate};

/// What a retry loop in practice takes for bad luck: the next try may go well.
const RETRIED: [SqlState; 2] = [SqlState::LOCK_NOT_AVAILABLE, SqlState::DEADLOCK_DETECTED];

/// A session of the migration, and its tries so far.
pub(super) struct MigrateSession {
    migrator: Migrator,
    clock: Clock,
    progress: Progress,
    step: usize,
    number: u32,
    tries: Vec<TryRecord>,
}

/// What a session did until its end.
pub(super) struct SessionEnd {
    pub(super) tries: Vec<TryRecord>,
    pub(super) statements: Vec<StatementRecord>,
}

impl MigrateSession {
    /// Connects, so that nothing is left to do but to run. Sessions are numbered from 1.
    pub(super) async fn open(
        stage: &Stage<'_>,
        migrate: &Migrate,
        step: usize,
        number: usize,
    ) -> Result<MigrateSession> {
        let clock = stage.journal.clock;
        let admin = stage.server.connect(Role::Admin).await?;
        let reader = Reader::new(admin, stage.server.version(), clock).await?;
        let config = stage.server.config(Role::Migration);
        let migrator = Migrator::connect(&config, reader, stage.watched.clone(), clock).await?;
        if let Some(limit) = migrate.lock_timeout {
            migrator.set_lock_timeout(limit).await?;
        }
        Ok(MigrateSession {
            migrator,
            clock,
            progress: Progress::default(),
            step,
            number: u32::try_from(number)?,
            tries: Vec::new(),
        })
    }

    /// Runs the script, again from where it was not committed as long as retries are left.
    pub(super) async fn run(&mut self, migrate: &Migrate) {
        let mut from = 0;
        for number in 1..=migrate.retries.saturating_add(1) {
            let start = self.clock.now();
            self.tries.push(TryRecord {
                migrator: self.number,
                number,
                pid: self.migrator.pid,
                start,
                end: start,
                error: None,
            });
            let this = Try {
                step: self.step,
                migrator: self.number,
                number,
                from,
            };
            let ran = self.migrator.run(this, &migrate.script, &self.progress);
            let error = ran.await.err();
            let state = error.as_ref().and_then(|error| error.sqlstate);
            self.ends(error);
            if number > migrate.retries || !state.is_some_and(|state| RETRIED.contains(&state)) {
                return;
            }
            tokio::time::sleep(migrate.pause_after(number)).await;
            from = self
                .last_statement()
                .map_or(0, |last| migrate.script.resume_at(last));
        }
    }

    /// The session's end. `cut_short` if its run was given up: then what is under way is cancelled, and ends now.
    pub(super) async fn end(mut self, cut_short: bool) -> SessionEnd {
        let is_open = |one: &TryRecord| one.end == one.start && one.error.is_none();
        if cut_short && self.tries.last().is_some_and(is_open) {
            self.migrator.cut_short(&self.progress).await;
            self.ends(None);
        }
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        SessionEnd {
            tries: self.tries,
            statements: std::mem::take(&mut *progress),
        }
    }

    /// Index of the statement that was sent last.
    fn last_statement(&self) -> Option<usize> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.last().map(|statement| statement.index)
    }

    /// The try under way has come to its end.
    fn ends(&mut self, error: Option<StatementFailure>) {
        if let Some(last) = self.tries.last_mut() {
            last.end = self.clock.now();
            last.error = error;
        }
    }
}

impl Recording {
    /// Notes the further sessions that migrated among the adversaries: from their first try to the end of their last.
    pub(super) fn add_migrators(&mut self, adversaries: &[Adversary]) {
        let tries = self.steps.iter().flat_map(|step| &step.tries);
        let further: Vec<&TryRecord> = tries.filter(|one| one.migrator > 1).collect();
        let (Some(began), ended) = (
            further.iter().map(|one| one.start).min(),
            further.iter().map(|one| one.end).max(),
        ) else {
            return;
        };
        let migrators = adversaries.iter().filter(|one| one.hold_ms().is_none());
        let records = migrators.map(|adversary| AdversaryRecord {
            what: adversary.in_words(),
            sql: None,
            began,
            ended,
        });
        self.adversaries.extend(records);
    }
}
