//! The steps: migrate a script, deploy a version, wait.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_postgres::Client;

use super::tries::{MigrateSession, SessionEnd};
use super::{Halt, Stage, unless_stopped};
use crate::rehearse::clock::At;
use crate::rehearse::command::{self, Ended, Running};
use crate::rehearse::load::params::{AppParams, QueryParams};
use crate::rehearse::recording::{Recording, StatementFailure, StepKind, StepRecord, TryRecord};
use crate::rehearse::workload::{App, Command, Migrate, Protocol, Step};
use crate::seed::{self, context::Context};
use crate::talk::Talk;

impl Stage<'_> {
    /// Performs the steps in their order, up to the first that fails.
    pub(super) async fn steps(
        &self,
        stop: &mut watch::Receiver<bool>,
        talk: &Talk,
        recording: &mut Recording,
    ) -> Result<(), Halt> {
        for (index, step) in self.spec.steps.iter().enumerate() {
            let mut record = StepRecord::begins(step, self.journal.clock.now());
            talk.note(format!("step {}: {}", index + 1, describe(step)));
            let result = match step {
                Step::Migrate(script) => self.migrate(index, script, stop, &mut record).await,
                Step::Command(command) => self.command(index, command, stop, &mut record).await,
                Step::Deploy { app, overlap } => {
                    self.deploy(app, *overlap, stop, &mut record).await
                }
                Step::Wait(time) => self.wait(*time, stop).await,
            };
            record.end = self.journal.clock.now();
            let failed = record.error.is_some();
            recording.steps.push(record);
            result?;
            if failed {
                break;
            }
        }
        Ok(())
    }

    async fn migrate(
        &self,
        step: usize,
        migrate: &Migrate,
        stop: &mut watch::Receiver<bool>,
        record: &mut StepRecord,
    ) -> Result<(), Halt> {
        let mut sessions = Vec::new();
        for number in 1..=1 + self.spec.further_migrators() {
            let session = MigrateSession::open(self, migrate, step, number);
            sessions.push(unless_stopped(session, stop).await??);
        }
        // Connecting is the harness's doing: the step begins with the script.
        record.start = self.journal.clock.now();
        let all = sessions.iter_mut().map(|session| session.run(migrate));
        let result = unless_stopped(join_all(all), stop).await;
        for session in sessions {
            record.take_in(session.end(result.is_err()).await);
        }
        record.tries.sort_by_key(|one| one.start);
        record.statements.sort_by_key(|statement| statement.start);
        result.map(|_| ())
    }

    /// Lets the command migrate by itself, through a proxy that follows its statements.
    async fn command(
        &self,
        step: usize,
        command: &Command,
        stop: &mut watch::Receiver<bool>,
        record: &mut StepRecord,
    ) -> Result<(), Halt> {
        let clock = self.journal.clock;
        let opening = command::proxy(self.server, self.watched.clone(), step, clock);
        let (proxy, progress) = unless_stopped(opening, stop).await??;
        record.start = clock.now();
        let mut running = Running::start(command, &proxy.config())?;
        let ended = unless_stopped(running.wait(command), stop).await;
        let traced = proxy.stop().await;
        // It was told to stop, or its time was over: then what it has started goes with it.
        if ended.is_err() {
            running.end();
        }
        let mut printed = running.record().await;
        printed.refused = traced.refused;
        record.command = Some(printed);
        record.statements =
            std::mem::take(&mut progress.lock().unwrap_or_else(PoisonError::into_inner));
        record.error = match &ended {
            Ok(Ok(ended)) => failure(ended, command, &traced.sessions, &traced.failures),
            Ok(Err(_)) | Err(_) => None,
        };
        record.tries = traced.sessions;
        ended??;
        Ok(())
    }

    async fn deploy(
        &self,
        app: &str,
        overlap: Duration,
        stop: &mut watch::Receiver<bool>,
        record: &mut StepRecord,
    ) -> Result<(), Halt> {
        let admin = self.admin();
        let resolved = match self.spec.apps.get(app) {
            Some(app) => {
                let protocol = self.spec.load.protocol;
                let resolved = resolve_params(&admin, &self.spec.data, app, protocol);
                unless_stopped(resolved, stop).await?
            }
            None => Err(anyhow::anyhow!("there is no application version {app:?}")),
        };
        match resolved {
            Ok(params) => self.driver.deploy(app, params, overlap),
            Err(error) => {
                let message = format!("{error:#}");
                record.error = Some(StatementFailure {
                    sqlstate: None,
                    message,
                    statement: None,
                });
            }
        }
        self.wait(overlap, stop).await
    }
}

/// Why a command is no success. What the server said against its last statement comes first: it is why.
fn failure(
    ended: &Ended,
    command: &Command,
    sessions: &[TryRecord],
    failures: &[StatementFailure],
) -> Option<StatementFailure> {
    let plain = |message: String| StatementFailure {
        sqlstate: None,
        message,
        statement: None,
    };
    match ended.failure(command) {
        Some(message) => Some(match failures.last() {
            Some(last) => StatementFailure {
                message: format!("{} ({message})", last.message),
                ..last.clone()
            },
            None => plain(message),
        }),
        None if sessions.is_empty() => Some(plain(
            "the command never connected to the server that is rehearsed on: it must go by DATABASE_URL or PG*"
                .to_owned(),
        )),
        None => None,
    }
}

/// Where the parameters of a version come from, as the database is now.
pub(super) async fn resolve_params(
    client: &Client,
    data: &seed::Spec,
    app: &App,
    protocol: Protocol,
) -> Result<AppParams> {
    QueryParams::of_app(client, app, &Context::new(data), protocol).await
}

impl StepRecord {
    fn begins(step: &Step, start: At) -> StepRecord {
        let (kind, name, transaction) = match step {
            Step::Migrate(Migrate { script, .. }) => (
                StepKind::Migrate,
                script.name.clone(),
                Some(script.transaction.in_words().to_owned()),
            ),
            Step::Command(command) => (StepKind::Command, command.line.clone(), None),
            Step::Deploy { app, .. } => (StepKind::Deploy, app.clone(), None),
            Step::Wait(time) => (StepKind::Wait, format!("{} ms", time.as_millis()), None),
        };
        StepRecord {
            kind,
            name,
            transaction,
            start,
            end: start,
            error: None,
            statements: Vec::new(),
            tries: Vec::new(),
            command: None,
        }
    }

    /// Adds what one session did. The step's own session comes first, and its failure counts most.
    fn take_in(&mut self, session: SessionEnd) {
        if self.error.is_none() {
            self.error = session.tries.last().and_then(|last| last.error.clone());
        }
        self.tries.extend(session.tries);
        self.statements.extend(session.statements);
    }
}

fn describe(step: &Step) -> String {
    match step {
        Step::Migrate(migrate) => format!("migrate {}", migrate.script.name),
        Step::Command(command) => format!("command {}", command.line),
        Step::Deploy { app, .. } => format!("deploy {app}"),
        Step::Wait(time) => format!("wait {} ms", time.as_millis()),
    }
}
