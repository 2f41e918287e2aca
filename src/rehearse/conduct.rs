//! The conductor: phases in their order, everyone else in place, and what all of them recorded.

mod steps;
mod tries;
mod collect;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::watch;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::adversary::Adversaries;
use super::clock::{At, Clock, ms};
use super::journal::Journal;
use super::load::{self, Arrivals, Driver, Traffic};
use super::observe::activity;
use super::observe::catalogue::{self, Catalogue};
use super::observe::log::{self, LogMark};
use super::observe::pace;
use super::observe::sampler::Sampler;
use super::observe::watched::Watched;
use super::recording::{Ended, Phase, PhaseRecord, QueryRecord, Recording};
use super::recovery;
use super::workload::{App, Spec};
use crate::provision::{self, Role, Server, Settings};
use crate::talk::Talk;

/// How often to look whether the server still has us connected.
const LOOK_AFTER_SERVER: Duration = Duration::from_millis(100);

/// A server that takes no connection for this long is gone for good.
const GONE_AFTER: Duration = Duration::from_secs(3);

/// How long a question may take that no measurement depends on.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What a server says while it recovers from a crash.
const STARTING_UP: SqlState = SqlState::CANNOT_CONNECT_NOW;

/// What the server must be started with to be observed under this load: the user's settings where there
/// are some, but enough connections.
pub fn server_settings(spec: &Spec, brought: &Settings, talk: &Talk) -> Settings {
    let number = |name: &str| brought.get(name)?.parse::<usize>().ok();
    let reserved = number("superuser_reserved_connections").unwrap_or(0)
        + number("reserved_connections").unwrap_or(0);
    // Each session that migrates has one beside it that reads its locks.
    let further = spec.adversaries.len() + 2 * spec.further_migrators();
    let needed = spec.load.connections + further + 20 + reserved;
    let connections = match number("max_connections") {
        Some(typed) if typed < needed => {
            talk.note(format!(
                "max_connections is raised from {typed} to {needed}: the load and the measuring need as many"
            ));
            needed
        }
        Some(typed) => typed,
        None => needed.max(100),
    };
    let mut settings = brought.clone();
    settings.extend(log::settings());
    settings.insert("max_connections".to_owned(), connections.to_string());
    settings
}

/// Rehearses on a fresh clone. Hands back what was recorded in every case: after a failed migration, after
/// `stop` turned true, and when the harness itself could not go on.
pub async fn rehearse(
    server: &Server,
    spec: &Spec,
    stop: watch::Receiver<bool>,
    talk: &Talk,
) -> Recording {
    let journal = Journal::new(Clock::start());
    let mut recording = Recording::blank(journal.clock.started_at().to_string(), server.version());
    let mut until_set = stop.clone();
    let set = Stage::set(server, spec, &journal, &mut recording);
    let played = match unless_stopped(set, &mut until_set).await {
        Ok(Ok(stage)) => stage.play(stop, talk, &mut recording).await,
        Ok(Err(error)) => Err(Halt::Failed(error)),
        Err(halt) => Err(halt),
    };
    recording.intervals = journal.intervals(<[_]>::to_vec);
    recording.ended = match played {
        Err(Halt::Stopped) => Ended::Interrupted,
        Err(Halt::Failed(error)) => Ended::Aborted(format!("{error:#}")),
        Ok(()) if recording.steps.iter().any(|step| step.error.is_some()) => Ended::MigrationFailed,
        Ok(()) => Ended::Completed,
    };
    recording
}

/// Everyone in place: observers, load, and the catalogue as it was.
struct Stage<'a> {
    server: &'a Server,
    spec: &'a Spec,
    journal: Journal,
    admin: Mutex<Arc<Client>>,
    before: Catalogue,
    log: Option<LogMark>,
    watched: Watched,
    sampler: Sampler,
    driver: Driver,
}

/// Why the phases do not go on.
enum Halt {
    /// The rehearsal was told to stop.
    Stopped,
    /// The harness cannot go on.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Halt {
        Halt::Failed(error)
    }
}

impl<'a> Stage<'a> {
    async fn set(
        server: &'a Server,
        spec: &'a Spec,
        journal: &Journal,
        recording: &mut Recording,
    ) -> Result<Stage<'a>> {
        let admin = server.connect(Role::Admin).await?;
        if server.has_own_server() {
            admin
                .batch_execute("CHECKPOINT")
                .await
                .context("CHECKPOINT before the baseline")?;
        }
        recording.settings = catalogue::settings(&admin).await?;
        let before = catalogue::read(&admin).await?;
        // What is measured has names even if the server is gone at the end.
        recording.relations = before.joined(&before);
        let log = open_log(server, &admin, recording).await;
        let watched = Watched::default();
        let interval = pace::interval(log.is_some());
        recording.sample_interval_ms = ms(interval);
        let sampler = Sampler::start(
            server.config(Role::Admin),
            server.version(),
            journal.clock,
            watched.clone(),
            interval,
        );
        let sampler = sampler.await?;
        let mut apps: Vec<App> = spec.apps.values().cloned().collect();
        apps.sort_by_key(|app| app.name != spec.first_app);
        recording.queries = apps.iter().flat_map(queries).collect();
        let protocol = spec.load.protocol;
        recording.protocol = protocol;
        let params = steps::resolve_params(&admin, &spec.data, &apps[0], protocol).await?;
        let traffic = Traffic {
            load: spec.load.clone(),
            arrivals: Arrivals::Open,
            apps,
        };
        let driver =
            load::start(server.config(Role::Load), traffic, params, journal.clone()).await?;
        Ok(Stage {
            server,
            spec,
            journal: journal.clone(),
            admin: Mutex::new(Arc::new(admin)),
            before,
            log,
            watched,
            sampler,
            driver,
        })
    }

    /// Plays all phases, then collects from everyone, however far it came.
    async fn play(
        self,
        mut stop: watch::Receiver<bool>,
        talk: &Talk,
        recording: &mut Recording,
    ) -> Result<(), Halt> {
        let played = self.phases(&mut stop, talk, recording).await;
        let end = self.journal.clock.now();
        close_phase(recording, end, self.wal_position().await);
        let collected = self.collect(recording).await;
        match (played, collected) {
            // Why it ended comes before what could not be read any more.
            (Err(halt), Err(error)) => {
                recording.warnings.push(format!("{error:#}"));
                Err(halt)
            }
            (played, collected) => Ok(played.and(collected.map_err(Halt::Failed))?),
        }
    }

    async fn phases(
        &self,
        stop: &mut watch::Receiver<bool>,
        talk: &Talk,
        recording: &mut Recording,
    ) -> Result<(), Halt> {
        let load = &self.spec.load;
        talk.note(format!(
            "traffic: {} arrivals/s on {} connections",
            load.arrivals_per_s, load.connections
        ));
        self.wait(load.warmup, stop).await?;
        self.begin(Phase::Baseline, recording).await;
        self.wait(load.baseline, stop).await?;
        for adversary in &self.spec.adversaries {
            talk.note(format!("adversary: {}", adversary.in_words()));
        }
        let clock = self.journal.clock;
        let adversaries = &self.spec.adversaries;
        let in_place = Adversaries::take_position(self.server, adversaries, &self.before, clock);
        let in_place = unless_stopped(in_place, stop).await??;
        self.begin(Phase::Migration, recording).await;
        let holding = in_place.hold();
        let played = self.against(stop, talk, recording).await;
        recording.adversaries = holding.records();
        recording.add_migrators(adversaries);
        played
    }

    /// The steps and the time after them, with the adversaries in place.
    async fn against(
        &self,
        stop: &mut watch::Receiver<bool>,
        talk: &Talk,
        recording: &mut Recording,
    ) -> Result<(), Halt> {
        self.steps(stop, talk, recording).await?;
        let end = self.begin(Phase::Recovery, recording).await;
        self.recover(end, stop).await
    }

    /// Waits for at least the recovery time, and then until latency is back or the limit is reached.
    async fn recover(&self, end: At, stop: &mut watch::Receiver<bool>) -> Result<(), Halt> {
        let load = &self.spec.load;
        self.wait(load.recovery, stop).await?;
        let baseline = (
            self.journal.began(Phase::Baseline).unwrap_or(end),
            self.journal.began(Phase::Migration).unwrap_or(end),
        );
        let limit = end.after(load.recovery_limit);
        while self.journal.clock.now() < limit {
            let back = self
                .journal
                .intervals(|intervals| recovery::recovered_at(intervals, baseline, end));
            if back.is_some() {
                break;
            }
            self.wait(load::tally::INTERVAL, stop).await?;
        }
        Ok(())
    }

    /// Lets the traffic run on for this long, as long as there is a server.
    async fn wait(&self, time: Duration, stop: &mut watch::Receiver<bool>) -> Result<(), Halt> {
        let over = tokio::time::Instant::now() + time;
        let mut look = tokio::time::interval(LOOK_AFTER_SERVER);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(over) => return Ok(()),
                () = stopped(stop) => return Err(Halt::Stopped),
                _ = look.tick(), if self.admin().is_closed() => {
                    unless_stopped(self.reconnect(), stop).await??;
                }
            }
        }
    }

    /// The server has closed our connection: it is gone, or it has crashed and comes back.
    async fn reconnect(&self) -> Result<()> {
        let config = self.server.config(Role::Admin);
        let mut deadline = tokio::time::Instant::now() + GONE_AFTER;
        let mut tries = tokio::time::interval(LOOK_AFTER_SERVER);
        loop {
            tries.tick().await;
            match provision::connect(&config).await {
                Ok(client) => {
                    *self.admin.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(client);
                    return Ok(());
                }
                // It answers that it is starting up.
                Err(error) if error.code() == Some(&STARTING_UP) => {
                    deadline = tokio::time::Instant::now() + GONE_AFTER;
                }
                Err(error) if tokio::time::Instant::now() >= deadline => {
                    return Err(anyhow::Error::new(error).context("the server went away"));
                }
                Err(_) => {}
            }
        }
    }

    async fn begin(&self, phase: Phase, recording: &mut Recording) -> At {
        // A server that is slow to tell its position makes the phase before no longer.
        let now = self.journal.begin(phase);
        let wal = self.wal_position().await;
        close_phase(recording, now, wal);
        recording.phases.push(PhaseRecord {
            phase,
            start: now,
            end: now,
            wal_bytes: wal,
        });
        now
    }

    fn admin(&self) -> Arc<Client> {
        Arc::clone(&self.admin.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn wal_position(&self) -> Option<u64> {
        let admin = self.admin();
        let answer = tokio::time::timeout(ANSWER_LIMIT, activity::wal_position(&admin));
        answer.await.ok().flatten()
    }
}

fn from_samples(error: &anyhow::Error) -> String {
    format!("blocked queries are counted from samples: {error:#}")
}

/// Makes the server log the load's waits, where it can be told to.
async fn open_log(server: &Server, admin: &Client, recording: &mut Recording) -> Option<LogMark> {
    let prepared = async {
        anyhow::ensure!(
            server.has_own_server(),
            "the server's log is not ours to set up"
        );
        let timeout_ms = log::LOAD_DEADLOCK_TIMEOUT.as_millis();
        let user = server
            .config(Role::Load)
            .get_user()
            .unwrap_or_default()
            .to_owned();
        let role = crate::postgres::relation::quote_identifier(&user);
        admin
            .batch_execute(&format!(
                "ALTER ROLE {role} SET deadlock_timeout = '{timeout_ms}ms'"
            ))
            .await?;
        log::mark(admin).await
    };
    match prepared.await {
        Ok(mark) => {
            recording.logged_waits_from_ms = Some(ms(log::LOAD_DEADLOCK_TIMEOUT));
            Some(mark)
        }
        Err(error) => {
            recording.warnings.push(from_samples(&error));
            None
        }
    }
}

fn queries(app: &App) -> impl Iterator<Item = QueryRecord> {
    app.queries.iter().map(|query| QueryRecord {
        app: app.name.clone(),
        name: query.name.clone(),
        kind: query.kind,
        sql: query.sql.clone(),
    })
}

/// The last phase ends; its `wal_bytes` held the position at its start until now.
fn close_phase(recording: &mut Recording, end: At, wal_position: Option<u64>) {
    if let Some(last) = recording.phases.last_mut() {
        last.end = end;
        last.wal_bytes = last
            .wal_bytes
            .zip(wal_position)
            .map(|(start, end)| end.saturating_sub(start));
    }
}

/// Runs `work` to its end, or until the rehearsal is told to stop: then it is dropped.
async fn unless_stopped<T>(
    work: impl Future<Output = T>,
    stop: &mut watch::Receiver<bool>,
) -> Result<T, Halt> {
    tokio::select! {
        done = work => Ok(done),
        () = stopped(stop) => Err(Halt::Stopped),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone will never stop anything.
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
