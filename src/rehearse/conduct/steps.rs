//! The steps: migrate a script, deploy a version, wait.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio_postgres::Client;

use super::{Halt, Stage, unless_stopped};
use crate::migrations::script::Script;
use crate::provision::Role;
use crate::rehearse::clock::At;
use crate::rehearse::load::AppParams;
use crate::rehearse::load::params::ParamSource;
use crate::rehearse::migrate::{Migrator, Progress};
use crate::rehearse::observe::activity::Reader;
use crate::rehearse::recording::{Recording, StatementFailure, StepKind, StepRecord};
use crate::rehearse::workload::{App, Step};
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
        script: &Script,
        stop: &mut watch::Receiver<bool>,
        record: &mut StepRecord,
    ) -> Result<(), Halt> {
        let clock = self.journal.clock;
        let connected = async {
            let admin = self.server.connect(Role::Admin).await?;
            let reader = Reader::new(admin, self.server.version(), clock).await?;
            let config = self.server.config(Role::Migration);
            Migrator::connect(&config, reader, self.watched.clone(), clock).await
        };
        let migrator = unless_stopped(connected, stop).await??;
        // Connecting is the harness's doing: the step begins with the script.
        record.start = clock.now();
        let progress = Progress::default();
        let result = unless_stopped(migrator.run(step, script, &progress), stop).await;
        if result.is_err() {
            migrator.cut_short(&progress).await;
        }
        record.statements =
            std::mem::take(&mut *progress.lock().unwrap_or_else(PoisonError::into_inner));
        record.error = result?.err();
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
            Some(app) => unless_stopped(resolve_params(&admin, &self.spec.data, app), stop).await?,
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

/// Where the parameters of a version come from, as the database is now.
pub(super) async fn resolve_params(
    client: &Client,
    data: &seed::Spec,
    app: &App,
) -> Result<AppParams> {
    let context = Context::new(data);
    let mut params = Vec::new();
    for query in &app.queries {
        let mut sources = Vec::new();
        for (place, param) in query.params.iter().enumerate() {
            let place = format!("${} of {} in {}", place + 1, query.name, app.name);
            sources.push(ParamSource::resolve(client, param, &context, &place).await?);
        }
        params.push(sources);
    }
    Ok(params)
}

impl StepRecord {
    fn begins(step: &Step, start: At) -> StepRecord {
        let (kind, name, transaction) = match step {
            Step::Migrate(script) => (
                StepKind::Migrate,
                script.name.clone(),
                Some(script.transaction.in_words().to_owned()),
            ),
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
        }
    }
}

fn describe(step: &Step) -> String {
    match step {
        Step::Migrate(script) => format!("migrate {}", script.name),
        Step::Deploy { app, .. } => format!("deploy {app}"),
        Step::Wait(time) => format!("wait {} ms", time.as_millis()),
    }
}
